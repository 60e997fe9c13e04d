//===- Passes.td - Passes that generate CPU code -----------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_PASSES_TD
#define TQ_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def PackKernelWeightsPass : Pass<"tq-pack-kernel-weights", "::mlir::ModuleOp"> {
  let summary = "Lay the weights of contractions out in panels";
  let description = [{
    Before: kernels (`tq.kernel`) on tensors; a weight enters a contraction as a
    kernel argument [N, K], and each call passes a `tq.get_weight`. After: the
    argument is packed, `[N/16][K/group][16][group]` with group 4 for i8 and 1 for
    f32, the kernel reads it through `linalg.unpack`, and the calls pass a new
    weight whose initializer packs the old one. Arguments with another use, and calls
    that pass something computed at run time, are left alone.

    ```mlir
    %acc = linalg.generic ... ins(%x, %w : tensor<?x48xi8>, tensor<80x48xi8>)
    // becomes
    %u = linalg.unpack %packed inner_dims_pos = [0, 1] inner_tiles = [16, 4]
      into %e : tensor<5x12x16x4xi8> -> tensor<80x48xi8>
    %acc = linalg.generic ... ins(%x, %u : tensor<?x48xi8>, tensor<80x48xi8>)
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def GenerateKernelsPass : Pass<"tq-generate-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn kernels on tensors into vector code on buffers";
  let description = [{
    Before: kernels `NAME` on tensors in destination style. After: each that a
    generator knows also has `NAME.code`, a function on memrefs that runs work items
    `[begin, end)` in `vector`, `scf`, `memref` and `arith`; `NAME.count` gives the
    number of its work items, `NAME.workspace` the bytes of its scratch memory. The
    others are left for `tq-bufferize-kernels`; a remark says so.

    Generators: row-wise ops, contractions with a packed weight, attention.
  }];
  let options = [
    Option<"isa", "isa", "std::string", /*default=*/"\"\"",
           "amx-bf16, amx, avx512bf16, avx512vnni, avx512, avxvnni, avx2, i8mm, dotprod "
           "or generic; default: the best that tq.target_cpu of the module has, else avx2">
  ];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // TQ_CODEGEN_CPU_PASSES_TD
