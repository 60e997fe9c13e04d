//===- Pipeline.h - The codegen phase for CPUs ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_PIPELINE_H
#define TQ_CODEGEN_CPU_PIPELINE_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tq {

/// A module with kernels and schedule on tensors for one CPU, which its
/// attribute `tq.target_cpu` tells, becomes functions of the LLVM dialect that
/// follow the program's ABI; see Passes.td.
void buildCPUCodegenPipeline(mlir::OpPassManager &pm);

} // namespace tq

#endif // TQ_CODEGEN_CPU_PIPELINE_H
