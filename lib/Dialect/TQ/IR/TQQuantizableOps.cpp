//===- TQQuantizableOps.cpp - What tq ops can do in integers --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace tq;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether a weight or table can be quantized at compile time, or is already.
static bool isQuantizableWeight(Value value) {
  return isCompileTimeValue(value) || value.getDefiningOp<DequantizeOp>();
}

/// The dequantize op that produces `value` from operands (not from a static
/// type) and from u8, or s8 without zero points, as the integer forms take it.
static FailureOr<DequantizeOp>
getDequantize(Value value, StringRef name, bool isSigned, std::string &reason) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || !op.getScales()) {
    reason = llvm::formatv("its {0} is not dequantized row by row", name);
    return failure();
  }
  auto type =
      cast<quant::QuantizedType>(tensorOf(op.getInput()).getElementType());
  if (type.isSigned() != isSigned || type.getStorageTypeIntegralWidth() != 8) {
    reason = llvm::formatv("its {0} is not {1}", name, isSigned ? "s8" : "u8");
    return failure();
  }
  if (isSigned && op.getZeroPoints()) {
    reason = llvm::formatv("its {0} has zero points", name);
    return failure();
  }
  return op;
}

/// Whether one scale and zero point, known at compile time, hold for all.
static bool isStatic(DequantizeOp op) {
  return tensorOf(op.getScales()).getRank() == 0 &&
         isCompileTimeValue(op.getScales()) &&
         (!op.getZeroPoints() || isCompileTimeValue(op.getZeroPoints()));
}

int64_t tq::getMaxDepth(Type weightElement, int64_t maxDepth) {
  auto type = dyn_cast<quant::QuantizedType>(weightElement);
  if (!type || type.getStorageTypeMin() >= -127)
    return maxDepth;
  // A sum of 2^31 is one too many.
  int64_t largest = (int64_t(1) << 31) / maxDepth / 127;
  return ((int64_t(1) << 31) - 1) / (largest * 128);
}

SmallVector<QuantizableOperand> LinearOp::getQuantizableOperands() {
  return {{0, QuantizedRole::Activation, "input"},
          {1, QuantizedRole::Weight, "weight"}};
}

std::string LinearOp::getFloatReason() {
  if (!isQuantizableWeight(getWeight()))
    return "its weight is computed at run time";
  auto dequantize = getWeight().getDefiningOp<DequantizeOp>();
  Value stored = dequantize ? dequantize.getInput() : getWeight();
  int64_t maxDepth =
      getMaxDepth(tensorOf(stored).getElementType(), kMaxIntegerDepth);
  if (tensorOf(getWeight()).getDimSize(1) > maxDepth)
    return llvm::formatv(
        "it has more than {0} inputs, whose sum could exceed 32 bits",
        maxDepth);
  return "";
}

/// One scale for the whole input: all that it takes from the sums is known.
static Operation *buildStaticLinear(OpBuilder &builder, LinearOp op,
                                    DequantizeOp input, DequantizeOp weight) {
  Location loc = op.getLoc();
  Value zero = input.getZeroPoints();
  if (!zero)
    zero = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(RankedTensorType::get({}, builder.getI32Type()),
                               int32_t(0)));
  Value starts = ZeroPointSumsOp::create(builder, loc, weight.getInput(), zero);
  Value scales =
      MulOp::create(builder, loc, weight.getScales(), input.getScales());
  return StaticLinearOp::create(builder, loc, op.getType(), input.getInput(),
                                weight.getInput(), starts, scales, op.getBias(),
                                /*residual=*/Value(), Activation::None,
                                /*coarse=*/false);
}

FailureOr<Operation *> LinearOp::buildIntegerForm(OpBuilder &builder,
                                                  std::string &reason) {
  if (reason = getFloatReason(); !reason.empty())
    return failure();
  FailureOr<DequantizeOp> input =
      getDequantize(getInput(), "input", /*isSigned=*/false, reason);
  if (failed(input))
    return failure();
  FailureOr<DequantizeOp> weight =
      getDequantize(getWeight(), "weight", /*isSigned=*/true, reason);
  if (failed(weight))
    return failure();
  if (tensorOf(weight->getScales()).getRank() != 1) {
    reason = "its weight is not dequantized row by row";
    return failure();
  }
  Type element = tensorOf(weight->getInput()).getElementType();
  if (isStatic(*input) && tensorOf(getWeight()).getDimSize(1) <=
                              getMaxDepth(element, kMaxStaticDepth))
    return buildStaticLinear(builder, *this, *input, *weight);
  if (tensorOf(input->getScales()).getRank() !=
      tensorOf(getInput()).getRank() - 1) {
    reason = "its input is not dequantized row by row";
    return failure();
  }
  return QuantizedLinearOp::create(builder, getLoc(), getType(),
                                   input->getInput(), input->getScales(),
                                   input->getZeroPoints(), weight->getInput(),
                                   weight->getScales(), getBias(),
                                   /*residual=*/Value(), Activation::None,
                                   /*coarse=*/false)
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

/// One scale a head for scores, one a channel for what is summed.
SmallVector<QuantizableOperand> AttentionOp::getQuantizableOperands() {
  int64_t channels = tensorOf(getValue()).getDimSize(2);
  auto heads = static_cast<int64_t>(getNumHeads());
  return {{0, QuantizedRole::SymmetricActivation, "query", heads},
          {1, QuantizedRole::SymmetricActivation, "key", getKvHeads()},
          {2, QuantizedRole::SymmetricActivation, "value", channels}};
}

void AttentionOp::setDynamic() { setPrecision(Precision::Int8); }

bool AttentionOp::hasOwnPrecision() { return getPrecision() != Precision::F32; }

/// The scales of blocks of columns of an operand in s8.
static FailureOr<DequantizeOp>
getBlocks(Value value, const QuantizableOperand &operand, std::string &reason) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || !op.getColumnScales() ||
      !isCompileTimeValue(op.getColumnScales()) ||
      op.getColumnScales().getType().getDimSize(0) != operand.blocks) {
    reason = llvm::formatv("its {0} is not dequantized with {1} scales that "
                           "are known at compile time",
                           operand.name, operand.blocks);
    return failure();
  }
  auto type =
      cast<quant::QuantizedType>(tensorOf(op.getInput()).getElementType());
  if (!type.isSigned() || type.getStorageTypeIntegralWidth() != 8) {
    reason = llvm::formatv("its {0} is not s8", operand.name);
    return failure();
  }
  return op;
}

FailureOr<Operation *> AttentionOp::buildIntegerForm(OpBuilder &builder,
                                                     std::string &reason) {
  float scale = getScale().convertToFloat();
  if (!(scale > 0 && std::isfinite(scale))) {
    reason = "its scale is not positive";
    return failure();
  }
  if (getHeadSize() > kMaxIntegerHead) {
    reason = llvm::formatv("its heads have more than {0} columns, whose sum "
                           "could exceed 30 bits",
                           kMaxIntegerHead);
    return failure();
  }
  SmallVector<DequantizeOp> operands;
  for (const QuantizableOperand &operand : getQuantizableOperands()) {
    auto found = getBlocks(getOperand(operand.index), operand, reason);
    if (failed(found))
      return failure();
    operands.push_back(*found);
  }
  DequantizeOp query = operands[0], key = operands[1], value = operands[2];
  Value scores =
      ScoreScalesOp::create(builder, getLoc(), query.getColumnScales(),
                            key.getColumnScales(), getScaleAttr());
  return StaticAttentionOp::create(
             builder, getLoc(), getType(), query.getInput(), key.getInput(),
             value.getInput(), getMask(), scores, value.getColumnScales(),
             /*inverse_scales=*/Value(), /*zero_points=*/Value(),
             getNumHeadsAttr(), getNumKvHeadsAttr(), getCausalAttr(),
             getWindowAttr())
      .getOperation();
}

std::string EmbeddingOp::getFloatReason() {
  return isQuantizableWeight(getTable()) ? ""
                                         : "its table is computed at run time";
}

SmallVector<QuantizableOperand> EmbeddingOp::getQuantizableOperands() {
  return {{1, QuantizedRole::Table, "table"}};
}

FailureOr<Operation *> EmbeddingOp::buildIntegerForm(OpBuilder &builder,
                                                     std::string &reason) {
  FailureOr<DequantizeOp> table =
      getDequantize(getTable(), "table", /*isSigned=*/true, reason);
  if (failed(table))
    return failure();
  return QuantizedEmbeddingOp::create(builder, getLoc(), getType(), getIds(),
                                      table->getInput(), table->getScales())
      .getOperation();
}
