//===- MatchContraction.cpp - Recognize linear layers ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelPatterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tq;

/// The body is acc + extui(x) * extsi(w), or fma(x, w, acc).
static LogicalResult matchBody(linalg::GenericOp op, bool &isInteger) {
  Block &body = *op.getBody();
  Value x = body.getArgument(0), w = body.getArgument(1),
        acc = body.getArgument(2);
  Operation *last = body.getTerminator()->getOperand(0).getDefiningOp();
  if (auto fma = dyn_cast_or_null<math::FmaOp>(last)) {
    isInteger = false;
    return success(fma.getA() == x && fma.getB() == w && fma.getC() == acc &&
                   x.getType().isF32() && w.getType().isF32());
  }
  auto add = dyn_cast_or_null<arith::AddIOp>(last);
  if (!add)
    return failure();
  bool accFirst = add.getLhs() == acc;
  auto mul =
      (accFirst ? add.getRhs() : add.getLhs()).getDefiningOp<arith::MulIOp>();
  if (!mul || (accFirst ? add.getLhs() : add.getRhs()) != acc)
    return failure();
  auto input = mul.getLhs().getDefiningOp<arith::ExtUIOp>();
  auto weight = mul.getRhs().getDefiningOp<arith::ExtSIOp>();
  isInteger = true;
  return success(input && weight && input.getIn() == x && weight.getIn() == w &&
                 x.getType().isInteger(8) && w.getType().isInteger(8) &&
                 acc.getType().isInteger(32));
}

/// A weight in all calls, which nothing else of the kernel reads.
static bool isPackable(BlockArgument argument) {
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  return function.getArgAttr(argument.getArgNumber(), program::kWeightAttr) &&
         type && type.getRank() == 2 && type.hasStaticShape() &&
         argument.hasOneUse();
}

/// x[rows..., k], w[n, k] and acc[rows..., n].
static bool hasContractionMaps(linalg::GenericOp op, unsigned rowRank) {
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> input, output;
  for (unsigned i = 0; i < rowRank; ++i)
    input.push_back(getAffineDimExpr(i, context));
  output = input;
  AffineExpr n = getAffineDimExpr(rowRank, context);
  AffineExpr k = getAffineDimExpr(rowRank + 1, context);
  input.push_back(k);
  output.push_back(n);
  SmallVector<AffineExpr> weight{n, k};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  return maps[0].getResults() == ArrayRef(input) &&
         maps[1].getResults() == ArrayRef(weight) &&
         maps[2].getResults() == ArrayRef(output) &&
         op.getIteratorTypesArray().back() == utils::IteratorType::reduction;
}

static LogicalResult matchOp(linalg::GenericOp op,
                             ContractionPattern &pattern) {
  if (pattern.op || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() != 1 || op.getNumLoops() < 3)
    return failure();
  pattern.op = op;
  pattern.rowRank = op.getNumLoops() - 2;
  if (!hasContractionMaps(op, pattern.rowRank))
    return failure();
  pattern.input = dyn_cast<BlockArgument>(op.getDpsInputs()[0]);
  pattern.weight = dyn_cast<BlockArgument>(op.getDpsInputs()[1]);
  if (!pattern.input || !pattern.weight || !isPackable(pattern.weight))
    return failure();
  auto weightType = cast<RankedTensorType>(pattern.weight.getType());
  pattern.outputs = weightType.getDimSize(0);
  pattern.inputs = weightType.getDimSize(1);
  return matchBody(op, pattern.isInteger);
}

/// Row dimensions all together or not at all, so that they fold into one.
static bool foldsRows(AffineMap map, unsigned rowRank) {
  ArrayRef<AffineExpr> results = map.getResults();
  if (usesDim(map, 0)) {
    for (unsigned i = 0; i < rowRank; ++i)
      if (results.size() <= i ||
          results[i] != getAffineDimExpr(i, map.getContext()))
        return false;
    results = results.drop_front(rowRank);
  }
  return llvm::all_of(results, [&](AffineExpr expr) {
    return expr == getAffineDimExpr(rowRank, map.getContext());
  });
}

static bool isAround(linalg::GenericOp op, unsigned rowRank) {
  return (op.getNumLoops() == rowRank || op.getNumLoops() == rowRank + 1) &&
         llvm::all_of(op.getIndexingMapsArray(),
                      [&](AffineMap map) { return foldsRows(map, rowRank); }) &&
         canComputeLanes(op, {rowRank, /*isCollapsed=*/true});
}

/// The contraction's sums start at what is there for each row and output.
static bool hasReadableStart(const ContractionPattern &pattern) {
  linalg::GenericOp op = pattern.op;
  OpOperand *init = op.getDpsInitOperand(0);
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(pattern.rowRank + 1, op.getContext());
  return canReadLanes(init->get(), identity,
                      {pattern.rowRank, /*isCollapsed=*/true});
}

FailureOr<ContractionPattern> tq::matchContraction(func::FuncOp kernel) {
  ContractionPattern pattern;
  pattern.kernel = kernel;
  SmallVector<linalg::GenericOp> others;
  for (Operation &op : kernel.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (generic.getNumReductionLoops() == 0)
        others.push_back(generic);
      else if (failed(matchOp(generic, pattern)))
        return failure();
    } else if (!isa<linalg::FillOp, tensor::EmptyOp, tensor::DimOp,
                    arith::ConstantOp, func::ReturnOp>(op)) {
      return failure();
    }
  }
  if (!pattern.op || !hasReadableStart(pattern))
    return failure();
  for (linalg::GenericOp op : others) {
    if (!isAround(op, pattern.rowRank))
      return failure();
    // What is stored is the epilogue; the rest is evaluated where it is used.
    if (llvm::any_of(op.getResults(), [](Value result) {
          return static_cast<bool>(getDestination(result));
        }))
      pattern.epilogue.push_back(op);
  }
  SmallVector<linalg::GenericOp> all = others;
  all.push_back(pattern.op);
  if (!haveEqualExtents(all))
    return failure();
  return pattern;
}
