//===- RaiseLinears.cpp - Linears from products and sums ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AxisTrace.h"
#include "Views.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_RAISELINEARSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// The matrix [outputs, inputs] that the right side of a product repeats along
/// all leading dimensions; null: it does not.
static Value getRepeatedWeight(OpBuilder &builder, MatmulOp op) {
  AxisTrace trace = traceAxes(op.getRhs());
  unsigned rank = typeOf(op.getRhs()).getRank();
  if (typeOf(trace.root).getRank() != 2)
    return {};
  SmallVector<unsigned> dims;
  for (ArrayRef<Axis> axes : trace.dims) {
    if (axes.size() != 1 || !axes[0].dim || axes[0].order != 0)
      return {};
    dims.push_back(*axes[0].dim);
  }
  unsigned outputs = op.getTransposeRhs() ? rank - 2 : rank - 1,
           inputs = op.getTransposeRhs() ? rank - 1 : rank - 2;
  if (dims == SmallVector<unsigned>{outputs, inputs})
    return trace.root;
  if (dims != SmallVector<unsigned>{inputs, outputs})
    return {};
  RankedTensorType type = typeOf(trace.root);
  return PermuteOp::create(builder, op.getLoc(),
                           type.clone({type.getDimSize(1), type.getDimSize(0)}),
                           trace.root, ArrayRef<int64_t>{1, 0});
}

static void raiseProduct(MatmulOp op) {
  OpBuilder builder(op);
  Value weight = getRepeatedWeight(builder, op);
  if (!weight)
    return;
  auto linear =
      LinearOp::create(builder, op.getLoc(), op.getLhs(), weight, Value());
  if (linear.getType() != op.getType()) {
    linear.erase();
    return;
  }
  op.replaceAllUsesWith(linear.getResult());
  op.erase();
}

/// The sum of a linear that nothing else reads and a vector of its outputs.
static void raiseBias(AddOp op) {
  auto linear = op.getLhs().getDefiningOp<LinearOp>();
  Value bias = op.getRhs();
  if (!linear || linear.getBias() || !linear->hasOneUse() ||
      typeOf(bias).getRank() != 1 || !isCompileTimeValue(bias) ||
      typeOf(bias).getDimSize(0) != typeOf(linear.getWeight()).getDimSize(0))
    return;
  OpBuilder builder(op);
  op.replaceAllUsesWith(LinearOp::create(builder, linear.getLoc(),
                                         linear.getInput(), linear.getWeight(),
                                         bias)
                            .getResult());
  op.erase();
  linear.erase();
}

namespace {
struct RaiseLinears : tq::impl::RaiseLinearsPassBase<RaiseLinears> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) {
      for (Operation &op : llvm::make_early_inc_range(*block)) {
        if (auto product = dyn_cast<MatmulOp>(op))
          raiseProduct(product);
        else if (auto sum = dyn_cast<AddOp>(op))
          raiseBias(sum);
      }
    });
  }
};
} // namespace
