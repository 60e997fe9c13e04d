// Lowered kernels, made into code by upstream's passes, give what the scalar
// reference in tq::quant gives, bit for bit. Floats are printed as their bits.
// Sums are exact here, so that their order does not matter.

// RUN: tq-opt %s -convert-tq-to-linalg -tq-expand-math -canonicalize -cse | %run | FileCheck %s

!s8 = !quant.uniform<i8<-127:127>:f32, 1.0>
!u8 = !quant.any<u8:f32>

program.kernel @layer_norm {
func.func @layer_norm(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>,
                              %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = tq.layer_norm %x, %g, %b {epsilon = 1.0e-5 : f32}
    : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
}

program.kernel @dynamic_quantize {
func.func @dynamic_quantize(
    %x: tensor<?x5xf32>, %q: tensor<?x5x!u8>, %s: tensor<?xf32>,
    %z: tensor<?xi32>) -> (tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>) {
  %0, %1, %2 = tq.dynamic_quantize %x : tensor<?x5xf32>
    -> tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>
  return %0, %1, %2 : tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>
}
}

program.kernel @quantized_linear {
func.func @quantized_linear(
    %x: tensor<?x5x!u8>, %s: tensor<?xf32>, %z: tensor<?xi32>,
    %w: tensor<3x5x!s8>, %ws: tensor<3xf32>, %b: tensor<3xf32>,
    %r: tensor<?x3xf32>, %sums: tensor<3xi32> {program.column_sums_of = 3 : i64},
    %out: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = tq.quantized_linear %x, %s zero_points(%z) weight(%w, %ws) bias(%b) residual(%r)
    {activation = #tq.activation<gelu>}
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>,
       tensor<3x5x!s8>, tensor<3xf32>, tensor<3xf32>, tensor<?x3xf32>)
    -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
}

program.kernel @quantize {
func.func @quantize(%x: tensor<3x5xf32>, %out: tensor<3x5x!s8>) -> tensor<3x5x!s8> {
  %q = tq.quantize %x : tensor<3x5xf32> -> tensor<3x5x!s8>
  return %q : tensor<3x5x!s8>
}
}

program.kernel @column_sums {
func.func @column_sums(%w: tensor<3x5x!s8>, %out: tensor<3xi32>) -> tensor<3xi32> {
  %sums = tq.column_sums %w : tensor<3x5x!s8> -> tensor<3xi32>
  return %sums : tensor<3xi32>
}
}

program.kernel @linear_gelu {
func.func @linear_gelu(%x: tensor<2x5xf32>, %w: tensor<3x5xf32>, %b: tensor<3xf32>,
                               %out: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = tq.linear %x, %w, %b : (tensor<2x5xf32>, tensor<3x5xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = tq.gelu %0 : tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}
}

program.kernel @gelu {
func.func @gelu(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = tq.gelu %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @gelu_tanh {
func.func @gelu_tanh(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = tq.gelu %x {tanh} : tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @silu {
func.func @silu(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = tq.silu %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @tanh {
func.func @tanh(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = tq.tanh %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @sigmoid {
func.func @sigmoid(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = tq.sigmoid %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @relu {
func.func @relu(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = tq.relu %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @erf {
func.func @erf(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
    ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.erf %a : f32
    linalg.yield %e : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @sin {
func.func @sin(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
    ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.sin %a : f32
    linalg.yield %e : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @cos {
func.func @cos(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
    ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.cos %a : f32
    linalg.yield %e : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @log {
func.func @log(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
    ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.log %a : f32
    linalg.yield %e : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
}
program.kernel @softmax {
func.func @softmax(%x: tensor<3x2xf32>, %out: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %0 = tq.softmax %x : tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
}
program.kernel @rms_norm {
func.func @rms_norm(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %out: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %0 = tq.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
}
program.kernel @l2_normalize {
func.func @l2_normalize(%x: tensor<?x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = tq.l2_normalize %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
}
program.kernel @mean {
func.func @mean(%x: tensor<2x3x2xf32>, %m: tensor<2x3xi64>, %out: tensor<2x2xf32>)
    -> tensor<2x2xf32> {
  %0 = tq.pool %x mask(%m) {kind = #tq.pool_kind<mean>}
    : (tensor<2x3x2xf32>, tensor<2x3xi64>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
}
program.kernel @first {
func.func @first(%x: tensor<2x3x2xf32>, %out: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %0 = tq.pool %x {kind = #tq.pool_kind<first>} : (tensor<2x3x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
}

func.func private @print(%t: tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %t, %c0 : tensor<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    %f = tensor.extract %t[%i] : tensor<?xf32>
    %bits = arith.bitcast %f : f32 to i32
    vector.print %bits : i32 punctuation <comma>
  }
  vector.print punctuation <newline>
  return
}
func.func private @print_matrix(%t: tensor<?x?xf32>) {
  %flat = tensor.collapse_shape %t [[0, 1]] : tensor<?x?xf32> into tensor<?xf32>
  call @print(%flat) : (tensor<?xf32>) -> ()
  return
}

func.func @entry() {
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %x8 = arith.constant dense<[[1.0, -2.5, 0.25, 3.0, -1.0, 0.5, 0.0, 4.75],
                              [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                              [-1.0, -1.0, 3.0, -1.0, -1.0, -1.0, 3.0, -1.0]]> : tensor<3x8xf32>
  %g8 = arith.constant dense<[1.0, 0.9, 1.1, -0.3, 2.0, 0.7, 1.3, 0.01]> : tensor<8xf32>
  %b8 = arith.constant dense<[0.1, -0.2, 0.3, 0.0, 1.0, -1.0, 0.7, 0.25]> : tensor<8xf32>
  %rows = tensor.cast %x8 : tensor<3x8xf32> to tensor<?x8xf32>

  // CHECK: 1046460034, -1077213913, 1025589012, -1096563266, -1087858594, -1081434775, 1047768575, 1049212029,
  // CHECK-SAME: 1036831949, -1102263091, 1050253722, 0, 1065353216, -1082130432, 1060320051, 1048576000,
  // CHECK-SAME: -1091279071, -1086834522, 1074602716, 1043422361, -1105303216, -1078740222, 1077733385, 1048188547
  %o_layer_norm = tensor.empty(%c3) : tensor<?x8xf32>
  %r_layer_norm = program.call @layer_norm(%rows, %g8, %b8, %o_layer_norm) : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_layer_norm = tensor.cast %r_layer_norm : tensor<?x8xf32> to tensor<?x?xf32>
  call @print_matrix(%p_layer_norm) : (tensor<?x?xf32>) -> ()

  // CHECK: 1055169983, -1082091333, 1039891026, -1093811924, -1083925057, 1042286598, 0, 1018019728,
  // CHECK-SAME: 0, 0, 0, -2147483648, 0, 0, 0, 0,
  // CHECK-SAME: -1089221334, -1090189966, 1072947026, 1043422361, -1080832726, -1093735417, 1074797372, -1145229422
  %o_rms_norm = tensor.empty(%c3) : tensor<?x8xf32>
  %r_rms_norm = program.call @rms_norm(%rows, %g8, %o_rms_norm) : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_rms_norm = tensor.cast %r_rms_norm : tensor<?x8xf32> to tensor<?x?xf32>
  call @print_matrix(%p_rms_norm) : (tensor<?x?xf32>) -> ()

  // CHECK: 1042393086, -1094053378, 1025615870, 1056078845, -1105090562, 1034004478, 0, 1061156734,
  // CHECK-SAME: 0, 0, 0, 0, 0, 0, 0, 0,
  // CHECK-SAME: -1101986325, -1101986325, 1058849904, -1101986325, -1101986325, -1101986325, 1058849904, -1101986325
  %o_l2_normalize = tensor.empty(%c3) : tensor<?x8xf32>
  %r_l2_normalize = program.call @l2_normalize(%rows, %o_l2_normalize) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_l2_normalize = tensor.cast %r_l2_normalize : tensor<?x8xf32> to tensor<?x?xf32>
  call @print_matrix(%p_l2_normalize) : (tensor<?x?xf32>) -> ()

  %x5 = arith.constant dense<[[0.3, -1.7, 2.9, 0.01, -0.4], [-3.0, -0.1, -2.0, -7.7, -0.6]]> : tensor<2x5xf32>
  %w5 = arith.constant dense<[[1.0, -127.0, 33.0, 4.0, 90.0], [0.0, 0.0, -1.0, 77.0, 127.0],
                              [-5.0, 6.0, -7.0, 8.0, 9.0]]> : tensor<3x5xf32>
  %ws = arith.constant dense<[0.01, 0.002, 0.3]> : tensor<3xf32>
  %b3 = arith.constant dense<[0.1, -0.7, 0.25]> : tensor<3xf32>
  %res = arith.constant dense<[[0.1, 0.2, 0.3], [-0.4, 0.5, 0.6]]> : tensor<2x3xf32>
  %x5d = tensor.cast %x5 : tensor<2x5xf32> to tensor<?x5xf32>
  %resd = tensor.cast %res : tensor<2x3xf32> to tensor<?x3xf32>
  %oq = tensor.empty(%c2) : tensor<?x5x!u8>
  %os = tensor.empty(%c2) : tensor<?xf32>
  %oz = tensor.empty(%c2) : tensor<?xi32>
  %q:3 = program.call @dynamic_quantize(%x5d, %oq, %os, %oz)
    : (tensor<?x5xf32>, tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>)
    -> (tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>)
  // CHECK: 1016317691, 1022844356
  call @print(%q#1) : (tensor<?xf32>) -> ()

  %ow = tensor.empty() : tensor<3x5x!s8>
  %w = program.call @quantize(%w5, %ow) : (tensor<3x5xf32>, tensor<3x5x!s8>) -> tensor<3x5x!s8>
  %osums = tensor.empty() : tensor<3xi32>
  %sums = program.call @column_sums(%w, %osums) : (tensor<3x5x!s8>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: 1077736790, 1023058480, 1050253720, -1090136568, 1055536328, 1058642329
  %oy = tensor.empty(%c2) : tensor<?x3xf32>
  %y = program.call @quantized_linear(%q#0, %q#1, %q#2, %w, %ws, %b3, %resd, %sums, %oy)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<?xi32>, tensor<3x5x!s8>, tensor<3xf32>, tensor<3xf32>,
       tensor<?x3xf32>, tensor<3xi32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %py = tensor.cast %y : tensor<?x3xf32> to tensor<?x?xf32>
  call @print_matrix(%py) : (tensor<?x?xf32>) -> ()

  // CHECK: 1133118752, -1283553158, -1283553158, -1283553158, -1283553158, -1283553158
  %o_linear_gelu = tensor.empty() : tensor<2x3xf32>
  %r_linear_gelu = program.call @linear_gelu(%x5, %w5, %b3, %o_linear_gelu) : (tensor<2x5xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %p_linear_gelu = tensor.cast %r_linear_gelu : tensor<2x3xf32> to tensor<?x?xf32>
  call @print_matrix(%p_linear_gelu) : (tensor<?x?xf32>) -> ()

  // Infinity, zeros of both signs, far and near.
  %vs = arith.constant dense<[0x7F800000, 0.0, -0.0, 1.0e-30, 0.3, -0.7, 1.5, -3.0, 5.5,
                              -6.0, 20.0, -90.0, 200.0]> : tensor<13xf32>
  %n = arith.constant 13 : index
  %values = tensor.cast %vs : tensor<13xf32> to tensor<?xf32>

  // CHECK: 2139095040, 0, 0, 220349024, 1044238985, -1104318330, 1068706890, -1148931128,
  // CHECK-SAME: 1085276160, -1283553158, 1101004800, -1283553158, 1128792064
  %o_gelu = tensor.empty(%n) : tensor<?xf32>
  %r_gelu = program.call @gelu(%values, %o_gelu) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_gelu) : (tensor<?xf32>) -> ()

  // CHECK: 2139095040, 0, -2147483648, 220349024, 1044238817, -1104314619, 1068705065, -1150394035,
  // CHECK-SAME: 1085276160, -1363568894, 1101004800, -2147483648, 1128792064
  %o_gelu_tanh = tensor.empty(%n) : tensor<?xf32>
  %r_gelu_tanh = program.call @gelu_tanh(%values, %o_gelu_tanh) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_gelu_tanh) : (tensor<?xf32>) -> ()

  // CHECK: 2139095040, 0, -2147483648, 220349024, 1043363840, -1100097585, 1067252076, -1106136775,
  // CHECK-SAME: 1085229214, -1133309543, 1101004800, -2147483648, 1128792064
  %o_silu = tensor.empty(%n) : tensor<?xf32>
  %r_silu = program.call @silu(%values, %o_silu) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_silu) : (tensor<?xf32>) -> ()

  // CHECK: 1065353216, 0, -2147483648, 228737632, 1049962222, -1088768039, 1063761868, -1082213399,
  // CHECK-SAME: 1065352656, -1082130638, 1065353216, -1082130432, 1065353216
  %o_tanh = tensor.empty(%n) : tensor<?xf32>
  %r_tanh = program.call @tanh(%values, %o_tanh) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_tanh) : (tensor<?xf32>) -> ()

  // CHECK: 1065353216, 1056964608, 1056964608, 1056964608, 1058213546, 1051321163, 1062292624, 1027752354,
  // CHECK-SAME: 1065284931, 992086971, 1065353216, 0, 1065353216
  %o_sigmoid = tensor.empty(%n) : tensor<?xf32>
  %r_sigmoid = program.call @sigmoid(%values, %o_sigmoid) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_sigmoid) : (tensor<?xf32>) -> ()

  // CHECK: 2139095040, 0, -2147483648, 228737632, 1050253722, 0, 1069547520, 0,
  // CHECK-SAME: 1085276160, 0, 1101004800, 0, 1128792064
  %o_relu = tensor.empty(%n) : tensor<?xf32>
  %r_relu = program.call @relu(%values, %o_relu) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_relu) : (tensor<?xf32>) -> ()

  // CHECK: 1065353216, 0, -2147483648, 0, 1051214276, -1087536032, 1064784553, -1082130804,
  // CHECK-SAME: 1065353216, -1082130432, 1065353216, -1082130432, 1065353216
  %o_erf = tensor.empty(%n) : tensor<?xf32>
  %r_erf = program.call @erf(%values, %o_erf) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_erf) : (tensor<?xf32>) -> ()

  // The bits of a NaN are not the same on every target.
  // CHECK: {{-?[0-9]+}}, 0, -2147483648, 228737632, 1050103405, -1088099469, 1065311189, -1106214461,
  // CHECK-SAME: -1087070646, 1049563020, 1063892680, -1083908873, -1084256151
  %o_sin = tensor.empty(%n) : tensor<?xf32>
  %r_sin = program.call @sin(%values, %o_sin) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_sin) : (tensor<?xf32>) -> ()

  // CHECK: {{-?[0-9]+}}, 1065353216, 1065353216, 1065353216, 1064603887, 1061407923, 1032904362, -1082298330,
  // CHECK-SAME: 1060465506, 1064684984, 1053880354, -1092261400, 1056534697
  %o_cos = tensor.empty(%n) : tensor<?xf32>
  %r_cos = program.call @cos(%values, %o_cos) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_cos) : (tensor<?xf32>) -> ()

  // CHECK: 2139095040, -8388608, -8388608, -1031133259, -1080419384, {{-?[0-9]+}}, 1053792544, {{-?[0-9]+}},
  // CHECK-SAME: 1071265072, {{-?[0-9]+}}, 1077918228, {{-?[0-9]+}}, 1084853201
  %o_log = tensor.empty(%n) : tensor<?xf32>
  %r_log = program.call @log(%values, %o_log) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  call @print(%r_log) : (tensor<?xf32>) -> ()

  %x2 = arith.constant dense<[[0.3, -1.7], [100.0, -100.0], [4.0, 4.5]]> : tensor<3x2xf32>

  // CHECK: 1063353322, 1039409320, 1065353216, 0, 1052855555, 1059019135
  %o_softmax = tensor.empty() : tensor<3x2xf32>
  %r_softmax = program.call @softmax(%x2, %o_softmax) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %p_softmax = tensor.cast %r_softmax : tensor<3x2xf32> to tensor<?x?xf32>
  call @print_matrix(%p_softmax) : (tensor<?x?xf32>) -> ()

  %seq = arith.constant dense<[[[0.3, -1.7], [0.1, 0.2], [7.0, 8.0]], [[1.3, 1.7], [5.1, 5.2], [6.0, 6.5]]]> : tensor<2x3x2xf32>
  %mask = arith.constant dense<[[1, 7, 0], [0, 0, 0]]> : tensor<2x3xi64>

  // CHECK: 1045220557, -1086324736, 0, 0
  %o_mean = tensor.empty() : tensor<2x2xf32>
  %r_mean = program.call @mean(%seq, %mask, %o_mean) : (tensor<2x3x2xf32>, tensor<2x3xi64>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %p_mean = tensor.cast %r_mean : tensor<2x2xf32> to tensor<?x?xf32>
  call @print_matrix(%p_mean) : (tensor<?x?xf32>) -> ()

  // CHECK: 1050253722, -1076258406, 1067869798, 1071225242
  %o_first = tensor.empty() : tensor<2x2xf32>
  %r_first = program.call @first(%seq, %o_first) : (tensor<2x3x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %p_first = tensor.cast %r_first : tensor<2x2xf32> to tensor<?x?xf32>
  call @print_matrix(%p_first) : (tensor<?x?xf32>) -> ()
  return
}
