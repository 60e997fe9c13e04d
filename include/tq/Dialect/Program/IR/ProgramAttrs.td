//===- ProgramAttrs.td - What is known of a program --------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_IR_PROGRAMATTRS_TD
#define TQ_DIALECT_PROGRAM_IR_PROGRAMATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Program_Dialect : Dialect {
  let name = "program";
  let cppNamespace = "::tq::program";
  let summary = "What a program is made of: entries, kernels, variants, schedules";
  let description = [{
    The tq dialect says what a model computes; this one what the program is: what goes
    in and out, which kernels it has and in which variants for which targets, in which
    order they run and where their data lies. docs/ProgramDialectRationale.md gives
    the reasons.

    Until the lower phase an entry is a public `func.func`, whose arguments and results
    carry `program.port`; the module carries what belongs to all entries:

    | attribute of the module | what |
    |---|---|
    | `program.name` | the model's name |
    | `program.symbols` | array of `#program.symbol`: limits of dynamic dimensions, the batch |
    | `program.labels` | `#program.labels`: the classes of a classifier |
    | `program.tokenizer`, `program.tokenizer_note` | tables of the tokenizer, or why there are none |
    | `program.max_tokens` | texts are cut to so many tokens |
    | `program.prompts`, `program.default_prompt` | what may be put before a text |
    | `program.phase`, `program.options` | how far it is compiled, and with which options |
    | `program.targets` | array of `#program.target`: what it has code for |
    | `program.target` | of a module inside that holds code: what for |

    An attribute `program.NAME` that is none of these, or stands elsewhere, is an error.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

class Program_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Program_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Enums: values are those of tq/Runtime/Program.h
//===----------------------------------------------------------------------===//

def Program_Fill : I32EnumAttr<"Fill", "what an input that is left out is filled with", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Zeros", 1, "zeros">,
    I32EnumAttrCase<"Ones", 2, "ones">]> {
  let cppNamespace = "::tq::program";
  let genSpecializedAttr = 0;
}

def Program_LabelScores : I32EnumAttr<"LabelScores", "what makes scores of logits", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Softmax", 1, "softmax">,
    I32EnumAttrCase<"Sigmoid", 2, "sigmoid">]> {
  let cppNamespace = "::tq::program";
  let genSpecializedAttr = 0;
}

//===----------------------------------------------------------------------===//
// Ports
//===----------------------------------------------------------------------===//

def Program_PortAttr : Program_Attr<"Port", "port"> {
  let summary = "An input or output, as the program's user sees it";
  let description = [{
    A name, and one for each dimension; of use where the dimension is dynamic: equal
    names are equal sizes. Of inputs also:
    - `limit`: ids are in [0, limit); 0: they are not checked;
    - `fill`: what an input that is left out holds; `none`: it must be given;
    - `padding`: an input [batch, sequence] whose zeros at the end of a row are padding:
      nothing at other positions depends on what is computed there.

    Example: `#program.port<"input_ids", ["batch", "sequence"], limit = 30522>`
  }];
  let parameters = (ins
    StringRefParameter<"name">:$name,
    ArrayRefParameter<"::mlir::StringAttr", "names of dimensions">:$dims,
    DefaultValuedParameter<"int64_t", "0">:$limit,
    DefaultValuedParameter<"::tq::program::Fill", "::tq::program::Fill::None">:$fill,
    DefaultValuedParameter<"bool", "false">:$padding);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Program_SymbolAttr : Program_Attr<"Symbol", "symbol"> {
  let summary = "A dynamic dimension that ports share";
  let description = [{
    `max` is the largest size it may have, 0: any. Along the `batch` rows do not depend
    on each other: it is the first dimension of all outputs and of the inputs that have
    it, and the runtime may take it apart.

    Example: `#program.symbol<"sequence", max = 512>`, `#program.symbol<"batch", batch>`
  }];
  let parameters = (ins
    StringRefParameter<"name">:$name,
    DefaultValuedParameter<"int64_t", "0">:$max,
    DefaultValuedParameter<"bool", "false">:$batch);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Program_LabelsAttr : Program_Attr<"Labels", "labels"> {
  let summary = "The classes of a classifier";
  let description = [{
    Names of the last dimension of the output `logits`, and what makes scores of these;
    without a word that is the softmax of several, and the number itself of one.

    Example: `#program.labels<["negative", "positive"], scores = softmax>`
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::StringAttr", "names of classes">:$names,
    "::tq::program::LabelScores":$scores);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Targets and variants
//===----------------------------------------------------------------------===//

def Program_TargetAttr : Program_Attr<"Target", "target"> {
  let summary = "A processor that the program has code for";
  let description = [{
    The CPU as `--target-cpu` names it, and LLVM's triple.

    Example: `#program.target<"x86-64-v4+avx512vnni", "x86_64-unknown-linux-gnu">`
  }];
  let parameters = (ins StringRefParameter<"cpu">:$cpu, StringRefParameter<"triple">:$triple);
  let assemblyFormat = "`<` $cpu `,` $triple `>`";
}

def Program_PackedAttr : Program_Attr<"Packed", "packed"> {
  let summary = "How a variant wants a weight laid out";
  let description = [{
    Argument `argument` of the kernel, a weight [N, K], is read as `tq.pack_weight` lays
    it out: [N/panel, K/group, panel, group], filled up with zeros.

    Example: `#program.packed<1, panel = 16, group = 4>`
  }];
  let parameters = (ins "unsigned":$argument, "int64_t":$panel, "int64_t":$group);
  let assemblyFormat = "`<` $argument `,` `panel` `=` $panel `,` `group` `=` $group `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The type of a weight of `type` in this layout.
    ::mlir::RankedTensorType getPackedType(::mlir::RankedTensorType type) const;
  }];
}

def Program_CallSiteAttr : Program_Attr<"CallSite", "call_site"> {
  let summary = "A call of a kernel, as a profile shows it";
  let parameters = (ins
    "::mlir::FlatSymbolRefAttr":$kernel, StringRefParameter<"layer">:$layer,
    StringRefParameter<"scheme">:$scheme, StringRefParameter<"reason">:$reason);
  let assemblyFormat = "`<` $kernel `,` $layer `,` $scheme `,` $reason `>`";
}

#endif // TQ_DIALECT_PROGRAM_IR_PROGRAMATTRS_TD
