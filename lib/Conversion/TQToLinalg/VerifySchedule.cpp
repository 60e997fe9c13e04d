//===- VerifySchedule.cpp - Check the contract with codegen ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Analysis.h"
#include "tq/Conversion/TQToLinalg/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace tq {
#define GEN_PASS_DEF_VERIFYSCHEDULEPASS
#include "tq/Conversion/TQToLinalg/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static bool belongsToSchedule(Operation *op) {
  if (isa<program::CallOp, program::GetStateOp, program::SetStateOp,
          func::ReturnOp, cf::AssertOp, GetWeightOp, tensor::EmptyOp,
          tensor::DimOp>(op) ||
      isView(op))
    return true;
  return isa<arith::ArithDialect>(op->getDialect()) &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

static LogicalResult verifySchedule(func::FuncOp schedule) {
  for (Operation &op : schedule.getBody().front())
    if (!belongsToSchedule(&op))
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
    if (value.getDefiningOp<AttentionOp>())
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
    : tq::impl::VerifySchedulePassBase<VerifySchedulePass> {
  void runOnOperation() override {
    FailureOr<SmallVector<func::FuncOp>> entries =
        program::findEntries(getOperation());
    if (failed(entries))
      return signalPassFailure();
    for (func::FuncOp entry : *entries)
      if (failed(verifySchedule(entry)))
        return signalPassFailure();
    for (auto kernel : getOperation().getOps<program::KernelOp>())
      if (failed(verifyKernel(kernel.getDefinition())))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
