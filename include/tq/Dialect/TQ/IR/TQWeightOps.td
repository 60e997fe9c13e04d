//===- TQWeightOps.td - Weights and what is made of them ---*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQWEIGHTOPS_TD
#define TQ_DIALECT_TQ_IR_TQWEIGHTOPS_TD

include "tq/Dialect/TQ/IR/TQBase.td"
include "tq/Dialect/TQ/IR/TQInterfaces.td"

def TQ_WeightOp : TQ_Op<"weight", [Symbol, IsolatedFromAbove, NoTerminator]> {
  let summary = "define a weight as a module-level symbol";
  let description = [{
    A constant tensor under a name. Its elements are one of
    - `#tq.mapped`: bytes of a file;
    - an elements attribute (`dense`, `dense_resource`): for tests and small things;
    - an initializer region, evaluated at compile time, when `Emit` writes the
      section of weights: its leaves are `tq.get_weight`, its result is `tq.yield`.

    (C1) `type` is a ranked tensor with static shape.
    (C2) Exactly one of `value` and `initializer` is present.
    (C3) An elements attribute has the weight's type.
    (C4) The initializer has one block that ends in `tq.yield` of `type`; its other
         ops are `tq.get_weight` or have `CompileTimeOpInterface`.
    (C5) The weight, and each value of the initializer, has elements with a layout
         in memory and takes at most 4 TiB.
    (C6) `offset`, the weight's place in the program's section of weights, is a multiple
         of 64.
    (C7) `#tq.mapped` has no strides, or one of 0 to 2^42 for each dimension.

    ```mlir
    tq.weight @query : tensor<4x8xf16> = #tq.mapped<"model.safetensors", 1432>
    tq.weight @gamma : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
    tq.weight @query.scales : tensor<4xf32> initializer {
      %w = tq.get_weight @query : tensor<4x8xf32>
      %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
        -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
      tq.yield %s : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$sym_visibility,
                       TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<AnyAttr>:$value,
                       OptionalAttr<I64Attr>:$offset);
  let regions = (region AnyRegion:$initializer);
  let assemblyFormat = [{
    ($sym_visibility^)? $sym_name attr-dict `:` $type (`=` $value^)?
    (`initializer` $initializer^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
  }];
}

def TQ_YieldOp : TQ_Op<"yield", [Pure, Terminator, HasParent<"WeightOp">]> {
  let summary = "give the value of an initializer";
  let description = [{
    Ends the initializer of a `tq.weight`; the value has the weight's type.

    ```mlir
    tq.weight @a : tensor<2xf32> = dense<0.0> : tensor<2xf32>
    tq.weight @b : tensor<4xf32> initializer {
      %a = tq.get_weight @a : tensor<2xf32>
      %b = tensor.concat dim(0) %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
      tq.yield %b : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins AnyRankedTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def TQ_GetWeightOp : TQ_Op<"get_weight",
    [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "read a weight";
  let description = [{
    (C1) `name` is a `tq.weight` of the module.
    (C2) The result has the weight's shape.
    (C3) The result has the weight's element type, or is f32 where the weight is
         f16 or bf16 (widened, which is exact) or f64 (rounded to nearest), or is the storage type of a quantized
         weight.

    ```mlir
    %w = tq.get_weight @query : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

def TQ_QuantizeWeightOp : TQ_Op<"quantize_weight", [Pure, InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "quantize a weight to s8, one scale a row";
  let description = [{
    For each row n: `scale[n] = max_k |w[n,k]| / 127`, 1 for a row of zeros;
    `values[n,k] = clamp(roundHalfToEven(w[n,k] / scale[n]), -127, 127)`. Rows are
    the output channels of a linear weight and the entries of an embedding table.
    Scales are a result, not part of the type: a table has thousands of them.

    (C1) `weight` has rank 2.

    ```mlir
    %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
      -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$weight);
  let results = (outs TQ_QuantTensor:$values, TQ_FloatVector:$scales);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($values) `,` type($scales)";
  let hasVerifier = 1;
}

def TQ_ColumnSumsOp : TQ_Op<"column_sums", [Pure, InferTypeOpAdaptor, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "sum a quantized linear weight over its inputs";
  let description = [{
    `result[n] = sum_k weight[n,k]` in s32: what a zero point of the other operand
    contributes to output n, folded at compile time.

    (C1) `weight` has rank 2.

    ```mlir
    %c = tq.column_sums %q : tensor<4x8x!quant.any<i8<-127:127>:f32>> -> tensor<4xi32>
    ```
  }];
  let arguments = (ins TQ_QuantTensor:$weight);
  let results = (outs TQ_IntVector:$result);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def TQ_ZeroPointSumsOp : TQ_Op<"zero_point_sums", [Pure, InferTypeOpAdaptor, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "give what a zero point takes from the sums of a linear";
  let description = [{
    `result[n] = -sum_k zero_points[k] * weight[n,k]` in s32: where sums of
    `input * weight` start, so that they end as sums of `(input - zero_points) * weight`.
    Zero points are u8: one for all inputs, or one for each.

    (C1) `weight` has rank 2. (C2) `zero_points` have rank 0, or the size of its last
    dimension.

    ```mlir
    %c = tq.zero_point_sums %q, %z
      : (tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<i32>) -> tensor<4xi32>
    ```
  }];
  let arguments = (ins TQ_QuantTensor:$weight, RankedTensorOf<[I32]>:$zero_points);
  let results = (outs TQ_IntVector:$result);
  let assemblyFormat = "$weight `,` $zero_points attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_ActivationParametersOp : TQ_Op<"activation_parameters", [Pure, InferTypeOpAdaptor,
    AllTypesMatch<["low", "high"]>,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "choose how a range is quantized to u8";
  let description = [{
    Of ranges, each widened to contain 0: with the widest of them,
    `scale = (high - low) / 255` (1 if it is empty) and `inverse_scale = 1 / scale`.
    Each range has a zero point that puts its middle into the middle of u8:
    `zero_points = roundHalfToEven(127.5 - (low + high) / 2 / scale)`, from 0 to 255.
    That of one range has rank 0.

    (C1) `low` and `high` have rank 1 and equal sizes.

    ```mlir
    %s, %i, %z = tq.activation_parameters %l, %h : tensor<48xf32>
      -> tensor<f32>, tensor<f32>, tensor<48xi32>
    ```
  }];
  let arguments = (ins TQ_FloatVector:$low, TQ_FloatVector:$high);
  let results = (outs TQ_FloatTensor:$scale, TQ_FloatTensor:$inverse_scale,
                      RankedTensorOf<[I32]>:$zero_points);
  let assemblyFormat = [{
    $low `,` $high attr-dict `:` type($low) `->` type($scale) `,` type($inverse_scale)
    `,` type($zero_points)
  }];
  let hasVerifier = 1;
}

def TQ_SymmetricParametersOp : TQ_Op<"symmetric_parameters", [Pure,
    AllTypesMatch<["low", "high"]>,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "choose how ranges are quantized to s8";
  let description = [{
    For each block b of equally many columns, with the largest magnitude m of their `low`
    and `high`: `scales[b] = m / 127` (1 where m is 0). `inverse_scales` has `1 / scale`
    for each column.

    (C1) `low` and `high` have the size of `inverse_scales`, or 1: one range for all.
    (C2) The number of `scales` divides that of `inverse_scales`.

    ```mlir
    %s, %i = tq.symmetric_parameters %l, %h : tensor<64xf32> -> tensor<4xf32>, tensor<64xf32>
    ```
  }];
  let arguments = (ins TQ_FloatVector:$low, TQ_FloatVector:$high);
  let results = (outs TQ_FloatVector:$scales, TQ_FloatVector:$inverse_scales);
  let assemblyFormat = [{
    $low `,` $high attr-dict `:` type($low) `->` type($scales) `,` type($inverse_scales)
  }];
  let hasVerifier = 1;
}

def TQ_ScoreScalesOp : TQ_Op<"score_scales", [Pure, AllTypesMatch<["query", "result"]>,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "multiply scales of query and key for each head";
  let description = [{
    `result[h] = (query[h] * key[h / (H / G)]) * scale` for the scales of H query heads
    and of G heads of the key: what an integer score of `tq.static_attention` stands for.

    (C1) G divides H.

    ```mlir
    %s = tq.score_scales %q, %k {scale = 0.25 : f32} : tensor<4xf32>, tensor<2xf32>
    ```
  }];
  let arguments = (ins TQ_FloatVector:$query, TQ_FloatVector:$key, F32Attr:$scale);
  let results = (outs TQ_FloatVector:$result);
  let assemblyFormat = "$query `,` $key attr-dict `:` type($query) `,` type($key)";
  let hasVerifier = 1;
}

def TQ_ScoreSmoothingFactorsOp : TQ_Op<"score_smoothing_factors", [Pure,
    AllTypesMatch<["query_low", "query_high", "query_factors"]>,
    AllTypesMatch<["key_low", "key_high", "key_factors"]>,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "balance the magnitudes of attention's query and key";
  let description = [{
    For each column of the key, with the largest magnitude k of its range and that of
    the ranges of all columns of the query that it is multiplied with, q:

        key_factors = sqrt(q / k), query_factors = 1 / key_factors

    where both are above 0, else 1. Scores stay what they are, and all columns have the
    range sqrt(q * k).

    (C1) The columns of the key are `kv_heads` heads of one size, which divides the
         number of columns of the query into a multiple of `kv_heads`.

    ```mlir
    %f, %g = tq.score_smoothing_factors query(%a, %b) key(%c, %d) {kv_heads = 2 : i64}
      : (tensor<64xf32>, tensor<64xf32>, tensor<32xf32>, tensor<32xf32>)
      -> (tensor<64xf32>, tensor<32xf32>)
    ```
  }];
  let arguments = (ins TQ_FloatVector:$query_low, TQ_FloatVector:$query_high,
                       TQ_FloatVector:$key_low, TQ_FloatVector:$key_high,
                       I64Attr:$kv_heads);
  let results = (outs TQ_FloatVector:$query_factors, TQ_FloatVector:$key_factors);
  let assemblyFormat = [{
    `query` `(` $query_low `,` $query_high `)` `key` `(` $key_low `,` $key_high `)`
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def TQ_SmoothingFactorsOp : TQ_Op<"smoothing_factors", [Pure,
    AllTypesMatch<["low", "high", "factors", "inverses"]>,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "balance the magnitudes of a linear's input and weight";
  let description = [{
    SmoothQuant (Xiao et al. 2022): for each input k of a linear

        factors[k] = (high[k] - low[k])^alpha / (max_n |weight[n,k]|)^(1 - alpha)
        inverses[k] = 1 / factors[k]

    where ranges are widened to contain 0, and both are above 0, else 1. The input times `inverses` and the weight
    times `factors` give the same product, and the input's channels are more alike.

    (C1) `weight` has rank 2; `low` and `high` have the size of its last dimension.
    (C2) `alpha` is in [0, 1].

    ```mlir
    %f, %i = tq.smoothing_factors %w, %l, %h {alpha = 8.0e-01 : f32}
      : (tensor<80x48xf32>, tensor<48xf32>, tensor<48xf32>) -> (tensor<48xf32>, tensor<48xf32>)
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$weight, TQ_FloatVector:$low, TQ_FloatVector:$high,
                       F32Attr:$alpha);
  let results = (outs TQ_FloatVector:$factors, TQ_FloatVector:$inverses);
  let assemblyFormat =
      "$weight `,` $low `,` $high attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_CorrectBiasOp : TQ_Op<"correct_bias", [Pure, InferTypeOpAdaptor, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "make up for the mean of what quantizing a weight changes";
  let description = [{
    `result[n] = bias[n] + sum_k (weight[n,k] - values[n,k] * scales[n]) * mean[k]`, for
    a linear whose input has the mean `mean`: its outputs then have the means that they
    had before the weight was quantized (Nagel et al. 2019). 0 where there is no bias.

    (C1) `weight` and `values` have rank 2. (C2) `scales` and `bias` have the size of
    their first dimension, `mean` that of the second.

    ```mlir
    %c = tq.correct_bias %w, %q, %s, %m bias(%b)
      : (tensor<4x8xf32>, tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>,
         tensor<8xf32>, tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$weight, TQ_QuantTensor:$values,
                       TQ_FloatVector:$scales, TQ_FloatVector:$mean,
                       Optional<TQ_FloatVector>:$bias);
  let results = (outs TQ_FloatVector:$result);
  let assemblyFormat = [{
    $weight `,` $values `,` $scales `,` $mean (`bias` `(` $bias^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def TQ_PackWeightOp : TQ_Op<"pack_weight", [Pure, InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "lay a linear weight out in panels for a kernel";
  let description = [{
    `result[n / panel, k / group, n % panel, k % group] = weight[n, k]`, padded with
    zeros: `panel` output channels side by side, `group` inputs together as the
    dot-product instruction takes them. Quantized values become plain i8.

    (C1) `weight` has rank 2 and static shape. (C2) `panel` and `group` are positive.

    ```mlir
    %p = tq.pack_weight %q {panel = 64 : i64, group = 4 : i64}
      : tensor<100x30x!quant.any<i8<-127:127>:f32>> -> tensor<2x8x64x4xi8>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32, TQ_QuantElement]>:$weight, I64Attr:$panel, I64Attr:$group);
  let results = (outs RankedTensorOf<[F32, I8]>:$result);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

#endif // TQ_DIALECT_TQ_IR_TQWEIGHTOPS_TD
