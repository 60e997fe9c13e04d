// RUN: tq-opt %s -tq-raise-attention -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

#all = affine_map<(d0, d1) -> (d0, d1)>

// q - 4 < k <= q, as Mistral has it.
// CHECK-LABEL: func.func @behind
// CHECK: tq.attention {{.*}} {causal, num_heads = 4 : i64, scale = 1.000000e+00 : f32, window = 4 : i64}
func.func @behind(%q: tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32> {
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %s = tensor.dim %q, %c2 : tensor<?x4x?x16xf32>
  %e = tensor.empty(%s, %s) : tensor<?x?xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<?x?xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %before = arith.cmpi sle, %j, %i : index
    %first = arith.subi %i, %c4 : index
    %near = arith.cmpi sgt, %j, %first : index
    %both = arith.andi %before, %near : i1
    linalg.yield %both : i1
  } -> tensor<?x?xi1>
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x?xi1>)
    -> tensor<?x4x?x16xf32>
  return %o : tensor<?x4x?x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// |q - k| <= 8, as ModernBERT has it.
// CHECK-LABEL: func.func @around
// CHECK: tq.attention {{.*}} {num_heads = 4 : i64, scale = 1.000000e+00 : f32, window = 9 : i64}
func.func @around(%q: tensor<2x4x37x16xf32>) -> tensor<2x4x37x16xf32> {
  %c8 = arith.constant 8 : i64
  %e = tensor.empty() : tensor<37x37xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<37x37xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %x = arith.index_cast %i : index to i64
    %y = arith.index_cast %j : index to i64
    %d = arith.subi %x, %y : i64
    %a = math.absi %d : i64
    %near = arith.cmpi sle, %a, %c8 : i64
    linalg.yield %near : i1
  } -> tensor<37x37xi1>
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<37x37xi1>)
    -> tensor<2x4x37x16xf32>
  return %o : tensor<2x4x37x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// Keys of before in front of the queries' own: the queries begin behind them.
// CHECK-LABEL: func.func @cache
// CHECK: tq.attention {{.*}} {causal, num_heads = 4 : i64, scale = 1.000000e+00 : f32}
func.func @cache(%q: tensor<1x4x?x16xf32>, %past: tensor<1x?x64xf32>, %own: tensor<1x?x64xf32>)
    -> tensor<1x4x?x16xf32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %s = tensor.dim %q, %c2 : tensor<1x4x?x16xf32>
  %p = tensor.dim %past, %c1 : tensor<1x?x64xf32>
  %t = arith.addi %p, %s : index
  %rows = tensor.concat dim(1) %past, %own : (tensor<1x?x64xf32>, tensor<1x?x64xf32>) -> tensor<1x?x64xf32>
  %k0 = tensor.expand_shape %rows [[0], [1], [2, 3]] output_shape [1, %t, 4, 16] : tensor<1x?x64xf32> into tensor<1x?x4x16xf32>
  %k = tq.permute %k0 dims = [0, 2, 1, 3] : tensor<1x?x4x16xf32> -> tensor<1x4x?x16xf32>
  %e = tensor.empty(%s, %t) : tensor<?x?xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<?x?xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %place = arith.addi %i, %p : index
    %before = arith.cmpi sle, %j, %place : index
    linalg.yield %before : i1
  } -> tensor<?x?xi1>
  %o = tq.scaled_dot_product_attention %q, %k, %k mask(%m) {scale = 1.0 : f32}
    : (tensor<1x4x?x16xf32>, tensor<1x4x?x16xf32>, tensor<1x4x?x16xf32>, tensor<?x?xi1>)
    -> tensor<1x4x?x16xf32>
  return %o : tensor<1x4x?x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// Queries of a cache whose mask counts them from the first key.
// CHECK-LABEL: func.func @cache_from_the_first_key
// CHECK: tq.scaled_dot_product_attention
func.func @cache_from_the_first_key(%q: tensor<1x4x?x16xf32>, %k: tensor<1x4x?x16xf32>)
    -> tensor<1x4x?x16xf32> {
  %c2 = arith.constant 2 : index
  %s = tensor.dim %q, %c2 : tensor<1x4x?x16xf32>
  %t = tensor.dim %k, %c2 : tensor<1x4x?x16xf32>
  %e = tensor.empty(%s, %t) : tensor<?x?xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<?x?xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %before = arith.cmpi sle, %j, %i : index
    linalg.yield %before : i1
  } -> tensor<?x?xi1>
  // expected-remark @below {{it is not known that its causal mask ends where the keys do}}
  %o = tq.scaled_dot_product_attention %q, %k, %k mask(%m) {scale = 1.0 : f32}
    : (tensor<1x4x?x16xf32>, tensor<1x4x?x16xf32>, tensor<1x4x?x16xf32>, tensor<?x?xi1>)
    -> tensor<1x4x?x16xf32>
  return %o : tensor<1x4x?x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// q - 4 < k: what is ahead is all shown.
// CHECK-LABEL: func.func @one_side
// CHECK: tq.scaled_dot_product_attention
func.func @one_side(%q: tensor<2x4x37x16xf32>) -> tensor<2x4x37x16xf32> {
  %c4 = arith.constant 4 : index
  %e = tensor.empty() : tensor<37x37xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<37x37xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %first = arith.subi %i, %c4 : index
    %near = arith.cmpi sgt, %j, %first : index
    linalg.yield %near : i1
  } -> tensor<37x37xi1>
  // expected-remark @below {{its window is neither symmetric nor behind the query}}
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<37x37xi1>)
    -> tensor<2x4x37x16xf32>
  return %o : tensor<2x4x37x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// A comparison of unsigned numbers, one of which may be less than 0.
// CHECK-LABEL: func.func @wraps
// CHECK: tq.scaled_dot_product_attention
func.func @wraps(%q: tensor<2x4x37x16xf32>) -> tensor<2x4x37x16xf32> {
  %c0 = arith.constant 0 : index
  %e = tensor.empty() : tensor<37x37xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<37x37xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %d = arith.subi %j, %i : index
    %near = arith.cmpi ule, %d, %c0 : index
    linalg.yield %near : i1
  } -> tensor<37x37xi1>
  // expected-remark @below {{its mask is neither causal, a window, nor one of padding}}
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<37x37xi1>)
    -> tensor<2x4x37x16xf32>
  return %o : tensor<2x4x37x16xf32>
}

// -----

#vector = affine_map<(d0) -> (d0)>
#rows = affine_map<(d0, d1) -> (d0, d1)>
#sum_in = affine_map<(d0, d1) -> (d1)>
#sum_out = affine_map<(d0, d1) -> (d0)>
#ofq = affine_map<(d0, d1) -> (d0)>
#ofk = affine_map<(d0, d1) -> (d1)>

// Sequences packed into one, of which there is one: where positions do not go on by one,
// another begins; queries see keys of their own sequence, all of them.
// CHECK-LABEL: func.func @one_sequence
// CHECK: tq.attention {{.*}} {num_heads = 4 : i64, scale = 1.000000e+00 : f32} :
func.func @one_sequence(%q: tensor<2x4x?x16xf32>) -> tensor<2x4x?x16xf32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i64
  %s = tensor.dim %q, %c2 : tensor<2x4x?x16xf32>
  %e = tensor.empty(%s) : tensor<?xi64>
  %places = linalg.generic {indexing_maps = [#vector], iterator_types = ["parallel"]}
      outs(%e : tensor<?xi64>) {
  ^bb0(%out: i64):
    %i = linalg.index 0 : index
    %x = arith.index_cast %i : index to i64
    linalg.yield %x : i64
  } -> tensor<?xi64>
  %before = arith.constant dense<-1> : tensor<1xi64>
  %joined = tensor.concat dim(0) %before, %places : (tensor<1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %this = tensor.extract_slice %joined[1] [%s] [1] : tensor<?xi64> to tensor<?xi64>
  %last = tensor.extract_slice %joined[0] [%s] [1] : tensor<?xi64> to tensor<?xi64>
  %begins = linalg.generic {indexing_maps = [#vector, #vector, #vector], iterator_types = ["parallel"]}
      ins(%this, %last : tensor<?xi64>, tensor<?xi64>) outs(%e : tensor<?xi64>) {
  ^bb0(%a: i64, %b: i64, %out: i64):
    %d = arith.subi %a, %b : i64
    %is = arith.cmpi ne, %d, %one : i64
    %x = arith.extui %is : i1 to i64
    linalg.yield %x : i64
  } -> tensor<?xi64>
  %zeros = linalg.fill ins(%zero : i64) outs(%e : tensor<?xi64>) -> tensor<?xi64>
  %sequence = linalg.generic {indexing_maps = [#sum_in, #sum_out], iterator_types = ["parallel", "reduction"]}
      ins(%begins : tensor<?xi64>) outs(%zeros : tensor<?xi64>) {
  ^bb0(%a: i64, %sum: i64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %is = arith.cmpi ule, %j, %i : index
    %x = arith.select %is, %a, %zero : i64
    %y = arith.addi %sum, %x : i64
    linalg.yield %y : i64
  } -> tensor<?xi64>
  %f = tensor.empty(%s, %s) : tensor<?x?xi1>
  %m = linalg.generic {indexing_maps = [#ofq, #ofk, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%sequence, %sequence : tensor<?xi64>, tensor<?xi64>) outs(%f : tensor<?x?xi1>) {
  ^bb0(%a: i64, %b: i64, %out: i1):
    %is = arith.cmpi eq, %a, %b : i64
    linalg.yield %is : i1
  } -> tensor<?x?xi1>
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x4x?x16xf32>, tensor<2x4x?x16xf32>, tensor<2x4x?x16xf32>, tensor<?x?xi1>)
    -> tensor<2x4x?x16xf32>
  return %o : tensor<2x4x?x16xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// A window to both sides and causality beside it: both hold.
// CHECK-LABEL: func.func @causal_beside_a_mask
// CHECK: tq.attention {{.*}} {causal, num_heads = 4 : i64, scale = 1.000000e+00 : f32, window = 9 : i64}
func.func @causal_beside_a_mask(%q: tensor<2x4x37x16xf32>) -> tensor<2x4x37x16xf32> {
  %c8 = arith.constant 8 : index
  %e = tensor.empty() : tensor<37x37xi1>
  %m = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<37x37xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %d = arith.subi %i, %j : index
    %f = arith.subi %j, %i : index
    %x = arith.cmpi sle, %d, %c8 : index
    %y = arith.cmpi sle, %f, %c8 : index
    %near = arith.andi %x, %y : i1
    linalg.yield %near : i1
  } -> tensor<37x37xi1>
  %o = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32, causal}
    : (tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<2x4x37x16xf32>, tensor<37x37xi1>)
    -> tensor<2x4x37x16xf32>
  return %o : tensor<2x4x37x16xf32>
}
