// Attention with known ranges: from observed operands to one op on s8.
// RUN: tq-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(tq-choose-ranges,tq-smooth-attention))" | FileCheck %s --check-prefix=SMOOTH
// RUN: tq-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(tq-choose-ranges,tq-smooth-attention{enabled=false}))" | FileCheck %s --check-prefix=OFF
// RUN: tq-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(tq-choose-ranges,tq-smooth-attention{static=false}))" | FileCheck %s --check-prefix=OFF
// RUN: tq-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(tq-choose-ranges,tq-insert-quantization{mode=static attention=int8}))" | FileCheck %s --check-prefix=PAIRS
// RUN: tq-opt %s -split-input-file --tq-quantize-pipeline="mode=static attention=int8" --tq-fuse-pipeline | FileCheck %s --check-prefix=FUSED
// RUN: tq-opt %s -split-input-file --tq-quantize-pipeline="mode=static attention=int8" --tq-fuse-pipeline --tq-lower-pipeline | FileCheck %s --check-prefix=LOWER
// RUN: tq-opt %s -split-input-file --tq-quantize-pipeline="mode=static" --tq-fuse-pipeline | FileCheck %s --check-prefix=F32
// RUN: tq-opt %s -split-input-file --tq-quantize-pipeline="mode=dynamic attention=int8" --tq-fuse-pipeline | FileCheck %s --check-prefix=DYNAMIC

// OFF-NOT: tq.score_smoothing_factors
// OFF-NOT: tq.mul

#x = #tq.statistics<rows = 2,
  low = dense<-1.0> : tensor<4xf32>, high = dense<1.0> : tensor<4xf32>,
  mean = dense<0.0> : tensor<4xf32>, average = dense<[-1.0, 1.0]> : tensor<2xf32>,
  histogram = dense<[1, 1, 1]> : tensor<3xi64>, bins = dense<[-1.0, 1.0, -1.0, 1.0]> : tensor<4xf64>>
#q = #tq.statistics<rows = 2,
  low = dense<[-1.0, 0.0, -2.0, -3.0]> : tensor<4xf32>, high = dense<1.0> : tensor<4xf32>,
  mean = dense<0.0> : tensor<4xf32>, average = dense<[-3.0, 1.0]> : tensor<2xf32>,
  histogram = dense<[1, 1, 1, 0, 1]> : tensor<5xi64>, bins = dense<[-3.0, 1.0, -3.0, 1.0]> : tensor<4xf64>>
#k = #tq.statistics<rows = 2,
  low = dense<[-1.0, -4.0]> : tensor<2xf32>, high = dense<1.0> : tensor<2xf32>,
  mean = dense<0.0> : tensor<2xf32>, average = dense<[-4.0, 1.0]> : tensor<2xf32>,
  histogram = dense<[1, 0, 0, 0, 1, 1]> : tensor<6xi64>, bins = dense<[-4.0, 1.0, -4.0, 1.0]> : tensor<4xf64>>

tq.weight @qkv : tensor<8x4xf32> = dense<0.5> : tensor<8x4xf32>
tq.weight @out : tensor<4x4xf32> = dense<0.25> : tensor<4x4xf32>

// Two heads of the query share one of the key. What is joined stays so.
// SMOOTH-LABEL: func.func @layer(
// SMOOTH: %[[F:.*]], %[[G:.*]] = tq.score_smoothing_factors query(%[[QL:.*]], %[[QH:.*]]) key(%[[KL:.*]], %[[KH:.*]]) {kv_heads = 1 : i64}
// SMOOTH-DAG: %[[Q:.*]] = tq.mul %{{.*}}, %[[F]] : (tensor<?x?x4xf32>
// SMOOTH-DAG: %[[SQ:.*]] = tq.mul %[[QL]], %[[F]]
// SMOOTH: %[[OQ:.*]] = tq.observe %[[Q]] site("q") low(%[[SQ]] : tensor<4xf32>)
// SMOOTH-DAG: %[[K:.*]] = tq.mul %{{.*}}, %[[G]] : (tensor<?x?x2xf32>
// SMOOTH-DAG: %[[SK:.*]] = tq.mul %[[KL]], %[[G]]
// SMOOTH: %[[OK:.*]] = tq.observe %[[K]] site("k") low(%[[SK]] : tensor<2xf32>)
// SMOOTH: tq.attention %[[OQ]], %[[OK]], %{{.*}}

// PAIRS-LABEL: func.func @layer(
// PAIRS: %[[QS:.*]], %[[QI:.*]] = tq.symmetric_parameters %{{.*}}, %{{.*}} : tensor<4xf32> -> tensor<2xf32>, tensor<4xf32>
// PAIRS: %[[QQ:.*]] = tq.quantize %{{.*}} inverse_scales(%[[QI]]) {coarse} : tensor<?x?x4xf32>, tensor<4xf32> -> tensor<?x?x4x!quant.any<i8<-127:127>:f32>>
// PAIRS: %[[Q:.*]] = tq.dequantize %[[QQ]] column_scales(%[[QS]])
// PAIRS: tq.symmetric_parameters %{{.*}}, %{{.*}} : tensor<2xf32> -> tensor<1xf32>, tensor<2xf32>
// PAIRS: %[[K:.*]] = tq.dequantize
// PAIRS: tq.symmetric_parameters %{{.*}}, %{{.*}} : tensor<2xf32> -> tensor<2xf32>, tensor<2xf32>
// PAIRS: %[[V:.*]] = tq.dequantize
// PAIRS: tq.attention %[[Q]], %[[K]], %[[V]]

// FUSED-LABEL: func.func @layer(
// FUSED-SAME: %{{.*}}: tensor<?x?x4xf32>, %[[M:.*]]: tensor<?x?xi64>
// FUSED-NOT: tq.dequantize
// FUSED: %[[L:.*]] = tq.static_linear
// FUSED: %[[VS:.*]], %[[VI:.*]] = tq.symmetric_parameters %{{.*}} : tensor<2xf32> -> tensor<2xf32>, tensor<2xf32>
// FUSED: %[[I:.*]] = tensor.concat dim(0) %{{.*}}, %{{.*}}, %[[VI]]
// FUSED: %[[J:.*]] = tq.quantize %[[L]] inverse_scales(%[[I]]) {coarse} : tensor<?x?x8xf32>
// FUSED-DAG: %[[Q:.*]] = tensor.extract_slice %[[J]][0, 0, 0]
// FUSED-DAG: %[[K:.*]] = tensor.extract_slice %[[J]][0, 0, 4]
// FUSED-DAG: %[[V:.*]] = tensor.extract_slice %[[J]][0, 0, 6]
// FUSED-DAG: %[[S:.*]] = tq.score_scales %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f32} : tensor<2xf32>, tensor<1xf32>
// FUSED: %[[A:.*]] = tq.static_attention %[[Q]], %[[K]], %[[V]] mask(%[[M]]) scales(%[[S]], %[[VS]]) inverse_scales(%{{.*}}) zero_points(%{{.*}}) {causal, num_heads = 2 : i64, num_kv_heads = 1 : i64}
// FUSED-SAME: -> tensor<?x?x4x!quant.any<u8:f32>>
// FUSED: tq.static_linear %[[A]]
// FUSED-NOT: tq.dequantize

// LOWER: program.kernel @static_linear_4x8_quantize
// LOWER: program.kernel @static_attention_2x2_causal
// LOWER: program.kernel @static_linear_4x4

// F32-LABEL: func.func @layer(
// F32-NOT: tq.score_smoothing_factors
// F32: tq.attention {{.*}} program.reason = "its scheme is float"

// DYNAMIC-LABEL: func.func @layer(
// DYNAMIC: tq.attention {{.*}} precision = #tq.precision<int8>
func.func @layer(%x: tensor<?x?x4xf32>, %m: tensor<?x?xi64>) -> tensor<?x?x4xf32> {
  %w = tq.get_weight @qkv : tensor<8x4xf32>
  %o = tq.get_weight @out : tensor<4x4xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x4xf32>
  %ox = tq.observe %x site("x") {statistics = #x} : tensor<?x?x4xf32>
  %j = tq.linear %ox, %w : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  %q = tensor.extract_slice %j[0, 0, 0] [%b, %s, 4] [1, 1, 1] : tensor<?x?x8xf32> to tensor<?x?x4xf32>
  %k = tensor.extract_slice %j[0, 0, 4] [%b, %s, 2] [1, 1, 1] : tensor<?x?x8xf32> to tensor<?x?x2xf32>
  %v = tensor.extract_slice %j[0, 0, 6] [%b, %s, 2] [1, 1, 1] : tensor<?x?x8xf32> to tensor<?x?x2xf32>
  %oq = tq.observe %q site("q") {statistics = #q} : tensor<?x?x4xf32>
  %ok = tq.observe %k site("k") {statistics = #k} : tensor<?x?x2xf32>
  %ov = tq.observe %v site("v") {statistics = #k} : tensor<?x?x2xf32>
  %a = tq.attention %oq, %ok, %ov mask(%m)
    {causal, num_heads = 2 : i64, num_kv_heads = 1 : i64, scale = 0.5 : f32}
    : (tensor<?x?x4xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
  %oa = tq.observe %a site("a") {statistics = #x} : tensor<?x?x4xf32>
  %y = tq.linear %oa, %o : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

!s8 = !quant.any<i8<-127:127>:f32>

// Columns that nobody quantizes, or columns that something else reads: each
// slice is quantized by itself.
// FUSED-LABEL: func.func @apart(
// FUSED-NOT: tensor.concat
// FUSED: tensor.extract_slice %{{.*}} : tensor<?x8xf32> to tensor<?x4xf32>
// FUSED-COUNT-3: tq.quantize %{{.*}} : tensor<?x4xf32>
func.func @apart(%x: tensor<?x8xf32>, %i: tensor<4xf32>)
    -> (tensor<?x4x!s8>, tensor<?x4x!s8>, tensor<?x8xf32>, tensor<?x4x!s8>) {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %r = tq.relu %x : tensor<?x8xf32>
  %s = tq.silu %x : tensor<?x8xf32>
  %b = tensor.dim %x, %c0 : tensor<?x8xf32>
  %0 = tensor.extract_slice %r[0, 0] [%b, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %1 = tensor.extract_slice %r[0, 4] [%b, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %2 = tensor.extract_slice %s[0, 4] [%b, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %q0 = tq.quantize %0 inverse_scales(%one) : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4x!s8>
  %q1 = tq.quantize %1 inverse_scales(%one) : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4x!s8>
  %q2 = tq.quantize %2 inverse_scales(%one) : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4x!s8>
  return %q0, %q1, %r, %q2 : tensor<?x4x!s8>, tensor<?x4x!s8>, tensor<?x8xf32>, tensor<?x4x!s8>
}

// -----

// Without a range of one operand attention finds its parameters at run time.
// FUSED-LABEL: func.func @unknown(
// FUSED: tq.attention {{.*}} precision = #tq.precision<int8>
func.func @unknown(%q: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %o = tq.observe %q site("q") low(%one : tensor<1xf32>) high(%one : tensor<1xf32>) : tensor<?x?x4xf32>
  %y = tq.attention %o, %q, %o {num_heads = 2 : i64, scale = 1.0 : f32}
    : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// The largest integer is not the largest score.
// FUSED-LABEL: func.func @negative(
// FUSED: tq.attention {{.*}} program.reason = "its scale is not positive"
func.func @negative(%q: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %o = tq.observe %q site("q") low(%one : tensor<1xf32>) high(%one : tensor<1xf32>) : tensor<?x?x4xf32>
  %y = tq.attention %o, %o, %o {num_heads = 2 : i64, scale = -1.0 : f32}
    : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
