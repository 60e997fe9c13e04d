// From statistics to integers, pass by pass, and nothing in float between.
// RUN: tq-opt %s --pass-pipeline="builtin.module(func.func(tq-choose-ranges))" | FileCheck %s --check-prefix=RANGES
// RUN: tq-opt %s --pass-pipeline="builtin.module(func.func(tq-choose-ranges{observer=mse}))" | FileCheck %s --check-prefix=MSE
// RUN: tq-opt %s --pass-pipeline="builtin.module(func.func(tq-choose-ranges,tq-smooth-linears{alpha=0.5}))" | FileCheck %s --check-prefix=SMOOTH
// RUN: tq-opt %s --pass-pipeline="builtin.module(func.func(tq-choose-ranges{observer=mse},tq-smooth-linears))" | FileCheck %s --check-prefix=ONE
// RUN: tq-opt %s --pass-pipeline="builtin.module(func.func(tq-choose-ranges,tq-correct-biases))" | FileCheck %s --check-prefix=BIAS
// RUN: tq-opt %s --tq-quantize-pipeline=mode=static --tq-fuse-pipeline | FileCheck %s --check-prefix=FUSED
// RUN: tq-opt %s --tq-quantize-pipeline=mode=static --tq-fuse-pipeline --tq-lower-pipeline | FileCheck %s --check-prefix=LOWER

!u8 = !quant.any<u8:f32>
#one = #tq.statistics<rows = 2,
  low = dense<[-1.0, 0.0]> : tensor<2xf32>, high = dense<[1.0, 3.0]> : tensor<2xf32>,
  mean = dense<[0.0, 1.0]> : tensor<2xf32>, average = dense<[-1.0, 3.0]> : tensor<2xf32>,
  histogram = dense<[1, 1, 1, 0, 1]> : tensor<5xi64>,
  bins = dense<[-1.0, 1.0, -1.0, 3.0]> : tensor<4xf64>>
#two = #tq.statistics<rows = 2,
  low = dense<0.0> : tensor<3xf32>, high = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>,
  mean = dense<1.0> : tensor<3xf32>, average = dense<[0.0, 3.0]> : tensor<2xf32>,
  histogram = dense<[1, 1, 1, 1]> : tensor<4xi64>,
  bins = dense<[0.0, 1.0, 0.0, 3.0]> : tensor<4xf64>>

tq.weight @w1 : tensor<3x2xf32> = dense<[[1.0, 2.0], [3.0, -4.0], [0.5, 0.0]]> : tensor<3x2xf32>
tq.weight @b1 : tensor<3xf32> = dense<[0.1, 0.2, 0.3]> : tensor<3xf32>
tq.weight @w2 : tensor<2x3xf32> = dense<[[1.0, 2.0, 0.5], [3.0, -4.0, 1.0]]> : tensor<2x3xf32>

func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w1 = tq.get_weight @w1 : tensor<3x2xf32>
  %b1 = tq.get_weight @b1 : tensor<3xf32>
  %w2 = tq.get_weight @w2 : tensor<2x3xf32>
  %o1 = tq.observe %x site("one") {statistics = #one} : tensor<?x2xf32>
  %y1 = tq.linear %o1, %w1, %b1
    : (tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %g = tq.gelu %y1 : tensor<?x3xf32>
  %o2 = tq.observe %g site("two") {statistics = #two} : tensor<?x3xf32>
  %y2 = tq.linear %o2, %w2 : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %z = tq.add %y2, %x : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// Two rows say little: what was seen is taken twice.
// RANGES-LABEL: func.func @main(
// RANGES-DAG: %[[LOW:.*]] = arith.constant dense<[-2.000000e+00, 0.000000e+00]>
// RANGES-DAG: %[[HIGH:.*]] = arith.constant dense<[2.000000e+00, 6.000000e+00]>
// RANGES-DAG: %[[MEAN:.*]] = arith.constant dense<[0.000000e+00, 1.000000e+00]>
// RANGES: tq.observe %{{.*}} site("one") low(%[[LOW]] : tensor<2xf32>) high(%[[HIGH]] : tensor<2xf32>) mean(%[[MEAN]] : tensor<2xf32>) :
// RANGES-NOT: statistics

// MSE-LABEL: func.func @main(
// MSE: tq.observe %{{.*}} low(%{{.*}} : tensor<1xf32>) high(%{{.*}} : tensor<1xf32>) mean(%{{.*}} : tensor<2xf32>)

// SMOOTH-LABEL: func.func @main(
// SMOOTH-SAME: %[[X:.*]]: tensor<?x2xf32>
// SMOOTH: %[[W:.*]] = tq.get_weight @w1
// SMOOTH: %[[F:.*]], %[[I:.*]] = tq.smoothing_factors %[[W]], %[[LOW:.*]], %[[HIGH:[^ ]*]] {alpha = 5.000000e-01 : f32}
// SMOOTH-DAG: %[[SX:.*]] = tq.mul %[[X]], %[[I]]
// SMOOTH-DAG: %[[SL:.*]] = tq.mul %[[LOW]], %[[I]]
// SMOOTH-DAG: %[[SH:.*]] = tq.mul %[[HIGH]], %[[I]]
// SMOOTH: %[[O:.*]] = tq.observe %[[SX]] site("one") low(%[[SL]] : tensor<2xf32>) high(%[[SH]] : tensor<2xf32>)
// SMOOTH: %[[SW:.*]] = tq.mul %[[W]], %[[F]]
// SMOOTH: tq.linear %[[O]], %[[SW]],

// One range for all channels says nothing of each of them.
// ONE-LABEL: func.func @main(
// ONE-NOT: tq.smoothing_factors

// BIAS-LABEL: func.func @main(
// BIAS: %[[W:.*]] = tq.get_weight @w1
// BIAS: %[[B:.*]] = tq.get_weight @b1
// BIAS: %[[O:.*]] = tq.observe %{{.*}} mean(%[[M:.*]] : tensor<2xf32>)
// BIAS: %[[Q:.*]], %[[S:.*]] = tq.quantize_weight %[[W]]
// BIAS: %[[C:.*]] = tq.correct_bias %[[W]], %[[Q]], %[[S]], %[[M]] bias(%[[B]])
// BIAS: tq.linear %[[O]], %[[W]], %[[C]]
// A linear without a bias gets one.
// BIAS: %[[C2:.*]] = tq.correct_bias %{{[^:]*}} :
// BIAS: tq.linear %{{.*}}, %{{.*}}, %[[C2]]

// FUSED-LABEL: func.func @main(
// FUSED-SAME: %[[X:.*]]: tensor<?x2xf32>
// FUSED-NOT: tq.observe
// FUSED-NOT: tq.dequantize
// FUSED: %[[SC:.*]], %[[INV:.*]], %[[ZP:.*]] = tq.activation_parameters
// FUSED: %[[V:.*]] = tq.mul %{{.*}}, %[[INV]] : (tensor<2xf32>, tensor<f32>)
// FUSED: %[[Q:.*]] = tq.quantize %[[X]] inverse_scales(%[[V]]) zero_points(%[[ZP]])
// FUSED: %[[ST:.*]] = tq.zero_point_sums %[[QW:.*]], %[[ZP]]
// FUSED: %[[MS:.*]] = tq.mul %{{.*}}, %[[SC]] : (tensor<3xf32>, tensor<f32>)
// FUSED: %[[Y:.*]] = tq.static_linear %[[Q]] weight(%[[QW]]) starts(%[[ST]]) scales(%[[MS]]) bias(
// FUSED-SAME: #tq.activation<gelu>, coarse
// FUSED: %[[Q2:.*]] = tq.quantize %[[Y]] inverse_scales(
// FUSED: tq.static_linear %[[Q2]] {{.*}} residual(%[[X]])
// FUSED-NOT: tq.dequantize

// The quantization of what a linear gives is in its kernel.
// LOWER: program.kernel @quantize_2 
// LOWER: program.kernel @static_linear_2x3_gelu_quantize 
// LOWER: program.kernel @static_linear_3x2_residual 
// LOWER-NOT: program.kernel
