//===- TQFloatOps.td - Layer pieces in float ---------------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQFLOATOPS_TD
#define TQ_DIALECT_TQ_IR_TQFLOATOPS_TD

include "tq/Dialect/TQ/IR/TQBase.td"
include "tq/Dialect/TQ/IR/TQInterfaces.td"

def TQ_PositionIdsOp : TQ_SameTypeOp<"position_ids", "ids", [Pure]> {
  let summary = "number the tokens of each sequence";
  let description = [{
    Without `padding_id`: `result[b,s] = s`. With it (RoBERTa):
    `result[b,s] = padding_id + count(t <= s : ids[b,t] != padding_id)` where
    `ids[b,s] != padding_id`, else `padding_id`.

    (C1) `ids` has rank 2.

    ```mlir
    %p = tq.position_ids %ids : tensor<?x?xi64>
    %r = tq.position_ids %ids {padding_id = 1 : i64} : tensor<?x?xi64>
    ```
  }];
  let arguments = (ins TQ_IdTensor:$ids, OptionalAttr<I64Attr>:$padding_id);
  let results = (outs TQ_IdTensor:$result);
  let assemblyFormat = "$ids attr-dict `:` type($ids)";
  let hasVerifier = 1;
}

def TQ_EmbeddingOp : TQ_Op<"embedding", [Pure, InferTypeOpAdaptor, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_QuantizableOpInterface, ["getFloatReason"]>,
    DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "look rows of a table up";
  let description = [{
    `result[..., :] = table[ids[...], :]`. An id outside the table reads the nearest
    row; programs check ids before they run.

    (C1) `table` has rank 2.

    ```mlir
    %e = tq.embedding %ids, %table
      : (tensor<?x?xi64>, tensor<97x48xf32>) -> tensor<?x?x48xf32>
    ```
  }];
  let arguments = (ins TQ_IdTensor:$ids, TQ_FloatTensor:$table);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_LinearOp : TQ_Op<"linear", [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
    InferTypeOpAdaptor, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_QuantizableOpInterface, ["getFloatReason"]>]> {
  let summary = "apply a fully connected layer";
  let description = [{
    `result[..., n] = sum_k input[..., k] * weight[n, k] + bias[n]`, as
    `torch.nn.Linear`: the weight is [outputs, inputs].

    (C1) `input` has rank >= 1, `weight` rank 2, and the last dimension of `input`
         equals the last of `weight`.
    (C2) The size of `bias` equals the first dimension of `weight`.

    ```mlir
    %y = tq.linear %x, %w, %b
      : (tensor<?x?x48xf32>, tensor<80x48xf32>, tensor<80xf32>) -> tensor<?x?x80xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, TQ_FloatTensor:$weight,
                       Optional<TQ_FloatVector>:$bias);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat =
      "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_MatmulOp : TQ_Op<"matmul", [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
    InferTypeOpAdaptor, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_QuantizableOpInterface, ["getFloatReason"]>]> {
  let summary = "multiply matrices, with equal leading dimensions";
  let description = [{
    `result[..., m, n] = sum_k lhs[..., m, k] * rhs[..., k, n]`, or `rhs[..., n, k]`
    with `transpose_rhs`.

    (C1) Both have the same rank >= 2 and equal leading dimensions.
    (C2) The contracted dimensions are equal.

    ```mlir
    %c = tq.matmul %a, %b {transpose_rhs}
      : (tensor<?x7x16xf32>, tensor<?x9x16xf32>) -> tensor<?x7x9xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$lhs, TQ_FloatTensor:$rhs, UnitAttr:$transpose_rhs);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_AttentionOp : TQ_SameTypeOp<"attention", "query", [Pure,
    DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
    DeclareOpInterfaceMethods<TQ_QuantizableOpInterface, ["setDynamic", "hasOwnPrecision"]>,
    TQ_AttentionOpInterface]> {
  let summary = "compute scaled dot-product attention over heads";
  let description = [{
    With H = `num_heads`, G = `num_kv_heads` (default H), D the size of a head; head h
    of the query reads head h / (H / G) of key and value:

        score[b,h,i,j] = scale * sum_d query[b,i,h*D+d] * key[b,j,(h/(H/G))*D+d]
        p = softmax_j(score), over the keys that are visible
        result[b,i,h*D+d] = sum_j p[b,h,i,j] * value[b,j,(h/(H/G))*D+d]

    Key j is visible if `mask[b,j] != 0` (where there is a mask) and, for S queries and
    T keys, which end at the same place, with `causal` `j <= i + T - S`, with `window`
    `|j - (i + T - S)| < window`. A query without a visible key gives 0.

    `precision` says in what both products are computed: `f32`; `bf16`, where query,
    key, value and the weights p are rounded to bf16 and sums stay f32, in an order
    that the target chooses; or `int8`, where the op itself quantizes query and key
    per token and head, the weights p to u8, and value per channel over the keys that
    `mask` shows.

    (C1) `query`, `key`, `value` have rank 3, equal first dimensions; `key` and `value`
         have equal shapes.
    (C2) The last dimensions are static: H*D and G*D with `num_heads` dividing the
         first and the same D, and G dividing H.
    (C3) `mask` has the shape [batch, keys]. (C4) `window` is positive.

    ```mlir
    %o = tq.attention %q, %k, %v mask(%m) {num_heads = 4 : i64, scale = 0.25 : f32}
      : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?xi64>)
      -> tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$query, TQ_FloatTensor:$key, TQ_FloatTensor:$value,
                       Optional<TQ_IdTensor>:$mask, I64Attr:$num_heads,
                       OptionalAttr<I64Attr>:$num_kv_heads, F32Attr:$scale, UnitAttr:$causal,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$window,
                       DefaultValuedAttr<TQ_PrecisionAttr, "Precision::F32">:$precision);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` `(` $mask^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def TQ_RotaryEmbeddingOp : TQ_SameTypeOp<"rotary_embedding", "input",
    [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>]> {
  let summary = "rotate pairs of columns by angles";
  let description = [{
    `cos` and `sin` are repeated as the right side of `tq.add`:

        result[..., d] = input[..., d] * cos[..., d] + rotated[..., d] * sin[..., d]

    Of D columns, those that are D/2 apart are a pair: `rotated[..., d]` is
    `-input[..., d + D/2]` in the first half, `input[..., d - D/2]` in the second one.
    With `interleaved` neighbours are: `-input[..., d + 1]` for an even d,
    `input[..., d - 1]` for an odd one. Both products are rounded before they are added.

    (C1) D is static and even. (C2) The shapes of `cos` and `sin`, aligned at the last
         dimension, equal that of `input` or are 1 in each dimension, and their ranks
         are not larger.

    ```mlir
    %y = tq.rotary_embedding %x, %cos, %sin
      : (tensor<?x?x4x64xf32>, tensor<?x1x64xf32>, tensor<?x1x64xf32>)
      -> tensor<?x?x4x64xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, TQ_FloatTensor:$cos, TQ_FloatTensor:$sin,
                       UnitAttr:$interleaved);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def TQ_LayerNormOp : TQ_SameTypeOp<"layer_norm", "input",
    [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "normalize rows to zero mean and unit variance";
  let description = [{
    `result = (input - mean) / sqrt(variance + epsilon) * gamma + beta` over the last
    dimension, variance biased.

    (C1) `gamma` and `beta` have the size of the last dimension of `input`, which is
         static. (C2) `epsilon` is not negative.

    ```mlir
    %y = tq.layer_norm %x, %g, %b {epsilon = 1.0e-12 : f32}
      : (tensor<?x?x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, TQ_FloatVector:$gamma,
                       Optional<TQ_FloatVector>:$beta, F32Attr:$epsilon);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat =
      "$input `,` $gamma (`,` $beta^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_RmsNormOp : TQ_SameTypeOp<"rms_norm", "input",
    [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>]> {
  let summary = "scale rows to unit root mean square";
  let description = [{
    `result = input / sqrt(mean(input^2) + epsilon) * gamma` over the last dimension.

    (C1) `gamma` has the size of the last dimension of `input`, which is static.
    (C2) `epsilon` is not negative.

    ```mlir
    %y = tq.rms_norm %x, %g {epsilon = 1.0e-5 : f32}
      : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, TQ_FloatVector:$gamma, F32Attr:$epsilon);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = "$input `,` $gamma attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

class TQ_UnaryOp<string mnemonic, list<Trait> traits = []>
    : TQ_SameShapeOp<mnemonic, !listconcat([Pure, SameOperandsAndResultType,
          DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>], traits)> {
  let arguments = (ins TQ_FloatTensor:$input);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def TQ_SoftmaxOp : TQ_UnaryOp<"softmax"> {
  let summary = "normalize exponentials over the last dimension";
  let description = [{
    `result[..., j] = exp(input[..., j] - m) / sum_j exp(input[..., j] - m)` with m the
    row's maximum.

    (C1) `input` has rank >= 1.

    ```mlir
    %y = tq.softmax %x : tensor<?x?xf32>
    ```
  }];
  let hasVerifier = 1;
}

def TQ_GeluOp : TQ_UnaryOp<"gelu"> {
  let summary = "apply the Gaussian error linear unit";
  let description = [{
    `x / 2 * (1 + erf(x / sqrt(2)))`; with `tanh`, the approximation
    `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.

    ```mlir
    %y = tq.gelu %x : tensor<?x80xf32>
    %z = tq.gelu %x {tanh} : tensor<?x80xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, UnitAttr:$tanh);
}

def TQ_QuickGeluOp : TQ_UnaryOp<"quick_gelu"> {
  let summary = "apply the sigmoid approximation of gelu";
  let description = [{
    `x / (1 + exp(-1.702 x))`.

    ```mlir
    %y = tq.quick_gelu %x : tensor<?x80xf32>
    ```
  }];
}

def TQ_ReluOp : TQ_UnaryOp<"relu"> {
  let summary = "apply the rectified linear unit";
  let description = [{
    `max(x, 0)`. A second one on top of it folds away.

    ```mlir
    %y = tq.relu %x : tensor<?x80xf32>
    ```
  }];
  let hasFolder = 1;
}

def TQ_SiluOp : TQ_UnaryOp<"silu"> {
  let summary = "apply the sigmoid linear unit";
  let description = [{
    `x / (1 + exp(-x))`.

    ```mlir
    %y = tq.silu %x : tensor<?x80xf32>
    ```
  }];
}

def TQ_TanhOp : TQ_UnaryOp<"tanh"> {
  let summary = "apply the hyperbolic tangent";
  let description = [{
    `tanh(x)`.

    ```mlir
    %y = tq.tanh %x : tensor<?x80xf32>
    ```
  }];
}

def TQ_SigmoidOp : TQ_UnaryOp<"sigmoid"> {
  let summary = "apply the logistic function";
  let description = [{
    `1 / (1 + exp(-x))`.

    ```mlir
    %y = tq.sigmoid %x : tensor<?x80xf32>
    ```
  }];
}

class TQ_BinaryOp<string mnemonic, list<Trait> traits = []>
    : TQ_SameTypeOp<mnemonic, "lhs", !listconcat([Pure,
          DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
          DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>,
          DeclareOpInterfaceMethods<TQ_RowwiseOpInterface>], traits)> {
  let arguments = (ins TQ_FloatTensor:$lhs, TQ_FloatTensor:$rhs);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TQ_AddOp : TQ_BinaryOp<"add"> {
  let summary = "add elementwise";
  let description = [{
    `lhs + rhs`; a right side of lower rank is repeated along the leading dimensions,
    a dimension 1 of the right side along its own.

    Folds where `rhs` is a constant of -0.0 (adding +0.0 changes -0.0).

    (C1) The shape of `rhs`, aligned at the last dimension, equals that of `lhs` or is
         1 in each dimension, and its rank is not larger.

    ```mlir
    %z = tq.add %x, %y : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
    ```
  }];
}

def TQ_SubOp : TQ_BinaryOp<"sub"> {
  let summary = "subtract elementwise";
  let description = [{
    `lhs - rhs`, broadcast as `tq.add`; folds where `rhs` is a constant of +0.0. (C1) As `tq.add`.

    ```mlir
    %z = tq.sub %x, %y : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
    ```
  }];
}

def TQ_MulOp : TQ_BinaryOp<"mul"> {
  let summary = "multiply elementwise";
  let description = [{
    `lhs * rhs`, broadcast as `tq.add`; folds where `rhs` is a constant of 1.0. (C1) As `tq.add`.

    ```mlir
    %z = tq.mul %x, %y : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
    ```
  }];
}

def TQ_DivOp : TQ_BinaryOp<"div"> {
  let summary = "divide elementwise";
  let description = [{
    `lhs / rhs`, broadcast as `tq.add`; folds where `rhs` is a constant of 1.0. (C1) As `tq.add`.

    ```mlir
    %z = tq.div %x, %y : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
    ```
  }];
}

def TQ_PoolOp : TQ_Op<"pool",
    [Pure, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>,
     InferTypeOpAdaptor, TQ_ReifyShapes]> {
  let summary = "reduce the sequence to one row";
  let description = [{
    `first` is row 0, which the CLS token holds; it takes no mask. The others are of
    the rows whose mask is not 0, and of no row 0, if nothing else is said. `mean`:
    their mean. `mean_sqrt_len`: their sum by the square root of their number.
    `weighted_mean`: their mean, where the first of them weighs 1 and each row weighs
    1 more than the row before it. `max`: the largest of each column, NaN if there is
    one; of no row minus infinity. `last`: the last of them.

    (C1) `input` has rank 3. (C2) `mask` has the first two dimensions of `input`;
    it is absent for `first` and present for all others.

    ```mlir
    %y = tq.pool %x mask(%m) {kind = #tq.pool_kind<mean>}
      : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, Optional<TQ_IdTensor>:$mask, TQ_PoolKindAttr:$kind);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat =
      "$input (`mask` `(` $mask^ `)`)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TQ_L2NormalizeOp : TQ_UnaryOp<"l2_normalize"> {
  let summary = "scale rows to unit length";
  let description = [{
    `input / max(sqrt(sum(input^2)), 1e-12)` over the last dimension.

    (C1) `input` has rank >= 1.

    ```mlir
    %y = tq.l2_normalize %x : tensor<?x48xf32>
    ```
  }];
  let hasVerifier = 1;
}

#endif // TQ_DIALECT_TQ_IR_TQFLOATOPS_TD
