//===- SplitEmpties.cpp - One tensor.empty for each destination -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Conversion/TQToLinalg/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq {
#define GEN_PASS_DEF_SPLITEMPTIESPASS
#include "tq/Conversion/TQToLinalg/Passes.h.inc"
} // namespace tq

using namespace mlir;

/// Every use but the last one gets an op of its own, right before its user.
static void split(tensor::EmptyOp op) {
  while (!op->use_empty() && !op->hasOneUse()) {
    OpOperand &use = *op->use_begin();
    OpBuilder builder(use.getOwner());
    use.set(builder.clone(*op)->getResult(0));
  }
}

namespace {
struct SplitEmptiesPass : tq::impl::SplitEmptiesPassBase<SplitEmptiesPass> {
  void runOnOperation() override {
    SmallVector<tensor::EmptyOp> ops;
    getOperation().walk([&](tensor::EmptyOp op) { ops.push_back(op); });
    for (tensor::EmptyOp op : ops)
      split(op);
  }
};
} // namespace
