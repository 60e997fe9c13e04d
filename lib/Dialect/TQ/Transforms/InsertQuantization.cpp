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

/// The value after a round trip through the integers of its role.
static Value buildPair(OpBuilder &builder, Value value, QuantizedRole role) {
  Location loc = value.getLoc();
  if (role == QuantizedRole::Activation) {
    auto quantized = DynamicQuantizeOp::create(builder, loc, value);
    return DequantizeOp::create(builder, loc, quantized.getValues(),
                                quantized.getScales(),
                                quantized.getZeroPoints());
  }
  auto quantized = QuantizeWeightOp::create(builder, loc, value);
  return DequantizeOp::create(builder, loc, quantized.getValues(),
                              quantized.getScales(), /*zero_points=*/Value());
}

static void insertPairs(QuantizableOpInterface op) {
  std::string reason = op.getFloatReason();
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
      operand.set(buildPair(builder, operand.get(), role));
  }
}

namespace {

struct InsertQuantization
    : tq::impl::InsertQuantizationPassBase<InsertQuantization> {
  using InsertQuantizationPassBase::InsertQuantizationPassBase;

  void runOnOperation() override {
    if (attention != Precision::F32)
      getOperation().walk([&](AttentionOp op) { op.setPrecision(attention); });
    if (mode == QuantizationMode::Dynamic)
      getOperation().walk(insertPairs);
  }
};

} // namespace
