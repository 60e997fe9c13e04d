//===- SmoothAttention.cpp - Balance query and key ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ColumnRanges.h"

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

static void smooth(AttentionOp op, ObserveOp query, ObserveOp key) {
  OpBuilder builder(op);
  auto factors = ScoreSmoothingFactorsOp::create(
      builder, op.getLoc(), query.getLow().getType(), key.getLow().getType(),
      query.getLow(), query.getHigh(), key.getLow(), key.getHigh(),
      builder.getI64IntegerAttr(op.getKvHeads()));
  op.getQueryMutable().assign(
      scaleColumns(builder, query, factors.getQueryFactors()));
  op.getKeyMutable().assign(
      scaleColumns(builder, key, factors.getKeyFactors()));
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
