//===- TQTensorOps.cpp - Tensors as PyTorch has them ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tq;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// PermuteOp
//===----------------------------------------------------------------------===//

LogicalResult PermuteOp::verify() {
  RankedTensorType input = tensorOf(getInput()), result = tensorOf(getResult());
  int64_t rank = input.getRank();
  SmallVector<int64_t> sorted(getDims());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(rank)))
    return emitOpError("expected each dimension of ")
           << input << " once, but got " << getDimsAttr();
  bool fits = result.getRank() == rank &&
              result.getElementType() == input.getElementType();
  for (int64_t i = 0; fits && i < rank; ++i)
    fits = result.getDimSize(i) == input.getDimSize(getDims()[i]);
  if (fits)
    return success();
  return emitOpError("expected a result with the dimensions of ")
         << input << " in the order " << getDimsAttr() << ", but got "
         << result;
}

LogicalResult
PermuteOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.resize(1);
  for (int64_t dim : getDims())
    shapes[0].push_back(
        tensor::getMixedSize(builder, getLoc(), getInput(), dim));
  return success();
}

OpFoldResult PermuteOp::fold(FoldAdaptor adaptor) {
  if (llvm::is_sorted(getDims()) && getType() == getInput().getType())
    return getInput();
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getInput()))
    return splat.resizeSplat(cast<ShapedType>(getType()));
  auto source = getInput().getDefiningOp<PermuteOp>();
  if (!source)
    return {};
  SmallVector<int64_t> composed;
  for (int64_t dim : getDims())
    composed.push_back(source.getDims()[dim]);
  setDims(composed);
  setOperand(source.getInput());
  return getResult();
}

//===----------------------------------------------------------------------===//
// ScaledDotProductAttentionOp
//===----------------------------------------------------------------------===//

LogicalResult ScaledDotProductAttentionOp::verify() {
  RankedTensorType query = tensorOf(getQuery()), key = tensorOf(getKey()),
                   value = tensorOf(getValue()), result = tensorOf(getResult());
  int64_t rank = query.getRank();
  if (rank < 3 || key.getRank() != rank || value.getRank() != rank)
    return emitOpError("expected query, key and value of one rank, 3 or more, "
                       "but got ")
           << query << ", " << key << " and " << value;
  if (Value mask = getMask()) {
    auto type = tensorOf(mask);
    if (type.getRank() > rank)
      return emitOpError("expected a mask that broadcasts to the scores, but "
                         "got ")
             << type;
  }
  SmallVector<int64_t> expected(query.getShape());
  expected.back() = value.getShape().back();
  if (result.getShape() == ArrayRef<int64_t>(expected))
    return success();
  return emitOpError("expected a result of the query's shape with the values' "
                     "columns, but got ")
         << result;
}

LogicalResult ScaledDotProductAttentionOp::reifyResultShapes(
    OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.resize(1);
  int64_t rank = tensorOf(getQuery()).getRank();
  for (int64_t i = 0; i < rank; ++i)
    shapes[0].push_back(tensor::getMixedSize(
        builder, getLoc(), i + 1 == rank ? getValue() : getQuery(), i));
  return success();
}
