// RUN: tq-opt %s -tq-drop-unused-weights -split-input-file | FileCheck %s

// CHECK-NOT: @unused
// CHECK-DAG: tq.weight @used
// CHECK-DAG: tq.weight @source
// CHECK-DAG: tq.weight @derived
// CHECK-DAG: tq.weight "private" @nested
tq.weight @unused : tensor<2xf32> = dense<0.0> : tensor<2xf32>
tq.weight "private" @unused_private : tensor<2xf32> = dense<0.0> : tensor<2xf32>
tq.weight @used : tensor<2xf32> = dense<1.0> : tensor<2xf32>
tq.weight @source : tensor<2xf32> = dense<2.0> : tensor<2xf32>
tq.weight @derived : tensor<4xf32> initializer {
  %0 = tq.get_weight @source : tensor<2xf32>
  %1 = tensor.concat dim(0) %0, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  tq.yield %1 : tensor<4xf32>
}
// One unused weight that reads another: both go.
tq.weight @unused_source : tensor<2xf32> = dense<2.0> : tensor<2xf32>
tq.weight @unused_derived : tensor<4xf32> initializer {
  %0 = tq.get_weight @unused_source : tensor<2xf32>
  %1 = tensor.concat dim(0) %0, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  tq.yield %1 : tensor<4xf32>
}
tq.weight "private" @nested : tensor<2xf32> = dense<3.0> : tensor<2xf32>

// Other symbols stay.
// CHECK: func.func private @unused_function
func.func private @unused_function()

// CHECK: func.func @f
func.func @f(%c: i1) -> (tensor<2xf32>, tensor<4xf32>) {
  %0 = tq.get_weight @used : tensor<2xf32>
  %1 = tq.get_weight @derived : tensor<4xf32>
  %2 = scf.if %c -> tensor<2xf32> {
    %3 = tq.get_weight @nested : tensor<2xf32>
    scf.yield %3 : tensor<2xf32>
  } else {
    scf.yield %0 : tensor<2xf32>
  }
  return %2, %1 : tensor<2xf32>, tensor<4xf32>
}

// -----

// Nothing reads anything.
// CHECK: module
// CHECK-NEXT: }
tq.weight @a : tensor<2xf32> = dense<0.0> : tensor<2xf32>
tq.weight @b : tensor<2xf32> = #tq.mapped<"f", 0>

// -----

// No weight at all.
// CHECK: func.func private @f()
func.func private @f()
