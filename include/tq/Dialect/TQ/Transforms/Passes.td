//===- Passes.td - Passes from tq to tq --------------------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_TRANSFORMS_PASSES_TD
#define TQ_DIALECT_TQ_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Before all others
//===----------------------------------------------------------------------===//

def CheckBoundsPass : Pass<"tq-check-bounds", "::mlir::ModuleOp"> {
  let summary = "Check sizes and constant indices that no verifier bounds";
  let description = [{
    The verifiers of `tensor` let pass what has no meaning at run time: an index that
    is a constant beyond what it indexes, a negative size, a type whose bytes do not
    fit into 64 bits. Here they are errors, so that the phases can count on them.

    Postcondition: each tensor has elements with a layout in memory and takes at most
    4 TiB, dynamic dimensions aside; constant indices of `tensor.dim`, `memref.dim`,
    `tensor.extract` and `tensor.insert` are within what they index; constant sizes of
    `tensor.empty` are not negative.

    Left alone: the IR is not changed.

    Before and after:
    ```mlir
    %c1 = arith.constant 1 : index
    %d = tensor.dim %x, %c1 : tensor<?x4xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Normalize
//===----------------------------------------------------------------------===//

def MergeLinearsPass : Pass<"tq-merge-linears", "::mlir::func::FuncOp"> {
  let summary = "Merge linears of one input into one linear";
  let description = [{
    The Q, K and V projections of a layer read the same rows. One linear with their
    weights on top of each other reads the rows once and fills a kernel better; each
    old result is a slice of the new one, with the same bits.

    Precondition: float tq. `cse` has run, so that equal weights are one value.

    Postcondition: in each block, linears of the same input with weights known at
    compile time (and biases likewise, all or none) are one linear. Its location names
    all of them: `layer.0.{query,key}`.

    Left alone: linears that differ in having a bias; weights computed at run time;
    a linear whose only user is an activation, or an add of its own type, since the
    fuse phase puts that into the linear's epilogue, which a slice would prevent.

    Before:
    ```mlir
    %wq = tq.get_weight @wq : tensor<8x4xf32>
    %wk = tq.get_weight @wk : tensor<6x4xf32>
    %q = tq.linear %x, %wq : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %k = tq.linear %x, %wk : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
    ```

    After:
    ```mlir
    %wq = tq.get_weight @wq : tensor<8x4xf32>
    %wk = tq.get_weight @wk : tensor<6x4xf32>
    %w = tensor.concat dim(0) %wq, %wk
      : (tensor<8x4xf32>, tensor<6x4xf32>) -> tensor<14x4xf32>
    %y = tq.linear %x, %w : (tensor<?x4xf32>, tensor<14x4xf32>) -> tensor<?x14xf32>
    %c0 = arith.constant 0 : index
    %d0 = tensor.dim %x, %c0 : tensor<?x4xf32>
    %q = tensor.extract_slice %y[0, 0] [%d0, 8] [1, 1] : tensor<?x14xf32> to tensor<?x8xf32>
    %k = tensor.extract_slice %y[0, 8] [%d0, 6] [1, 1] : tensor<?x14xf32> to tensor<?x6xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def DropUnusedWeightsPass : Pass<"tq-drop-unused-weights", "::mlir::ModuleOp"> {
  let summary = "Erase weights that nothing reads";
  let description = [{
    A checkpoint holds tensors that the compiled outputs do not need (a pooler, a
    language model head). Erased here, they are never read from the file.

    Postcondition: every `tq.weight` of the module is named by an op that is not a
    weight, or by the initializer of such a weight.

    Left alone: every other symbol. Visibility plays no part: nothing outside the
    module can name a weight.

    Before:
    ```mlir
    tq.weight @used : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    tq.weight @unused : tensor<2xf32> = dense<2.0> : tensor<2xf32>
    %w = tq.get_weight @used : tensor<2xf32>
    ```

    After:
    ```mlir
    tq.weight @used : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    %w = tq.get_weight @used : tensor<2xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Quantize
//===----------------------------------------------------------------------===//

def InsertQuantizationPass : Pass<"tq-insert-quantization", "::mlir::func::FuncOp"> {
  let summary = "Put a quantize/dequantize pair before each operand that can be integer";
  let description = [{
    Asks each op, through `QuantizableOpInterface`, which operands can enter in
    integers; the values then are rounded as the integer program will round them, while
    every op still computes in float. `tq-fuse-integer-ops` makes integer ops of it.

    Precondition: float tq. A second run changes nothing.

    Postcondition of `mode=dynamic`: each operand that an op lists is produced by
    `tq.dequantize`, of `tq.quantize_weight` for weights and tables, of
    `tq.dynamic_quantize` for activations; or the op has the attribute `program.reason`
    and a remark that say why it stays in float. `mode=none` inserts nothing.
    `attention=bf16|int8` sets the precision of each `tq.attention`, with any mode; it
    costs accuracy for speed on long sequences. `attention=f32` leaves what the op
    says.

    Before:
    ```mlir
    %w = tq.get_weight @w : tensor<8x4xf32>
    %y = tq.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %w = tq.get_weight @w : tensor<8x4xf32>
    %qx, %sx, %zx = tq.dynamic_quantize %x : tensor<?x4xf32>
      -> tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
    %dx = tq.dequantize %qx scales(%sx) zero_points(%zx)
      : (tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x4xf32>
    %qw, %sw = tq.quantize_weight %w : tensor<8x4xf32>
      -> tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>
    %dw = tq.dequantize %qw scales(%sw)
      : (tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>) -> tensor<8x4xf32>
    %y = tq.linear %dx, %dw : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```
  }];
  let options = [
    Option<"mode", "mode", "::tq::QuantizationMode",
           /*default=*/"::tq::QuantizationMode::Dynamic", "What runs in integers",
           [{::llvm::cl::values(
             clEnumValN(::tq::QuantizationMode::None, "none", "nothing"),
             clEnumValN(::tq::QuantizationMode::Dynamic, "dynamic",
                        "weights s8 per row, activations u8 per row at run time"))}]>,
    Option<"attention", "attention", "::tq::Precision",
           /*default=*/"::tq::Precision::F32", "In what attention computes its products",
           [{::llvm::cl::values(
             clEnumValN(::tq::Precision::F32, "f32", "f32, or what the op says"),
             clEnumValN(::tq::Precision::BF16, "bf16",
                        "query, key, weights and value rounded to bf16, sums f32"),
             clEnumValN(::tq::Precision::Int8, "int8",
                        "query and key s8 per token and head, weights u8, value s8 per "
                        "channel"))}]>
  ];
  let dependentDialects = ["::tq::program::ProgramDialect"];
}

//===----------------------------------------------------------------------===//
// Fuse
//===----------------------------------------------------------------------===//

def FuseIntegerOpsPass : Pass<"tq-fuse-integer-ops", "::mlir::func::FuncOp"> {
  let summary = "Turn dequantize and float op into the integer op, with its epilogue";
  let description = [{
    Each op whose operands are dequantized is replaced by the integer form it offers
    through `QuantizableOpInterface`. Then an activation, and after it an add of a
    tensor of the same type, move into the epilogue of `tq.quantized_linear`, where
    the linear has no other user.

    Precondition: `tq-insert-quantization` has run.

    Postcondition: no op that can run in integers reads a `tq.dequantize`. An op that
    was meant to and cannot has the attribute `program.reason` and a remark that say why.

    Left alone: a second residual, an activation after a residual, adds that
    broadcast. Equal `tq.dynamic_quantize` are left to `cse`.

    Before:
    ```mlir
    %dx = tq.dequantize %qx scales(%sx) zero_points(%zx)
      : (tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x4xf32>
    %dw = tq.dequantize %qw scales(%sw)
      : (tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>) -> tensor<8x4xf32>
    %y = tq.linear %dx, %dw : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %g = tq.gelu %y : tensor<?x8xf32>
    %z = tq.add %g, %r : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %z = tq.quantized_linear %qx, %sx zero_points(%zx) weight(%qw, %sw) residual(%r)
      {activation = #tq.activation<gelu>}
      : (tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>,
         tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>, tensor<?x8xf32>)
      -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["::tq::program::ProgramDialect"];
}

def HoistWeightsPass : Pass<"tq-hoist-weights", "::mlir::ModuleOp"> {
  let summary = "Turn computations on weights into weights";
  let description = [{
    Each value that is computed from `tq.get_weight` alone and that anything else uses
    becomes a `tq.weight` with an initializer, evaluated when the program is emitted; a
    tensor constant becomes a `tq.weight` with that value.

    Before:
    ```mlir
    %w = tq.get_weight @w : tensor<4x8xf32>
    %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
      -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
    %y = tq.relu %s : tensor<4xf32>
    ```

    After:
    ```mlir
    tq.weight "private" @w.scales : tensor<4xf32> initializer {
      %w = tq.get_weight @w : tensor<4x8xf32>
      %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
        -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
      tq.yield %s : tensor<4xf32>
    }
    %s = tq.get_weight @w.scales : tensor<4xf32>
    %y = tq.relu %s : tensor<4xf32>
    ```
  }];
  let dependentDialects = ["::tq::TQDialect"];
}

#endif // TQ_DIALECT_TQ_TRANSFORMS_PASSES_TD
