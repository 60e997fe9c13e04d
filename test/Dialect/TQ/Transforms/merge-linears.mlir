// RUN: tq-opt %s -tq-merge-linears -canonicalize -cse -split-input-file | FileCheck %s
// RUN: tq-opt %s -tq-merge-linears -mlir-print-debuginfo -mlir-print-local-scope -split-input-file | FileCheck %s --check-prefix=LOC

tq.weight @wq : tensor<8x5xf32> = #tq.mapped<"f", 0>
tq.weight @wk : tensor<6x5xf16> = #tq.mapped<"f", 160>
tq.weight @wv : tensor<7x5xf32> = #tq.mapped<"f", 220>
tq.weight @bq : tensor<8xf32> = #tq.mapped<"f", 360>
tq.weight @bk : tensor<6xf32> = #tq.mapped<"f", 392>
tq.weight @bv : tensor<7xf32> = #tq.mapped<"f", 416>

// The weights of the second and third stand below the first linear.
// CHECK-LABEL: func.func @projections_of_one_input
// CHECK-SAME: %[[X:.*]]: tensor<?x?x5xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[WQ:.*]] = tq.get_weight @wq : tensor<8x5xf32>
// CHECK-DAG: %[[WK:.*]] = tq.get_weight @wk : tensor<6x5xf32>
// CHECK-DAG: %[[WV:.*]] = tq.get_weight @wv : tensor<7x5xf32>
// CHECK: %[[W:.*]] = tensor.concat dim(0) %[[WQ]], %[[WK]], %[[WV]] : (tensor<8x5xf32>, tensor<6x5xf32>, tensor<7x5xf32>) -> tensor<21x5xf32>
// CHECK: %[[B:.*]] = tensor.concat dim(0) %{{.*}}, %{{.*}}, %{{.*}} : (tensor<8xf32>, tensor<6xf32>, tensor<7xf32>) -> tensor<21xf32>
// CHECK: %[[Y:.*]] = tq.linear %[[X]], %[[W]], %[[B]] : {{.*}} -> tensor<?x?x21xf32>
// CHECK-NOT: tq.linear
// CHECK-DAG: %[[D0:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-DAG: %[[D1:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK: %[[Q:.*]] = tensor.extract_slice %[[Y]][0, 0, 0] [%[[D0]], %[[D1]], 8] [1, 1, 1]
// CHECK: %[[K:.*]] = tensor.extract_slice %[[Y]][0, 0, 8] [%[[D0]], %[[D1]], 6] [1, 1, 1]
// CHECK: %[[V:.*]] = tensor.extract_slice %[[Y]][0, 0, 14] [%[[D0]], %[[D1]], 7] [1, 1, 1]
// CHECK: %[[T:.*]] = tq.softmax %[[Q]]
// CHECK: return %[[T]], %[[K]], %[[V]]
// The slices keep their names, the linear has all of them.
// LOC-LABEL: func.func @projections_of_one_input
// LOC: tq.linear {{.*}} loc("layer.0.{query,key,value}"(fused["layer.0.query", "layer.0.key", "layer.0.value"]))
// LOC: tensor.extract_slice {{.*}} loc("layer.0.query")
// LOC: tensor.extract_slice {{.*}} loc("layer.0.key")
// LOC: tensor.extract_slice {{.*}} loc("layer.0.value")
func.func @projections_of_one_input(%x: tensor<?x?x5xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?x6xf32>, tensor<?x?x7xf32>) {
  %wq = tq.get_weight @wq : tensor<8x5xf32>
  %bq = tq.get_weight @bq : tensor<8xf32>
  %q = tq.linear %x, %wq, %bq
    : (tensor<?x?x5xf32>, tensor<8x5xf32>, tensor<8xf32>) -> tensor<?x?x8xf32> loc("layer.0.query")
  %t = tq.softmax %q : tensor<?x?x8xf32>
  %wk = tq.get_weight @wk : tensor<6x5xf32>
  %bk = tq.get_weight @bk : tensor<6xf32>
  %k = tq.linear %x, %wk, %bk
    : (tensor<?x?x5xf32>, tensor<6x5xf32>, tensor<6xf32>) -> tensor<?x?x6xf32> loc("layer.0.key")
  %wv = tq.get_weight @wv : tensor<7x5xf32>
  %bv = tq.get_weight @bv : tensor<7xf32>
  %v = tq.linear %x, %wv, %bv
    : (tensor<?x?x5xf32>, tensor<7x5xf32>, tensor<7xf32>) -> tensor<?x?x7xf32> loc("layer.0.value")
  return %t, %k, %v : tensor<?x?x8xf32>, tensor<?x?x6xf32>, tensor<?x?x7xf32>
}

// A vector is a row too; names without a common part are joined whole.
// CHECK-LABEL: func.func @vectors
// CHECK-SAME: %[[X:.*]]: tensor<5xf32>
// CHECK: %[[Y:.*]] = tq.linear %[[X]], %{{.*}} : (tensor<5xf32>, tensor<15x5xf32>) -> tensor<15xf32>
// CHECK: tensor.extract_slice %[[Y]][0] [8] [1]
// CHECK: tensor.extract_slice %[[Y]][8] [7] [1]
// LOC-LABEL: func.func @vectors
// LOC: tq.linear {{.*}} loc("{a,b}"(fused["a", "b"]))
func.func @vectors(%x: tensor<5xf32>) -> (tensor<8xf32>, tensor<7xf32>) {
  %wq = tq.get_weight @wq : tensor<8x5xf32>
  %wv = tq.get_weight @wv : tensor<7x5xf32>
  %0 = tq.linear %x, %wq : (tensor<5xf32>, tensor<8x5xf32>) -> tensor<8xf32> loc("a")
  %1 = tq.linear %x, %wv : (tensor<5xf32>, tensor<7x5xf32>) -> tensor<7xf32> loc("b")
  return %0, %1 : tensor<8xf32>, tensor<7xf32>
}

// Two of a kind merge, whatever stands between them.
// CHECK-LABEL: func.func @bias_and_none_stay_apart
// CHECK: tq.linear {{.*}} -> tensor<3x14xf32>
// CHECK: tq.linear {{.*}} -> tensor<3x7xf32>
// CHECK-NOT: tq.linear
func.func @bias_and_none_stay_apart(%x: tensor<3x5xf32>)
    -> (tensor<3x8xf32>, tensor<3x7xf32>, tensor<3x6xf32>) {
  %wq = tq.get_weight @wq : tensor<8x5xf32>
  %wk = tq.get_weight @wk : tensor<6x5xf32>
  %wv = tq.get_weight @wv : tensor<7x5xf32>
  %bv = tq.get_weight @bv : tensor<7xf32>
  %0 = tq.linear %x, %wq : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  %1 = tq.linear %x, %wv, %bv
    : (tensor<3x5xf32>, tensor<7x5xf32>, tensor<7xf32>) -> tensor<3x7xf32>
  %2 = tq.linear %x, %wk : (tensor<3x5xf32>, tensor<6x5xf32>) -> tensor<3x6xf32>
  return %0, %1, %2 : tensor<3x8xf32>, tensor<3x7xf32>, tensor<3x6xf32>
}

// CHECK-LABEL: func.func @other_inputs_stay_apart
// CHECK-COUNT-2: tq.linear
func.func @other_inputs_stay_apart(%x: tensor<3x5xf32>, %y: tensor<3x5xf32>)
    -> (tensor<3x8xf32>, tensor<3x7xf32>) {
  %wq = tq.get_weight @wq : tensor<8x5xf32>
  %wv = tq.get_weight @wv : tensor<7x5xf32>
  %0 = tq.linear %x, %wq : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  %1 = tq.linear %y, %wv : (tensor<3x5xf32>, tensor<7x5xf32>) -> tensor<3x7xf32>
  return %0, %1 : tensor<3x8xf32>, tensor<3x7xf32>
}

// CHECK-LABEL: func.func @weight_of_run_time_stays
// CHECK-COUNT-2: tq.linear
func.func @weight_of_run_time_stays(%x: tensor<3x5xf32>, %w: tensor<7x5xf32>)
    -> (tensor<3x8xf32>, tensor<3x7xf32>) {
  %wq = tq.get_weight @wq : tensor<8x5xf32>
  %0 = tq.linear %x, %wq : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  %1 = tq.linear %x, %w : (tensor<3x5xf32>, tensor<7x5xf32>) -> tensor<3x7xf32>
  return %0, %1 : tensor<3x8xf32>, tensor<3x7xf32>
}

// The gate of a gated layer keeps its activation, a projection its residual.
// CHECK-LABEL: func.func @epilogue_is_worth_more
// CHECK: %[[G:.*]] = tq.linear {{.*}} -> tensor<3x8xf32>
// CHECK: tq.silu %[[G]]
// CHECK: tq.linear {{.*}} -> tensor<3x6xf32>
// CHECK: tq.add
// CHECK: tq.linear {{.*}} -> tensor<3x7xf32>
func.func @epilogue_is_worth_more(%x: tensor<3x5xf32>, %r: tensor<3x6xf32>)
    -> (tensor<3x8xf32>, tensor<3x6xf32>, tensor<3x7xf32>) {
  %wq = tq.get_weight @wq : tensor<8x5xf32>
  %wk = tq.get_weight @wk : tensor<6x5xf32>
  %wv = tq.get_weight @wv : tensor<7x5xf32>
  %0 = tq.linear %x, %wq : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  %1 = tq.silu %0 : tensor<3x8xf32>
  %2 = tq.linear %x, %wk : (tensor<3x5xf32>, tensor<6x5xf32>) -> tensor<3x6xf32>
  %3 = tq.add %2, %r : (tensor<3x6xf32>, tensor<3x6xf32>) -> tensor<3x6xf32>
  %4 = tq.linear %x, %wv : (tensor<3x5xf32>, tensor<7x5xf32>) -> tensor<3x7xf32>
  return %1, %3, %4 : tensor<3x8xf32>, tensor<3x6xf32>, tensor<3x7xf32>
}

// -----

tq.weight @w : tensor<8x5xf32> = #tq.mapped<"f", 0>

// A weight that was merged before is one of compile time as well.
// CHECK-LABEL: func.func @concatenated_weight_merges
// CHECK: tq.linear {{.*}} -> tensor<3x24xf32>
// CHECK-NOT: tq.linear
func.func @concatenated_weight_merges(%x: tensor<3x5xf32>) -> (tensor<3x16xf32>, tensor<3x8xf32>) {
  %w = tq.get_weight @w : tensor<8x5xf32>
  %ww = tensor.concat dim(0) %w, %w : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<16x5xf32>
  %0 = tq.linear %x, %ww : (tensor<3x5xf32>, tensor<16x5xf32>) -> tensor<3x16xf32>
  %1 = tq.linear %x, %w : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  return %0, %1 : tensor<3x16xf32>, tensor<3x8xf32>
}

// -----

!s8 = !quant.any<i8:f32>
tq.weight @a : tensor<8x5x!s8> = #tq.mapped<"f", 0>
tq.weight @b : tensor<6x5x!s8> = #tq.mapped<"f", 40>
tq.weight @as : tensor<8xf32> = #tq.mapped<"f", 80>
tq.weight @bs : tensor<6xf32> = #tq.mapped<"f", 112>

// Weights that a model has in integers are merged as they are; one of floats is not
// merged with them.
// CHECK-LABEL: func.func @quantized_weights
// CHECK: %[[W:.*]] = tensor.concat dim(0) {{.*}} -> tensor<14x5x!quant.any<i8:f32>>
// CHECK: %[[S:.*]] = tensor.concat dim(0) {{.*}} -> tensor<14xf32>
// CHECK: %[[D:.*]] = tq.dequantize %[[W]] scales(%[[S]])
// CHECK: tq.linear %{{.*}}, %[[D]] : {{.*}} -> tensor<3x14xf32>
// CHECK: tq.linear {{.*}} -> tensor<3x8xf32>
// CHECK-NOT: tq.linear
func.func @quantized_weights(%x: tensor<3x5xf32>)
    -> (tensor<3x8xf32>, tensor<3x6xf32>, tensor<3x8xf32>) {
  %a = tq.get_weight @a : tensor<8x5x!s8>
  %as = tq.get_weight @as : tensor<8xf32>
  %da = tq.dequantize %a scales(%as) : (tensor<8x5x!s8>, tensor<8xf32>) -> tensor<8x5xf32>
  %0 = tq.linear %x, %da : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  %b = tq.get_weight @b : tensor<6x5x!s8>
  %bs = tq.get_weight @bs : tensor<6xf32>
  %db = tq.dequantize %b scales(%bs) : (tensor<6x5x!s8>, tensor<6xf32>) -> tensor<6x5xf32>
  %1 = tq.linear %x, %db : (tensor<3x5xf32>, tensor<6x5xf32>) -> tensor<3x6xf32>
  %c = arith.constant dense<0.5> : tensor<8x5xf32>
  %2 = tq.linear %x, %c : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  return %0, %1, %2 : tensor<3x8xf32>, tensor<3x6xf32>, tensor<3x8xf32>
}

// -----

tq.weight @a : tensor<8x5xf32> = #tq.mapped<"f", 0>
tq.weight @b : tensor<6x5xf32> = #tq.mapped<"f", 160>

// What a part of a linear reads is a part of the joint one.
// CHECK-LABEL: func.func @parts_of_parts
// CHECK: %[[Y:.*]] = tq.linear {{.*}} -> tensor<3x14xf32>
// CHECK: %[[A:.*]] = tensor.extract_slice %[[Y]][0, 0] [3, 8] [1, 1]
// CHECK: %[[B:.*]] = tensor.extract_slice %[[Y]][0, 11] [3, 3] [1, 1]
// CHECK: return %[[A]], %[[B]]
func.func @parts_of_parts(%x: tensor<3x5xf32>) -> (tensor<3x8xf32>, tensor<3x3xf32>) {
  %a = tq.get_weight @a : tensor<8x5xf32>
  %b = tq.get_weight @b : tensor<6x5xf32>
  %0 = tq.linear %x, %a : (tensor<3x5xf32>, tensor<8x5xf32>) -> tensor<3x8xf32>
  %1 = tq.linear %x, %b : (tensor<3x5xf32>, tensor<6x5xf32>) -> tensor<3x6xf32>
  %2 = tensor.extract_slice %1[0, 3] [3, 3] [1, 1] : tensor<3x6xf32> to tensor<3x3xf32>
  return %0, %2 : tensor<3x8xf32>, tensor<3x3xf32>
}
