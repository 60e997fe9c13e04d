//===- TQCalibrationOps.td - What is seen of activations ---*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQCALIBRATIONOPS_TD
#define TQ_DIALECT_TQ_IR_TQCALIBRATIONOPS_TD

include "tq/Dialect/TQ/IR/TQBase.td"
include "tq/Dialect/TQ/IR/TQInterfaces.td"

def TQ_StatisticsAttr : TQ_Attr<"Statistics", "statistics"> {
  let summary = "What calibration has seen of a value";
  let description = [{
    Of `rows` rows, a row being everything along the last dimension, without those that
    are padding: `low`, `high` and `mean` of each channel; the moving `average` of the
    lowest and the highest value of a batch; and how many values fall into each of the
    bins of `histogram`. `bins` says where the first of these begins and how wide each
    is, and the lowest and highest of all values.

    Example: `#tq.statistics<rows = 2, low = dense<[-1.0, 0.0]> : tensor<2xf32>,
    high = dense<[1.0, 3.0]> : tensor<2xf32>, mean = dense<[0.0, 1.0]> : tensor<2xf32>,
    average = dense<[-1.0, 3.0]> : tensor<2xf32>,
    histogram = dense<[1, 1, 1, 0, 1]> : tensor<5xi64>,
    bins = dense<[-1.0, 1.0, -1.0, 3.0]> : tensor<4xf64>>`
  }];
  let parameters = (ins "int64_t":$rows, "::mlir::DenseElementsAttr":$low,
                        "::mlir::DenseElementsAttr":$high, "::mlir::DenseElementsAttr":$mean,
                        "::mlir::DenseElementsAttr":$average,
                        "::mlir::DenseElementsAttr":$histogram,
                        "::mlir::DenseElementsAttr":$bins);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def TQ_ObserveOp : TQ_SameTypeOp<"observe", "input",
    [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<TQ_EqualDimsOpInterface>]> {
  let summary = "mark a value whose range calibration finds";
  let description = [{
    The input. `site` names it in files of statistics. `statistics` are there after the
    calibrate phase; `low`, `high` and `mean` are what is made of them: the range that the
    value is expected in, of each channel or one for all, and the mean of each channel.

    (C1) The last dimension of `input` is static. (C2) `statistics` have so many channels.
    (C3) `low` and `high` are both there or none of them. (C4) They have rank 1, and the
    size of the last dimension or 1; `mean` has the size of the last dimension.

    ```mlir
    %y = tq.observe %x site("encoder.0.input") : tensor<?x48xf32>
    %z = tq.observe %x site("encoder.0.input") low(%l : tensor<48xf32>)
      high(%h : tensor<48xf32>) mean(%m : tensor<48xf32>) : tensor<?x48xf32>
    ```
  }];
  let arguments = (ins TQ_FloatTensor:$input, Optional<TQ_FloatVector>:$low,
                       Optional<TQ_FloatVector>:$high, Optional<TQ_FloatVector>:$mean,
                       StrAttr:$site, OptionalAttr<TQ_StatisticsAttr>:$statistics);
  let results = (outs TQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `site` `(` $site `)` (`low` `(` $low^ `:` type($low) `)`)?
    (`high` `(` $high^ `:` type($high) `)`)? (`mean` `(` $mean^ `:` type($mean) `)`)?
    attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
}

#endif // TQ_DIALECT_TQ_IR_TQCALIBRATIONOPS_TD
