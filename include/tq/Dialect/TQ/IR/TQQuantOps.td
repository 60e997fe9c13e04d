//===- TQQuantOps.td - Quantization and the integer forms --*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQQUANTOPS_TD
#define TQ_DIALECT_TQ_IR_TQQUANTOPS_TD

include "tq/Dialect/TQ/IR/TQBase.td"
include "tq/Dialect/TQ/IR/TQInterfaces.td"

def TQ_QuantizeOp : TQ_SameShapeOp<"quantize",
    [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>,
     DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "quantize with given parameters";
  let description = [{
    `q = clamp(roundHalfToEven(fl(x * inverse_scale)) + zero_point)`, as PyTorch and ONNX
    quantize. The parameters are those of `!quant.uniform`, per tensor or per axis as the upstream type says, or
    operands for `!quant.any`: one number for the whole tensor, or one for each column.
    Operands keep equal layers one kernel: a scale is a weight of one
    element.

    With `coarse` the sum is rounded once, which is faster:
    `clamp(roundHalfToEven(x * inverse_scale + zero_point))`; and the input may be as
    inexact as that: an activation in front may be coarse, too. tq's own quantization says
    so, a model's does not.

    Of a dequantized value of the same `!quant.uniform` it is that value again, and
    folds. The other way round nothing folds: rounding is meant.

    (C1) The shapes are equal. (C2) The result's element type has storage of 8 bits and
    expresses f32. (C3) `inverse_scales` are present exactly for `!quant.any`; they have
    rank 0, or the size of the last dimension. (C4) `zero_points` are as well; where they are
    absent they are 0.

    ```mlir
    %q = tq.quantize %x : tensor<?x48xf32> -> tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>
    %r = tq.quantize %x inverse_scales(%i) zero_points(%z)
      : tensor<?x48xf32>, tensor<48xf32>, tensor<48xi32> -> tensor<?x48x!quant.any<u8:f32>>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, Optional<TQ_FloatTensor>:$inverse_scales,
                       Optional<RankedTensorOf<[I32]>>:$zero_points, UnitAttr:$coarse);
  let results = (outs TQ_QuantTensor:$result);
  let assemblyFormat = [{
    $input (`inverse_scales` `(` $inverse_scales^ `)`)? (`zero_points` `(` $zero_points^ `)`)?
    attr-dict `:` type($input) (`,` type($inverse_scales)^)? (`,` type($zero_points)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TQ_DequantizeOp : TQ_SameShapeOp<"dequantize",
    [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     InferTypeOpAdaptor, DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>,
     DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "give the real numbers that quantized values stand for";
  let description = [{
    `x = (q - zero_point) * scale`. The parameters are those of `!quant.uniform`, or
    operands for `!quant.any`: one scale (and zero point) for each row, where a row is
    everything along the last dimension; or one scale for the whole tensor, and one zero
    point or one for each column; or, without zero points, `column_scales`: one for each
    block of equally many columns.

    (C1) Either `scales` or `column_scales` are present exactly for `!quant.any`. (C2)
         `scales` and `zero_points` have the shape of `input` without its last
         dimension; or `scales` have rank 0, and `zero_points` rank 0 or the size of the
         last dimension. (C3) The last dimension of `input` is static where there
         are `column_scales`, and a multiple of their number; there are no
         `zero_points` then.

    ```mlir
    %x = tq.dequantize %q scales(%s) zero_points(%z)
      : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x48xf32>
    %y = tq.dequantize %r column_scales(%t)
      : (tensor<?x48x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>) -> tensor<?x48xf32>
    ```
  }];
  let arguments = (ins TQ_QuantTensor:$input, Optional<TQ_FloatTensor>:$scales,
                       Optional<RankedTensorOf<[I32]>>:$zero_points,
                       Optional<TQ_FloatVector>:$column_scales);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scales` `(` $scales^ `)`)? (`zero_points` `(` $zero_points^ `)`)?
    (`column_scales` `(` $column_scales^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def TQ_DynamicQuantizeOp : TQ_Op<"dynamic_quantize",
    [Pure, InferTypeOpAdaptor, TQ_ReifyShapes,
     DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "quantize each row to u8 with parameters found at run time";
  let description = [{
    For each row: `lo = min(0, min x)`, `hi = max(0, max x)`, `scale = (hi - lo) / 255`
    (1 for a row of zeros), `zero_point = roundHalfToEven(-lo / scale)`,
    `values = clamp(roundHalfToEven(x / scale) + zero_point, 0, 255)`.

    (C1) `input` has rank >= 1.

    ```mlir
    %q, %s, %z = tq.dynamic_quantize %x : tensor<?x48xf32>
      -> tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input);
  let results = (outs TQ_QuantTensor:$values, TQ_FloatTensor:$scales,
                      RankedTensorOf<[I32]>:$zero_points);
  let assemblyFormat = [{
    $input attr-dict `:` type($input) `->` type($values) `,` type($scales) `,` type($zero_points)
  }];
  let hasVerifier = 1;
}

def TQ_QuantizedEmbeddingOp : TQ_Op<"quantized_embedding",
    [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     InferTypeOpAdaptor, TQ_ReifyShapes,
     DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "look rows of an s8 table up";
  let description = [{
    `result[..., d] = table[ids[...], d] * scales[ids[...]]`: the integer form of
    `tq.embedding`.

    (C1) `table` has rank 2. (C2) `scales` has the size of its first dimension.

    ```mlir
    %e = tq.quantized_embedding %ids, %q, %s
      : (tensor<?x?xi64>, tensor<97x48x!quant.any<i8<-127:127>:f32>>, tensor<97xf32>)
      -> tensor<?x?x48xf32>
    ```
  }];
  let arguments = (ins TQ_IdTensor:$ids, TQ_QuantTensor:$table, TQ_FloatVector:$scales);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat =
      "$ids `,` $table `,` $scales attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_QuantizedLinearOp : TQ_Op<"quantized_linear",
    [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     InferTypeOpAdaptor, TQ_ReifyShapes, TQ_EpilogueOpInterface]> {
  let summary = "apply a linear layer in integers, with its whole epilogue";
  let description = [{
    With exact s32 sums and one fused epilogue:

        acc[..., n] = sum_k (input[..., k] - 128) * weight[n, k]
        t = acc - (zero_points[...] - 128) * sum_k weight[n, k]
        y = t * (input_scales[...] * weight_scales[n]) + bias[n]
        result = activation(y) + residual

    docs/Quantization.md gives each rounding. Where `zero_points` is absent they are 0.
    With `coarse`, the activation may be as inexact as rounding to 8 bits behind it
    allows: only `tq.quantize` and `tq.dynamic_quantize` read the result.

    (C1) `input` has u8 storage, `weight` s8 storage and rank 2; the last dimensions
         are equal.
    (C2) `input_scales` and `zero_points` have the shape of `input` without its last
         dimension. (C3) `weight_scales` and `bias` have the size of the first
         dimension of `weight`. (C4) `residual` has the type of the result. (C5) The last
    dimension of `weight` is at most 132104, or 131071 where its storage has -128: a
    longer sum could exceed s32.

    ```mlir
    %y = tq.quantized_linear %q, %s zero_points(%z) weight(%w, %ws) bias(%b) residual(%r)
      {activation = #tq.activation<none>}
      : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>,
         tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>, tensor<80xf32>,
         tensor<?x80xf32>) -> tensor<?x80xf32>
    ```
  }];
  let arguments = (ins TQ_QuantTensor:$input, TQ_FloatTensor:$input_scales,
                       Optional<RankedTensorOf<[I32]>>:$zero_points,
                       TQ_QuantTensor:$weight, TQ_FloatVector:$weight_scales,
                       Optional<TQ_FloatVector>:$bias, Optional<TQ_FloatTensor>:$residual,
                       DefaultValuedAttr<TQ_ActivationAttr, "::tq::Activation::None">:$activation,
                       UnitAttr:$coarse);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $input_scales (`zero_points` `(` $zero_points^ `)`)?
    `weight` `(` $weight `,` $weight_scales `)` (`bias` `(` $bias^ `)`)?
    (`residual` `(` $residual^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def TQ_StaticLinearOp : TQ_Op<"static_linear",
    [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     InferTypeOpAdaptor, TQ_ReifyShapes, TQ_EpilogueOpInterface]> {
  let summary = "apply a linear layer in integers, with parameters known at compile time";
  let description = [{
    With exact s32 sums and one fused epilogue:

        acc[..., n] = starts[n] + sum_k input[..., k] * weight[n, k]
        y = acc * scales[n] + bias[n]
        result = activation(y) + residual

    All that a zero point contributes is in `starts`, and `scales` are products of the
    input's scale and the weight's. docs/Quantization.md gives each rounding.

    With `coarse`, the activation may be as inexact as rounding to 8 bits behind it
    allows: only `tq.quantize` and `tq.dynamic_quantize` read the result.

    (C1) `input` has u8 storage, `weight` s8 storage and rank 2; the last dimensions are
         equal. (C2) `starts`, `scales` and `bias` have the size of the first dimension
         of `weight`. (C3) `residual` has the type of the result. (C4) The last
         dimension of `weight` is at most 66311, or 65793 where its storage has -128: a
         longer sum could exceed s32.

    ```mlir
    %y = tq.static_linear %q weight(%w) starts(%z) scales(%s) bias(%b)
      {activation = #tq.activation<gelu>}
      : (tensor<?x48x!quant.any<u8:f32>>, tensor<80x48x!quant.any<i8<-127:127>:f32>>,
         tensor<80xi32>, tensor<80xf32>, tensor<80xf32>) -> tensor<?x80xf32>
    ```
  }];
  let arguments = (ins TQ_QuantTensor:$input, TQ_QuantTensor:$weight, TQ_IntVector:$starts,
                       TQ_FloatVector:$scales, Optional<TQ_FloatVector>:$bias,
                       Optional<TQ_FloatTensor>:$residual,
                       DefaultValuedAttr<TQ_ActivationAttr, "::tq::Activation::None">:$activation,
                       UnitAttr:$coarse);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `weight` `(` $weight `)` `starts` `(` $starts `)` `scales` `(` $scales `)`
    (`bias` `(` $bias^ `)`)? (`residual` `(` $residual^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

// In kernels, which are lowered, tensors have the type of the storage.
def TQ_S8Tensor : AnyTypeOf<[TQ_QuantTensor, RankedTensorOf<[I8]>]>;

def TQ_StaticAttentionOp : TQ_SameShapeOp<"static_attention",
    [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     TQ_AttentionOpInterface]> {
  let summary = "compute attention in integers, with parameters known at compile time";
  let description = [{
    As `tq.attention`, of s8 query, key and value. With H = `num_heads`,
    G = `num_kv_heads` (default H), g = h / (H / G), D the size of a head, exact s32 sums
    and the maximum over the keys that are visible:

        acc[b,h,i,j] = sum_d query[b,i,h*D+d] * key[b,j,g*D+d]
        w[b,h,i,j] = round(255 * exp((acc[b,h,i,j] - max_j acc[b,h,i,j]) * score_scales[h]))
        y[b,i,h*D+d] = sum_j w[b,h,i,j] * value[b,j,g*D+d] * value_scales[g*D+d]
                       / sum_j w[b,h,i,j]

    The result is y or, with `inverse_scales`, what `tq.quantize` makes of it.
    docs/Quantization.md gives each rounding.

    (C1) `query`, `key`, `value` have rank 3, s8 storage without -128, equal first dimensions; `key`
         and `value` have equal shapes. (C2) The last dimensions are static: H*D and G*D
         with the same D, at most 33285, and G dividing H. (C3) `mask` has the shape
         [batch, keys]. (C4) There are H `score_scales` and G*D `value_scales`. (C5)
         `inverse_scales` are there exactly where the result has u8 storage; they have
         rank 0 or the size H*D. (C6) `zero_points`, as many or one and 0 where they are
         absent, are there only beside them. (C7) `window` is positive.

    ```mlir
    %o = tq.static_attention %q, %k, %v mask(%m) scales(%s, %t) inverse_scales(%i)
      zero_points(%z) {num_heads = 4 : i64}
      : (tensor<?x?x64x!quant.any<i8<-127:127>:f32>>,
         tensor<?x?x64x!quant.any<i8<-127:127>:f32>>,
         tensor<?x?x64x!quant.any<i8<-127:127>:f32>>, tensor<?x?xi64>, tensor<4xf32>,
         tensor<64xf32>, tensor<f32>, tensor<i32>) -> tensor<?x?x64x!quant.any<u8:f32>>
    ```
  }];
  let arguments = (ins TQ_S8Tensor:$query, TQ_S8Tensor:$key, TQ_S8Tensor:$value,
                       Optional<TQ_IdTensor>:$mask, TQ_FloatVector:$score_scales,
                       TQ_FloatVector:$value_scales,
                       Optional<TQ_FloatTensor>:$inverse_scales,
                       Optional<RankedTensorOf<[I32]>>:$zero_points, I64Attr:$num_heads,
                       OptionalAttr<I64Attr>:$num_kv_heads, UnitAttr:$causal,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window);
  let results = (outs AnyTypeOf<[TQ_FloatTensor, TQ_S8Tensor]>:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` `(` $mask^ `)`)?
    `scales` `(` $score_scales `,` $value_scales `)`
    (`inverse_scales` `(` $inverse_scales^ `)`)? (`zero_points` `(` $zero_points^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::tq::Precision getPrecision() { return ::tq::Precision::Int8; }
  }];
}

#endif // TQ_DIALECT_TQ_IR_TQQUANTOPS_TD
