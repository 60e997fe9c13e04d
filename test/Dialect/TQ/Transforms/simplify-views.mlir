// RUN: tq-opt %s -tq-simplify-views -canonicalize -cse -split-input-file | FileCheck %s

tq.weight @w : tensor<8x6xf32> = #tq.mapped<"f", 0>

// What torch.nn.MultiheadAttention does with batch_first: both permutations go.
// CHECK-LABEL: func.func @there_and_back
// CHECK-SAME: %[[X:.*]]: tensor<?x?x6xf32>
// CHECK: %[[W:.*]] = tq.get_weight @w
// CHECK: %[[Y:.*]] = tq.linear %[[X]], %[[W]] : {{.*}} -> tensor<?x?x8xf32>
// CHECK: return %[[Y]]
func.func @there_and_back(%x: tensor<?x?x6xf32>) -> tensor<?x?x8xf32> {
  %w = tq.get_weight @w : tensor<8x6xf32>
  %p = tq.permute %x dims = [1, 0, 2] : tensor<?x?x6xf32> -> tensor<?x?x6xf32>
  %y = tq.linear %p, %w : (tensor<?x?x6xf32>, tensor<8x6xf32>) -> tensor<?x?x8xf32>
  %r = tq.permute %y dims = [1, 0, 2] : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// The residual comes in the other order: it is permuted, once.
// CHECK-LABEL: func.func @residual
// CHECK-SAME: %[[X:.*]]: tensor<3x5x6xf32>, %[[R:.*]]: tensor<5x3x6xf32>
// CHECK: %[[P:.*]] = tq.permute %[[R]] dims = [1, 0, 2]
// CHECK: %[[S:.*]] = tq.add %[[P]], %[[X]] : (tensor<3x5x6xf32>
// CHECK: %[[T:.*]] = tq.tanh %[[S]] : tensor<3x5x6xf32>
// CHECK: %[[Y:.*]] = tq.permute %[[T]] dims = [1, 0, 2]
// CHECK: return %[[Y]]
func.func @residual(%x: tensor<3x5x6xf32>, %r: tensor<5x3x6xf32>) -> tensor<5x3x6xf32> {
  %p = tq.permute %x dims = [1, 0, 2] : tensor<3x5x6xf32> -> tensor<5x3x6xf32>
  %s = tq.add %r, %p : (tensor<5x3x6xf32>, tensor<5x3x6xf32>) -> tensor<5x3x6xf32>
  %t = tq.tanh %s : tensor<5x3x6xf32>
  return %t : tensor<5x3x6xf32>
}

// -----

tq.weight @w : tensor<8x6xf32> = #tq.mapped<"f", 0>

// Core ATen multiplies matrices: rows are joined before and parted behind.
// CHECK-LABEL: func.func @joined_rows
// CHECK-SAME: %[[X:.*]]: tensor<?x7x6xf32>
// CHECK-NOT: collapse_shape
// CHECK: %[[Y:.*]] = tq.linear %[[X]], %{{.*}} : {{.*}} -> tensor<?x7x8xf32>
// CHECK: return %[[Y]]
func.func @joined_rows(%x: tensor<?x7x6xf32>) -> tensor<?x7x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x7x6xf32>
  %w = tq.get_weight @w : tensor<8x6xf32>
  %c = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x7x6xf32> into tensor<?x6xf32>
  %y = tq.linear %c, %w : (tensor<?x6xf32>, tensor<8x6xf32>) -> tensor<?x8xf32>
  %r = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, 7, 8] : tensor<?x8xf32> into tensor<?x7x8xf32>
  return %r : tensor<?x7x8xf32>
}

// -----

// Rows that are joined and parted by sizes in the other order are other rows.
// CHECK-LABEL: func.func @other_rows
// CHECK: %[[C:.*]] = tensor.collapse_shape
// CHECK: tensor.expand_shape %[[C]]
func.func @other_rows(%x: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x6xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?x6xf32>
  %p = tq.permute %x dims = [1, 0, 2] : tensor<?x?x6xf32> -> tensor<?x?x6xf32>
  %c = tensor.collapse_shape %p [[0, 1], [2]] : tensor<?x?x6xf32> into tensor<?x6xf32>
  %r = tensor.expand_shape %c [[0, 1], [2]] output_shape [%n, %m, 6] : tensor<?x6xf32> into tensor<?x?x6xf32>
  return %r : tensor<?x?x6xf32>
}

// -----

// A permutation that moves the last dimension stays before the norm of rows.
// CHECK-LABEL: func.func @last_dimension
// CHECK: %[[P:.*]] = tq.permute
// CHECK: tq.softmax %[[P]]
func.func @last_dimension(%x: tensor<3x5x6xf32>) -> tensor<3x6x5xf32> {
  %p = tq.permute %x dims = [0, 2, 1] : tensor<3x5x6xf32> -> tensor<3x6x5xf32>
  %y = tq.softmax %p : tensor<3x6x5xf32>
  return %y : tensor<3x6x5xf32>
}

// -----

// A bias for each row has no place in the other order.
// CHECK-LABEL: func.func @bias_of_rows
// CHECK: %[[P:.*]] = tq.permute
// CHECK: tq.add %[[P]]
func.func @bias_of_rows(%x: tensor<3x5x6xf32>, %b: tensor<3x6xf32>) -> tensor<5x3x6xf32> {
  %p = tq.permute %x dims = [1, 0, 2] : tensor<3x5x6xf32> -> tensor<5x3x6xf32>
  %y = tq.add %p, %b : (tensor<5x3x6xf32>, tensor<3x6xf32>) -> tensor<5x3x6xf32>
  return %y : tensor<5x3x6xf32>
}

// -----

// Angles that all heads share are permuted, not the heads: also where they are already.
// CHECK-LABEL: func.func @rotary_embedding
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x7x4x8xf32>, %[[C:[a-z0-9]+]]: tensor<1x1x7x8xf32>
// CHECK: %[[P:.*]] = tq.permute %[[C]] dims = [0, 2, 1, 3]
// CHECK: %[[Y:.*]] = tq.rotary_embedding %[[X]], %[[P]], %[[P]]
// CHECK: %[[Z:.*]] = tq.rotary_embedding %[[Y]], %[[P]], %[[P]]
// CHECK: return %[[Z]]
func.func @rotary_embedding(%x: tensor<?x7x4x8xf32>, %c: tensor<1x1x7x8xf32>) -> tensor<?x7x4x8xf32> {
  %0 = tq.permute %x dims = [0, 2, 1, 3] : tensor<?x7x4x8xf32> -> tensor<?x4x7x8xf32>
  %1 = tq.rotary_embedding %0, %c, %c
    : (tensor<?x4x7x8xf32>, tensor<1x1x7x8xf32>, tensor<1x1x7x8xf32>) -> tensor<?x4x7x8xf32>
  %2 = tq.permute %1 dims = [0, 2, 1, 3] : tensor<?x4x7x8xf32> -> tensor<?x7x4x8xf32>
  %d = tq.permute %c dims = [0, 2, 1, 3] : tensor<1x1x7x8xf32> -> tensor<1x7x1x8xf32>
  %3 = tq.rotary_embedding %2, %d, %d
    : (tensor<?x7x4x8xf32>, tensor<1x7x1x8xf32>, tensor<1x7x1x8xf32>) -> tensor<?x7x4x8xf32>
  return %3 : tensor<?x7x4x8xf32>
}
