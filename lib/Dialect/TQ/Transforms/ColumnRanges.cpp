//===- ColumnRanges.cpp - Values observed column by column ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ColumnRanges.h"

using namespace mlir;
using namespace tq;

ObserveOp tq::getColumnRanges(Value value) {
  auto observe = value.getDefiningOp<ObserveOp>();
  if (!observe || !observe.getLow() || !isCompileTimeValue(observe.getLow()) ||
      observe.getLow().getType().getDimSize(0) !=
          observe.getType().getShape().back())
    return {};
  return observe;
}

ObserveOp tq::scaleColumns(OpBuilder &builder, ObserveOp observe,
                           Value factors) {
  Location loc = observe.getLoc();
  auto scaled = [&](Value value) -> Value {
    return value ? MulOp::create(builder, loc, value, factors).getResult()
                 : Value();
  };
  Value input = scaled(observe.getInput()), low = scaled(observe.getLow()),
        high = scaled(observe.getHigh()), mean = scaled(observe.getMean());
  return ObserveOp::create(builder, loc, input, low, high, mean,
                           observe.getSiteAttr(),
                           /*statistics=*/StatisticsAttr());
}
