//===- InsertQuantization.cpp - Pairs before integer operands -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_INSERTQUANTIZATIONPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Activations whose range is known, u8 with one scale for all of them.
static Value buildStaticPair(OpBuilder &builder, ObserveOp observe) {
  Location loc = observe.getLoc();
  auto params = ActivationParametersOp::create(builder, loc, observe.getLow(),
                                               observe.getHigh());
  auto type = observe.getType().clone(getDynamicU8Type(builder.getContext()));
  auto quantized =
      QuantizeOp::create(builder, loc, type, observe.getInput(),
                         params.getInverseScale(), params.getZeroPoint());
  return DequantizeOp::create(builder, loc, quantized, params.getScale(),
                              params.getZeroPoint());
}

/// The value after a round trip through the integers of its role.
static Value buildPair(OpBuilder &builder, Value value, QuantizedRole role,
                       bool isStatic) {
  Location loc = value.getLoc();
  if (role == QuantizedRole::Activation) {
    auto observe = value.getDefiningOp<ObserveOp>();
    if (isStatic && observe && observe.getLow())
      return buildStaticPair(builder, observe);
    auto quantized = DynamicQuantizeOp::create(builder, loc, value);
    return DequantizeOp::create(builder, loc, quantized.getValues(),
                                quantized.getScales(),
                                quantized.getZeroPoints());
  }
  auto quantized = QuantizeWeightOp::create(builder, loc, value);
  return DequantizeOp::create(builder, loc, quantized.getValues(),
                              quantized.getScales(), /*zero_points=*/Value());
}

static void insertPairs(QuantizableOpInterface op, Scheme scheme) {
  std::string reason = op.getFloatReason();
  if (reason.empty() && scheme == Scheme::Float)
    reason = "a rule keeps it in float";
  if (!reason.empty()) {
    auto attr = StringAttr::get(op->getContext(), reason);
    if (op->getAttr(program::kReasonAttr) == attr)
      return; // said by an earlier run
    op->setAttr(program::kReasonAttr, attr);
    op->emitRemark("stays in float: ") << reason;
    return;
  }
  OpBuilder builder(op);
  for (auto [index, role] : op.getQuantizableOperands()) {
    OpOperand &operand = op->getOpOperand(index);
    if (!operand.get().getDefiningOp<DequantizeOp>())
      operand.set(
          buildPair(builder, operand.get(), role, scheme == Scheme::Static));
  }
}

namespace {

struct InsertQuantization
    : tq::impl::InsertQuantizationPassBase<InsertQuantization> {
  using InsertQuantizationPassBase::InsertQuantizationPassBase;

  void runOnOperation() override {
    if (attention != Precision::F32)
      getOperation().walk([&](AttentionOp op) { op.setPrecision(attention); });
    LayerPolicy base;
    base.scheme = mode == QuantizationMode::Static    ? Scheme::Static
                  : mode == QuantizationMode::Dynamic ? Scheme::Dynamic
                                                      : Scheme::Float;
    auto policy = loadPolicy(getOperation(), config, base);
    if (failed(policy))
      return signalPassFailure();
    if (mode != QuantizationMode::None || !config.empty())
      getOperation().walk([&](QuantizableOpInterface op) {
        insertPairs(op, getPolicy(*policy, op).scheme);
      });
    // What they have found is in the pairs now.
    getOperation().walk([](ObserveOp op) {
      op.replaceAllUsesWith(op.getInput());
      op.erase();
    });
  }
};

} // namespace
