//===- Passes.td - Code generation for every target --------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_COMMON_PASSES_TD
#define TQ_CODEGEN_COMMON_PASSES_TD

include "mlir/Pass/PassBase.td"

def BufferizeKernelsPass : Pass<"tq-bufferize-kernels", "::tq::program::KernelOp"> {
  let summary = "Write variants that no generator knows as scalar loops";
  let description = [{
    Before: a kernel whose variants for which a generator knows it have code. After: all
    have. The new code is on memrefs in identity layout, without work items; its ops are
    loops over scalars. Its temporaries are views of scratch memory, whose bytes
    `workspace` computes from the sizes of a call.

    ```mlir
    program.variant #program.target<...> code {
    ^bb0(%x: memref<?x8xf32>, %out: memref<?x16xf32>):
      scf.for ...
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"];
}

#endif // TQ_CODEGEN_COMMON_PASSES_TD
