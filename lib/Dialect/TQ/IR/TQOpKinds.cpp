//===- TQOpKinds.cpp - What kinds of ops there are ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQOpKinds.h"
#include "tq/Dialect/TQ/IR/TQ.h"

using namespace mlir;
using namespace tq;

bool tq::isElementwise(Operation *op) {
  return isa<GeluOp, QuickGeluOp, ReluOp, SiluOp, TanhOp, SigmoidOp, AddOp,
             SubOp, MulOp, DivOp, QuantizeOp>(op);
}

bool tq::isContraction(Operation *op) {
  return isa<LinearOp, QuantizedLinearOp, StaticLinearOp, MatmulOp>(op);
}

bool tq::isPlainPositionIds(Operation *op) {
  auto positions = dyn_cast_or_null<PositionIdsOp>(op);
  return positions && !positions.getPaddingId();
}
