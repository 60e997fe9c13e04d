//===- ConvertTQToLinalg.cpp - Lower the bodies of kernels ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "tq/Conversion/TQToLinalg/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"

namespace tq {
#define GEN_PASS_DEF_CONVERTTQTOLINALGPASS
#include "tq/Conversion/TQToLinalg/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Gives every value of the schedule its storage type; its ops only pass them
/// on.
static void convertSchedule(func::FuncOp schedule) {
  Block &block = schedule.getBody().front();
  for (BlockArgument argument : block.getArguments())
    argument.setType(toStorageType(argument.getType()));
  for (Operation &op : block)
    for (Value result : op.getResults())
      result.setType(toStorageType(result.getType()));
  schedule.setFunctionType(FunctionType::get(
      schedule.getContext(), block.getArgumentTypes(),
      llvm::map_to_vector(schedule.getResultTypes(), toStorageType)));
}

/// Drops arguments of a kernel that its body does not need, such as sizes; its
/// last ones are what results are written to.
static void dropUnusedArguments(func::FuncOp definition,
                                ArrayRef<program::CallOp> calls) {
  unsigned inputs = definition.getNumArguments() - definition.getNumResults();
  llvm::BitVector unused(definition.getNumArguments());
  for (BlockArgument argument : definition.getArguments().take_front(inputs))
    if (argument.use_empty())
      unused.set(argument.getArgNumber());
  if (unused.none() || failed(definition.eraseArguments(unused)))
    return;
  for (program::CallOp call : calls)
    call->eraseOperands(unused);
}

namespace {
struct ConvertTQToLinalgPass
    : tq::impl::ConvertTQToLinalgPassBase<ConvertTQToLinalgPass> {
  void runOnOperation() override {
    llvm::StringMap<SmallVector<program::CallOp>> calls;
    getOperation().walk(
        [&](program::CallOp call) { calls[call.getKernel()].push_back(call); });
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        convertSchedule(function);
    for (auto kernel : getOperation().getOps<program::KernelOp>()) {
      func::FuncOp definition = kernel.getDefinition();
      if (failed(KernelLowering(definition).run()))
        return signalPassFailure();
      for (unsigned i = 0; i < definition.getNumArguments(); ++i)
        definition.removeArgAttr(i, program::kColumnSumsOfAttr);
      dropUnusedArguments(definition, calls[kernel.getSymName()]);
    }
  }
};
} // namespace
