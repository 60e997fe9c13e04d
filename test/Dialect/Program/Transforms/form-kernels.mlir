// RUN: tq-opt %s -split-input-file -program-form-kernels | FileCheck %s

// Two equal layers are one kernel, called twice with other weights.

// CHECK-LABEL: func.func @distinct
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8xf32>
tq.weight @w0 : tensor<8x8xf32> = #tq.mapped<"m", 0>
tq.weight @w1 : tensor<8x8xf32> = #tq.mapped<"m", 256>
func.func @distinct(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w0 = tq.get_weight @w0 : tensor<8x8xf32>
  %w1 = tq.get_weight @w1 : tensor<8x8xf32>
  // CHECK: %[[DIM:.*]] = tensor.dim %[[X]]
  // CHECK-DAG: %[[W0:.*]] = tq.get_weight @w0
  // CHECK-DAG: %[[W1:.*]] = tq.get_weight @w1
  // CHECK: %[[E0:.*]] = tensor.empty(%[[DIM]]) : tensor<?x8xf32>
  // CHECK: %[[Y0:.*]] = program.call @linear_8x8_gelu(%[[X]], %[[W0]], %[[E0]])
  // CHECK-SAME: layer = "first"
  // CHECK-SAME: scheme = "f32"
  %0 = tq.linear %x, %w0 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32> loc("first")
  %1 = tq.gelu %0 : tensor<?x8xf32>
  // CHECK: %[[E1:.*]] = tensor.empty(%[[DIM]]) : tensor<?x8xf32>
  // CHECK: %[[Y1:.*]] = program.call @linear_8x8_gelu(%[[Y0]], %[[W1]], %[[E1]])
  // CHECK-SAME: layer = "second"
  %2 = tq.linear %1, %w1 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32> loc("second")
  %3 = tq.gelu %2 : tensor<?x8xf32>
  // CHECK: return %[[Y1]]
  return %3 : tensor<?x8xf32>
}
// CHECK:      program.kernel @linear_8x8_gelu {
// CHECK-NEXT:   func.func @linear_8x8_gelu(%[[A:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8x8xf32> {program.weight},
// CHECK-SAME:     %{{.*}}: tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK-NEXT:   %[[L:.*]] = tq.linear %[[A]], %[[W]]
// CHECK-NEXT:   %[[G:.*]] = tq.gelu %[[L]]
// CHECK-NEXT:   return %[[G]]
// CHECK-NOT:  func.func

// -----

// Same sizes, other attributes: two kernels, told apart by a suffix.

// CHECK-LABEL: func.func @not_equal
func.func @not_equal(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: call @rms_norm_8(
  %0 = tq.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: call @rms_norm_8_1(
  %1 = tq.rms_norm %x, %g {epsilon = 1.0e-6 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Embeddings, their sum, the norm and its quantization are one pass over a row;
// the norm's result is used outside and so is a result of the kernel, too.

// CHECK-LABEL: func.func @rows
func.func @rows(%ids: tensor<?x?xi64> {program.port = #program.port<"ids", ["batch", "sequence"]>},
                %types: tensor<?x?xi64> {program.port = #program.port<"types", ["batch", "sequence"]>},
                %t0: tensor<97x8xf32>, %t1: tensor<32x8xf32>, %t2: tensor<2x8xf32>, %g: tensor<8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x?xf32>) {
  %p = tq.position_ids %ids : tensor<?x?xi64>
  %0 = tq.embedding %ids, %t0 : (tensor<?x?xi64>, tensor<97x8xf32>) -> tensor<?x?x8xf32>
  %1 = tq.embedding %p, %t1 : (tensor<?x?xi64>, tensor<32x8xf32>) -> tensor<?x?x8xf32>
  %2 = tq.embedding %types, %t2 : (tensor<?x?xi64>, tensor<2x8xf32>) -> tensor<?x?x8xf32>
  %3 = tq.add %0, %1 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %4 = tq.add %3, %2 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %5 = tq.layer_norm %4, %g {epsilon = 1.0e-5 : f32} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %q, %s, %z = tq.dynamic_quantize %5 : tensor<?x?x8xf32>
    -> tensor<?x?x8x!quant.any<u8:f32>>, tensor<?x?xf32>, tensor<?x?xi32>
  // CHECK-COUNT-2: tensor.dim %{{.*}} : tensor<?x?xi64>
  // CHECK-NOT: tensor.dim
  // CHECK: %[[R:.*]]:2 = program.call @embedding_add_layer_norm_dynamic_quantize_8(
  // CHECK-NOT: call
  // CHECK: return %[[R]]#0, %[[R]]#1
  return %5, %s : tensor<?x?x8xf32>, tensor<?x?xf32>
}
// CHECK: func.func @embedding_add_layer_norm_dynamic_quantize_8
// CHECK:   tq.position_ids

// -----

// An addition of what a kernel's result became elsewhere cannot join that
// kernel: it would have to wait for itself. It goes on with the contraction.

// CHECK-LABEL: func.func @residual
func.func @residual(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %g: tensor<8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[N:.*]] = program.call @rms_norm_8(
  %0 = tq.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: %[[L:.*]] = program.call @linear_8x8_add(%[[N]], %{{[a-z0-9]+}}, %{{[0-9]+}})
  %1 = tq.linear %0, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %2 = tq.add %1, %0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: call @rms_norm_8(%[[L]],
  %3 = tq.rms_norm %2, %g {epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// -----

// A contraction's result that is used twice ends its kernel.

// CHECK-LABEL: func.func @used_twice
func.func @used_twice(%x: tensor<3x8xf32>, %w: tensor<5x8xf32>) -> tensor<3x5xf32> {
  // CHECK: %[[L:.*]] = program.call @linear_8x5(
  %0 = tq.linear %x, %w : (tensor<3x8xf32>, tensor<5x8xf32>) -> tensor<3x5xf32>
  // CHECK: call @silu_mul_5(%[[L]], %{{[0-9]+}})
  %1 = tq.silu %0 : tensor<3x5xf32>
  %2 = tq.mul %1, %0 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %2 : tensor<3x5xf32>
}

// -----

// Slices of the last dimension are part of attention's kernel, which finds
// their sizes itself; other slices are kernels.

// CHECK-LABEL: func.func @attention
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x?x24xf32>
func.func @attention(%x: tensor<?x?x24xf32>) -> (tensor<?x?x8xf32>, tensor<?x1x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %d1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = tensor.extract_slice %x[0, 0, 0] [%d0, %d1, 8] [1, 1, 1] : tensor<?x?x24xf32> to tensor<?x?x8xf32>
  %k = tensor.extract_slice %x[0, 0, 8] [%d0, %d1, 8] [1, 1, 1] : tensor<?x?x24xf32> to tensor<?x?x8xf32>
  %v = tensor.extract_slice %x[0, 0, 16] [%d0, %d1, 8] [1, 1, 1] : tensor<?x?x24xf32> to tensor<?x?x8xf32>
  %first = tensor.extract_slice %x[0, 0, 16] [%d0, 1, 8] [1, 1, 1] : tensor<?x?x24xf32> to tensor<?x1x8xf32>
  // CHECK-DAG: call @extract_slice_8(%[[X]],
  // CHECK-DAG: call @attention_2x4_causal(%[[X]], %{{[0-9]+}})
  %a = tq.attention %q, %k, %v {causal, num_heads = 2 : i64, scale = 0.5 : f32}
    : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %a, %first : tensor<?x?x8xf32>, tensor<?x1x8xf32>
}

// -----

// The column sums of a weight that is known at compile time are an argument.

// CHECK-LABEL: func.func @column_sums
tq.weight @w : tensor<4x8xf32> = #tq.mapped<"m", 0>
func.func @column_sums(%x: tensor<3x8x!quant.any<u8:f32>>, %s: tensor<3xf32>) -> tensor<3x4xf32> {
  %w = tq.get_weight @w : tensor<4x8xf32>
  // CHECK: %[[Q:.*]], %[[S:.*]] = tq.quantize_weight
  %q, %ws = tq.quantize_weight %w : tensor<4x8xf32> -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
  // CHECK: %[[SUMS:.*]] = tq.column_sums %[[Q]]
  // CHECK: call @quantized_linear_8x4_relu(%{{.*}}, %{{.*}}, %[[Q]], %[[S]], %[[SUMS]], %{{[0-9]+}})
  // CHECK-SAME: scheme = "int8 dynamic"
  %y = tq.quantized_linear %x, %s weight(%q, %ws) {activation = #tq.activation<relu>}
    : (tensor<3x8x!quant.any<u8:f32>>, tensor<3xf32>, tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>)
    -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
// CHECK: func.func @quantized_linear_8x4_relu
// CHECK-SAME: tensor<4xi32> {program.column_sums_of = 2 : i64, program.weight}

// -----

// Results that no kernel writes, or that are returned twice, are copied.

// CHECK-LABEL: func.func @copies
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x3xf32>
tq.weight @w : tensor<2x3xf32> = #tq.mapped<"m", 0>
func.func @copies(%x: tensor<2x3xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %w = tq.get_weight @w : tensor<2x3xf32>
  // CHECK-DAG: %[[R:.*]] = program.call @relu_3(%[[X]],
  %r = tq.relu %x : tensor<2x3xf32>
  // CHECK-DAG: call @copy_3(%[[X]],
  // CHECK-DAG: call @copy_3(%[[R]],
  // CHECK-DAG: call @copy_3(%{{.*}},
  return %x, %r, %r, %w : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// A fill that an op accumulates on, and scalars it uses, are in its kernel; a
// size it uses is an argument.

// CHECK-LABEL: func.func @linalg
#map = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
func.func @linalg(%x: tensor<?x5xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %d = tensor.dim %x, %c0 : tensor<?x5xf32>
  %e = tensor.empty(%d) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  // CHECK: call @generic_d(
  // CHECK-NOT: call
  %r = linalg.generic {indexing_maps = [#map, #rows], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x5xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %two : f32
    %s = arith.addf %m, %b : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}
// CHECK: func.func @generic_d(%[[A:.*]]: tensor<?x5xf32>, %[[O:.*]]: tensor<?xf32>)
// CHECK:   %[[FILL:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%[[O]]
// CHECK:   linalg.generic {{.*}} ins(%[[A]] : tensor<?x5xf32>) outs(%[[FILL]]

// -----

// A result whose slice comes before the kernel that a later op joins: calls
// are put into an order in which each comes after what it reads.

// CHECK-LABEL: func.func @order
func.func @order(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %v: tensor<8x8xf32>) -> tensor<4x8xf32> {
  // CHECK: %[[B:.*]] = program.call @linear_8x8(%{{.*}}, %arg2
  // CHECK: call @linear_8x8_silu_mul(%{{.*}}, %arg1, %[[B]]
  %0 = tq.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = tq.silu %0 : tensor<4x8xf32>
  %2 = tq.linear %x, %v : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %3 = tq.mul %1, %2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// -----

// Entries share kernels.

// CHECK-LABEL: func.func @encode
// CHECK:         program.call @relu_4(
// CHECK:       program.kernel @relu_4 {
// CHECK-LABEL: func.func @decode
// CHECK:         program.call @relu_4(
// CHECK-NOT:   program.kernel
func.func @encode(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = tq.relu %x : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
func.func @decode(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = tq.relu %x : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// A slice is written into the memory of its state; what else is stored is copied there.
// Attention reads as many rows of the cache as it holds.

// CHECK-LABEL: func.func @append(
// CHECK-SAME:    %[[X:.*]]: tensor<1x?x4xf32>
// CHECK:         %[[N:.*]] = program.get_state @length : index
// CHECK:         %[[CACHE:.*]] = program.get_state @cache : tensor<1x16x4xf32>
// CHECK:         %[[NEW:.*]] = program.call @insert_slice_4(%[[X]], %[[N]], %{{.*}}, %[[CACHE]])
// CHECK:         %[[NOW:.*]] = arith.addi %[[N]]
// CHECK:         %[[OUT:.*]] = tensor.empty
// CHECK:         %[[Y:.*]] = program.call @attention_1x4(%[[X]], %[[NEW]], %[[NOW]], %[[OUT]])
// CHECK:         program.set_state @cache, %[[NEW]]
// CHECK:         %[[LAST:.*]] = program.get_state @last
// CHECK:         %[[COPY:.*]] = program.call @copy_2(%{{.*}}, %[[LAST]])
// CHECK:         program.set_state @last, %[[COPY]]
// CHECK:       func.func @attention_1x4(%{{.*}}: tensor<1x?x4xf32>, %[[K:.*]]: tensor<1x16x4xf32>, %[[PREFIX:.*]]: index
// CHECK:         %[[SLICE:.*]] = tensor.extract_slice %[[K]][0, 0, 0] [1, %[[PREFIX]], 4]
// CHECK:         tq.attention %{{.*}}, %[[SLICE]], %[[SLICE]]
program.state @cache : tensor<1x16x4xf32> dims ["", "", ""]
program.state @length : index
program.state @last : tensor<2xf32> dims [""]
func.func @append(%x: tensor<1x?x4xf32>, %z: tensor<2xf32>) -> tensor<1x?x4xf32> {
  %c1 = arith.constant 1 : index
  %rows = tensor.dim %x, %c1 : tensor<1x?x4xf32>
  %n = program.get_state @length : index
  %cache = program.get_state @cache : tensor<1x16x4xf32>
  %new = tensor.insert_slice %x into %cache[0, %n, 0] [1, %rows, 4] [1, 1, 1]
    : tensor<1x?x4xf32> into tensor<1x16x4xf32>
  %now = arith.addi %n, %rows : index
  %k = tensor.extract_slice %new[0, 0, 0] [1, %now, 4] [1, 1, 1] : tensor<1x16x4xf32> to tensor<1x?x4xf32>
  %y = tq.attention %x, %k, %k {num_heads = 1 : i64, scale = 0.5 : f32}
    : (tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<1x?x4xf32>) -> tensor<1x?x4xf32>
  program.set_state @cache, %new : tensor<1x16x4xf32>
  program.set_state @length, %now : index
  program.set_state @last, %z : tensor<2xf32>
  return %y : tensor<1x?x4xf32>
}

// -----

// Attention reads a cache in place where keys and values both are its first tokens; of
// another tensor's batch that is not known.

// CHECK-LABEL: func.func @other_batch(
// CHECK:         program.call @extract_slice
// CHECK:         program.call @extract_slice
// CHECK:         program.call @attention_1x4(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})
func.func @other_batch(%x: tensor<?x?x4xf32>, %k: tensor<?x?x4xf32>, %n: tensor<?xi64>) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %t = tensor.dim %n, %c0 : tensor<?xi64>
  %0 = tensor.extract_slice %x[0, 0, 0] [%b, %t, 4] [1, 1, 1] : tensor<?x?x4xf32> to tensor<?x?x4xf32>
  %1 = tensor.extract_slice %k[0, 0, 0] [%b, %t, 4] [1, 1, 1] : tensor<?x?x4xf32> to tensor<?x?x4xf32>
  %y = tq.attention %x, %0, %1 {num_heads = 1 : i64, scale = 0.5 : f32}
    : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
