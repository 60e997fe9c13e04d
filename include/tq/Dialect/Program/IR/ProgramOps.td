//===- ProgramOps.td - Operations of the program dialect ---*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_IR_PROGRAMOPS_TD
#define TQ_DIALECT_PROGRAM_IR_PROGRAMOPS_TD

include "tq/Dialect/Program/IR/ProgramAttrs.td"
include "tq/Dialect/Program/IR/ProgramInterfaces.td"

include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Program_Op<string mnemonic, list<Trait> traits = []>
    : Op<Program_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

def Program_KernelOp : Program_Op<"kernel",
    [Symbol, SymbolTable, IsolatedFromAbove, NoTerminator, SingleBlock]> {
  let summary = "one piece of work that the program calls, in all its variants";
  let description = [{
    Holds its definition, a function on tensors in destination style that says what is
    computed (its last arguments are what its results are written to), and behind it a
    `program.variant` for each target.

    (C1) The first op is a `func.func` with a body and the kernel's name.
    (C2) All others are `program.variant`, one a target.

    ```mlir
    program.kernel @double {
      func.func @double(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
        ...
      }
      program.variant #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu"> code {
        ...
      }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$bodyRegion);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $bodyRegion";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// What it computes.
    ::mlir::func::FuncOp getDefinition();
    /// Its code for `target`; null if there is none.
    ::tq::program::VariantOp getVariant(::tq::program::TargetAttr target);
    void setName(::llvm::StringRef name);
  }];
  let builders = [
    // A kernel with this definition, whose name it takes.
    OpBuilder<(ins "::mlir::func::FuncOp":$definition)>
  ];
  let skipDefaultBuilders = 1;
}

def Program_VariantOp : Program_Op<"variant",
    [HasParent<"KernelOp">, IsolatedFromAbove, AutomaticAllocationScope]> {
  let summary = "a kernel's code for one target";
  let description = [{
    Sizes of a call are its dynamic dimensions and its operands of type index, in
    order. The regions are

    - `code(arguments..., [scratch], [begin, end])`: the work, on a memref in identity
      layout for each tensor of the definition, `packed` ones in their layout;
    - `count(sizes...)`: the number of items that the work is split into; code with a
      count runs items [begin, end), code without runs as one item;
    - `workspace(sizes...)`: bytes of scratch memory of one thread, a multiple of 64;
      code with a workspace has the argument `scratch`.

    A variant without code is yet to be written. `plan` says how its generator does it,
    or did it; code without a plan is that of `tq-bufferize-kernels`.

    (C1) The arguments of the regions are as above; a packed one is a static tensor of
         rank 2.
    (C2) `count` and `workspace` are one block that yields an index, beside code.

    ```mlir
    program.variant #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
        plan #cpu.rows<stack = 262144> code {
    ^bb0(%x: memref<?xf32>, %out: memref<?xf32>, %begin: index, %end: index):
      ...
      program.yield
    } count {
    ^bb0(%n: index, %m: index):
      program.yield %n : index
    }
    ```
  }];
  let arguments = (ins Program_TargetAttr:$target,
    OptionalAttr<Program_PlanAttrInterface>:$plan,
    DefaultValuedOptionalAttr<TypedArrayAttrBase<Program_PackedAttr, "layouts">, "{}">:$packed);
  let regions = (region AnyRegion:$code, AnyRegion:$count, AnyRegion:$workspace);
  let assemblyFormat = [{
    $target (`plan` $plan^)? (`packed` $packed^)? attr-dict-with-keyword
    (`code` $code^)? (`count` $count^)? (`workspace` $workspace^)?
  }];
  let extraClassDeclaration = [{
    bool hasCode() { return !getCode().empty(); }
    bool hasCount() { return !getCount().empty(); }
    bool hasWorkspace() { return !getWorkspace().empty(); }
    ::tq::program::KernelOp getKernel();
    /// How argument `index` of the kernel is laid out; null: row-major.
    ::tq::program::PackedAttr getPacked(unsigned index);
    /// The type that a call passes for argument `index`.
    ::mlir::Type getArgumentType(unsigned index);
  }];
  let builders = [OpBuilder<(ins "::tq::program::TargetAttr":$target)>];
}

def Program_YieldOp : Program_Op<"yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["VariantOp", "ScheduleOp", "RowsOp"]>]> {
  let summary = "end a region, with its results";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), "build($_builder, $_state, ::mlir::ValueRange());">];
}

def Program_CallOp : Program_Op<"call",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a kernel";
  let description = [{
    In destination style: the results are written to the last operands. `layer`,
    `scheme` and `reason` are for people: what of the model it is, in which numbers,
    and why it stayed in float. `slot` is the part of the arena that its scratch
    memory is in, see `program-plan-arena`.

    (C1) `kernel` is a `program.kernel`.
    (C2) Operands and results have the types of its definition, or (operands) of a
         variant.

    ```mlir
    %y = program.call @double(%x, %out) {layer = "encoder.0", scheme = "f32"}
      : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$arguments,
    DefaultValuedStrAttr<StrAttr, "">:$layer, DefaultValuedStrAttr<StrAttr, "">:$scheme,
    DefaultValuedStrAttr<StrAttr, "">:$reason, OptionalAttr<I64Attr>:$slot);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $kernel `(` $arguments `)` (`scratch` `in` `slot` $slot^)? attr-dict
    `:` functional-type($arguments, $outputs)
  }];
  let extraClassDeclaration = [{
    /// The operand that the result is written to.
    ::mlir::Value getDestination(::mlir::OpResult result);
  }];
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

// States are read and set by an entry itself, as functions or schedules have it.
defvar InEntry = ParentOneOf<["::mlir::func::FuncOp", "ScheduleOp"]>;

def Program_StateOp : Program_Op<"state", [Symbol]> {
  let summary = "what a session keeps from run to run";
  let description = [{
    A tensor, or a number, that all entries read and write; it begins as zeros. A
    session is made with sizes for the names of its dynamic dimensions, which are then
    those of inputs that have them, too. Keys and values of the tokens so far are a
    state whose rows are a prefix of its capacity.

    (C1) `type` is index, or a ranked tensor of at most 8 dimensions whose elements are
         f32, i64, i32, i8, ui8 or i1. A static one has less than 2^48 elements.
    (C2) A tensor names its dimensions, dynamic ones not "".

    ```mlir
    program.state @keys : tensor<?x?x64xf32> dims ["batch", "capacity", ""]
    program.state @length : index
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
    TypeAttrOf<AnyTypeOf<[AnyRankedTensor, Index]>>:$type,
    DefaultValuedOptionalAttr<StrArrayAttr, "{}">:$dims);
  let assemblyFormat = "$sym_name `:` $type (`dims` $dims^)? attr-dict-with-keyword";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    bool isNumber() { return ::mlir::isa<::mlir::IndexType>(getType()); }
    /// The name of a dimension of the tensor.
    ::mlir::StringAttr getDimName(unsigned dim) {
      return ::mlir::cast<::mlir::StringAttr>(getDims()[dim]);
    }
  }];
}

def Program_GetStateOp : Program_Op<"get_state",
    [Pure, InEntry, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a state as it was before the run";
  let description = [{
    (C1) `name` is a `program.state` of this type.

    ```mlir
    %n = program.get_state @length : index
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs AnyTypeOf<[AnyRankedTensor, Index]>:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let extraClassDeclaration = [{ ::tq::program::StateOp lookupState(); }];
}

def Program_SetStateOp : Program_Op<"set_state",
    [MemoryEffects<[MemWrite]>, InEntry,
     DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "what a state is after the run";
  let description = [{
    After lower a tensor is in the memory of the state, and what was there before is
    read no more: the op that computes it writes there, or it is copied.

    (C1) `name` is a `program.state` of this type.
    (C2) An entry sets a state once.

    ```mlir
    program.set_state @length, %m : index
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name, AnyTypeOf<[AnyRankedTensor, Index]>:$value);
  let assemblyFormat = "$name `,` $value attr-dict `:` type($value)";
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

def Program_EntryOp : Program_Op<"entry", [Symbol]> {
  let summary = "a function of the program that its users call";
  let description = [{
    What goes in and out: the types, and a port for each; dynamic dimensions of ports
    have names, and equal names are equal sizes. `checks` are what has to hold of the
    sizes, for people; `calls` are those of its schedules, in order; `arenas` the sizes of
    their memory, for people, target by target.

    (C1) There is a port for each type; its dimensions are as many.
    (C2) The inputs, and the outputs, have names of their own.

    ```mlir
    program.entry @main : (tensor<?xf32>) -> tensor<?xf32>
      inputs [#program.port<"x", ["batch"]>] outputs [#program.port<"y", ["batch"]>]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    TypedArrayAttrBase<Program_PortAttr, "ports">:$inputs,
    TypedArrayAttrBase<Program_PortAttr, "ports">:$outputs,
    DefaultValuedOptionalAttr<StrArrayAttr, "{}">:$checks,
    DefaultValuedOptionalAttr<TypedArrayAttrBase<Program_CallSiteAttr, "calls">, "{}">:$calls,
    DefaultValuedOptionalAttr<StrArrayAttr, "{}">:$arenas);
  let assemblyFormat = [{
    $sym_name `:` $function_type `inputs` $inputs `outputs` $outputs
    (`checks` $checks^)? (`calls` $calls^)? (`arenas` $arenas^)? attr-dict-with-keyword
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    auto getInputPorts() { return getInputs().getAsRange<::tq::program::PortAttr>(); }
    auto getOutputPorts() { return getOutputs().getAsRange<::tq::program::PortAttr>(); }
    auto getCallSites() { return getCalls().getAsRange<::tq::program::CallSiteAttr>(); }
  }];
}

def Program_ScheduleOp : Program_Op<"schedule",
    [IsolatedFromAbove, SingleBlock, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "what a run of an entry does on one target, in order";
  let description = [{
    A region on the entry's inputs that only sizes, allocates, views, reads weights and
    calls kernels, and yields the outputs. Weights are in the form that the target's
    variants read. `arena` is the size of its memory, for people.

    (C1) `entry` is a `program.entry`, whose inputs and outputs the region has.

    ```mlir
    program.schedule @main #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu"> {
    ^bb0(%x: tensor<?xf32>):
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?xf32>
      %out = tensor.empty(%n) : tensor<?xf32>
      %y = program.call @double(%x, %out) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
      program.yield %y : tensor<?xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$entry, Program_TargetAttr:$target,
    OptionalAttr<StrAttr>:$arena);
  let regions = (region SizedRegion<1>:$bodyRegion);
  let assemblyFormat = "$entry $target (`arena` $arena^)? attr-dict-with-keyword $bodyRegion";
  let extraClassDeclaration = [{
    ::tq::program::EntryOp lookupEntry();
    ::mlir::OperandRange getResults() { return getBody()->getTerminator()->getOperands(); }
    /// All calls, those in `program.rows` too, in the order of execution.
    ::llvm::SmallVector<::tq::program::CallOp> getCalls();
  }];
}

def Program_RowsOp : Program_Op<"rows", [SingleBlock, HasParent<"ScheduleOp">]> {
  let summary = "take blocks of rows through several kernels";
  let description = [{
    The calls inside treat each row by itself: a row is what stands at one place of the
    dynamic dimensions, which come first and are the same in all operands that have
    any. A thread takes a block of up to `block` rows, a multiple of `unit` where there
    are as many, through all calls before its next block. With fewer than `least` rows a
    thread, threads share each call instead.

    Buffers that are allocated inside hold one block a thread, others all rows. What
    later ops read is yielded.

    ```mlir
    %y = program.rows block 256 unit 16 least 32 {
      %wide = tensor.empty(%n) : tensor<?x512xf32>
      %0 = program.call @widen(%x, %wide) : (tensor<?x16xf32>, tensor<?x512xf32>) -> tensor<?x512xf32>
      %1 = program.call @narrow(%0, %out) : (tensor<?x512xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
      program.yield %1 : tensor<?x16xf32>
    } : tensor<?x16xf32>
    ```
  }];
  let arguments = (ins I64Attr:$block_rows, I64Attr:$unit, I64Attr:$least);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$bodyRegion);
  let assemblyFormat = [{
    `block` $block_rows `unit` $unit `least` $least attr-dict-with-keyword $bodyRegion
    (`:` type($outputs)^)?
  }];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    auto getCalls() { return getBody()->getOps<::tq::program::CallOp>(); }
  }];
}

def Program_BufferOp : Program_Op<"buffer", []> {
  let summary = "memory of the arena";
  let description = [{
    `tensor.empty` whose memory is slot `slot` of the arena. A slot is as large as the
    largest of its buffers; no two of them are in use at the same time.

    ```mlir
    %b = program.buffer 0(%n) : tensor<?x16xf32>
    ```
  }];
  let arguments = (ins I64Attr:$slot, Variadic<Index>:$dynamicSizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$slot `(` $dynamicSizes `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getResult().getType());
    }
  }];
}

#endif // TQ_DIALECT_PROGRAM_IR_PROGRAMOPS_TD
