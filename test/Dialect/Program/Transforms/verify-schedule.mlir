// RUN: tq-opt %s -split-input-file -program-verify-schedule -verify-diagnostics

// Size arithmetic, weights, views and calls are a schedule.
tq.weight @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
func.func @fine(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %w = tq.get_weight @w : tensor<2xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = program.call @kernel(%x, %e) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
program.kernel @kernel {
func.func @kernel(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = linalg.fill ins(%zero : f32) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
}

// -----

func.func @op(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected a schedule of calls, views, sizes and weights after lower, but got 'tq.relu'}}
  %0 = tq.relu %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @main() { return }
program.kernel @elsewhere {
func.func @elsewhere(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected result 0 of kernel @elsewhere in its out argument, but it is elsewhere}}
  return %x : tensor<?xf32>
}
}
