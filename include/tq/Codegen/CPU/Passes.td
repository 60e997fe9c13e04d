//===- Passes.td - Passes that generate CPU code -----------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_PASSES_TD
#define TQ_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanKernelsPass : Pass<"tq-plan-kernels", "::tq::program::KernelOp"> {
  let summary = "Choose how the variants of kernels for CPUs are written";
  let description = [{
    Before: a kernel with variants without code. After: where a generator knows the
    kernel, each has a plan for its target's best instructions; one that it had before
    stays. A remark says it in words, and which kernels no generator knows.

    ```mlir
    program.variant #program.target<"x86-64-v4+avx512vnni", ...>
    // becomes
    program.variant #program.target<"x86-64-v4+avx512vnni", ...>
        plan #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = vectors>
    ```
  }];
  let dependentDialects = ["::tq::cpu::CPUDialect"];
}

def GenerateKernelsPass : Pass<"tq-generate-kernels", "::tq::program::KernelOp"> {
  let summary = "Write variants for CPUs as vector code on buffers";
  let description = [{
    Before: variants that `tq-plan-kernels`, or somebody else, has given plans. After:
    these have code in `vector`, `scf`, `memref` and `arith` that runs work items
    `[begin, end)`, their `count` and the `workspace` they need. Variants without a plan
    are left for `tq-bufferize-kernels`. A plan that does not suit the kernel or its
    target is an error.

    Generators: row-wise ops, contractions with a weight, attention. An argument
    of a contraction that is a weight [N, K] in all calls (`program.weight`) is read in
    panels: `packed`, `[N/16, K/group, 16, group]` with group 4 for i8 and 1 for f32.

    ```mlir
    program.variant #program.target<"x86-64-v4", ...>
        plan #cpu.contraction<fma, tile = 6 x 4, rows = 48, sums = vectors>
        packed [#program.packed<1, panel = 16, group = 1>] code {
    ^bb0(%x: memref<?x48xf32>, %w: memref<5x48x16x1xf32>, %out: memref<?x80xf32>,
         %begin: index, %end: index):
      ...
    } count {
      ...
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def FormRowGroupsPass : Pass<"tq-form-row-groups", "::mlir::ModuleOp"> {
  let summary = "Take blocks of rows through row-wise kernels";
  let description = [{
    Between two attentions a transformer treats every token by itself: linear layers,
    norms, quantization. Before: schedules, weights that have places. After: consecutive
    calls of such kernels on the same number of rows are in `program.rows`: what one
    hands to the next stays in the thread's cache, and threads meet once. A group ends
    where it hands on the fewest bytes of a row. Temporaries wider than what enters and
    leaves it are allocated inside, for one block a thread.

    A kernel is row-wise if all dynamic dimensions come first, are parallel and
    identical in every op, and no op looks at an index or a size; what belongs to all
    rows is only read, and written by nobody meanwhile.

    ```mlir
    %0 = program.call @widen(%x, %wide) : ...
    %1 = program.call @narrow(%0, %out) : ...
    // becomes
    %1 = program.rows block 256 unit 16 least 32 {
      %wide = tensor.empty(%n) : ...
      %0 = program.call @widen(%x, %wide) : ...
      %1 = program.call @narrow(%0, %out) : ...
      program.yield %1 : ...
    } : ...
    ```
  }];
  let dependentDialects = ["::tq::TQDialect"];
}

#endif // TQ_CODEGEN_CPU_PASSES_TD
