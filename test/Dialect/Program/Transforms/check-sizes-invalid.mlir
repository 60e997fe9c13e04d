// RUN: tq-opt %s -split-input-file -program-check-sizes -verify-diagnostics

func.func @extracted(%x: tensor<?x4xf32>, %ids: tensor<1xi64>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %id = tensor.extract %ids[%c0] : tensor<1xi64>
  %n = arith.index_cast %id : i64 to index
  // expected-error @below {{expected sizes and offsets that are known before the program runs, but one is computed from elements of a tensor}}
  %s = tensor.extract_slice %x[%n, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<1x4xf32>
  %e = tensor.cast %s : tensor<1x4xf32> to tensor<?x4xf32>
  return %e : tensor<?x4xf32>
}

// -----

func.func @stride(%x: tensor<?x4xf32>) -> tensor<2x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  // expected-error @below {{expected constant strides of 1 or more}}
  %s = tensor.extract_slice %x[0, 0] [2, 4] [%n, 1] : tensor<?x4xf32> to tensor<2x4xf32>
  return %s : tensor<2x4xf32>
}

// -----

func.func @zero(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %less = arith.subi %n, %c1 : index
  // expected-error @below {{expected a divisor that is known to be more than 0: a constant or the size of an input}}
  %m = arith.divui %n, %less : index
  %e = tensor.empty(%m) : tensor<?x4xf32>
  return %e : tensor<?x4xf32>
}

// -----

func.func @unsupported(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expected an op of the tq, linalg, tensor, arith or math dialect that can become a kernel, but got 'tensor.bitcast'}}
  %y = tensor.bitcast %x : tensor<4xf32> to tensor<4xi32>
  %z = tensor.bitcast %y : tensor<4xi32> to tensor<4xf32>
  return %z : tensor<4xf32>
}
