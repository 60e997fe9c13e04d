//===- ChooseRanges.cpp - From statistics to ranges -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "tq/Dialect/TQ/IR/Statistics.h"

namespace tq {
#define GEN_PASS_DEF_CHOOSERANGESPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct ChooseRanges : tq::impl::ChooseRangesPassBase<ChooseRanges> {
  using ChooseRangesPassBase::ChooseRangesPassBase;

  void runOnOperation() override;
};

} // namespace

static Value buildConstant(OpBuilder &builder, Location loc,
                           DenseElementsAttr value) {
  return arith::ConstantOp::create(builder, loc, value);
}

static DenseElementsAttr makeNumber(Builder &builder, float value) {
  return DenseElementsAttr::get(
      RankedTensorType::get({1}, builder.getF32Type()), value);
}

static DenseElementsAttr multiply(DenseElementsAttr values, float factor) {
  SmallVector<float> result;
  for (float value : values.getValues<float>())
    result.push_back(value * factor);
  return DenseElementsAttr::get(values.getType(), ArrayRef(result));
}

/// The policy of the layer that reads the value first, after which it is named.
static LayerPolicy getReaderPolicy(const QuantizationPolicy &policy,
                                   ObserveOp op) {
  if (op->use_empty())
    return policy.get("", "");
  Operation *first = *op->user_begin();
  for (Operation *user : op->getUsers())
    if (user->getBlock() == first->getBlock() && user->isBeforeInBlock(first))
      first = user;
  return getPolicy(policy, first);
}

/// Whether all who read the value want integers on both sides of 0.
static bool isSymmetric(ObserveOp op) {
  return !op->use_empty() && llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto reader = dyn_cast<QuantizableOpInterface>(use.getOwner());
    return reader &&
           llvm::any_of(reader.getQuantizableOperands(),
                        [&](const QuantizableOperand &operand) {
                          return operand.index == use.getOperandNumber() &&
                                 operand.role ==
                                     QuantizedRole::SymmetricActivation;
                        });
  });
}

static void chooseRange(ObserveOp op, const LayerPolicy &policy) {
  StatisticsAttr statistics = op.getStatisticsAttr();
  OpBuilder builder(op);
  Location loc = op.getLoc();
  DenseElementsAttr low = statistics.getLow(), high = statistics.getHigh();
  if (policy.observer != tq::quant::Observer::MinMax ||
      policy.granularity == Granularity::Tensor) {
    tq::quant::Range range = tq::quant::chooseRange(
        getTensorStatistics(statistics), {policy.observer, policy.percentile},
        isSymmetric(op));
    low = makeNumber(builder, range.low);
    high = makeNumber(builder, range.high);
  }
  // The others have left out on purpose what is far away.
  if (policy.observer == tq::quant::Observer::MinMax) {
    float headroom = tq::quant::getHeadroom(statistics.getRows());
    low = multiply(low, headroom);
    high = multiply(high, headroom);
  }
  op.getLowMutable().assign(buildConstant(builder, loc, low));
  op.getHighMutable().assign(buildConstant(builder, loc, high));
  op.getMeanMutable().assign(buildConstant(builder, loc, statistics.getMean()));
  op.removeStatisticsAttr();
}

void ChooseRanges::runOnOperation() {
  LayerPolicy base;
  base.observer = observer;
  base.percentile = percentile;
  auto policy = loadPolicy(getOperation(), config, base);
  if (failed(policy))
    return signalPassFailure();
  getOperation().walk([&](ObserveOp op) {
    if (op.getStatisticsAttr() && !op.getLow())
      chooseRange(op, getReaderPolicy(*policy, op));
  });
}
