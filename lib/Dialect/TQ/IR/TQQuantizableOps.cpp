//===- TQQuantizableOps.cpp - What tq ops can do in integers -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace tq;

/// Whether the value is computed from weights alone, so that it can be
/// quantized at compile time.
static bool isCompileTimeValue(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<GetWeightOp>(op))
    return true;
  return isa<tensor::ConcatOp>(op) &&
         llvm::all_of(op->getOperands(), isCompileTimeValue);
}

/// The dequantize op that produces `value` from operands (not from a static
/// type).
static FailureOr<DequantizeOp> getDequantize(Value value, StringRef name,
                                             std::string &reason) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (op && op.getScales())
    return op;
  reason = ("its " + name + " is not dequantized row by row").str();
  return failure();
}

SmallVector<QuantizableOperand> LinearOp::getQuantizableOperands() {
  return {{0, QuantizedRole::Activation}, {1, QuantizedRole::Weight}};
}

std::string LinearOp::getFloatReason() {
  return isCompileTimeValue(getWeight()) ? ""
                                         : "its weight is computed at run time";
}

FailureOr<Operation *> LinearOp::buildIntegerForm(OpBuilder &builder,
                                                  std::string &reason) {
  FailureOr<DequantizeOp> input = getDequantize(getInput(), "input", reason);
  if (failed(input))
    return failure();
  FailureOr<DequantizeOp> weight = getDequantize(getWeight(), "weight", reason);
  if (failed(weight))
    return failure();
  return QuantizedLinearOp::create(builder, getLoc(), getType(),
                                   input->getInput(), input->getScales(),
                                   input->getZeroPoints(), weight->getInput(),
                                   weight->getScales(), getBias(),
                                   /*residual=*/Value(), Activation::None)
      .getOperation();
}

SmallVector<QuantizableOperand> EmbeddingOp::getQuantizableOperands() {
  return {{1, QuantizedRole::Table}};
}

FailureOr<Operation *> EmbeddingOp::buildIntegerForm(OpBuilder &builder,
                                                     std::string &reason) {
  FailureOr<DequantizeOp> table = getDequantize(getTable(), "table", reason);
  if (failed(table))
    return failure();
  return QuantizedEmbeddingOp::create(builder, getLoc(), getType(), getIds(),
                                      table->getInput(), table->getScales())
      .getOperation();
}
