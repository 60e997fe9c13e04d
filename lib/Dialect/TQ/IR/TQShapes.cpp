//===- TQShapes.cpp - Types and sizes of the results of tq ops ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Inference fails without a message where operands are malformed: the
// verifiers, which run before, say what is wrong.

#include "tq/Dialect/TQ/IR/TQ.h"

using namespace mlir;
using namespace tq;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Shapes as dimensions of operands
//===----------------------------------------------------------------------===//

/// Of which dimension each one of a result has the size. Types at compile time
/// and sizes at run time follow from it.
using Shape = SmallVector<TensorDim>;

static Shape allDims(Value tensor) {
  Shape shape;
  for (int64_t dim = 0; dim < tensorOf(tensor).getRank(); ++dim)
    shape.push_back({tensor, dim});
  return shape;
}

static Shape withoutLast(Shape shape) {
  shape.pop_back();
  return shape;
}

static Shape withLast(Shape shape, TensorDim last) {
  shape.back() = last;
  return shape;
}

/// ids[...] and table[V, D] give [..., D].
static Shape gatherShape(Value ids, Value table) {
  Shape shape = allDims(ids);
  shape.push_back({table, 1});
  return shape;
}

/// input[..., K] and weight[N, K] give [..., N].
static Shape linearShape(Value input, Value weight) {
  return withLast(allDims(input), {weight, 0});
}

/// lhs[..., M, K] and rhs[..., K, N] give [..., M, N].
static Shape matmulShape(Value lhs, Value rhs, bool transposeRhs) {
  int64_t rank = tensorOf(rhs).getRank();
  return withLast(allDims(lhs), {rhs, transposeRhs ? rank - 2 : rank - 1});
}

/// input[B, S, D] gives [B, D].
static Shape poolShape(Value input) { return {{input, 0}, {input, 2}}; }

static RankedTensorType typeOf(const Shape &shape, Type element) {
  return RankedTensorType::get(
      llvm::map_to_vector(shape,
                          [](TensorDim dim) {
                            return tensorOf(dim.tensor).getDimSize(dim.dim);
                          }),
      element);
}

static RankedTensorType floatsOf(const Shape &shape) {
  return typeOf(shape, Float32Type::get(shape.front().tensor.getContext()));
}

/// Read with `tensor.dim` where the type leaves them open.
static SmallVector<OpFoldResult> sizesOf(OpBuilder &builder, Location loc,
                                         const Shape &shape) {
  return llvm::map_to_vector(shape, [&](TensorDim dim) -> OpFoldResult {
    auto type = tensorOf(dim.tensor);
    if (!type.isDynamicDim(dim.dim))
      return builder.getIndexAttr(type.getDimSize(dim.dim));
    return tensor::DimOp::create(builder, loc, dim.tensor, dim.dim).getResult();
  });
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

LogicalResult
tq::detail::reifyFirstOperand(Operation *op, OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, op->getLoc(), allDims(op->getOperand(0)))};
  return success();
}

LogicalResult
ColumnSumsOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), withoutLast(allDims(getWeight())))};
  return success();
}

LogicalResult
ZeroPointSumsOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), withoutLast(allDims(getWeight())))};
  return success();
}

LogicalResult
CorrectBiasOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), allDims(getScales()))};
  return success();
}

LogicalResult
EmbeddingOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), gatherShape(getIds(), getTable()))};
  return success();
}

LogicalResult
QuantizedEmbeddingOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), gatherShape(getIds(), getTable()))};
  return success();
}

LogicalResult LinearOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), linearShape(getInput(), getWeight()))};
  return success();
}

LogicalResult
QuantizedLinearOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), linearShape(getInput(), getWeight()))};
  return success();
}

LogicalResult
StaticLinearOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), linearShape(getInput(), getWeight()))};
  return success();
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(),
                    matmulShape(getLhs(), getRhs(), getTransposeRhs()))};
  return success();
}

LogicalResult PoolOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes = {sizesOf(builder, getLoc(), poolShape(getInput()))};
  return success();
}

LogicalResult
DynamicQuantizeOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  auto sizes = sizesOf(builder, getLoc(), allDims(getInput()));
  SmallVector<OpFoldResult> rows(ArrayRef(sizes).drop_back());
  shapes = {sizes, rows, rows};
  return success();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult QuantizeWeightOp::inferReturnTypes(MLIRContext *context,
                                                 std::optional<Location>,
                                                 Adaptor adaptor,
                                                 SmallVectorImpl<Type> &types) {
  auto type = tensorOf(adaptor.getWeight());
  if (type.getRank() != 2)
    return failure();
  types.push_back(type.clone(getWeightS8Type(context)));
  types.push_back(getRowParameterType(type, type.getElementType()));
  return success();
}

/// One number of i32 for each row of a weight.
static LogicalResult inferRowSums(Value weight, SmallVectorImpl<Type> &types) {
  if (tensorOf(weight).getRank() != 2)
    return failure();
  types.push_back(typeOf(withoutLast(allDims(weight)),
                         IntegerType::get(weight.getContext(), 32)));
  return success();
}

LogicalResult ColumnSumsOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  return inferRowSums(adaptor.getWeight(), types);
}

LogicalResult ZeroPointSumsOp::inferReturnTypes(MLIRContext *,
                                                std::optional<Location>,
                                                Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  return inferRowSums(adaptor.getWeight(), types);
}

LogicalResult ActivationParametersOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location>, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto number = RankedTensorType::get({}, Float32Type::get(context));
  auto ranges = tensorOf(adaptor.getLow());
  auto zeros = ranges.getDimSize(0) == 1 ? number : ranges;
  types.append({number, number, zeros.clone(IntegerType::get(context, 32))});
  return success();
}

LogicalResult CorrectBiasOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location>,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getScales().getType());
  return success();
}

LogicalResult PackWeightOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto type = tensorOf(adaptor.getWeight());
  int64_t panel = adaptor.getPanel(), group = adaptor.getGroup();
  if (type.getRank() != 2 || !type.hasStaticShape() || panel <= 0 || group <= 0)
    return failure();
  Type element = type.getElementType();
  if (isa<quant::QuantizedType>(element))
    element = IntegerType::get(context, 8);
  auto panels = static_cast<int64_t>(
      llvm::divideCeil(uint64_t(type.getDimSize(0)), uint64_t(panel)));
  auto groups = static_cast<int64_t>(
      llvm::divideCeil(uint64_t(type.getDimSize(1)), uint64_t(group)));
  types.push_back(
      RankedTensorType::get({panels, groups, panel, group}, element));
  return success();
}

static LogicalResult inferGather(Value ids, Value table,
                                 SmallVectorImpl<Type> &types) {
  if (tensorOf(table).getRank() != 2)
    return failure();
  types.push_back(floatsOf(gatherShape(ids, table)));
  return success();
}

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location>,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  return inferGather(adaptor.getIds(), adaptor.getTable(), types);
}

LogicalResult
QuantizedEmbeddingOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  return inferGather(adaptor.getIds(), adaptor.getTable(), types);
}

static LogicalResult inferLinear(Value input, Value weight,
                                 SmallVectorImpl<Type> &types) {
  if (tensorOf(input).getRank() < 1 || tensorOf(weight).getRank() != 2)
    return failure();
  types.push_back(floatsOf(linearShape(input, weight)));
  return success();
}

LogicalResult LinearOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  return inferLinear(adaptor.getInput(), adaptor.getWeight(), types);
}

LogicalResult
QuantizedLinearOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                    Adaptor adaptor,
                                    SmallVectorImpl<Type> &types) {
  return inferLinear(adaptor.getInput(), adaptor.getWeight(), types);
}

LogicalResult StaticLinearOp::inferReturnTypes(MLIRContext *,
                                               std::optional<Location>,
                                               Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  return inferLinear(adaptor.getInput(), adaptor.getWeight(), types);
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
  int64_t rank = tensorOf(lhs).getRank();
  if (rank < 2 || tensorOf(rhs).getRank() != rank)
    return failure();
  types.push_back(floatsOf(matmulShape(lhs, rhs, adaptor.getTransposeRhs())));
  return success();
}

LogicalResult PoolOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  if (tensorOf(adaptor.getInput()).getRank() != 3)
    return failure();
  types.push_back(floatsOf(poolShape(adaptor.getInput())));
  return success();
}

LogicalResult DequantizeOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(
      tensorOf(adaptor.getInput()).clone(Float32Type::get(context)));
  return success();
}

LogicalResult
DynamicQuantizeOp::inferReturnTypes(MLIRContext *context,
                                    std::optional<Location>, Adaptor adaptor,
                                    SmallVectorImpl<Type> &types) {
  auto type = tensorOf(adaptor.getInput());
  if (type.getRank() < 1)
    return failure();
  types.push_back(type.clone(getDynamicU8Type(context)));
  types.push_back(getRowParameterType(type, Float32Type::get(context)));
  types.push_back(getRowParameterType(type, IntegerType::get(context, 32)));
  return success();
}
