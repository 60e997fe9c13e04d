//===- RaiseActivations.cpp - Activations that are spelled out ------------===//
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
#define GEN_PASS_DEF_RAISEACTIVATIONSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

// sqrt(2 / pi) and 1 / sqrt(2).
static constexpr double kTanhScale = 0.79788456080286536;
static constexpr double kErfScale = 0.70710678118654752;
static constexpr double kCubeFactor = 0.044715;
static constexpr double kQuickFactor = 1.702;

/// Whether `value` is x * x * x.
static bool isCube(Value value, Value x) {
  std::optional<ElementMap> map = matchElementMap(value);
  if (map && map->input == x) {
    auto outer = map->result.getDefiningOp<arith::MulFOp>();
    auto inner =
        outer ? outer.getLhs().getDefiningOp<arith::MulFOp>() : nullptr;
    return inner && outer.getRhs() == map->element &&
           inner.getLhs() == map->element && inner.getRhs() == map->element;
  }
  auto outer = value.getDefiningOp<MulOp>();
  if (!outer)
    return false;
  auto isSquare = [&](Value factor) {
    auto inner = factor.getDefiningOp<MulOp>();
    return inner && inner.getLhs() == x && inner.getRhs() == x;
  };
  return (outer.getRhs() == x && isSquare(outer.getLhs())) ||
         (outer.getLhs() == x && isSquare(outer.getRhs()));
}

/// Whether `value` is sqrt(2 / pi) * (x + 0.044715 * x^3).
static bool isTanhArgument(Value value, Value x) {
  Value sum = matchScaled(value, kTanhScale);
  auto add = sum ? sum.getDefiningOp<AddOp>() : AddOp();
  if (!add)
    return false;
  for (auto [first, second] : {std::pair(add.getLhs(), add.getRhs()),
                               std::pair(add.getRhs(), add.getLhs())}) {
    Value cube = matchScaled(second, kCubeFactor);
    if (first == x && cube && isCube(cube, x))
      return true;
  }
  return false;
}

namespace {

/// x * sigmoid(x), or of 1.702 * x.
struct RaiseSigmoidProduct : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, factor] : {std::pair(op.getLhs(), op.getRhs()),
                             std::pair(op.getRhs(), op.getLhs())}) {
      auto sigmoid = factor.getDefiningOp<SigmoidOp>();
      if (!sigmoid || x.getType() != op.getType())
        continue;
      if (sigmoid.getInput() == x) {
        rewriter.replaceOpWithNewOp<SiluOp>(op, x);
        return success();
      }
      if (matchScaled(sigmoid.getInput(), kQuickFactor) == x) {
        rewriter.replaceOpWithNewOp<QuickGeluOp>(op, x);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(op, "no value times its sigmoid");
  }
};

/// 0.5 * x * (1 + erf(x / sqrt(2))), and its approximation by tanh.
struct RaiseGelu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    // The half is applied to x, to the sum or to the product.
    if (Value product = matchScaled(op.getResult(), 0.5))
      if (auto mul = product.getDefiningOp<MulOp>())
        return raise(op, mul.getLhs(), mul.getRhs(), rewriter);
    for (auto [a, b] : {std::pair(op.getLhs(), op.getRhs()),
                        std::pair(op.getRhs(), op.getLhs())}) {
      if (Value half = matchScaled(a, 0.5))
        if (succeeded(raise(op, half, b, rewriter)))
          return success();
    }
    return rewriter.notifyMatchFailure(op, "no half of a product");
  }

private:
  /// `op` is half of a * b.
  static LogicalResult raise(MulOp op, Value a, Value b,
                             PatternRewriter &rewriter) {
    for (auto [x, sum] : {std::pair(a, b), std::pair(b, a)}) {
      Value function = matchShifted(sum, 1);
      if (!function || x.getType() != op.getType())
        continue;
      auto tanh = function.getDefiningOp<TanhOp>();
      bool isTanh = tanh && isTanhArgument(tanh.getInput(), x);
      Value erf = matchMap<math::ErfOp>(function);
      if (isTanh || (erf && matchScaled(erf, kErfScale) == x)) {
        rewriter.replaceOpWithNewOp<GeluOp>(op, x, isTanh);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(op, "no GELU");
  }
};

struct RaiseActivations : tq::impl::RaiseActivationsPassBase<RaiseActivations> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<RaiseSigmoidProduct, RaiseGelu>(context);
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
