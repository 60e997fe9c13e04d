// RUN: tq-opt %s -tq-decompose-attention -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @no_mask
// CHECK-SAME: %[[Q:.*]]: tensor<2x4x3xf32>, %[[K:.*]]: tensor<2x5x3xf32>, %[[V:.*]]: tensor<2x5x7xf32>
// CHECK: %[[S:.*]] = tq.matmul %[[Q]], %[[K]] {transpose_rhs}
// CHECK: %[[F:.*]] = arith.constant dense<5.000000e-01>
// CHECK: %[[T:.*]] = tq.mul %[[S]], %[[F]]
// CHECK: %[[P:.*]] = tq.softmax %[[T]] : tensor<2x4x5xf32>
// CHECK: %[[O:.*]] = tq.matmul %[[P]], %[[V]] : {{.*}} -> tensor<2x4x7xf32>
// CHECK: return %[[O]]
func.func @no_mask(%q: tensor<2x4x3xf32>, %k: tensor<2x5x3xf32>, %v: tensor<2x5x7xf32>)
    -> tensor<2x4x7xf32> {
  %o = tq.scaled_dot_product_attention %q, %k, %v {scale = 0.5 : f32}
    : (tensor<2x4x3xf32>, tensor<2x5x3xf32>, tensor<2x5x7xf32>) -> tensor<2x4x7xf32>
  return %o : tensor<2x4x7xf32>
}

// -----

// Of a query that sees no key the weights are 0.
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @mask
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<4x5xi1>
// CHECK: %[[HIDDEN:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[ROWS]], #{{.*}}]{{.*}} ins(%{{.*}}, %[[M]] :
// CHECK: arith.constant 0xFF800000 : f32
// CHECK: arith.select
// CHECK: %[[P:.*]] = tq.softmax %[[HIDDEN]]
// CHECK: %[[MAX:.*]] = linalg.generic {{.*}} ins(%[[HIDDEN]] :
// CHECK: arith.maximumf
// CHECK: %[[CLEAR:.*]] = linalg.generic {{.*}} ins(%[[P]], %[[MAX]] :
// CHECK: tq.matmul %[[CLEAR]]
func.func @mask(%q: tensor<2x4x3xf32>, %k: tensor<2x5x3xf32>, %m: tensor<4x5xi1>) -> tensor<2x4x3xf32> {
  %o = tq.scaled_dot_product_attention %q, %k, %k mask(%m) {scale = 0.5 : f32}
    : (tensor<2x4x3xf32>, tensor<2x5x3xf32>, tensor<2x5x3xf32>, tensor<4x5xi1>)
    -> tensor<2x4x3xf32>
  return %o : tensor<2x4x3xf32>
}

// -----

// CHECK-LABEL: func.func @causal_and_added
// CHECK: arith.addf
// CHECK: arith.cmpi ule
// CHECK: arith.select
func.func @causal_and_added(%q: tensor<2x4x3xf32>, %m: tensor<2x1x4xf32>) -> tensor<2x4x3xf32> {
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 0.5 : f32, causal}
    : (tensor<2x4x3xf32>, tensor<2x4x3xf32>, tensor<2x4x3xf32>, tensor<2x1x4xf32>)
    -> tensor<2x4x3xf32>
  return %o : tensor<2x4x3xf32>
}
