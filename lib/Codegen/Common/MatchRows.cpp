//===- MatchRows.cpp - Recognize row-wise kernels -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelPatterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tq;

/// Rows come first and are parallel; dimensions keep their order. What is read
/// may be repeated along some of them.
static bool hasRowLoops(linalg::GenericOp op, unsigned rowRank) {
  if (op.getNumLoops() != rowRank && op.getNumLoops() != rowRank + 1)
    return false;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (unsigned i = 0; i < rowRank; ++i)
    if (iterators[i] != utils::IteratorType::parallel)
      return false;
  for (OpOperand &operand : op->getOpOperands()) {
    int64_t previous = -1;
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
      if (isa<AffineConstantExpr>(expr) && op.isDpsInput(&operand))
        continue;
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || static_cast<int64_t>(dim.getPosition()) <= previous)
        return false;
      previous = dim.getPosition();
    }
  }
  return true;
}

/// How the body takes an element: as one sum, or as a choice between it and the
/// accumulator (a maximum or minimum), which is read for nothing else.
static FailureOr<RowsPattern::Reduction> matchReduction(linalg::GenericOp op) {
  RowsPattern::Reduction reduction;
  if (op.getNumDpsInits() != 1)
    return failure();
  auto fill = op.getDpsInits().front().getDefiningOp<linalg::FillOp>();
  if (!fill ||
      !matchPattern(fill.getInputs().front(), m_Constant(&reduction.initial)))
    return failure();
  Block &body = *op.getBody();
  Value accumulator = body.getArguments().back();
  Operation *last = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!last)
    return failure();
  Type type = accumulator.getType();
  Builder builder(op.getContext());
  if (isa<arith::AddFOp>(last) ||
      (isa<math::FmaOp>(last) && last->getOperand(2) == accumulator)) {
    reduction.isFloatSum = true;
    reduction.neutral = builder.getZeroAttr(type);
    if (type.isF32() && accumulator.hasOneUse())
      return reduction;
  } else if (isa<arith::AddIOp>(last)) {
    reduction.neutral = builder.getZeroAttr(type);
    if (accumulator.hasOneUse())
      return reduction;
  } else if (isa<arith::MaxSIOp, arith::MaxUIOp, arith::MinSIOp, arith::MinUIOp,
                 arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                 arith::MinNumFOp>(last)) {
    reduction.neutral = reduction.initial;
    if (accumulator.hasOneUse())
      return reduction;
  } else if (auto select = dyn_cast<arith::SelectOp>(last)) {
    reduction.neutral = reduction.initial;
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    if (compare && llvm::hasNItems(accumulator.getUses(), 2) &&
        llvm::is_contained(compare->getOperands(), accumulator) &&
        llvm::is_contained(select->getOperands(), accumulator))
      return reduction;
  }
  return failure();
}

/// Results are what loops over rows and lanes give, or over rows.
static LogicalResult matchOp(linalg::GenericOp op, RowsPattern &pattern) {
  if (!hasRowLoops(op, pattern.rowRank) ||
      !canComputeLanes(op, {pattern.rowRank}))
    return failure();
  if (op.getNumReductionLoops() == 0)
    return success();
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!isLeadingIdentity(map) || map.getNumResults() != pattern.rowRank)
    return failure();
  FailureOr<RowsPattern::Reduction> reduction = matchReduction(op);
  if (failed(reduction))
    return failure();
  pattern.reductions[op] = *reduction;
  return success();
}

/// Finds an argument for the size of each loop.
static LogicalResult findSizes(RowsPattern &pattern) {
  unsigned rowRank = pattern.rowRank;
  pattern.rowSizes.resize(rowRank);
  for (linalg::GenericOp op : pattern.ops)
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      AffineMap map = op.getMatchingIndexingMap(&operand);
      auto argument = dyn_cast<BlockArgument>(operand.get());
      if (!argument)
        argument = getDestination(operand.get());
      for (auto [position, expr] : llvm::enumerate(map.getResults())) {
        auto loop = dyn_cast<AffineDimExpr>(expr);
        if (!loop)
          continue;
        unsigned dim = loop.getPosition();
        if (dim == rowRank && !type.isDynamicDim(position))
          pattern.laneSize = type.getDimSize(position);
        if (argument)
          (dim == rowRank ? pattern.dynamicLaneSize : pattern.rowSizes[dim]) = {
              argument.getArgNumber(), static_cast<unsigned>(position)};
      }
    }
  bool hasLaneSize = !ShapedType::isDynamic(pattern.laneSize) ||
                     pattern.dynamicLaneSize.isKnown();
  return success(hasLaneSize &&
                 llvm::all_of(pattern.rowSizes, [](RowsPattern::Size size) {
                   return size.isKnown();
                 }));
}

FailureOr<RowsPattern> tq::matchRows(func::FuncOp kernel) {
  RowsPattern pattern;
  pattern.kernel = kernel;
  unsigned maxLoops = 0;
  for (Operation &op : kernel.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      pattern.ops.push_back(generic);
      maxLoops = std::max<unsigned>(maxLoops, generic.getNumLoops());
    } else if (!isa<linalg::FillOp, tensor::EmptyOp, tensor::DimOp,
                    arith::ConstantOp, func::ReturnOp>(op)) {
      return failure();
    }
  }
  if (maxLoops == 0)
    return failure();
  pattern.rowRank = maxLoops - 1;
  for (linalg::GenericOp op : pattern.ops)
    if (failed(matchOp(op, pattern)))
      return failure();
  if (!haveEqualExtents(pattern.ops) || failed(findSizes(pattern)))
    return failure();
  return pattern;
}
