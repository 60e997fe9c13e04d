//===- Passes.td - From functions to a program -------------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_TRANSFORMS_PASSES_TD
#define TQ_DIALECT_PROGRAM_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def CheckSizesPass : Pass<"program-check-sizes", "::mlir::ModuleOp"> {
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

def FormKernelsPass : Pass<"program-form-kernels", "::mlir::ModuleOp"> {
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

def SplitEmptiesPass : Pass<"program-split-empties", "::mlir::ModuleOp"> {
  let summary = "Give every destination a tensor.empty of its own";
  let description = [{
    Before: CSE has made one op of equal `tensor.empty`. After: each use has its own,
    which stands for a buffer: two that live at the same time have to be two.

    ```mlir
    %e = tensor.empty(%n) : tensor<?x4xf32>
    %y = program.call @f(%x, %e) : ...
    %z = program.call @g(%x, %e) : ...
    // becomes
    %0 = tensor.empty(%n) : tensor<?x4xf32>
    %y = program.call @f(%x, %0) : ...
    %1 = tensor.empty(%n) : tensor<?x4xf32>
    %z = program.call @g(%x, %1) : ...
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def VerifySchedulePass : Pass<"program-verify-schedule", "::mlir::ModuleOp"> {
  let summary = "Check the contract between lower and codegen";
  let description = [{
    Fails where the schedule holds an op that codegen has no place for, or where a
    kernel does not write a result into its out argument. Changes nothing:

    ```mlir
    func.func @f(%x: tensor<4xf32>, %out: tensor<4xf32>) -> tensor<4xf32> {
      return %x : tensor<4xf32> // an error: the result is not in %out
    }
    ```
  }];
}

def AddVariantsPass : Pass<"program-add-variants", "::mlir::ModuleOp"> {
  let summary = "Give each kernel a variant for each target";
  let description = [{
    Before: kernels. After: each also has a variant for each of `target-cpu`, the most
    demanding first, without code. Fails where a CPU or the target is unknown.

    ```mlir
    program.kernel @double {
      func.func @double(...)
      program.variant #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"\"",
           "system and architecture of all of them; default: this machine's">,
    ListOption<"targetCpus", "target-cpu", "std::string",
               "CPUs by LLVM's names, with +FEATURE; default: those that a program "
               "carries code for if nobody says which">
  ];
  let dependentDialects = ["::tq::program::ProgramDialect"];
}

def FormSchedulesPass : Pass<"program-form-schedules", "::mlir::ModuleOp"> {
  let summary = "Turn functions into entries, with a schedule for each target";
  let description = [{
    Before: entries are public functions that only size, allocate, view, read weights
    and call kernels, and kernels have code for each target. After: each is a
    `program.entry`, which describes it, and a `program.schedule` for each target.
    Every call that writes has a buffer of its own, and reads weights in the form in
    which the target's variant wants them (packed, widened to f32): those that have
    another are new weights with an initializer. Checks that follow from names of
    dimensions are gone.

    ```mlir
    func.func @main(%x: tensor<?x48xf32> {program.port = ...}) -> ... {
      %w = tq.get_weight @w : tensor<80x48xf32>
      %y = program.call @linear(%x, %w, %out) : ...
    // becomes
    program.entry @main : (tensor<?x48xf32>) -> tensor<?x80xf32> inputs [...] outputs [...]
    program.schedule @main #program.target<"x86-64-v3", ...> {
    ^bb0(%x: tensor<?x48xf32>):
      %w = tq.get_weight @w.packed : tensor<5x48x16x1xf32>
      %y = program.call @linear(%x, %w, %out) : ...
    ```
  }];
  let dependentDialects = ["::tq::TQDialect", "::tq::program::ProgramDialect"];
}

def PlaceWeightsPass : Pass<"program-place-weights", "::mlir::ModuleOp"> {
  let summary = "Give the weights that schedules read their places";
  let description = [{
    Before: schedules read weights in the form in which they are stored. After: each
    that any of them reads has an `offset` in the program's section of weights, a
    multiple of 64, in the order in which they are read first. Targets that read the
    same weight share it.

    ```mlir
    tq.weight @w {offset = 0 : i64} : tensor<8xf32> = ...
    tq.weight @v {offset = 64 : i64} : tensor<8xf32> = ...
    ```
  }];
}

def PlanArenaPass : Pass<"program-plan-arena", "::mlir::ModuleOp"> {
  let summary = "Give the buffers of schedules their places";
  let description = [{
    Before: schedules allocate with `tensor.empty`. After: all but the outputs are
    `program.buffer` in a slot of the arena, calls whose variant needs scratch memory
    have a slot for it, and the schedule has the arena's size, as a formula. Buffers
    that do not live at the same time share a slot, which is as large as its largest
    buffer, computed from the dynamic dimensions at run time; scratch memory of all
    threads lives during one call.

    ```mlir
    %out = program.buffer 0(%n) : tensor<?x16xf32>
    %y = program.call @mix(%x, %out) scratch in slot 1 : ...
    ```
  }];
  let dependentDialects = ["::tq::TQDialect"];
}

def EmitSchedulesPass : Pass<"program-emit-schedules", "::mlir::ModuleOp"> {
  let summary = "Turn schedules and variants into functions of the program's ABI";
  let description = [{
    Before: weights and buffers have places. After: a module inside for each target
    holds functions on buffers, indices and pointers: `plan` and `run` of each entry
    (include/tq/Runtime/Program.h), and of each kernel `NAME.code` and `NAME.body`, the
    code in the runtime's calling convention: an 8-byte word for each pointer, number
    and dynamic dimension, two for scratch memory (where it starts, and the bytes of a
    thread). The entries list their calls; schedules and kernels are gone.

    `program.rows` becomes a function whose work items are blocks of rows; with few rows
    it is passed over:

    ```mlir
    scf.if %many_rows {
      call @tq_parallel_for(%context, @tq_row_group_0, %words, %blocks)
    } else {
      call @tq_parallel_for(%context, @linear.body, %words, %items)
      call @tq_parallel_for(%context, @layer_norm.body, %words, %items)
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
}

#endif // TQ_DIALECT_PROGRAM_TRANSFORMS_PASSES_TD
