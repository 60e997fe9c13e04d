//===- Pipeline.cpp - The codegen phase for CPUs --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/CPU/Pipeline.h"
#include "tq/Codegen/CPU/Passes.h"
#include "tq/Codegen/Common/Passes.h"
#include "tq/Dialect/Program/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace tq;

/// The module of a target, to the LLVM dialect.
static void convertToLLVM(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void tq::buildCPUCodegenPipeline(OpPassManager &manager) {
  OpPassManager &kernels = manager.nest<program::KernelOp>();
  kernels.addPass(createPlanKernelsPass());
  kernels.addPass(createGenerateKernelsPass());
  kernels.addPass(createBufferizeKernelsPass());
  // What variants read and need is known: plan the program.
  manager.addPass(program::createFormSchedulesPass());
  manager.addPass(program::createPlaceWeightsPass());
  manager.addPass(createFormRowGroupsPass());
  manager.addPass(program::createPlanArenaPass());
  manager.addPass(program::createEmitSchedulesPass());
  convertToLLVM(manager.nest<ModuleOp>());
}
