//===- RaiseNorms.cpp - Norms that are spelled out ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowwiseMatch.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_RAISENORMSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static Value buildSplat(PatternRewriter &rewriter, Location loc, Value like,
                        float number) {
  int64_t columns = cast<RankedTensorType>(like.getType()).getShape().back();
  auto type = RankedTensorType::get(columns, rewriter.getF32Type());
  return arith::ConstantOp::create(rewriter, loc,
                                   DenseElementsAttr::get(type, number));
}

/// Whether `value` is mean(x^2) + epsilon, [..., 1].
static std::optional<float> matchMeanSquare(Value value, Value x) {
  auto add = value.getDefiningOp<AddOp>();
  std::optional<double> epsilon = add ? getSplat(add.getRhs()) : std::nullopt;
  if (!epsilon || *epsilon < 0)
    return std::nullopt;
  Value squares = matchRowMean(add.getLhs());
  auto square = squares ? squares.getDefiningOp<MulOp>() : MulOp();
  if (!square || square.getLhs() != x || square.getRhs() != x)
    return std::nullopt;
  return static_cast<float>(*epsilon);
}

/// x less the mean of its rows: x, else null.
static Value matchCentered(Value value) {
  auto sub = value.getDefiningOp<SubOp>();
  return sub && matchRowMean(sub.getRhs()) == sub.getLhs() ? sub.getLhs()
                                                           : Value();
}

/// Builds the norm of `x` without a weight.
static void replaceByNorm(PatternRewriter &rewriter, Operation *op, Value x,
                          float epsilon) {
  Location loc = op->getLoc();
  FloatAttr epsilonAttr = rewriter.getF32FloatAttr(epsilon);
  Value ones = buildSplat(rewriter, loc, x, 1.0f);
  if (Value whole = matchCentered(x))
    rewriter.replaceOpWithNewOp<LayerNormOp>(
        op, op->getResult(0).getType(), whole, ones,
        buildSplat(rewriter, loc, x, 0.0f), epsilonAttr);
  else
    rewriter.replaceOpWithNewOp<RmsNormOp>(op, op->getResult(0).getType(), x,
                                           ones, epsilonAttr);
}

/// Whether a layer norm adds anything.
static bool hasBias(LayerNormOp norm) {
  return norm.getBeta() && getSplat(norm.getBeta()) != 0.0;
}

namespace {

/// x * rsqrt(mean(x^2) + epsilon), or x / sqrt(mean(x^2) + epsilon).
template <typename Op, typename RootOp>
struct RaiseNorm : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Value root = matchMap<RootOp>(op.getRhs());
    std::optional<float> epsilon =
        root ? matchMeanSquare(root, op.getLhs()) : std::nullopt;
    if (!epsilon)
      return rewriter.notifyMatchFailure(op, "no root of a mean of squares");
    replaceByNorm(rewriter, op, op.getLhs(), *epsilon);
    return success();
  }
};

/// A norm that is read once, times a vector: its weight.
template <typename NormOp>
struct JoinWeight : OpRewritePattern<MulOp> {
  using OpRewritePattern<MulOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    auto norm = op.getLhs().getDefiningOp<NormOp>();
    if (!norm || !norm->hasOneUse() || !isSplat(norm.getGamma(), 1) ||
        op.getRhs().getType() != norm.getGamma().getType())
      return rewriter.notifyMatchFailure(op, "no norm without a weight");
    if constexpr (std::is_same_v<NormOp, LayerNormOp>)
      if (hasBias(norm))
        return rewriter.notifyMatchFailure(op, "the norm has a bias");
    auto joined = cast<NormOp>(rewriter.clone(*norm));
    joined.getGammaMutable().assign(op.getRhs());
    rewriter.replaceOp(op, joined);
    rewriter.eraseOp(norm);
    return success();
  }
};

/// A layer norm that is read once, plus a vector: its bias.
struct JoinBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto norm = op.getLhs().getDefiningOp<LayerNormOp>();
    if (!norm || !norm->hasOneUse() || hasBias(norm) ||
        op.getRhs().getType() != norm.getGamma().getType())
      return rewriter.notifyMatchFailure(op, "no norm without a bias");
    auto joined = cast<LayerNormOp>(rewriter.clone(*norm));
    joined.getBetaMutable().assign(op.getRhs());
    rewriter.replaceOp(op, joined);
    rewriter.eraseOp(norm);
    return success();
  }
};

struct RaiseNorms : tq::impl::RaiseNormsPassBase<RaiseNorms> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<RaiseNorm<MulOp, math::RsqrtOp>, RaiseNorm<DivOp, math::SqrtOp>,
            JoinWeight<RmsNormOp>, JoinWeight<LayerNormOp>, JoinBias>(context);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      signalPassFailure();
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
