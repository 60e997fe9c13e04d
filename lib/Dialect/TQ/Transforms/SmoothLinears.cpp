//===- SmoothLinears.cpp - SmoothQuant ------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ColumnRanges.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

namespace tq {
#define GEN_PASS_DEF_SMOOTHLINEARSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct SmoothLinears : tq::impl::SmoothLinearsPassBase<SmoothLinears> {
  using SmoothLinearsPassBase::SmoothLinearsPassBase;

  void runOnOperation() override;
};

} // namespace

/// A range of each channel, of the input of a weight that is known, and not in
/// integers already.
static bool canSmooth(LinearOp linear) {
  auto observe = linear.getInput().getDefiningOp<ObserveOp>();
  if (!observe || !observe.getLow() ||
      !isCompileTimeValue(linear.getWeight()) ||
      linear.getWeight().getDefiningOp<DequantizeOp>())
    return false;
  auto weight = linear.getWeight().getType();
  int64_t channels = observe.getLow().getType().getDimSize(0);
  return weight.hasStaticShape() && channels == weight.getDimSize(1) &&
         channels > 1;
}

static void smooth(LinearOp linear, float alpha) {
  auto observe = linear.getInput().getDefiningOp<ObserveOp>();
  OpBuilder builder(linear);
  Location loc = linear.getLoc();
  auto factors = SmoothingFactorsOp::create(builder, loc, linear.getWeight(),
                                            observe.getLow(), observe.getHigh(),
                                            builder.getF32FloatAttr(alpha));
  linear.getInputMutable().assign(
      scaleColumns(builder, observe, factors.getInverses()));
  Value weight =
      MulOp::create(builder, loc, linear.getWeight(), factors.getFactors());
  linear.getWeightMutable().assign(weight);
}

void SmoothLinears::runOnOperation() {
  LayerPolicy base;
  base.scheme = Scheme::Static;
  if (alpha >= 0)
    base.smoothing = alpha;
  auto policy = loadPolicy(getOperation(), config, base);
  if (failed(policy))
    return signalPassFailure();
  SmallVector<LinearOp> linears;
  getOperation().walk([&](LinearOp op) {
    if (canSmooth(op))
      linears.push_back(op);
  });
  for (LinearOp linear : linears) {
    LayerPolicy layer = getPolicy(*policy, linear);
    if (layer.scheme == Scheme::Static && layer.smoothing)
      smooth(linear, static_cast<float>(*layer.smoothing));
  }
}
