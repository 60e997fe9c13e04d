//===- VerifySchedule.cpp - Check the contract with codegen ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryOps.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace tq::program {
#define GEN_PASS_DEF_VERIFYSCHEDULEPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

static LogicalResult verifySchedule(func::FuncOp schedule) {
  for (Operation &op : schedule.getBody().front())
    if (!isScheduled(&op))
      return op.emitError("expected a schedule of calls, views, sizes and "
                          "weights after lower, but got '")
             << op.getName() << "'";
  return success();
}

/// Follows casts and the destinations of the ops that wrote `value` to where
/// they start.
static Value findBuffer(Value value) {
  while (Operation *op = value.getDefiningOp())
    if (auto cast = dyn_cast<tensor::CastOp>(op))
      value = cast.getSource();
    else if (auto writer = dyn_cast<DestinationStyleOpInterface>(op))
      value = writer.getTiedOpOperand(llvm::cast<OpResult>(value))->get();
    else
      break;
  return value;
}

static LogicalResult verifyKernel(func::FuncOp kernel) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  unsigned inputs = kernel.getNumArguments() - kernel.getNumResults();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    // Attention is written by a schedule of its own.
    if (value.getDefiningOp<AttentionOpInterface>())
      continue;
    if (findBuffer(value) != kernel.getArgument(inputs + i))
      return terminator->emitError("expected result ")
             << i << " of kernel @" << kernel.getName()
             << " in its out argument, but it is elsewhere";
  }
  return success();
}

namespace {
struct VerifySchedulePass
    : program::impl::VerifySchedulePassBase<VerifySchedulePass> {
  void runOnOperation() override {
    FailureOr<SmallVector<func::FuncOp>> entries = findEntries(getOperation());
    if (failed(entries))
      return signalPassFailure();
    for (func::FuncOp entry : *entries)
      if (failed(verifySchedule(entry)))
        return signalPassFailure();
    for (auto kernel : getOperation().getOps<KernelOp>())
      if (failed(verifyKernel(kernel.getDefinition())))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
