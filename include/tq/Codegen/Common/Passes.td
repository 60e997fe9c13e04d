//===- Passes.td - Code generation for every target --------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_COMMON_PASSES_TD
#define TQ_CODEGEN_COMMON_PASSES_TD

include "mlir/Pass/PassBase.td"

def SplitTargetsPass : Pass<"tq-split-targets", "::mlir::ModuleOp"> {
  let summary = "Give each CPU a module of its own";
  let description = [{
    Before: functions and weights of one program. After: a module inside for each of
    `target-cpu`, the most demanding first, with a copy of all functions and weights,
    which the outer module no longer holds, and of its attributes. `tq.target_cpu` says
    whom it is for. Fails where a CPU or the target is unknown.

    ```mlir
    module {
      module @target_0 attributes {llvm.target_triple = "x86_64-unknown-linux-gnu",
          tq.target_cpu = "x86-64-v3"} {
        tq.weight @w ...
        func.func @main ...
      }
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
}

def JoinTargetsPass : Pass<"tq-join-targets", "::mlir::ModuleOp"> {
  let summary = "Let the code for all CPUs share weights and description";
  let description = [{
    Before: modules inside, each of a whole program for one CPU after
    `tq-plan-schedule`. After: the weights and `tq.program` are those of the outer
    module; inside are functions, no attributes that the outer module has, too, and
    the arena's formula as `tq.arena_formula`. Fails where two modules differ in more
    than that: the program has one section of weights.
  }];
}

def PlanSchedulePass : Pass<"tq-plan-schedule", "::mlir::ModuleOp"> {
  let summary = "Turn the schedule into a program with one arena";
  let description = [{
    Before: `@main` on tensors holds only `tensor.empty`, `tensor.dim`, index
    arithmetic, `tq.get_weight`, reshapes and calls of kernels, functions on tensors;
    kernels whose code needs scratch memory have `NAME.workspace`. After: `@main` and
    the kernels on tensors are gone; in their place are `@tq_program_run` and
    `@tq_program_plan` of the program's ABI
    (include/tq/Runtime/Program.h), declarations of `NAME.body` and `NAME.count`
    for each kernel, weights that are used carry `tq.offset`, and the module carries
    `tq.program`: inputs, outputs, kernels, calls, the arena's formula.

    Buffers that do not live at the same time share a slot of the arena; a slot is as
    large as its largest buffer, computed from the dynamic dimensions at run time.
    Scratch memory of all threads is a buffer that lives during one call.

    Consecutive calls of row-wise kernels become a function whose work items are blocks
    of rows, each taken through all calls; with few rows it is passed over:

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

def BufferizeKernelsPass : Pass<"tq-bufferize-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn the kernels that are left on tensors into scalar loops";
  let description = [{
    Before: kernels are functions `NAME` on tensors in destination style; those that a
    generator knows have `NAME.code`. After: all have; the new ones are functions on
    memrefs in identity layout, without results, whose ops are loops over scalars.
    Their temporaries are views of an argument `tq.workspace`, scratch memory whose
    bytes `NAME.workspace` computes from the sizes of the other arguments.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"];
}

def WrapKernelsPass : Pass<"tq-wrap-kernels", "::mlir::ModuleOp"> {
  let summary = "Give kernels the calling convention of the runtime";
  let description = [{
    Before: `NAME.code` are functions on memrefs, those without work items of their own
    also on numbers. After: `NAME.body(arguments, begin, end, thread)` reads the
    code's arguments, one 8-byte word for each pointer, number and dynamic dimension,
    two for scratch memory (where it starts, and the bytes of a thread), and calls it; a
    kernel without work items of its own runs as one.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"];
}

#endif // TQ_CODEGEN_COMMON_PASSES_TD
