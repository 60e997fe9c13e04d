// RUN: tq-opt %s -tq-plan-schedule -split-input-file -verify-diagnostics

// expected-error@+1 {{expected a public function, but found none}}
module {
}

// -----

func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected only allocations, views, sizes and kernel calls in a schedule, but got 'tq.relu'}}
  %y = tq.relu %x : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func private @other(tensor<?x8xf32>) -> tensor<?x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  // expected-error@+1 {{expected a call of a kernel, but got '@other'}}
  %y = call @other(%e) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

func.func @one(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
// expected-error@+1 {{expected one public function, but found @one and @two}}
func.func @two(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
