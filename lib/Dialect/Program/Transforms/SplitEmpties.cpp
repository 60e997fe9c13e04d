//===- SplitEmpties.cpp - One tensor.empty for each destination -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq::program {
#define GEN_PASS_DEF_SPLITEMPTIESPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;

/// Every use but the last one gets an op of its own, right before its user.
static void split(tensor::EmptyOp op) {
  while (!op->use_empty() && !op->hasOneUse()) {
    OpOperand &use = *op->use_begin();
    OpBuilder builder(use.getOwner());
    use.set(builder.clone(*op)->getResult(0));
  }
}

namespace {
struct SplitEmptiesPass
    : program::impl::SplitEmptiesPassBase<SplitEmptiesPass> {
  void runOnOperation() override {
    SmallVector<tensor::EmptyOp> ops;
    getOperation().walk([&](tensor::EmptyOp op) { ops.push_back(op); });
    for (tensor::EmptyOp op : ops)
      split(op);
  }
};
} // namespace
