//===- TQEqualDims.cpp - Dimensions of one size ---------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tq;

namespace {

/// Collects pairs; operands that are absent have no dimensions.
class Pairs {
public:
  Pairs &add(Value a, int64_t dimA, Value b, int64_t dimB) {
    if (a && b)
      pairs.push_back({{a, dimA}, {b, dimB}});
    return *this;
  }

  /// The first `count` dimensions of both.
  Pairs &addLeading(Value a, Value b, int64_t count) {
    for (int64_t dim = 0; dim < count; ++dim)
      add(a, dim, b, dim);
    return *this;
  }

  SmallVector<EqualDims> take() { return std::move(pairs); }

private:
  SmallVector<EqualDims> pairs;
};

} // namespace

static int64_t rankOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getRank();
}

SmallVector<EqualDims> LinearOp::getEqualDims() {
  return Pairs()
      .add(getInput(), rankOf(getInput()) - 1, getWeight(), 1)
      .add(getWeight(), 0, getBias(), 0)
      .take();
}

SmallVector<EqualDims> QuantizedLinearOp::getEqualDims() {
  int64_t rows = rankOf(getInput()) - 1;
  return Pairs()
      .add(getInput(), rows, getWeight(), 1)
      .addLeading(getInput(), getInputScales(), rows)
      .addLeading(getInput(), getZeroPoints(), rows)
      .add(getWeight(), 0, getWeightScales(), 0)
      .add(getWeight(), 0, getBias(), 0)
      .addLeading(getInput(), getResidual(), rows)
      .add(getWeight(), 0, getResidual(), rows)
      .take();
}

SmallVector<EqualDims> StaticLinearOp::getEqualDims() {
  int64_t rows = rankOf(getInput()) - 1;
  return Pairs()
      .add(getInput(), rows, getWeight(), 1)
      .add(getWeight(), 0, getStarts(), 0)
      .add(getWeight(), 0, getScales(), 0)
      .add(getWeight(), 0, getBias(), 0)
      .addLeading(getInput(), getResidual(), rows)
      .add(getWeight(), 0, getResidual(), rows)
      .take();
}

SmallVector<EqualDims> MatmulOp::getEqualDims() {
  int64_t rank = rankOf(getLhs());
  return Pairs()
      .addLeading(getLhs(), getRhs(), rank - 2)
      .add(getLhs(), rank - 1, getRhs(),
           getTransposeRhs() ? rank - 1 : rank - 2)
      .take();
}

static SmallVector<EqualDims> getAttentionDims(AttentionOpInterface op) {
  return Pairs()
      .add(op.getQuery(), 0, op.getKey(), 0)
      .addLeading(op.getKey(), op.getValue(), 3)
      .addLeading(op.getKey(), op.getMask(), 2)
      .take();
}

SmallVector<EqualDims> AttentionOp::getEqualDims() {
  return getAttentionDims(*this);
}

SmallVector<EqualDims> StaticAttentionOp::getEqualDims() {
  return getAttentionDims(*this);
}

SmallVector<EqualDims> ScaledDotProductAttentionOp::getEqualDims() {
  Value query = getQuery(), key = getKey(), value = getValue();
  int64_t rank = rankOf(query);
  Pairs pairs = Pairs()
                    .addLeading(query, key, rank - 2)
                    .addLeading(key, value, rank - 1)
                    .add(query, rank - 1, key, rank - 1);
  if (Value mask = getMask()) {
    auto type = cast<RankedTensorType>(mask.getType());
    for (int64_t i = 1; i <= type.getRank(); ++i)
      if (type.getDimSize(type.getRank() - i) != 1)
        pairs = pairs.add(mask, type.getRank() - i, i == 1 ? key : query,
                          i == 1 ? rank - 2 : rank - i);
  }
  return pairs.take();
}

SmallVector<EqualDims> LayerNormOp::getEqualDims() {
  int64_t last = rankOf(getInput()) - 1;
  return Pairs()
      .add(getInput(), last, getGamma(), 0)
      .add(getInput(), last, getBeta(), 0)
      .take();
}

SmallVector<EqualDims> RmsNormOp::getEqualDims() {
  return Pairs().add(getInput(), rankOf(getInput()) - 1, getGamma(), 0).take();
}

/// Aligned at the last dimension; a 1 on the right is repeated.
static SmallVector<EqualDims> getBroadcastDims(Value lhs, Value rhs) {
  Pairs pairs;
  auto type = cast<RankedTensorType>(rhs.getType());
  int64_t offset = rankOf(lhs) - type.getRank();
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.getDimSize(dim) != 1)
      pairs.add(lhs, offset + dim, rhs, dim);
  return pairs.take();
}

SmallVector<EqualDims> AddOp::getEqualDims() {
  return getBroadcastDims(getLhs(), getRhs());
}
SmallVector<EqualDims> SubOp::getEqualDims() {
  return getBroadcastDims(getLhs(), getRhs());
}
SmallVector<EqualDims> MulOp::getEqualDims() {
  return getBroadcastDims(getLhs(), getRhs());
}
SmallVector<EqualDims> DivOp::getEqualDims() {
  return getBroadcastDims(getLhs(), getRhs());
}

SmallVector<EqualDims> RotaryEmbeddingOp::getEqualDims() {
  SmallVector<EqualDims> pairs = getBroadcastDims(getInput(), getCos());
  llvm::append_range(pairs, getBroadcastDims(getInput(), getSin()));
  return pairs;
}

SmallVector<EqualDims> PoolOp::getEqualDims() {
  return Pairs().addLeading(getInput(), getMask(), 2).take();
}

/// Numbers, where they are present, of all of `input` or of each column.
static void addColumnNumbers(Pairs &pairs, Value input, Value numbers) {
  if (numbers && rankOf(numbers) == 1)
    pairs.add(input, rankOf(input) - 1, numbers, 0);
}

SmallVector<EqualDims> QuantizeOp::getEqualDims() {
  Pairs pairs;
  addColumnNumbers(pairs, getInput(), getInverseScales());
  addColumnNumbers(pairs, getInput(), getZeroPoints());
  return pairs.take();
}

SmallVector<EqualDims> ObserveOp::getEqualDims() {
  return Pairs().add(getInput(), rankOf(getInput()) - 1, getMean(), 0).take();
}

SmallVector<EqualDims> DequantizeOp::getEqualDims() {
  int64_t rows = getScales() ? rankOf(getScales()) : 0;
  Pairs pairs;
  if (rows == 0)
    addColumnNumbers(pairs, getInput(), getZeroPoints());
  return pairs.addLeading(getInput(), getScales(), rows)
      .addLeading(getInput(), getZeroPoints(), rows)
      .take();
}

SmallVector<EqualDims> QuantizedEmbeddingOp::getEqualDims() {
  return Pairs().add(getTable(), 0, getScales(), 0).take();
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

static int64_t sizeOf(TensorDim dim) {
  return cast<RankedTensorType>(dim.tensor.getType()).getDimSize(dim.dim);
}

static std::string describe(Operation *op, TensorDim dim) {
  auto operands = op->getOperands();
  auto number = llvm::find(operands, dim.tensor) - operands.begin();
  return ("dimension " + Twine(dim.dim) + " of operand #" + Twine(number))
      .str();
}

LogicalResult tq::detail::verifyEqualDims(Operation *op) {
  for (auto [a, b] : cast<EqualDimsOpInterface>(op).getEqualDims())
    if (failed(verifyCompatibleDims({sizeOf(a), sizeOf(b)})))
      return op->emitOpError("expected ")
             << describe(op, a) << " and " << describe(op, b)
             << " to be equal, but got " << a.tensor.getType() << " and "
             << b.tensor.getType();
  return success();
}
