// RUN: tq-opt %s -tq-merge-linears -canonicalize -cse -tq-drop-unused-weights -tq-insert-quantization -cse -tq-fuse-integer-ops -canonicalize -cse 2>/dev/null | FileCheck %s
// RUN: tq-opt %s -tq-insert-quantization -cse -tq-fuse-integer-ops -canonicalize -cse 2>/dev/null | FileCheck %s --check-prefix=NOPAIR

// A whole encoder layer: after the phases normalize, quantize and fuse nothing is
// dequantized any more, and each activation is quantized once.

tq.weight @table : tensor<11x10xf16> = #tq.mapped<"f", 0>
tq.weight @square : tensor<10x10xf32> = #tq.mapped<"f", 220>
tq.weight @key : tensor<10x10xf32> = #tq.mapped<"f", 2320>
tq.weight @value : tensor<10x10xf32> = #tq.mapped<"f", 2720>
tq.weight @up : tensor<15x10xf32> = #tq.mapped<"f", 620>
tq.weight @down : tensor<10x15xf32> = #tq.mapped<"f", 1220>
tq.weight @v10 : tensor<10xf32> = #tq.mapped<"f", 1820>
tq.weight @v15 : tensor<15xf32> = #tq.mapped<"f", 1860>
tq.weight @pooler : tensor<10x10xf32> = #tq.mapped<"f", 1920>

// CHECK-NOT: @pooler
// CHECK-LABEL: func.func @layer
// CHECK-NOT: tq.dequantize
// CHECK: %[[X:.*]] = tq.quantized_embedding
// CHECK: %[[QX:.*]], %{{.*}}, %{{.*}} = tq.dynamic_quantize %[[X]]
// CHECK: tq.quantized_linear %[[QX]]{{.*}} -> tensor<?x?x30xf32>
// CHECK: %[[A:.*]] = tq.attention
// CHECK: %[[QA:.*]], %{{.*}}, %{{.*}} = tq.dynamic_quantize %[[A]]
// CHECK: %[[O:.*]] = tq.quantized_linear %[[QA]]{{.*}} residual(%[[X]])
// CHECK: %[[N:.*]] = tq.layer_norm %[[O]]
// CHECK: %[[QN:.*]], %{{.*}}, %{{.*}} = tq.dynamic_quantize %[[N]]
// CHECK: %[[U:.*]] = tq.quantized_linear %[[QN]]{{.*}} {activation = #tq.activation<gelu>, coarse}
// CHECK: %[[QU:.*]], %{{.*}}, %{{.*}} = tq.dynamic_quantize %[[U]]
// CHECK: %[[D:.*]] = tq.quantized_linear %[[QU]]{{.*}} residual(%[[N]])
// CHECK-NOT: tq.dequantize
// CHECK: return %[[D]]

// Without the merged linear, Q, K and V read one quantized value.
// NOPAIR-LABEL: func.func @layer
// NOPAIR-NOT: tq.dequantize
// NOPAIR: tq.dynamic_quantize
// NOPAIR-NOT: tq.dynamic_quantize
// NOPAIR-COUNT-3: tq.quantized_linear
// NOPAIR: tq.attention
// NOPAIR-NOT: tq.dequantize
// NOPAIR: return
func.func @layer(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>) -> tensor<?x?x10xf32> {
  %table = tq.get_weight @table : tensor<11x10xf32>
  %square = tq.get_weight @square : tensor<10x10xf32>
  %key = tq.get_weight @key : tensor<10x10xf32>
  %value = tq.get_weight @value : tensor<10x10xf32>
  %up = tq.get_weight @up : tensor<15x10xf32>
  %down = tq.get_weight @down : tensor<10x15xf32>
  %v10 = tq.get_weight @v10 : tensor<10xf32>
  %v15 = tq.get_weight @v15 : tensor<15xf32>
  %x = tq.embedding %ids, %table : (tensor<?x?xi64>, tensor<11x10xf32>) -> tensor<?x?x10xf32>
  %q = tq.linear %x, %square, %v10
    : (tensor<?x?x10xf32>, tensor<10x10xf32>, tensor<10xf32>) -> tensor<?x?x10xf32> loc("q")
  %k = tq.linear %x, %key, %v10
    : (tensor<?x?x10xf32>, tensor<10x10xf32>, tensor<10xf32>) -> tensor<?x?x10xf32> loc("k")
  %v = tq.linear %x, %value, %v10
    : (tensor<?x?x10xf32>, tensor<10x10xf32>, tensor<10xf32>) -> tensor<?x?x10xf32> loc("v")
  %a = tq.attention %q, %k, %v mask(%mask) {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x10xf32>, tensor<?x?x10xf32>, tensor<?x?x10xf32>, tensor<?x?xi64>)
    -> tensor<?x?x10xf32>
  %o = tq.linear %a, %square, %v10
    : (tensor<?x?x10xf32>, tensor<10x10xf32>, tensor<10xf32>) -> tensor<?x?x10xf32>
  %s = tq.add %o, %x : (tensor<?x?x10xf32>, tensor<?x?x10xf32>) -> tensor<?x?x10xf32>
  %n = tq.layer_norm %s, %v10, %v10 {epsilon = 1.0e-12 : f32}
    : (tensor<?x?x10xf32>, tensor<10xf32>, tensor<10xf32>) -> tensor<?x?x10xf32>
  %u = tq.linear %n, %up, %v15
    : (tensor<?x?x10xf32>, tensor<15x10xf32>, tensor<15xf32>) -> tensor<?x?x15xf32>
  %g = tq.gelu %u : tensor<?x?x15xf32>
  %d = tq.linear %g, %down, %v10
    : (tensor<?x?x15xf32>, tensor<10x15xf32>, tensor<10xf32>) -> tensor<?x?x10xf32>
  %r = tq.add %d, %n : (tensor<?x?x10xf32>, tensor<?x?x10xf32>) -> tensor<?x?x10xf32>
  return %r : tensor<?x?x10xf32>
}
