// RUN: tq-opt %s -tq-raise-attention -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

// Heads beside tokens, as Hugging Face has them.
// CHECK-LABEL: func.func @heads
// CHECK-SAME: %[[Q:.*]]: tensor<2x7x64xf32>, %[[K:.*]]: tensor<2x9x64xf32>, %[[V:.*]]: tensor<2x9x64xf32>
// CHECK: %[[O:.*]] = tq.attention %[[Q]], %[[K]], %[[V]] {num_heads = 4 : i64, scale = 2.500000e-01 : f32}
func.func @heads(%q: tensor<2x7x64xf32>, %k: tensor<2x9x64xf32>, %v: tensor<2x9x64xf32>)
    -> tensor<2x4x7x16xf32> {
  %q0 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 7, 4, 16] : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
  %k0 = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 9, 4, 16] : tensor<2x9x64xf32> into tensor<2x9x4x16xf32>
  %v0 = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [2, 9, 4, 16] : tensor<2x9x64xf32> into tensor<2x9x4x16xf32>
  %q1 = tq.permute %q0 dims = [0, 2, 1, 3] : tensor<2x7x4x16xf32> -> tensor<2x4x7x16xf32>
  %k1 = tq.permute %k0 dims = [0, 2, 1, 3] : tensor<2x9x4x16xf32> -> tensor<2x4x9x16xf32>
  %v1 = tq.permute %v0 dims = [0, 2, 1, 3] : tensor<2x9x4x16xf32> -> tensor<2x4x9x16xf32>
  %o = tq.scaled_dot_product_attention %q1, %k1, %v1 {scale = 0.25 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x9x16xf32>, tensor<2x4x9x16xf32>) -> tensor<2x4x7x16xf32>
  return %o : tensor<2x4x7x16xf32>
}

// -----

// One projection of tokens before rows, as torch.nn.MultiheadAttention has it: batch and
// heads are joined, queries, keys and values are rows of a dimension of 3.
// CHECK-LABEL: func.func @joined_projection
// CHECK-SAME: %[[X:.*]]: tensor<7x2x96xf32>
// CHECK: %[[P:.*]] = tq.permute %[[X]] dims = [1, 0, 2]
// CHECK: %[[Q:.*]] = tensor.extract_slice %[[P]][0, 0, 0] [2, 7, 32]
// CHECK: %[[K:.*]] = tensor.extract_slice %[[P]][0, 0, 32] [2, 7, 32]
// CHECK: %[[V:.*]] = tensor.extract_slice %[[P]][0, 0, 64] [2, 7, 32]
// CHECK: tq.attention %[[Q]], %[[K]], %[[V]] {num_heads = 4 : i64, scale = 1.000000e+00 : f32}
func.func @joined_projection(%x: tensor<7x2x96xf32>) -> tensor<2x4x7x8xf32> {
  %0 = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [7, 2, 3, 32] : tensor<7x2x96xf32> into tensor<7x2x3x32xf32>
  %1 = tq.permute %0 dims = [2, 0, 1, 3] : tensor<7x2x3x32xf32> -> tensor<3x7x2x32xf32>
  %q = tensor.extract_slice %1[0, 0, 0, 0] [1, 7, 2, 32] [1, 1, 1, 1] : tensor<3x7x2x32xf32> to tensor<1x7x2x32xf32>
  %k = tensor.extract_slice %1[1, 0, 0, 0] [1, 7, 2, 32] [1, 1, 1, 1] : tensor<3x7x2x32xf32> to tensor<1x7x2x32xf32>
  %v = tensor.extract_slice %1[2, 0, 0, 0] [1, 7, 2, 32] [1, 1, 1, 1] : tensor<3x7x2x32xf32> to tensor<1x7x2x32xf32>
  %q0 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<1x7x2x32xf32> into tensor<7x2x32xf32>
  %k0 = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<1x7x2x32xf32> into tensor<7x2x32xf32>
  %v0 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<1x7x2x32xf32> into tensor<7x2x32xf32>
  %q1 = tensor.expand_shape %q0 [[0], [1], [2, 3]] output_shape [7, 2, 4, 8] : tensor<7x2x32xf32> into tensor<7x2x4x8xf32>
  %k1 = tensor.expand_shape %k0 [[0], [1], [2, 3]] output_shape [7, 2, 4, 8] : tensor<7x2x32xf32> into tensor<7x2x4x8xf32>
  %v1 = tensor.expand_shape %v0 [[0], [1], [2, 3]] output_shape [7, 2, 4, 8] : tensor<7x2x32xf32> into tensor<7x2x4x8xf32>
  %q2 = tensor.collapse_shape %q1 [[0], [1, 2], [3]] : tensor<7x2x4x8xf32> into tensor<7x8x8xf32>
  %k2 = tensor.collapse_shape %k1 [[0], [1, 2], [3]] : tensor<7x2x4x8xf32> into tensor<7x8x8xf32>
  %v2 = tensor.collapse_shape %v1 [[0], [1, 2], [3]] : tensor<7x2x4x8xf32> into tensor<7x8x8xf32>
  %q3 = tq.permute %q2 dims = [1, 0, 2] : tensor<7x8x8xf32> -> tensor<8x7x8xf32>
  %k3 = tq.permute %k2 dims = [1, 0, 2] : tensor<7x8x8xf32> -> tensor<8x7x8xf32>
  %v3 = tq.permute %v2 dims = [1, 0, 2] : tensor<7x8x8xf32> -> tensor<8x7x8xf32>
  %q4 = tensor.expand_shape %q3 [[0, 1], [2], [3]] output_shape [2, 4, 7, 8] : tensor<8x7x8xf32> into tensor<2x4x7x8xf32>
  %k4 = tensor.expand_shape %k3 [[0, 1], [2], [3]] output_shape [2, 4, 7, 8] : tensor<8x7x8xf32> into tensor<2x4x7x8xf32>
  %v4 = tensor.expand_shape %v3 [[0, 1], [2], [3]] output_shape [2, 4, 7, 8] : tensor<8x7x8xf32> into tensor<2x4x7x8xf32>
  %o = tq.scaled_dot_product_attention %q4, %k4, %v4 {scale = 1.0 : f32}
    : (tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x7x8xf32>
  return %o : tensor<2x4x7x8xf32>
}

// -----

// Products with a softmax between them; the query was scaled before, a softmax over
// weights that something else reads stays, too.
// CHECK-LABEL: func.func @eager
// CHECK-SAME: %[[Q:.*]]: tensor<2x7x64xf32>, %[[K:.*]]: tensor<2x9x64xf32>
// CHECK: tq.attention %[[Q]], %[[K]], %[[K]] {num_heads = 4 : i64, scale = 1.250000e-01 : f32}
func.func @eager(%q: tensor<2x7x64xf32>, %k: tensor<2x9x64xf32>)
    -> (tensor<2x4x7x16xf32>, tensor<2x4x7x9xf32>) {
  %half = arith.constant dense<0.5> : tensor<f32>
  %quarter = arith.constant dense<0.25> : tensor<f32>
  %q0 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 7, 4, 16] : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
  %k0 = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 9, 4, 16] : tensor<2x9x64xf32> into tensor<2x9x4x16xf32>
  %q1 = tq.permute %q0 dims = [0, 2, 1, 3] : tensor<2x7x4x16xf32> -> tensor<2x4x7x16xf32>
  %k1 = tq.permute %k0 dims = [0, 2, 1, 3] : tensor<2x9x4x16xf32> -> tensor<2x4x9x16xf32>
  %q2 = tq.mul %q1, %half : (tensor<2x4x7x16xf32>, tensor<f32>) -> tensor<2x4x7x16xf32>
  %kt = tq.permute %k1 dims = [0, 1, 3, 2] : tensor<2x4x9x16xf32> -> tensor<2x4x16x9xf32>
  %s = tq.matmul %q2, %kt : (tensor<2x4x7x16xf32>, tensor<2x4x16x9xf32>) -> tensor<2x4x7x9xf32>
  %t = tq.mul %s, %quarter : (tensor<2x4x7x9xf32>, tensor<f32>) -> tensor<2x4x7x9xf32>
  %p = tq.softmax %t : tensor<2x4x7x9xf32>
  %o = tq.matmul %p, %k1 : (tensor<2x4x7x9xf32>, tensor<2x4x9x16xf32>) -> tensor<2x4x7x16xf32>
  return %o, %p : tensor<2x4x7x16xf32>, tensor<2x4x7x9xf32>
}

// -----

#repeat = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, 0, d3, d4)>
#all = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>

// Keys of two heads, each for two query heads.
// CHECK-LABEL: func.func @grouped_queries
// CHECK-SAME: %[[Q:.*]]: tensor<2x7x64xf32>, %[[K:.*]]: tensor<2x7x32xf32>
// CHECK: tq.attention %[[Q]], %[[K]], %[[K]] {num_heads = 4 : i64, num_kv_heads = 2 : i64
func.func @grouped_queries(%q: tensor<2x7x64xf32>, %k: tensor<2x7x32xf32>) -> tensor<2x4x7x16xf32> {
  %q0 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 7, 4, 16] : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
  %q1 = tq.permute %q0 dims = [0, 2, 1, 3] : tensor<2x7x4x16xf32> -> tensor<2x4x7x16xf32>
  %k0 = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 7, 2, 16] : tensor<2x7x32xf32> into tensor<2x7x2x16xf32>
  %k1 = tq.permute %k0 dims = [0, 2, 1, 3] : tensor<2x7x2x16xf32> -> tensor<2x2x7x16xf32>
  %k2 = tensor.expand_shape %k1 [[0], [1, 2], [3], [4]] output_shape [2, 2, 1, 7, 16] : tensor<2x2x7x16xf32> into tensor<2x2x1x7x16xf32>
  %e = tensor.empty() : tensor<2x2x2x7x16xf32>
  %k3 = linalg.generic {indexing_maps = [#repeat, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%k2 : tensor<2x2x1x7x16xf32>) outs(%e : tensor<2x2x2x7x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x2x2x7x16xf32>
  %k4 = tensor.collapse_shape %k3 [[0], [1, 2], [3], [4]] : tensor<2x2x2x7x16xf32> into tensor<2x4x7x16xf32>
  %o = tq.scaled_dot_product_attention %q1, %k4, %k4 {scale = 1.0 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>) -> tensor<2x4x7x16xf32>
  return %o : tensor<2x4x7x16xf32>
}

// -----

#repeat = affine_map<(d0, d1, d2, d3, d4) -> (d0, 0, d2, d3, d4)>
#all = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>

// All heads once and once more: query head 1 reads key head 1, not 0.
// CHECK-LABEL: func.func @repeated_as_a_whole
// CHECK: tq.attention {{.*}} {num_heads = 4 : i64, scale
func.func @repeated_as_a_whole(%q: tensor<2x7x64xf32>, %k: tensor<2x7x32xf32>) -> tensor<2x4x7x16xf32> {
  %q0 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 7, 4, 16] : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
  %q1 = tq.permute %q0 dims = [0, 2, 1, 3] : tensor<2x7x4x16xf32> -> tensor<2x4x7x16xf32>
  %k0 = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 7, 2, 16] : tensor<2x7x32xf32> into tensor<2x7x2x16xf32>
  %k1 = tq.permute %k0 dims = [0, 2, 1, 3] : tensor<2x7x2x16xf32> -> tensor<2x2x7x16xf32>
  %k2 = tensor.expand_shape %k1 [[0], [1, 2], [3], [4]] output_shape [2, 1, 2, 7, 16] : tensor<2x2x7x16xf32> into tensor<2x1x2x7x16xf32>
  %e = tensor.empty() : tensor<2x2x2x7x16xf32>
  %k3 = linalg.generic {indexing_maps = [#repeat, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%k2 : tensor<2x1x2x7x16xf32>) outs(%e : tensor<2x2x2x7x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x2x2x7x16xf32>
  %k4 = tensor.collapse_shape %k3 [[0], [1, 2], [3], [4]] : tensor<2x2x2x7x16xf32> into tensor<2x4x7x16xf32>
  %o = tq.scaled_dot_product_attention %q1, %k4, %k4 {scale = 1.0 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>) -> tensor<2x4x7x16xf32>
  return %o : tensor<2x4x7x16xf32>
}

// -----

#row = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
#all = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// k <= q and padding, computed element by element.
// CHECK-LABEL: func.func @masks
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x?x16xf32>, %[[M:.*]]: tensor<?x?xi64>
// CHECK: tq.attention %{{.*}}, %{{.*}}, %{{.*}} mask(%[[M]]) {causal, num_heads = 4 : i64
func.func @masks(%q: tensor<?x4x?x16xf32>, %m: tensor<?x?xi64>) -> tensor<?x4x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0 : i64
  %b = tensor.dim %q, %c0 : tensor<?x4x?x16xf32>
  %s = tensor.dim %q, %c2 : tensor<?x4x?x16xf32>
  %e = tensor.empty(%b, %s, %s) : tensor<?x1x?x?xi1>
  %v = linalg.generic {indexing_maps = [#row, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%m : tensor<?x?xi64>) outs(%e : tensor<?x1x?x?xi1>) {
  ^bb0(%in: i64, %out: i1):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %before = arith.cmpi sle, %j, %i : index
    %shown = arith.cmpi ne, %in, %zero : i64
    %both = arith.andi %before, %shown : i1
    linalg.yield %both : i1
  } -> tensor<?x1x?x?xi1>
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%v) {scale = 1.0 : f32}
    : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x1x?x?xi1>)
    -> tensor<?x4x?x16xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// A mask of floats that adds -inf where a bool is set; all true is no mask.
// CHECK-LABEL: func.func @added_mask
// CHECK-SAME: %[[Q:.*]]: tensor<2x4x7x16xf32>, %[[M:.*]]: tensor<2x7xi1>
// CHECK: %[[SHOWN:.*]] = linalg.generic {{.*}} ins(%[[M]] : tensor<2x7xi1>) outs(%{{.*}} : tensor<2x7xi64>)
// CHECK: tq.attention %{{.*}}, %{{.*}}, %{{.*}} mask(%[[SHOWN]]) {num_heads
// CHECK: tq.attention %{{.*}}, %{{.*}}, %{{.*}} {num_heads
func.func @added_mask(%q: tensor<2x4x7x16xf32>, %m: tensor<2x7xi1>) -> (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>) {
  %hidden = arith.constant 0xFF800000 : f32
  %shown = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x7xf32>
  %a = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%m : tensor<2x7xi1>) outs(%e : tensor<2x7xf32>) {
  ^bb0(%in: i1, %out: f32):
    %x = arith.select %in, %hidden, %shown : f32
    linalg.yield %x : f32
  } -> tensor<2x7xf32>
  %b = tensor.expand_shape %a [[0, 1, 2], [3]] output_shape [2, 1, 1, 7] : tensor<2x7xf32> into tensor<2x1x1x7xf32>
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%b) {scale = 1.0 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x1x1x7xf32>)
    -> tensor<2x4x7x16xf32>
  %true = arith.constant dense<true> : tensor<7x7xi1>
  %p = tq.scaled_dot_product_attention %q, %q, %q mask(%true) {scale = 1.0 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<7x7xi1>)
    -> tensor<2x4x7x16xf32>
  return %o, %p : tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>
}

// -----

// A bias for each head is no mask.
// CHECK-LABEL: func.func @bias
// CHECK: tq.scaled_dot_product_attention
func.func @bias(%q: tensor<2x4x7x16xf32>, %m: tensor<1x4x7x7xf32>) -> tensor<2x4x7x16xf32> {
  // expected-remark @below {{attention stays as products and a softmax: its mask is neither causal, a window, nor one of padding, [batch, keys]}}
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<1x4x7x7xf32>)
    -> tensor<2x4x7x16xf32>
  return %o : tensor<2x4x7x16xf32>
}

// -----

// Fewer queries than keys: where the first query stands is not what the op means.
// CHECK-LABEL: func.func @causal_of_other_sizes
// CHECK: tq.scaled_dot_product_attention
func.func @causal_of_other_sizes(%q: tensor<2x4x7x16xf32>, %k: tensor<2x4x9x16xf32>) -> tensor<2x4x7x16xf32> {
  // expected-remark @below {{it is causal, but its last query is not at the last key}}
  %o = tq.scaled_dot_product_attention %q, %k, %k {scale = 1.0 : f32, causal}
    : (tensor<2x4x7x16xf32>, tensor<2x4x9x16xf32>, tensor<2x4x9x16xf32>) -> tensor<2x4x7x16xf32>
  return %o : tensor<2x4x7x16xf32>
}

// -----

// CHECK-LABEL: func.func @wide_values
// CHECK: tq.scaled_dot_product_attention
func.func @wide_values(%q: tensor<2x4x7x16xf32>, %v: tensor<2x4x7x32xf32>) -> tensor<2x4x7x32xf32> {
  // expected-remark @below {{its values are not as wide as its queries}}
  %o = tq.scaled_dot_product_attention %q, %q, %v {scale = 1.0 : f32}
    : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x32xf32>) -> tensor<2x4x7x32xf32>
  return %o : tensor<2x4x7x32xf32>
}
