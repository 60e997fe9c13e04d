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
                         params.getInverseScale(), params.getZeroPoints(),
                         /*coarse=*/true);
  return DequantizeOp::create(builder, loc, quantized, params.getScale(),
                              params.getZeroPoints(),
                              /*column_scales=*/Value());
}

/// s8 with one scale for each block of columns.
static Value buildSymmetricPair(OpBuilder &builder, ObserveOp observe,
                                int64_t blocks) {
  Location loc = observe.getLoc();
  auto columns = RankedTensorType::get(observe.getType().getShape().back(),
                                       builder.getF32Type());
  auto params = SymmetricParametersOp::create(
      builder, loc, columns.clone(ArrayRef(blocks)), columns, observe.getLow(),
      observe.getHigh());
  auto type = observe.getType().clone(getWeightS8Type(builder.getContext()));
  auto quantized = QuantizeOp::create(builder, loc, type, observe.getInput(),
                                      params.getInverseScales(),
                                      /*zero_points=*/Value(), /*coarse=*/true);
  return DequantizeOp::create(builder, loc, quantized, /*scales=*/Value(),
                              /*zero_points=*/Value(), params.getScales());
}

/// Where the range of a value is known.
static ObserveOp getRange(Value value) {
  auto observe = value.getDefiningOp<ObserveOp>();
  return observe && observe.getLow() ? observe : ObserveOp();
}

/// The value after a round trip through the integers of its role.
static Value buildPair(OpBuilder &builder, Value value,
                       const QuantizableOperand &operand, bool isStatic) {
  Location loc = value.getLoc();
  switch (operand.role) {
  case QuantizedRole::SymmetricActivation:
    return buildSymmetricPair(builder, getRange(value), operand.blocks);
  case QuantizedRole::Activation: {
    ObserveOp observe = getRange(value);
    if (isStatic && observe)
      return buildStaticPair(builder, observe);
    auto quantized = DynamicQuantizeOp::create(builder, loc, value);
    return DequantizeOp::create(builder, loc, quantized.getValues(),
                                quantized.getScales(),
                                quantized.getZeroPoints(),
                                /*column_scales=*/Value());
  }
  case QuantizedRole::Weight:
  case QuantizedRole::Table: {
    auto quantized = QuantizeWeightOp::create(builder, loc, value);
    return DequantizeOp::create(builder, loc, quantized.getValues(),
                                quantized.getScales(), /*zero_points=*/Value(),
                                /*column_scales=*/Value());
  }
  }
  llvm_unreachable("unknown role");
}

static void keepInFloat(QuantizableOpInterface op, StringRef reason) {
  auto attr = StringAttr::get(op->getContext(), reason);
  if (op->getAttr(program::kReasonAttr) == attr)
    return; // said by an earlier run
  op->setAttr(program::kReasonAttr, attr);
  op->emitRemark("stays in float: ") << reason;
}

/// Whether the op has to find the parameters of some operand itself.
static bool lacksParameters(QuantizableOpInterface op, Scheme scheme) {
  return llvm::any_of(op.getQuantizableOperands(), [&](auto operand) {
    Value value = op->getOperand(operand.index);
    return operand.role == QuantizedRole::SymmetricActivation &&
           !value.getDefiningOp<DequantizeOp>() &&
           (scheme != Scheme::Static || !getRange(value));
  });
}

static void insertPairs(QuantizableOpInterface op, Scheme scheme) {
  if (std::string reason = op.getFloatReason(); !reason.empty())
    return keepInFloat(op, reason);
  if (op.hasOwnPrecision())
    return;
  if (scheme == Scheme::Float)
    return keepInFloat(op, "its scheme is float");
  if (lacksParameters(op, scheme))
    return op.setDynamic();
  OpBuilder builder(op);
  for (const QuantizableOperand &quantizable : op.getQuantizableOperands()) {
    OpOperand &operand = op->getOpOperand(quantizable.index);
    if (!operand.get().getDefiningOp<DequantizeOp>())
      operand.set(buildPair(builder, operand.get(), quantizable,
                            scheme == Scheme::Static));
  }
}

namespace {

struct InsertQuantization
    : tq::impl::InsertQuantizationPassBase<InsertQuantization> {
  using InsertQuantizationPassBase::InsertQuantizationPassBase;

  void runOnOperation() override {
    auto policy =
        loadPolicy(getOperation(), config, getBasePolicy(mode, attention));
    if (failed(policy))
      return signalPassFailure();
    if (attention != Precision::F32)
      getOperation().walk([&](AttentionOp op) {
        bool isFloat = getPolicy(*policy, op).scheme == Scheme::Float;
        op.setPrecision(isFloat && attention == Precision::BF16
                            ? attention
                            : Precision::F32);
      });
    bool explains = mode != QuantizationMode::None || !config.empty();
    getOperation().walk([&](QuantizableOpInterface op) {
      Scheme scheme = getPolicy(*policy, op).scheme;
      if (explains || scheme != Scheme::Float)
        insertPairs(op, scheme);
    });
    // What they have found is in the pairs now.
    getOperation().walk([](ObserveOp op) {
      op.replaceAllUsesWith(op.getInput());
      op.erase();
    });
  }
};

} // namespace
