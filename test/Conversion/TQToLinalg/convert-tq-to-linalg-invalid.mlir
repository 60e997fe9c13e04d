// RUN: tq-opt %s -split-input-file -convert-tq-to-linalg -verify-diagnostics

program.kernel @pad {
func.func @pad(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0.0 : f32
  // expected-error @below {{expected 'tensor.pad' to give a result of its kernel}}
  %0 = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<?xf32> to tensor<?xf32>
  %1 = tq.relu %0 : tensor<?xf32>
  return %1 : tensor<?xf32>
}
}

// -----

program.kernel @view {
func.func @view(%x: tensor<2x3xf32>, %out: tensor<6xf32>) -> tensor<6xf32> {
  // expected-error @below {{expected an op with a lowering to linalg in a kernel, but got 'tensor.collapse_shape'}}
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
  return %0 : tensor<6xf32>
}
}

// -----

program.kernel @quantize {
func.func @quantize(%x: tensor<6xf32>, %out: tensor<6x!quant.uniform<i8:f32:0, {1.0, 1.0, 1.0, 1.0, 1.0, 2.0}>>)
    -> tensor<6x!quant.uniform<i8:f32:0, {1.0, 1.0, 1.0, 1.0, 1.0, 2.0}>> {
  %0 = tq.quantize %x : tensor<6xf32> -> tensor<6x!quant.uniform<i8:f32:0, {1.0, 1.0, 1.0, 1.0, 1.0, 2.0}>>
  return %0 : tensor<6x!quant.uniform<i8:f32:0, {1.0, 1.0, 1.0, 1.0, 1.0, 2.0}>>
}
}
