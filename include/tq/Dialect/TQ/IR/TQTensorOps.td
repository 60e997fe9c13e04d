//===- TQTensorOps.td - Tensors as PyTorch has them --------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What programs are written with before the normalize phase raises them to
// pieces of layers.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQTENSOROPS_TD
#define TQ_DIALECT_TQ_IR_TQTENSOROPS_TD

include "tq/Dialect/TQ/IR/TQBase.td"
include "tq/Dialect/TQ/IR/TQInterfaces.td"

def TQ_PermuteOp : TQ_Op<"permute", [Pure, TQ_ReifyShapes,
    DeclareOpInterfaceMethods<TQ_CompileTimeOpInterface>]> {
  let summary = "put dimensions in another order";
  let description = [{
    Dimension i of the result is dimension `dims[i]` of `input`. One of another one is
    one permutation, and one that leaves the order alone folds away.

    (C1) `dims` has each dimension of `input` once. (C2) The result has the element type
    of `input`, and its dimensions in that order.

    ```mlir
    %y = tq.permute %x dims = [0, 2, 1] : tensor<?x7x16xf32> -> tensor<?x16x7xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$dims);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `dims` `=` $dims attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TQ_ScaledDotProductAttentionOp : TQ_Op<"scaled_dot_product_attention",
    [Pure, TQ_ReifyShapes, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>]> {
  let summary = "compute attention over heads that are a dimension";
  let description = [{
    As `torch.nn.functional.scaled_dot_product_attention`, over the last two dimensions:

        score[..., i, j] = scale * sum_d query[..., i, d] * key[..., j, d]
        p = softmax_j(score), over the keys that are visible
        result[..., i, d] = sum_j p[..., i, j] * value[..., j, d]

    A `mask` of i1 says which keys a query sees; one of f32 is added to its scores, and
    -inf hides a key. It broadcasts to the scores. With `causal` query i sees keys up
    to i. A query that sees no key gives 0.

    The normalize phase makes `tq.attention` of it where it can, and else simpler ops.

    (C1) `query`, `key` and `value` have one rank, at least 3, and equal leading
         dimensions. (C2) The last dimensions of `query` and `key` are equal, and so are
         the numbers of keys and values. (C3) `mask` has no larger rank, and each of its
         dimensions is 1 or that of the scores. (C4) The result has the shape of `query`
         but for its last dimension, that of `value`.

    ```mlir
    %o = tq.scaled_dot_product_attention %q, %k, %v mask(%m) {scale = 0.25 : f32}
      : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>,
         tensor<?x1x1x?xi1>) -> tensor<?x4x?x16xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$query, TQ_FloatTensor:$key, TQ_FloatTensor:$value,
                       Optional<RankedTensorOf<[F32, I1]>>:$mask, F32Attr:$scale,
                       UnitAttr:$causal);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` `(` $mask^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // TQ_DIALECT_TQ_IR_TQTENSOROPS_TD
