//===- SmoothAttention.cpp - Balance query and key ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

namespace tq {
#define GEN_PASS_DEF_SMOOTHATTENTIONPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct SmoothAttention : tq::impl::SmoothAttentionPassBase<SmoothAttention> {
  using SmoothAttentionPassBase::SmoothAttentionPassBase;

  void runOnOperation() override;
};

} // namespace

/// What observes `value` with a range of each column; null if nothing does.
static ObserveOp getColumnRanges(Value value) {
  auto observe = value.getDefiningOp<ObserveOp>();
  if (!observe || !observe.getLow() || !isCompileTimeValue(observe.getLow()) ||
      observe.getLow().getType().getDimSize(0) !=
          observe.getType().getShape().back())
    return {};
  return observe;
}

static Value multiply(OpBuilder &builder, Location loc, Value value,
                      Value factors) {
  return value ? MulOp::create(builder, loc, value, factors).getResult()
               : Value();
}

/// `operand` reads what it reads times factors of the columns.
static void scale(OpBuilder &builder, OpOperand &operand, ObserveOp observe,
                  Value factors) {
  Location loc = observe.getLoc();
  auto scaled = [&](Value value) {
    return multiply(builder, loc, value, factors);
  };
  operand.set(ObserveOp::create(
      builder, loc, scaled(observe.getInput()), scaled(observe.getLow()),
      scaled(observe.getHigh()), scaled(observe.getMean()),
      observe.getSiteAttr(), /*statistics=*/StatisticsAttr()));
}

static void smooth(AttentionOp op, ObserveOp query, ObserveOp key) {
  OpBuilder builder(op);
  auto factors = ScoreSmoothingFactorsOp::create(
      builder, op.getLoc(), query.getLow().getType(), key.getLow().getType(),
      query.getLow(), query.getHigh(), key.getLow(), key.getHigh(),
      builder.getI64IntegerAttr(op.getKvHeads()));
  scale(builder, op.getQueryMutable(), query, factors.getQueryFactors());
  scale(builder, op.getKeyMutable(), key, factors.getKeyFactors());
}

void SmoothAttention::runOnOperation() {
  BasePolicy base;
  base.attention = isStatic ? Scheme::Static : Scheme::Float;
  if (enabled)
    base.smoothing = 0.5;
  auto policy = loadPolicy(getOperation(), config, base);
  if (failed(policy))
    return signalPassFailure();
  getOperation().walk([&](AttentionOp op) {
    ObserveOp query = getColumnRanges(op.getQuery());
    ObserveOp key = getColumnRanges(op.getKey());
    LayerPolicy layer = getPolicy(*policy, op);
    if (query && key && layer.scheme == Scheme::Static && layer.smoothing)
      smooth(op, query, key);
  });
}
