//===- TQBase.td - The tq dialect, attributes and enums ----*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQBASE_TD
#define TQ_DIALECT_TQ_IR_TQBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def TQ_Dialect : Dialect {
  let name = "tq";
  let cppNamespace = "::tq";
  let summary = "Transformer layers, float and quantized, on tensors";
  let description = [{
    One op a layer piece, with the names and semantics of PyTorch. Weights are
    module-level symbols (`tq.weight`) that point into mapped files; nothing is
    copied before `Emit`. A float op and its integer form are separate ops:
    the quantize phase inserts quantize/dequantize pairs, the fuse phase turns
    `dequantize -> op` into the integer form through `QuantizableOpInterface`.

    Numerics are part of the semantics: docs/Quantization.md gives the exact
    sequence of operations of each op. Tensors are ranked; every dimension may
    be dynamic unless a constraint says otherwise.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::quant::QuantDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  // There are no attributes `tq.name` on other ops: what is known of a program
  // is in the program dialect.
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    /// CompileTimeOpInterface of ops of other dialects.
    void attachCompileTimeModels();
  }];
}

class TQ_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<TQ_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def TQ_MappedAttr : TQ_Attr<"Mapped", "mapped"> {
  let summary = "Bytes of a file that a weight points into";
  let description = [{
    The weight's elements, row-major and little-endian, start `offset` bytes into
    `file`; where a file of IR is read, relative paths start at its directory. The
    weight's type gives their number. The file is mapped when the
    elements are needed, at the earliest by `Emit`; IR stays small. A `digest` is that
    of the file that the module was made from (`getFileDigest`): with another file, Emit
    ends with an error. 0: any file will do.

    With `strides` the element at indices i is `sum_d i[d] * strides[d]` elements behind
    the first: a transposed view of a stored matrix, or one number for many.

    Example: `#tq.mapped<"model.safetensors", 1432, digest = 5180492295206395165>`,
    `#tq.mapped<"model.pt2", 4096, strides = [1, 8]>`
  }];
  let parameters = (ins StringRefParameter<"path of the file">:$file, "uint64_t":$offset,
                        DefaultValuedParameter<"uint64_t", "0">:$digest,
                        OptionalArrayRefParameter<"int64_t">:$strides);
  let assemblyFormat = [{
    `<` $file `,` custom<MappedPlace>($offset, $digest, $strides) `>`
  }];
}

class TQ_EnumCase<string sym, int val, string str> : I32EnumAttrCase<sym, val, str>;

def TQ_Activation : I32EnumAttr<"Activation", "activation function", [
    TQ_EnumCase<"None", 0, "none">, TQ_EnumCase<"Gelu", 1, "gelu">,
    TQ_EnumCase<"GeluTanh", 2, "gelu_tanh">, TQ_EnumCase<"Relu", 3, "relu">,
    TQ_EnumCase<"Silu", 4, "silu">, TQ_EnumCase<"Tanh", 5, "tanh">,
    TQ_EnumCase<"Sigmoid", 6, "sigmoid">, TQ_EnumCase<"QuickGelu", 7, "quick_gelu">]> {
  let cppNamespace = "::tq";
  let genSpecializedAttr = 0;
}
def TQ_ActivationAttr : EnumAttr<TQ_Dialect, TQ_Activation, "activation"> {
  let assemblyFormat = "`<` $value `>`";
}

def TQ_PoolKind : I32EnumAttr<"PoolKind", "pooling over the sequence", [
    TQ_EnumCase<"Mean", 0, "mean">, TQ_EnumCase<"First", 1, "first">,
    TQ_EnumCase<"Max", 2, "max">, TQ_EnumCase<"MeanSqrtLen", 3, "mean_sqrt_len">,
    TQ_EnumCase<"WeightedMean", 4, "weighted_mean">,
    TQ_EnumCase<"Last", 5, "last">]> {
  let cppNamespace = "::tq";
  let genSpecializedAttr = 0;
}
def TQ_PoolKindAttr : EnumAttr<TQ_Dialect, TQ_PoolKind, "pool_kind"> {
  let assemblyFormat = "`<` $value `>`";
}

def TQ_Precision : I32EnumAttr<"Precision", "type in which products are computed", [
    TQ_EnumCase<"F32", 0, "f32">, TQ_EnumCase<"BF16", 1, "bf16">,
    TQ_EnumCase<"Int8", 2, "int8">]> {
  let cppNamespace = "::tq";
  let genSpecializedAttr = 0;
}
def TQ_PrecisionAttr : EnumAttr<TQ_Dialect, TQ_Precision, "precision"> {
  let assemblyFormat = "`<` $value `>`";
}

def TQ_FloatTensor : RankedTensorOf<[F32]>;
def TQ_IdTensor : RankedTensorOf<[I64]>;
def TQ_FloatVector : 1DTensorOf<[F32]>;
def TQ_IntVector : 1DTensorOf<[I32]>;

def TQ_QuantElement : Type<
    CPred<"::llvm::isa<::mlir::quant::QuantizedType>($_self)">, "quantized element type">;
def TQ_QuantTensor : RankedTensorOf<[TQ_QuantElement]>;

class TQ_Op<string opMnemonic, list<Trait> traits = []>
    : Op<TQ_Dialect, opMnemonic, traits>;

def TQ_ReifyShapes : DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                               ["reifyResultShapes"]>;

// An op whose result has the shape of the first operand.
class TQ_SameShapeOp<string opMnemonic, list<Trait> traits = []>
    : TQ_Op<opMnemonic, !listconcat(traits, [TQ_ReifyShapes])> {
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::tq::detail::reifyFirstOperand(*this, builder, shapes);
    }
  }];
}

// An op whose result has the type of the first operand.
class TQ_SameTypeOp<string opMnemonic, string firstOperand, list<Trait> traits = []>
    : TQ_SameShapeOp<opMnemonic,
                     !listconcat(traits, [AllTypesMatch<[firstOperand, "result"]>])>;

#endif // TQ_DIALECT_TQ_IR_TQBASE_TD
