// RUN: tq-opt %s -tq-raise-linears -canonicalize -split-input-file | FileCheck %s

#repeat = affine_map<(d0, d1, d2) -> (d1, d2)>
#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

tq.weight @w : tensor<6x8xf32> = #tq.mapped<"f", 0>
tq.weight @b : tensor<8xf32> = #tq.mapped<"f", 192>

// CHECK-LABEL: func.func @repeated_matrix
// CHECK-SAME: %[[X:.*]]: tensor<2x7x6xf32>
// CHECK-DAG: %[[W:.*]] = tq.get_weight @w
// CHECK-DAG: %[[B:.*]] = tq.get_weight @b
// CHECK: %[[T:.*]] = tq.permute %[[W]] dims = [1, 0]
// CHECK: %[[Y:.*]] = tq.linear %[[X]], %[[T]], %[[B]]
// CHECK: return %[[Y]]
func.func @repeated_matrix(%x: tensor<2x7x6xf32>) -> tensor<2x7x8xf32> {
  %w = tq.get_weight @w : tensor<6x8xf32>
  %b = tq.get_weight @b : tensor<8xf32>
  %e = tensor.empty() : tensor<2x6x8xf32>
  %r = linalg.generic {indexing_maps = [#repeat, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w : tensor<6x8xf32>) outs(%e : tensor<2x6x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x6x8xf32>
  %y = tq.matmul %x, %r : (tensor<2x7x6xf32>, tensor<2x6x8xf32>) -> tensor<2x7x8xf32>
  %z = tq.add %y, %b : (tensor<2x7x8xf32>, tensor<8xf32>) -> tensor<2x7x8xf32>
  return %z : tensor<2x7x8xf32>
}

// -----

// Of two activations; a bias of a run, and one that comes too late.
// CHECK-LABEL: func.func @stays
// CHECK: tq.matmul
// CHECK: %[[Y:.*]] = tq.linear
// CHECK: %[[Z:.*]] = tq.add %[[Y]]
// CHECK: %[[V:.*]] = tq.linear
// CHECK: %[[U:.*]] = tq.add %[[V]]
// CHECK: return %{{.*}}, %[[Z]], %[[V]], %[[U]]
func.func @stays(%x: tensor<2x7x6xf32>, %y: tensor<2x6x8xf32>, %w: tensor<8x6xf32>, %b: tensor<8xf32>)
    -> (tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>) {
  %c = arith.constant dense<2.0> : tensor<8xf32>
  %0 = tq.matmul %x, %y : (tensor<2x7x6xf32>, tensor<2x6x8xf32>) -> tensor<2x7x8xf32>
  %1 = tq.linear %x, %w : (tensor<2x7x6xf32>, tensor<8x6xf32>) -> tensor<2x7x8xf32>
  %2 = tq.add %1, %b : (tensor<2x7x8xf32>, tensor<8xf32>) -> tensor<2x7x8xf32>
  %3 = tq.linear %x, %w, %b : (tensor<2x7x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x7x8xf32>
  %4 = tq.add %3, %c : (tensor<2x7x8xf32>, tensor<8xf32>) -> tensor<2x7x8xf32>
  return %0, %2, %3, %4 : tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
}
