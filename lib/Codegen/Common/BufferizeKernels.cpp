//===- BufferizeKernels.cpp - Scalar loops for kernels no generator knows -===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Codegen/Common/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace tq {
#define GEN_PASS_DEF_BUFFERIZEKERNELS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static bool isOnTensors(func::FuncOp function) {
  return function->hasAttr(kKernelAttr) && !function.isDeclaration() &&
         llvm::any_of(function.getArgumentTypes(),
                      llvm::IsaPred<RankedTensorType>);
}

static void addBufferization(OpPassManager &manager) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(options));
  manager.addPass(bufferization::createDropEquivalentBufferResultsPass());
  // Copies of a buffer onto itself go.
  manager.addPass(createCanonicalizerPass());
}

/// `memref.copy` between strided buffers would call a function of the MLIR
/// runtime, which programs do not have.
static void expandCopies(ModuleOp module) {
  module.walk([](memref::CopyOp copy) {
    OpBuilder builder(copy);
    linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
    copy.erase();
  });
}

/// A kernel gives its temporaries back where their block ends.
static void freeTemporaries(ModuleOp module) {
  module.walk([](memref::AllocOp alloc) {
    Operation *terminator = alloc->getBlock()->getTerminator();
    if (llvm::is_contained(terminator->getOperands(), alloc.getResult()))
      return;
    OpBuilder builder(terminator);
    memref::DeallocOp::create(builder, alloc.getLoc(), alloc);
  });
}

namespace {

struct BufferizeKernelsPass
    : public tq::impl::BufferizeKernelsBase<BufferizeKernelsPass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels = llvm::to_vector(llvm::make_filter_range(
        getOperation().getOps<func::FuncOp>(), isOnTensors));
    if (kernels.empty())
      return;
    // In a module of their own, so that the initializers of weights stay
    // tensors.
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    auto nested = ModuleOp::create(builder, getOperation().getLoc());
    for (func::FuncOp kernel : kernels)
      kernel->moveBefore(nested.getBody(), nested.getBody()->end());
    OpPassManager bufferize(ModuleOp::getOperationName());
    addBufferization(bufferize);
    if (failed(runPipeline(bufferize, nested)))
      return signalPassFailure();
    expandCopies(nested);
    freeTemporaries(nested);
    OpPassManager toLoops(ModuleOp::getOperationName());
    toLoops.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
    if (failed(runPipeline(toLoops, nested)))
      return signalPassFailure();
    for (auto kernel : llvm::to_vector(nested.getOps<func::FuncOp>()))
      kernel->moveBefore(nested);
    nested.erase();
  }
};

} // namespace
