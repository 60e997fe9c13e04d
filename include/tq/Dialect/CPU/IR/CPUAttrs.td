//===- CPUAttrs.td - How kernels are written for CPUs ------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_CPU_IR_CPUATTRS_TD
#define TQ_DIALECT_CPU_IR_CPUATTRS_TD

include "tq/Dialect/Program/IR/ProgramInterfaces.td"

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def CPU_Dialect : Dialect {
  let name = "cpu";
  let cppNamespace = "::tq::cpu";
  let summary = "How kernels are written for CPUs";
  let description = [{
    Plans of variants: what `tq-plan-kernels` chooses and `tq-generate-kernels` writes.
    A plan changes the speed of a kernel and never its results, but for the products of
    bf16, which each kind of dot product rounds in its own way. Where a variant has a
    plan already, that one holds.

    A vector is 16 lanes of 32 bits on every CPU; one with narrower registers splits it.
  }];
  let useDefaultAttributePrinterParser = 1;
}

class CPU_Plan<string name, string attrMnemonic>
    : AttrDef<CPU_Dialect, name, [DeclareAttrInterfaceMethods<Program_PlanAttrInterface>]> {
  let mnemonic = attrMnemonic;
  let genVerifyDecl = 1;
}

def CPU_DotKind : I32EnumAttr<"DotKind", "how groups of products are added to sums", [
    I32EnumAttrCase<"Fma", 0, "fma">, // one f32 to f32
    // Four of u8 x s8 to s32:
    I32EnumAttrCase<"Vpdpbusd", 1, "vpdpbusd">, // AVX-512 VNNI
    I32EnumAttrCase<"VpdpbusdHalf", 2, "vpdpbusd_half">, // AVX-VNNI: half as wide
    I32EnumAttrCase<"Pmaddwd", 3, "vpmaddwd">, // AVX2: in 16 bits, as vpmaddubsw saturates
    I32EnumAttrCase<"Usdot", 4, "usdot">, // Arm i8mm: a quarter as wide
    I32EnumAttrCase<"Sdot", 5, "sdot">, // Arm dotprod: s8 x s8, so inputs move by 128
    I32EnumAttrCase<"Widen", 6, "widen">, // any CPU: plain arithmetic in 32 bits
    // Two of bf16 to f32:
    I32EnumAttrCase<"Vdpbf16ps", 7, "vdpbf16ps">, // AVX-512 BF16
    I32EnumAttrCase<"WidenBf16", 8, "widen_bf16"> // any CPU: two fma in f32
  ]> {
  let cppNamespace = "::tq::cpu";
  let genSpecializedAttr = 0;
}

def CPU_SumPlace : I32EnumAttr<"SumPlace", "where sums are while products are added", [
    I32EnumAttrCase<"Vectors", 0, "vectors">, // registers of vectors
    I32EnumAttrCase<"Tiles", 1, "tiles"> // tile registers (AMX), of 16 rows by 16 columns
  ]> {
  let cppNamespace = "::tq::cpu";
  let genSpecializedAttr = 0;
}

def CPU_OperandForm : I32EnumAttr<"OperandForm", "what a dot product reads", [
    I32EnumAttrCase<"Stored", 0, "stored">, // inputs and weights as they are stored
    I32EnumAttrCase<"Widened", 1, "widened"> // copies in scratch, of 16 bits
  ]> {
  let cppNamespace = "::tq::cpu";
  let genSpecializedAttr = 0;
}

class CPU_DefaultEnumParameter<EnumInfo enum, string value> : EnumParameter<enum> {
  let defaultValue = value;
}

defvar tileParameters = (ins
  EnumParameter<CPU_DotKind>:$dot, "int64_t":$tileRows, "int64_t":$tileVectors);

def CPU_ContractionPlanAttr : CPU_Plan<"ContractionPlan", "contraction"> {
  let summary = "Rows with a weight, and what is done with the sums";
  let description = [{
    A work item is 64 outputs of `rows` rows, whose weights stay in the cache. Sums of
    `tile` rows by vectors are in registers at the same time, `dot` adds to them. With
    sums in `tiles` that holds for up to as many rows as the tile has; more of them go
    through tile registers, 32 rows an item.

    With `operands = widened`, for `vpmaddwd` only, an item of more than two tiles of
    rows first copies its inputs to scratch, and weights when their outputs are next, in the 16 bits that are multiplied:
    the loop over the products has nothing to unpack. Else they are `stored`.

    Examples: `#cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = vectors>`,
    `#cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors, operands = widened>`
  }];
  let parameters = !con(tileParameters,
                        (ins "int64_t":$rows, EnumParameter<CPU_SumPlace>:$sums,
    CPU_DefaultEnumParameter<CPU_OperandForm, "OperandForm::Stored">:$operands));
  let assemblyFormat = [{
    `<` $dot `,` `tile` `=` $tileRows `x` $tileVectors `,` `rows` `=` $rows `,`
    `sums` `=` $sums (`,` `operands` `=` $operands^)? `>`
  }];
  let extraClassDeclaration = [{
    bool isWidened() const { return getOperands() == OperandForm::Widened; }
  }];
}

def CPU_AttentionPlanAttr : CPU_Plan<"AttentionPlan", "attention"> {
  let summary = "Attention, head by head";
  let description = [{
    A work item is one head of one sequence, which takes `tile` queries at a time, or 32
    with sums in `tiles`. Of their products with keys and values, `tile` rows by vectors
    are summed at the same time, by `dot`; the four vectors of a panel of keys are whole
    tiles.

    Example: `#cpu.attention<fma, tile = 6 x 4, sums = vectors>`
  }];
  let parameters = !con(tileParameters, (ins EnumParameter<CPU_SumPlace>:$sums));
  let assemblyFormat = [{
    `<` $dot `,` `tile` `=` $tileRows `x` $tileVectors `,` `sums` `=` $sums `>`
  }];
}

def CPU_RowsPlanAttr : CPU_Plan<"RowsPlan", "rows"> {
  let summary = "Element by element, and reductions along rows";
  let description = [{
    A work item is one row, in vectors. What several ops of the row read is kept on the
    stack while there are `stack` bytes for it, and else computed again.

    Example: `#cpu.rows<stack = 262144>`
  }];
  let parameters = (ins "int64_t":$stackBytes);
  let assemblyFormat = "`<` `stack` `=` $stackBytes `>`";
}

#endif // TQ_DIALECT_CPU_IR_CPUATTRS_TD
