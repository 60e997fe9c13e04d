//===- Passes.td - Passes of the lower phase ---------------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CONVERSION_TQTOLINALG_PASSES_TD
#define TQ_CONVERSION_TQTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def CheckSizesPass : Pass<"tq-check-sizes", "::mlir::ModuleOp"> {
  let summary = "Let the program check sizes that its types leave open";
  let description = [{
    A dynamic dimension agrees with each other one, and nothing bounds an offset that
    is computed from sizes. Kernels read what their own sizes say, so that what must
    fit together has to be known before they run.

    Before: public functions on tensors, each one block. After: of each pair
    of dimensions that an op needs to be equal, both are one constant, come from one
    name of their ports, or a `cf.assert` compares them; the same holds for the bounds of
    slices and for sizes that could be negative. A program evaluates these asserts
    before it runs anything, and refuses its inputs where one fails.

    An offset or a size computed from elements of a tensor is an error: it is not known
    before the program runs.

    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %s = tq.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    // becomes
      %0 = tensor.dim %x, %c0 : tensor<?x4xf32>
      %1 = tensor.dim %y, %c0 : tensor<?x4xf32>
      %2 = arith.cmpi eq, %0, %1 : index
      cf.assert %2, "'tq.add' needs dimension 0 of tensor<?x4xf32> and dimension 0 of
                     tensor<?x4xf32> to be equal (add.mlir:2:8)"
      %s = tq.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::affine::AffineDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

def FormKernelsPass : Pass<"tq-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Outline tensor computations into distinct kernels";
  let description = [{
    Moves every tensor op of the module's public functions into a `program.kernel`
    and leaves a schedule behind: calls, `tensor.empty`, `tensor.dim`, index
    arithmetic, `tq.get_weight` and views. Kernels are destination style: their last
    arguments say where each result goes. An argument for which all calls pass
    something that is known at compile time is marked, `program.weight`.

    One kernel holds
    - a contraction with the elementwise ops that alone use its result,
    - connected row-wise ops over the same rows,
    - an attention with the slices of the last dimension that feed it,
    - or any other single op.

    Two kernels with equal bodies are one, whatever weights they read.
    Ops on weights alone stay for `tq-hoist-weights`.

    ```mlir
    %y = tq.relu %x : tensor<?x4xf32>
    // becomes
    %e = tensor.empty(%d) : tensor<?x4xf32>
    %y = program.call @relu_4(%x, %e) {layer = "act", scheme = "f32"}
      : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect",
                           "::tq::TQDialect", "::tq::program::ProgramDialect"];
}

def HoistWeightsPass : Pass<"tq-hoist-weights", "::mlir::ModuleOp"> {
  let summary = "Turn computations on weights into weights";
  let description = [{
    Each value that is computed from `tq.get_weight` alone becomes a `tq.weight` with
    an initializer, evaluated when the program is emitted; a tensor constant
    becomes a `tq.weight` with that value.
  }];
  let dependentDialects = ["::tq::TQDialect"];
}

def ConvertTQToLinalgPass : Pass<"convert-tq-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the bodies of kernels to linalg in destination style";
  let description = [{
    Every op of a kernel but `tq.attention` becomes `linalg.generic` or `linalg.fill` that
    write into the kernel's out arguments; quantized element types become their
    storage type, in the schedule too. The order of sums and the use of fma are
    those of docs/Quantization.md.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def ExpandMathPass : Pass<"tq-expand-math", "::mlir::ModuleOp"> {
  let summary = "Expand math functions into tq's own polynomials";
  let description = [{
    Rewrites `math.exp`, `math.exp2`, `math.erf`, `math.tanh` and `math.rsqrt` on f32
    (and on f16 and bf16 through f32) into arith ops and `math.fma`: the same bits on
    every target.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def SplitEmptiesPass : Pass<"tq-split-empties", "::mlir::ModuleOp"> {
  let summary = "Give every destination a tensor.empty of its own";
  let description = [{
    CSE makes one op of equal `tensor.empty`. After lower each stands for a buffer, so
    that two that live at the same time have to be two.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def VerifySchedulePass : Pass<"tq-verify-schedule", "::mlir::ModuleOp"> {
  let summary = "Check the contract between lower and codegen";
  let description = [{
    Fails where the schedule holds an op that codegen has no place for, or where a
    kernel does not write a result into its out argument.
  }];
}

#endif // TQ_CONVERSION_TQTOLINALG_PASSES_TD
