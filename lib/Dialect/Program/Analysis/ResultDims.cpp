//===- ResultDims.cpp - Sizes of the results of an op ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/Analysis/ResultDims.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

/// Batch dimensions of the indices, then what is left of the source.
static Dims reifyGather(tensor::GatherOp op, DimsOf dimsOf) {
  Dims dims = dimsOf(op.getIndices());
  dims.pop_back();
  Dims source = dimsOf(op.getSource());
  size_t left = op.getResultType().getRank() - dims.size();
  bool keepsGathered = left == source.size();
  Builder builder(op.getContext());
  for (auto [i, size] : llvm::enumerate(source)) {
    bool gathered =
        llvm::is_contained(op.getGatherDims(), static_cast<int64_t>(i));
    if (!gathered)
      dims.push_back(size);
    else if (keepsGathered)
      dims.push_back(builder.getIndexAttr(1));
  }
  return dims;
}

static Dims staticDims(RankedTensorType type) {
  Builder builder(type.getContext());
  return llvm::map_to_vector(
      type.getShape(),
      [&](int64_t size) -> OpFoldResult { return builder.getIndexAttr(size); });
}

/// The `tensor.dim` of an operand that the size is, if any.
static tensor::DimOp getOperandDim(Operation *op, OpFoldResult size) {
  auto value = dyn_cast_if_present<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  bool isOperand =
      dim && llvm::is_contained(op->getOperands(), dim.getSource());
  return isOperand && getConstantDim(dim) ? dim : tensor::DimOp();
}

/// Erases what an interface created to read sizes of the operands, where
/// nothing uses it.
static void eraseUnusedDims(Operation *op,
                            const ReifiedRankedShapedTypeDims &shapes) {
  llvm::SmallSetVector<Operation *, 4> unused;
  for (const auto &shape : shapes)
    for (OpFoldResult size : shape)
      if (tensor::DimOp dim = getOperandDim(op, size); dim && dim.use_empty())
        unused.insert(dim);
  for (Operation *dim : unused) {
    Operation *index = cast<tensor::DimOp>(dim).getIndex().getDefiningOp();
    dim->erase();
    if (index->use_empty())
      index->erase();
  }
}

/// What the op says, in terms of the sizes that are known of its operands.
static FailureOr<Dims> reifyByInterface(OpBuilder &builder, OpResult result,
                                        DimsOf dimsOf) {
  auto op = dyn_cast<ReifyRankedShapedTypeOpInterface>(result.getOwner());
  ReifiedRankedShapedTypeDims shapes;
  if (!op || failed(op.reifyResultShapes(builder, shapes)))
    return failure();
  Dims dims(shapes[result.getResultNumber()]);
  llvm::SmallDenseMap<Value, Dims> known; // asked once: it may create ops
  for (OpFoldResult &size : dims)
    if (tensor::DimOp dim = getOperandDim(op, size)) {
      auto [entry, isNew] = known.try_emplace(dim.getSource());
      if (isNew)
        entry->second = dimsOf(dim.getSource());
      size = entry->second[*getConstantDim(dim)];
    }
  eraseUnusedDims(op, shapes);
  return dims;
}

FailureOr<Dims> program::reifyComputedDims(OpBuilder &builder, OpResult result,
                                           DimsOf dimsOf) {
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return dimsOf(destination.getTiedOpOperand(result)->get());
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dimsOf(cast.getSource());
  if (auto cast = dyn_cast<mlir::quant::StorageCastOp>(op))
    return dimsOf(cast.getInput());
  if (auto gather = dyn_cast<tensor::GatherOp>(op))
    return reifyGather(gather, dimsOf);
  return reifyByInterface(builder, result, dimsOf);
}

FailureOr<Dims> program::reifyResultDims(OpBuilder &builder, OpResult result,
                                         DimsOf dimsOf) {
  auto type = cast<RankedTensorType>(result.getType());
  Dims dims = staticDims(type);
  if (type.hasStaticShape())
    return dims;
  FailureOr<Dims> reified = reifyComputedDims(builder, result, dimsOf);
  if (failed(reified))
    return failure();
  // What the type says is a constant, whatever the op computes it from.
  for (auto [i, size] : llvm::enumerate(*reified))
    if (type.isDynamicDim(i))
      dims[i] = size;
  return dims;
}
