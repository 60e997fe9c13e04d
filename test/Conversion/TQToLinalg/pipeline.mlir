// A decoder layer: causal attention, RMS norm, gated SiLU; two of its linears
// share a kernel.

// RUN: tq-opt %s -tq-lower-pipeline | FileCheck %s

tq.weight @gamma : tensor<8xf32> = dense<1.0> : tensor<8xf32>
tq.weight @query : tensor<8x8xf32> = #tq.mapped<"m", 0>
tq.weight @key : tensor<8x8xf32> = #tq.mapped<"m", 256>
tq.weight @out : tensor<8x8xf32> = #tq.mapped<"m", 512>
tq.weight @gate : tensor<16x8xf32> = #tq.mapped<"m", 768>
tq.weight @up : tensor<16x8xf32> = #tq.mapped<"m", 1280>
tq.weight @down : tensor<8x16xf32> = #tq.mapped<"m", 1792>

// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x?x8xf32>
func.func @main(%x: tensor<?x?x8xf32> {program.port = #program.port<"x", ["batch", "sequence", "8"]>}) -> tensor<?x?x8xf32> {
  %gamma = tq.get_weight @gamma : tensor<8xf32>
  %wq = tq.get_weight @query : tensor<8x8xf32>
  %wk = tq.get_weight @key : tensor<8x8xf32>
  %wo = tq.get_weight @out : tensor<8x8xf32>
  %wg = tq.get_weight @gate : tensor<16x8xf32>
  %wu = tq.get_weight @up : tensor<16x8xf32>
  %wd = tq.get_weight @down : tensor<8x16xf32>
  // CHECK: %[[N:.*]] = program.call @rms_norm_8(%[[X]],
  %n = tq.rms_norm %x, %gamma {epsilon = 1.0e-5 : f32} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[Q:.*]] = program.call @linear_8x8(%[[N]],
  %q = tq.linear %n, %wq : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[K:.*]] = program.call @linear_8x8(%[[N]],
  %k = tq.linear %n, %wk : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[A:.*]] = program.call @attention_2x4_causal(%[[Q]], %[[K]], %[[N]],
  %a = tq.attention %q, %k, %n {causal, num_heads = 2 : i64, scale = 0.5 : f32}
    : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[H:.*]] = program.call @linear_8x8_add(%[[A]], %{{.*}}, %[[X]],
  %o = tq.linear %a, %wo : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %h = tq.add %x, %o : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[N2:.*]] = program.call @rms_norm_8(%[[H]],
  %n2 = tq.rms_norm %h, %gamma {epsilon = 1.0e-5 : f32} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[U:.*]] = program.call @linear_8x16(%[[N2]],
  // CHECK: %[[M:.*]] = program.call @linear_8x16_silu_mul(%[[N2]], %{{.*}}, %[[U]],
  %g = tq.linear %n2, %wg : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  %s = tq.silu %g : tensor<?x?x16xf32>
  %u = tq.linear %n2, %wu : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  %m = tq.mul %s, %u : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: %[[Y:.*]] = program.call @linear_16x8_add(%[[M]], %{{.*}}, %[[H]],
  %d = tq.linear %m, %wd : (tensor<?x?x16xf32>, tensor<8x16xf32>) -> tensor<?x?x8xf32>
  %y = tq.add %h, %d : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: return %[[Y]]
  return %y : tensor<?x?x8xf32>
}
// The activation and the product are in one epilogue, without math.exp.
// CHECK-LABEL: func.func @linear_8x16_silu_mul
// CHECK-NOT: math.exp
// CHECK-COUNT-2: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return
