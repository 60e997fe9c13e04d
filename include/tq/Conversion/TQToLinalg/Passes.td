//===- Passes.td - From tq to linalg -----------------------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CONVERSION_TQTOLINALG_PASSES_TD
#define TQ_CONVERSION_TQTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertTQToLinalgPass : Pass<"convert-tq-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the bodies of kernels to linalg in destination style";
  let description = [{
    Before: kernels are ops of tq, linalg and tensor. After: every op of a kernel but
    `tq.attention` is a `linalg.generic` or `linalg.fill` that writes into the kernel's
    out arguments; quantized element types are their storage type, in the schedule too.
    The order of sums and the use of fma are those of docs/Quantization.md.

    ```mlir
    func.func @relu(%x: tensor<?x4xf32>, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %y = tq.relu %x : tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    // becomes
      %y = linalg.generic {...} ins(%x : tensor<?x4xf32>) outs(%out : tensor<?x4xf32>) {
      ^bb0(%in: f32, %old: f32):
        %0 = arith.cmpf ogt, %zero, %in : f32
        %1 = arith.select %0, %zero, %in : f32
        linalg.yield %1 : f32
      } -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def ExpandMathPass : Pass<"tq-expand-math", "::mlir::ModuleOp"> {
  let summary = "Expand math functions into tq's own polynomials";
  let description = [{
    Rewrites `math.exp`, `math.exp2`, `math.erf`, `math.tanh`, `math.sin`, `math.cos`,
    `math.log` and `math.rsqrt` on f32 (and on f16 and bf16 through f32) into arith ops
    and `math.fma`: the same bits on every target.

    ```mlir
    %y = math.rsqrt %x : f32
    // becomes
    %0 = math.sqrt %x : f32
    %y = arith.divf %one, %0 : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif // TQ_CONVERSION_TQTOLINALG_PASSES_TD
