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

/// Drops arguments of a kernel that its body does not need, such as sizes.
static void dropUnusedArguments(func::FuncOp kernel,
                                ArrayRef<func::CallOp> calls) {
  llvm::BitVector unused(kernel.getNumArguments());
  for (BlockArgument argument : kernel.getArguments())
    if (argument.use_empty() &&
        !kernel.getArgAttr(argument.getArgNumber(), kOutAttr))
      unused.set(argument.getArgNumber());
  if (unused.none() || failed(kernel.eraseArguments(unused)))
    return;
  for (func::CallOp call : calls)
    call->eraseOperands(unused);
}

namespace {
struct ConvertTQToLinalgPass
    : tq::impl::ConvertTQToLinalgPassBase<ConvertTQToLinalgPass> {
  void runOnOperation() override {
    llvm::StringMap<SmallVector<func::CallOp>> calls;
    getOperation().walk(
        [&](func::CallOp call) { calls[call.getCallee()].push_back(call); });
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      if (!function->hasAttr(kKernelAttr)) {
        convertSchedule(function);
        continue;
      }
      if (failed(KernelLowering(function).run()))
        return signalPassFailure();
      dropUnusedArguments(function, calls[function.getName()]);
    }
  }
};
} // namespace
