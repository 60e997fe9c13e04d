// RUN: tq-opt %s -tq-raise-activations -canonicalize | FileCheck %s

!t = tensor<?x8xf32>

// CHECK-LABEL: func.func @silu
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK-NEXT: %[[Y:.*]] = tq.silu %[[X]]
// CHECK-NEXT: %[[Z:.*]] = tq.quick_gelu %[[X]]
// CHECK-NEXT: return %[[Y]], %[[Z]]
func.func @silu(%x: !t) -> (!t, !t) {
  %k = arith.constant dense<1.702> : tensor<f32>
  %0 = tq.sigmoid %x : !t
  %1 = tq.mul %x, %0 : (!t, !t) -> !t
  %2 = tq.mul %x, %k : (!t, tensor<f32>) -> !t
  %3 = tq.sigmoid %2 : !t
  %4 = tq.mul %3, %x : (!t, !t) -> !t
  return %1, %4 : !t, !t
}

// Of another value, or with another factor.
// CHECK-LABEL: func.func @no_silu
// CHECK-NOT: tq.silu
// CHECK-NOT: tq.quick_gelu
// CHECK: return
func.func @no_silu(%x: !t, %y: !t) -> (!t, !t) {
  %k = arith.constant dense<1.7> : tensor<f32>
  %0 = tq.sigmoid %x : !t
  %1 = tq.mul %y, %0 : (!t, !t) -> !t
  %2 = tq.mul %x, %k : (!t, tensor<f32>) -> !t
  %3 = tq.sigmoid %2 : !t
  %4 = tq.mul %3, %x : (!t, !t) -> !t
  return %1, %4 : !t, !t
}

#id = affine_map<(d0, d1) -> (d0, d1)>

// The half at x, and at the product.
// CHECK-LABEL: func.func @gelu
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK-DAG: %[[Y:.*]] = tq.gelu %[[X]] : tensor<?x8xf32>
// CHECK-NOT: math.erf
// CHECK: return
func.func @gelu(%x: !t, %e: !t) -> (!t, !t) {
  %half = arith.constant dense<0.5> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %root = arith.constant dense<1.41421354> : tensor<f32>
  %0 = tq.div %x, %root : (!t, tensor<f32>) -> !t
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : !t) outs(%e : !t) {
  ^bb0(%in: f32, %out: f32):
    %9 = math.erf %in : f32
    linalg.yield %9 : f32
  } -> !t
  %2 = tq.add %1, %one : (!t, tensor<f32>) -> !t
  %3 = tq.mul %x, %half : (!t, tensor<f32>) -> !t
  %4 = tq.mul %3, %2 : (!t, !t) -> !t
  %5 = tq.mul %x, %2 : (!t, !t) -> !t
  %6 = tq.mul %5, %half : (!t, tensor<f32>) -> !t
  return %4, %6 : !t, !t
}

// CHECK-LABEL: func.func @gelu_tanh
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[Y:.*]] = tq.gelu %[[X]] {tanh}
// CHECK-NOT: tq.tanh
// CHECK: return %[[Y]]
func.func @gelu_tanh(%x: !t) -> !t {
  %half = arith.constant dense<0.5> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %k = arith.constant dense<0.044715> : tensor<f32>
  %s = arith.constant dense<0.797884583> : tensor<f32>
  %0 = tq.mul %x, %x : (!t, !t) -> !t
  %1 = tq.mul %0, %x : (!t, !t) -> !t
  %2 = tq.mul %1, %k : (!t, tensor<f32>) -> !t
  %3 = tq.add %x, %2 : (!t, !t) -> !t
  %4 = tq.mul %3, %s : (!t, tensor<f32>) -> !t
  %5 = tq.tanh %4 : !t
  %6 = tq.add %5, %one : (!t, tensor<f32>) -> !t
  %7 = tq.mul %x, %half : (!t, tensor<f32>) -> !t
  %8 = tq.mul %7, %6 : (!t, !t) -> !t
  return %8 : !t
}

// The square in the place of the cube.
// CHECK-LABEL: func.func @no_gelu
// CHECK-NOT: tq.gelu
// CHECK: return
func.func @no_gelu(%x: !t) -> !t {
  %half = arith.constant dense<0.5> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %k = arith.constant dense<0.044715> : tensor<f32>
  %s = arith.constant dense<0.797884583> : tensor<f32>
  %0 = tq.mul %x, %x : (!t, !t) -> !t
  %2 = tq.mul %0, %k : (!t, tensor<f32>) -> !t
  %3 = tq.add %x, %2 : (!t, !t) -> !t
  %4 = tq.mul %3, %s : (!t, tensor<f32>) -> !t
  %5 = tq.tanh %4 : !t
  %6 = tq.add %5, %one : (!t, tensor<f32>) -> !t
  %7 = tq.mul %x, %half : (!t, tensor<f32>) -> !t
  %8 = tq.mul %7, %6 : (!t, !t) -> !t
  return %8 : !t
}
