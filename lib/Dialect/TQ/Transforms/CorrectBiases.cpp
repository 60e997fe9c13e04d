//===- CorrectBiases.cpp - Keep the means of outputs ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

namespace tq {
#define GEN_PASS_DEF_CORRECTBIASESPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct CorrectBiases : tq::impl::CorrectBiasesPassBase<CorrectBiases> {
  using CorrectBiasesPassBase::CorrectBiasesPassBase;

  void runOnOperation() override;
};

} // namespace

static void correct(LinearOp linear) {
  auto observe = linear.getInput().getDefiningOp<ObserveOp>();
  Value weight = linear.getWeight();
  if (!observe || !observe.getMean() || !isCompileTimeValue(weight) ||
      weight.getDefiningOp<DequantizeOp>() ||
      !cast<RankedTensorType>(weight.getType()).hasStaticShape())
    return;
  Value bias = linear.getBias();
  if (bias && !isCompileTimeValue(bias))
    return;
  OpBuilder builder(linear);
  Location loc = linear.getLoc();
  auto quantized = QuantizeWeightOp::create(builder, loc, weight);
  linear.getBiasMutable().assign(
      CorrectBiasOp::create(builder, loc, weight, quantized.getValues(),
                            quantized.getScales(), observe.getMean(), bias));
}

void CorrectBiases::runOnOperation() {
  LayerPolicy base;
  base.biasCorrection = enabled;
  auto policy = loadPolicy(getOperation(), config, base);
  if (failed(policy))
    return signalPassFailure();
  getOperation().walk([&](LinearOp op) {
    LayerPolicy layer = getPolicy(*policy, op);
    if (layer.scheme != Scheme::Float && layer.biasCorrection)
      correct(op);
  });
}
