//===- Pipeline.h - The codegen phase for CPUs -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_PIPELINE_H
#define TQ_CODEGEN_CPU_PIPELINE_H

#include "mlir/Pass/PassOptions.h"

#include <string>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tq {

struct CPUCodegenOptions : public mlir::PassPipelineOptions<CPUCodegenOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("schedule: avx512vnni, avx512, avx2 or generic"),
      llvm::cl::init("avx2")};
};

/// Kernels and a schedule on tensors (after lower) become functions of the LLVM
/// dialect that follow the program's ABI; see Passes.td.
void buildCPUCodegenPipeline(mlir::OpPassManager &pm,
                             const CPUCodegenOptions &options);

} // namespace tq

#endif // TQ_CODEGEN_CPU_PIPELINE_H
