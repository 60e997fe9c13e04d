// RUN: tq-opt %s --tq-insert-observers | FileCheck %s
// RUN: tq-opt %s --tq-insert-observers --tq-insert-observers | FileCheck %s

tq.weight @w : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>

// One for all who read the value, named after the first.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32>, %[[D:.*]]: tensor<?x?xf32>
func.func @main(%x: tensor<?x2xf32>, %d: tensor<?x?xf32>, %v: tensor<4x2xf32>)
    -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x4xf32>) {
  %w = tq.get_weight @w : tensor<3x2xf32>
  // CHECK-NOT: tq.observe
  // CHECK: %[[O:.*]] = tq.observe %[[X]] site("a.input") : tensor<?x2xf32>
  // CHECK-NOT: tq.observe
  // CHECK: tq.linear %[[O]],
  %0 = tq.linear %x, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32> loc("a")
  // CHECK: tq.linear %[[O]],
  %1 = tq.linear %x, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32> loc("b")
  // No scale for each channel without channels.
  // CHECK: tq.linear %[[D]],
  %2 = tq.linear %d, %w : (tensor<?x?xf32>, tensor<3x2xf32>) -> tensor<?x3xf32> loc("c")
  // A weight of run time: this one stays in float.
  // CHECK: tq.linear %[[X]],
  %3 = tq.linear %x, %v : (tensor<?x2xf32>, tensor<4x2xf32>) -> tensor<?x4xf32> loc("d")
  return %0, %1, %2, %3 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x4xf32>
}

// Two layers of one name.
// CHECK-LABEL: func.func @again(
func.func @again(%x: tensor<?x2xf32>, %y: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %w = tq.get_weight @w : tensor<3x2xf32>
  // CHECK-DAG: site("a.input")
  // CHECK-DAG: site("a.input_1")
  %0 = tq.linear %x, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32> loc("a")
  %1 = tq.linear %y, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32> loc("a")
  return %0, %1 : tensor<?x3xf32>, tensor<?x3xf32>
}
