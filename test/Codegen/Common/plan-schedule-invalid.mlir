// RUN: tq-opt %s -tq-plan-schedule -split-input-file -verify-diagnostics

// expected-error@+1 {{expected a function @main to compile}}
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
