//===- RaiseRotaryEmbeddings.cpp - Rotations from their steps -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowwiseMatch.h"
#include "Views.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_RAISEROTARYEMBEDDINGSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Whether `value` is every `stride`-th column of half of `x`, from column
/// `first` on. Its rows are all those of x, or else no sum of both could be.
static bool isHalf(Value value, Value x, int64_t first, int64_t stride) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getSource() != x ||
      slice.getType().getRank() != typeOf(x).getRank())
    return false;
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                            strides = slice.getMixedStrides();
  int64_t last = offsets.size() - 1;
  for (int64_t dim = 0; dim < last; ++dim)
    if (!isConstantIntValue(offsets[dim], 0) ||
        !isConstantIntValue(strides[dim], 1))
      return false;
  return slice.getType().getDimSize(last) * 2 == typeOf(x).getDimSize(last) &&
         isConstantIntValue(offsets[last], first) &&
         isConstantIntValue(strides[last], stride);
}

/// Whether `negated` and `other` are halves of x: the second one, or columns of
/// odd numbers, negated, and the rest.
static bool areHalves(Value negated, Value other, Value x, bool interleaved) {
  Value source = matchMap<arith::NegFOp>(negated);
  int64_t columns = typeOf(x).getShape().back();
  return source &&
         isHalf(source, x, interleaved ? 1 : columns / 2,
                interleaved ? 2 : 1) &&
         isHalf(other, x, 0, interleaved ? 2 : 1);
}

/// What becomes a column of its own: [..., n] of [..., n, 1].
static Value matchColumn(Value value) {
  auto expand = value.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || expand.getResultType().getShape().back() != 1 ||
      expand.getResultType().getRank() != expand.getSrcType().getRank() + 1)
    return {};
  auto groups = expand.getReassociationIndices();
  return groups.back().size() == 2 ? expand.getSrc() : Value();
}

/// Whether `value` is x with the columns of each pair exchanged, those that
/// come first then negated.
static bool isRotated(Value value, Value x, bool &interleaved) {
  int64_t rank = typeOf(x).getRank();
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  interleaved = static_cast<bool>(collapse);
  Value joined = value;
  if (interleaved) {
    joined = collapse.getSrc();
    if (collapse.getSrcType().getRank() != rank + 1 ||
        collapse.getReassociationIndices().back().size() != 2)
      return false;
  }
  auto concat = joined.getDefiningOp<tensor::ConcatOp>();
  if (!concat || concat.getInputs().size() != 2 ||
      int64_t(concat.getDim()) != typeOf(joined).getRank() - 1)
    return false;
  Value first = concat.getInputs()[0], second = concat.getInputs()[1];
  if (interleaved) {
    first = matchColumn(first);
    second = matchColumn(second);
  }
  return first && second && areHalves(first, second, x, interleaved);
}

namespace {

struct RaiseRotation : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto lhs = op.getLhs().getDefiningOp<MulOp>(),
         rhs = op.getRhs().getDefiningOp<MulOp>();
    if (!lhs || !rhs || lhs.getType() != rhs.getType())
      return rewriter.notifyMatchFailure(op, "no sum of two products");
    for (auto [straight, turned] : {std::pair(lhs, rhs), std::pair(rhs, lhs)}) {
      Value x = straight.getLhs();
      int64_t columns = typeOf(x).getShape().back();
      bool interleaved = false;
      if (ShapedType::isDynamic(columns) || columns % 2 != 0 ||
          !isRotated(turned.getLhs(), x, interleaved))
        continue;
      rewriter.replaceOpWithNewOp<RotaryEmbeddingOp>(
          op, op.getType(), x, straight.getRhs(), turned.getRhs(), interleaved);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no value beside its rotation");
  }
};

struct RaiseRotaryEmbeddings
    : tq::impl::RaiseRotaryEmbeddingsPassBase<RaiseRotaryEmbeddings> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RaiseRotation>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
