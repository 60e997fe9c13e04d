//===- TQTypeInference.cpp - Result types of tq ops -----------------------===//
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

/// The type with its last dimension replaced, in f32.
static RankedTensorType withLastDim(RankedTensorType type, int64_t last) {
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = last;
  return RankedTensorType::get(shape, Float32Type::get(type.getContext()));
}

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

LogicalResult ColumnSumsOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto type = tensorOf(adaptor.getWeight());
  if (type.getRank() != 2)
    return failure();
  types.push_back(getRowParameterType(type, IntegerType::get(context, 32)));
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

LogicalResult PositionIdsOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location>,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getIds().getType());
  return success();
}

/// ids[...] and table[V, D] give [..., D].
static LogicalResult inferGather(Value ids, Value table,
                                 SmallVectorImpl<Type> &types) {
  auto tableType = tensorOf(table);
  if (tableType.getRank() != 2)
    return failure();
  SmallVector<int64_t> shape(tensorOf(ids).getShape());
  shape.push_back(tableType.getDimSize(1));
  types.push_back(
      RankedTensorType::get(shape, Float32Type::get(table.getContext())));
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

/// input[..., K] and weight[N, K] give [..., N].
static LogicalResult inferLinear(Value input, Value weight,
                                 SmallVectorImpl<Type> &types) {
  auto inputType = tensorOf(input), weightType = tensorOf(weight);
  if (inputType.getRank() < 1 || weightType.getRank() != 2)
    return failure();
  types.push_back(withLastDim(inputType, weightType.getDimSize(0)));
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

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = tensorOf(adaptor.getLhs()), rhs = tensorOf(adaptor.getRhs());
  if (lhs.getRank() < 2 || rhs.getRank() != lhs.getRank())
    return failure();
  int64_t rank = rhs.getRank();
  types.push_back(withLastDim(
      lhs, rhs.getDimSize(adaptor.getTransposeRhs() ? rank - 2 : rank - 1)));
  return success();
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location>,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getQuery().getType());
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location>,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult RmsNormOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location>,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult PoolOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto type = tensorOf(adaptor.getInput());
  if (type.getRank() != 3)
    return failure();
  types.push_back(RankedTensorType::get(
      {type.getDimSize(0), type.getDimSize(2)}, type.getElementType()));
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

LogicalResult AddOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getLhs().getType());
  return success();
}

LogicalResult SubOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getLhs().getType());
  return success();
}

LogicalResult MulOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getLhs().getType());
  return success();
}

LogicalResult DivOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getLhs().getType());
  return success();
}
