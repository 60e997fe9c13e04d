//===- Pipeline.cpp - The passes of the lower phase in order --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Conversion/TQToLinalg/Passes.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void tq::buildLowerPipeline(OpPassManager &manager, const LowerOptions &) {
  manager.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(program::createCheckSizesPass());
  manager.addPass(program::createFormKernelsPass());
  manager.addPass(createHoistWeightsPass());
  manager.addPass(createConvertTQToLinalgPass());
  manager.addPass(createExpandMathPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(program::createSplitEmptiesPass());
  manager.addPass(program::createVerifySchedulePass());
}

namespace tq {
#define GEN_PASS_REGISTRATION
#include "tq/Conversion/TQToLinalg/Passes.h.inc"
} // namespace tq

void tq::registerTQToLinalgPasses() { registerTQToLinalgConversionPasses(); }
