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

/// A program whose kernels have a variant for each CPU becomes entries, weights
/// with places and, inside, a module of the LLVM dialect for each CPU, whose
/// functions follow the program's ABI; see Passes.td.
void buildCPUCodegenPipeline(mlir::OpPassManager &manager);

} // namespace tq

#endif // TQ_CODEGEN_CPU_PIPELINE_H
