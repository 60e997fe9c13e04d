//===- TQQuantizableOps.cpp - What tq ops can do in integers -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tq;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool tq::isCompileTimeValue(Value value) {
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
  if (!isCompileTimeValue(getWeight()))
    return "its weight is computed at run time";
  if (tensorOf(getWeight()).getDimSize(1) > kMaxIntegerDepth)
    return llvm::formatv(
        "it has more than {0} inputs, whose sum could exceed 32 bits",
        kMaxIntegerDepth);
  return "";
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

// What multiplies two values that both come from run time has no integer form:
// it is named here so that a report can say why it is float.
SmallVector<QuantizableOperand> MatmulOp::getQuantizableOperands() {
  return {};
}

std::string MatmulOp::getFloatReason() {
  return "products of two activations stay in f32";
}

FailureOr<Operation *> MatmulOp::buildIntegerForm(OpBuilder &,
                                                  std::string &reason) {
  reason = getFloatReason();
  return failure();
}

SmallVector<QuantizableOperand> AttentionOp::getQuantizableOperands() {
  return {};
}

std::string AttentionOp::getFloatReason() {
  return "products of two activations stay in f32";
}

FailureOr<Operation *> AttentionOp::buildIntegerForm(OpBuilder &,
                                                     std::string &reason) {
  reason = getFloatReason();
  return failure();
}

std::string EmbeddingOp::getFloatReason() {
  return isCompileTimeValue(getTable()) ? ""
                                        : "its table is computed at run time";
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
