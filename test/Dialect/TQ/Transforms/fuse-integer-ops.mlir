// RUN: tq-opt %s -tq-fuse-integer-ops -cse -split-input-file -verify-diagnostics | FileCheck %s

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8<-127:127>:f32>

// CHECK-LABEL: func.func @linear
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<?x?x5x!quant.any<u8:f32>>, %[[S:[a-z0-9]+]]: tensor<?x?xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?xi32>, %[[W:[a-z0-9]+]]: {{.*}}, %[[WS:[a-z0-9]+]]: tensor<7xf32>, %[[B:[a-z0-9]+]]: tensor<7xf32>
// CHECK-NEXT: %[[Y:.*]] = tq.quantized_linear %[[Q]], %[[S]] zero_points(%[[Z]]) weight(%[[W]], %[[WS]]) bias(%[[B]]) :
// CHECK-NEXT: return %[[Y]]
func.func @linear(%q: tensor<?x?x5x!u8>, %s: tensor<?x?xf32>, %z: tensor<?x?xi32>,
                  %w: tensor<7x5x!s8>, %ws: tensor<7xf32>, %b: tensor<7xf32>)
    -> tensor<?x?x7xf32> {
  %0 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<?x?x5x!u8>, tensor<?x?xf32>, tensor<?x?xi32>) -> tensor<?x?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  %2 = tq.linear %0, %1, %b
    : (tensor<?x?x5xf32>, tensor<7x5xf32>, tensor<7xf32>) -> tensor<?x?x7xf32>
  return %2 : tensor<?x?x7xf32>
}

// CHECK-LABEL: func.func @vector
// CHECK-NEXT: tq.quantized_linear {{.*}} -> tensor<7xf32>
func.func @vector(%q: tensor<5x!u8>, %s: tensor<f32>, %w: tensor<7x5x!s8>, %ws: tensor<7xf32>)
    -> tensor<7xf32> {
  %0 = tq.dequantize %q scales(%s) : (tensor<5x!u8>, tensor<f32>) -> tensor<5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  %2 = tq.linear %0, %1 : (tensor<5xf32>, tensor<7x5xf32>) -> tensor<7xf32>
  return %2 : tensor<7xf32>
}

// CHECK-LABEL: func.func @embedding
// CHECK-NEXT: %[[E:.*]] = tq.quantized_embedding
// CHECK-NEXT: return %[[E]]
func.func @embedding(%ids: tensor<?x?xi64>, %t: tensor<9x5x!s8>, %s: tensor<9xf32>)
    -> tensor<?x?x5xf32> {
  %0 = tq.dequantize %t scales(%s) : (tensor<9x5x!s8>, tensor<9xf32>) -> tensor<9x5xf32>
  %1 = tq.embedding %ids, %0 : (tensor<?x?xi64>, tensor<9x5xf32>) -> tensor<?x?x5xf32>
  return %1 : tensor<?x?x5xf32>
}

// CHECK-LABEL: func.func @float_stays
// CHECK-NEXT: tq.linear
// CHECK-NEXT: tq.gelu
func.func @float_stays(%x: tensor<?x5xf32>, %w: tensor<7x5xf32>) -> tensor<?x7xf32> {
  %0 = tq.linear %x, %w : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  %1 = tq.gelu %0 : tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// Another op may read the dequantized value; the linear does not.
// CHECK-LABEL: func.func @dequantized_for_others
// CHECK: %[[D:.*]] = tq.dequantize
// CHECK: tq.quantized_linear
// CHECK: tq.softmax %[[D]]
func.func @dequantized_for_others(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                                  %ws: tensor<7xf32>) -> (tensor<?x7xf32>, tensor<?x5xf32>) {
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!u8>, tensor<?xf32>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  %3 = tq.softmax %0 : tensor<?x5xf32>
  return %2, %3 : tensor<?x7xf32>, tensor<?x5xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8<-127:127>:f32>

// CHECK-LABEL: func.func @activations
// CHECK-NEXT: %[[A:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<gelu>}
// CHECK-NEXT: %[[B:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<gelu_tanh>}
// CHECK-NEXT: %[[C:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<relu>}
// CHECK-NEXT: %[[D:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<silu>}
// CHECK-NEXT: %[[E:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<tanh>}
// CHECK-NEXT: %[[F:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<sigmoid>}
// CHECK-NEXT: %[[G:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<quick_gelu>}
// CHECK-NEXT: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]], %[[F]], %[[G]]
func.func @activations(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                       %ws: tensor<7xf32>)
    -> (tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>,
        tensor<?x7xf32>, tensor<?x7xf32>) {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %6 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %2 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %3 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %4 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %5 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %a = tq.gelu %0 : tensor<?x7xf32>
  %b = tq.gelu %1 {tanh} : tensor<?x7xf32>
  %c = tq.relu %2 : tensor<?x7xf32>
  %d = tq.silu %3 : tensor<?x7xf32>
  %e = tq.tanh %4 : tensor<?x7xf32>
  %f = tq.sigmoid %5 : tensor<?x7xf32>
  %g = tq.quick_gelu %6 : tensor<?x7xf32>
  return %a, %b, %c, %d, %e, %f, %g
    : tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>,
      tensor<?x7xf32>
}

// CHECK-LABEL: func.func @second_activation_stays
// CHECK-NEXT: tq.quantized_linear {{.*}} {activation = #tq.activation<relu>}
// CHECK-NEXT: tq.tanh
func.func @second_activation_stays(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                                   %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.relu %0 : tensor<?x7xf32>
  %2 = tq.tanh %1 : tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// Computing the linear twice would cost more than storing it.
// CHECK-LABEL: func.func @other_users_keep_the_linear
// CHECK-NEXT: %[[Y:.*]] = tq.quantized_linear
// CHECK-NEXT: tq.gelu %[[Y]]
func.func @other_users_keep_the_linear(%q: tensor<?x5x!u8>, %s: tensor<?xf32>,
                                       %w: tensor<7x5x!s8>, %ws: tensor<7xf32>)
    -> (tensor<?x7xf32>, tensor<?x7xf32>) {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.gelu %0 : tensor<?x7xf32>
  return %0, %1 : tensor<?x7xf32>, tensor<?x7xf32>
}

// CHECK-LABEL: func.func @softmax_is_no_epilogue
// CHECK-NEXT: tq.quantized_linear
// CHECK-NEXT: tq.softmax
func.func @softmax_is_no_epilogue(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                                  %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.softmax %0 : tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8<-127:127>:f32>

// The residual may be defined below the linear, on either side of the add.
// CHECK-LABEL: func.func @residual
// CHECK-SAME: %[[R:[a-z0-9]+]]: tensor<?x7xf32>) ->
// CHECK-NEXT: %[[T:.*]] = tq.softmax %[[R]]
// CHECK-NEXT: %[[A:.*]] = tq.quantized_linear {{.*}} residual(%[[T]]) :
// CHECK-NEXT: %[[B:.*]] = tq.quantized_linear {{.*}} residual(%[[R]]) {activation = #tq.activation<gelu>}
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @residual(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                    %ws: tensor<7xf32>, %r: tensor<?x7xf32>)
    -> (tensor<?x7xf32>, tensor<?x7xf32>) {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %t = tq.softmax %r : tensor<?x7xf32>
  %1 = tq.add %0, %t : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  %2 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %3 = tq.gelu %2 : tensor<?x7xf32>
  %4 = tq.add %r, %3 : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  return %1, %4 : tensor<?x7xf32>, tensor<?x7xf32>
}

// CHECK-LABEL: func.func @activation_after_residual_stays
// CHECK: tq.quantized_linear {{.*}} residual(
// CHECK-NEXT: tq.relu
func.func @activation_after_residual_stays(%q: tensor<?x5x!u8>, %s: tensor<?xf32>,
                                           %w: tensor<7x5x!s8>, %ws: tensor<7xf32>,
                                           %r: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.add %0, %r : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  %2 = tq.relu %1 : tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @second_residual_stays
// CHECK: %[[Y:.*]] = tq.quantized_linear {{.*}} residual(
// CHECK-NEXT: tq.add %[[Y]]
func.func @second_residual_stays(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                                 %ws: tensor<7xf32>, %r: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.add %0, %r : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  %2 = tq.add %1, %r : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @broadcast_stays
// CHECK: tq.quantized_linear
// CHECK-NEXT: tq.add
func.func @broadcast_stays(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                           %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.add %0, %ws : (tensor<?x7xf32>, tensor<7xf32>) -> tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @doubling_stays
// CHECK: %[[Y:.*]] = tq.quantized_linear
// CHECK-NEXT: tq.add %[[Y]], %[[Y]]
func.func @doubling_stays(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                          %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.add %0, %0 : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// Of two linears one takes the other as its residual.
// CHECK-LABEL: func.func @two_linears
// CHECK: %[[A:.*]] = tq.quantized_linear
// CHECK-NEXT: %[[B:.*]] = tq.quantized_linear {{.*}} residual(%[[A]])
// CHECK-NEXT: return %[[B]]
func.func @two_linears(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                       %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.quantized_linear %q, %s weight(%w, %ws)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %2 = tq.add %0, %1 : (tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8<-127:127>:f32>
!static = !quant.uniform<u8:f32, 0.5:128>

tq.weight @float : tensor<7x5xf32> = #tq.mapped<"f", 0>

// CHECK-LABEL: func.func @stored_weight_in_float
// CHECK: tq.linear {{.*}} {program.reason = "its weight is not dequantized row by row"}
func.func @stored_weight_in_float(%q: tensor<?x5x!u8>, %s: tensor<?xf32>) -> tensor<?x7xf32> {
  %w = tq.get_weight @float : tensor<7x5xf32>
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!u8>, tensor<?xf32>) -> tensor<?x5xf32>
  // expected-remark @below {{stays in float: its weight is not dequantized row by row}}
  %1 = tq.linear %0, %w : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @weight_in_float
// CHECK: tq.linear {{.*}} {program.reason = "its weight is computed at run time"}
func.func @weight_in_float(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5xf32>)
    -> tensor<?x7xf32> {
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!u8>, tensor<?xf32>) -> tensor<?x5xf32>
  // expected-remark @below {{stays in float: its weight is computed at run time}}
  %1 = tq.linear %0, %w : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @input_in_float
// CHECK: tq.linear {{.*}} {program.reason = "its input is not dequantized row by row"}
func.func @input_in_float(%x: tensor<?x5xf32>, %w: tensor<7x5x!s8>, %ws: tensor<7xf32>)
    -> tensor<?x7xf32> {
  %0 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  // expected-remark @below {{stays in float: its input is not dequantized row by row}}
  %1 = tq.linear %x, %0 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %1 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @static_parameters
// CHECK: tq.linear {{.*}} {program.reason = "its input is not dequantized row by row"}
func.func @static_parameters(%q: tensor<?x5x!static>, %w: tensor<7x5x!s8>, %ws: tensor<7xf32>)
    -> tensor<?x7xf32> {
  %0 = tq.dequantize %q : (tensor<?x5x!static>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  // expected-remark @below {{stays in float: its input is not dequantized row by row}}
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @signed_input
// CHECK: tq.linear {{.*}} {program.reason = "its input is not u8"}
func.func @signed_input(%q: tensor<?x5x!s8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                        %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!s8>, tensor<?xf32>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  // expected-remark @below {{stays in float: its input is not u8}}
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @weight_with_zero_points
// CHECK: tq.linear {{.*}} {program.reason = "its weight has zero points"}
func.func @weight_with_zero_points(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                                   %ws: tensor<7xf32>, %wz: tensor<7xi32>) -> tensor<?x7xf32> {
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!u8>, tensor<?xf32>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) zero_points(%wz)
    : (tensor<7x5x!s8>, tensor<7xf32>, tensor<7xi32>) -> tensor<7x5xf32>
  // expected-remark @below {{stays in float: its weight has zero points}}
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @table_with_zero_points
// CHECK: tq.embedding {{.*}} {program.reason = "its table has zero points"}
func.func @table_with_zero_points(%ids: tensor<3xi64>, %t: tensor<9x5x!s8>, %s: tensor<9xf32>,
                                  %z: tensor<9xi32>) -> tensor<3x5xf32> {
  %0 = tq.dequantize %t scales(%s) zero_points(%z)
    : (tensor<9x5x!s8>, tensor<9xf32>, tensor<9xi32>) -> tensor<9x5xf32>
  // expected-remark @below {{stays in float: its table has zero points}}
  %1 = tq.embedding %ids, %0 : (tensor<3xi64>, tensor<9x5xf32>) -> tensor<3x5xf32>
  return %1 : tensor<3x5xf32>
}

// -----

!u8 = !quant.any<u8:f32>

// A number has no columns.
// CHECK-LABEL: func.func @number
// CHECK: tq.mul
// CHECK: tq.quantize
func.func @number(%x: tensor<f32>, %z: tensor<i32>) -> tensor<!u8> {
  %two = arith.constant dense<2.0> : tensor<f32>
  %0 = tq.mul %x, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = tq.quantize %0 inverse_scales(%two) zero_points(%z)
    : tensor<f32>, tensor<f32>, tensor<i32> -> tensor<!u8>
  return %1 : tensor<!u8>
}

// -----

!s8 = !quant.any<i8<-127:127>:f32>

// What says its precision keeps it.
// CHECK-LABEL: func.func @own_precision
// CHECK: tq.attention {{.*}} precision = #tq.precision<bf16>
func.func @own_precision(%q: tensor<?x?x4x!s8>) -> tensor<?x?x4xf32> {
  %s = arith.constant dense<1.0> : tensor<4xf32>
  %0 = tq.dequantize %q column_scales(%s) : (tensor<?x?x4x!s8>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %1 = tq.attention %0, %0, %0 {num_heads = 4 : i64, precision = #tq.precision<bf16>, scale = 1.0 : f32}
    : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %1 : tensor<?x?x4xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8:f32>

// A model's own pair in s8 is one in u8; its weight may have -128.
// CHECK-LABEL: func.func @signed_static
// CHECK-SAME: %[[X:.*]]: tensor<?x5xf32>, %[[W:.*]]: tensor<7x5x!quant.any<i8:f32>>
// CHECK-DAG: %[[I:.*]] = arith.constant dense<5.000000e+01> : tensor<f32>
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<125> : tensor<i32>
// CHECK: %[[Q:.*]] = tq.quantize %[[X]] inverse_scales(%[[I]]) zero_points(%[[Z]]) : {{.*}} -> tensor<?x5x!quant.any<u8:f32>>
// CHECK: %[[START:.*]] = tq.zero_point_sums %[[W]], %[[Z]]
// CHECK: tq.static_linear %[[Q]] weight(%[[W]]) starts(%[[START]])
// CHECK-NOT: tq.dequantize
func.func @signed_static(%x: tensor<?x5xf32>, %w: tensor<7x5x!s8>, %ws: tensor<7xf32>)
    -> tensor<?x7xf32> {
  %i = arith.constant dense<50.0> : tensor<f32>
  %s = arith.constant dense<0.02> : tensor<f32>
  %z = arith.constant dense<-3> : tensor<i32>
  %q = tq.quantize %x inverse_scales(%i) zero_points(%z)
    : tensor<?x5xf32>, tensor<f32>, tensor<i32> -> tensor<?x5x!s8>
  %0 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<?x5x!s8>, tensor<f32>, tensor<i32>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// Its integers are a result, so they stay.
// CHECK-LABEL: func.func @signed_is_read
// CHECK: tq.quantize {{.*}} -> tensor<?x5x!quant.any<i8:f32>>
// CHECK: tq.linear
func.func @signed_is_read(%x: tensor<?x5xf32>, %w: tensor<7x5x!s8>, %ws: tensor<7xf32>)
    -> (tensor<?x7xf32>, tensor<?x5xi8>) {
  %i = arith.constant dense<50.0> : tensor<f32>
  %s = arith.constant dense<0.02> : tensor<f32>
  %q = tq.quantize %x inverse_scales(%i) : tensor<?x5xf32>, tensor<f32> -> tensor<?x5x!s8>
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!s8>, tensor<f32>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  // expected-remark @below {{stays in float: its input is not u8}}
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  %3 = quant.scast %q : tensor<?x5x!s8> to tensor<?x5xi8>
  return %2, %3 : tensor<?x7xf32>, tensor<?x5xi8>
}

// Parameters of the whole tensor, which are no constants.
// CHECK-LABEL: func.func @whole_tensor
// CHECK-SAME: %[[X:.*]]: tensor<?x?x5xf32>, %[[I:[a-z0-9]+]]: tensor<f32>, %[[S:[a-z0-9]+]]: tensor<f32>, %[[Z:[a-z0-9]+]]: tensor<i32>
// CHECK: %[[Q:.*]] = tq.quantize %[[X]] inverse_scales(%[[I]]) zero_points(%[[Z]])
// CHECK: %[[ROWS:.*]] = linalg.broadcast ins(%[[S]] : tensor<f32>) outs(%{{.*}} : tensor<?x?xf32>) dimensions = [0, 1]
// CHECK: %[[ZEROS:.*]] = linalg.broadcast ins(%[[Z]] : tensor<i32>) outs(%{{.*}} : tensor<?x?xi32>) dimensions = [0, 1]
// CHECK: tq.quantized_linear %[[Q]], %[[ROWS]] zero_points(%[[ZEROS]])
func.func @whole_tensor(%x: tensor<?x?x5xf32>, %i: tensor<f32>, %s: tensor<f32>, %z: tensor<i32>,
                        %w: tensor<7x5x!s8>, %ws: tensor<7xf32>) -> tensor<?x?x7xf32> {
  %q = tq.quantize %x inverse_scales(%i) zero_points(%z)
    : tensor<?x?x5xf32>, tensor<f32>, tensor<i32> -> tensor<?x?x5x!u8>
  %0 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<?x?x5x!u8>, tensor<f32>, tensor<i32>) -> tensor<?x?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<7xf32>) -> tensor<7x5xf32>
  %2 = tq.linear %0, %1 : (tensor<?x?x5xf32>, tensor<7x5xf32>) -> tensor<?x?x7xf32>
  return %2 : tensor<?x?x7xf32>
}

// No linear reads it: nothing is repeated.
// CHECK-LABEL: func.func @whole_tensor_for_others
// CHECK-NOT: linalg.broadcast
// CHECK: tq.softmax
func.func @whole_tensor_for_others(%q: tensor<?x5x!u8>, %s: tensor<f32>) -> tensor<?x5xf32> {
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!u8>, tensor<f32>) -> tensor<?x5xf32>
  %1 = tq.softmax %0 : tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// One scale for a weight: a model of ours has one for each row.
// CHECK-LABEL: func.func @weight_of_one_scale
// CHECK: tq.linear
func.func @weight_of_one_scale(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>,
                               %ws: tensor<f32>) -> tensor<?x7xf32> {
  %0 = tq.dequantize %q scales(%s) : (tensor<?x5x!u8>, tensor<?xf32>) -> tensor<?x5xf32>
  %1 = tq.dequantize %w scales(%ws) : (tensor<7x5x!s8>, tensor<f32>) -> tensor<7x5xf32>
  // expected-remark @below {{stays in float: its weight is not dequantized row by row}}
  %2 = tq.linear %0, %1 : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8:f32>

// 131072 * 128 * 128 does not fit into 32 bits.
func.func @too_deep(%q: tensor<?x131072x!u8>, %s: tensor<?xf32>, %w: tensor<7x131072x!s8>,
                    %ws: tensor<7xf32>) -> tensor<?x7xf32> {
  %0 = tq.dequantize %q scales(%s)
    : (tensor<?x131072x!u8>, tensor<?xf32>) -> tensor<?x131072xf32>
  %1 = tq.dequantize %w scales(%ws)
    : (tensor<7x131072x!s8>, tensor<7xf32>) -> tensor<7x131072xf32>
  // expected-remark @below {{stays in float: it has more than 131071 inputs, whose sum could exceed 32 bits}}
  %2 = tq.linear %0, %1
    : (tensor<?x131072xf32>, tensor<7x131072xf32>) -> tensor<?x7xf32>
  return %2 : tensor<?x7xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8:f32>

// Scales and bias that a model applies behind its product.
// CHECK-LABEL: func.func @scales_behind
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<?x5x!quant.any<u8:f32>>, %[[S:[a-z0-9]+]]: tensor<?xf32>, %[[ROWS:[a-z0-9]+]]: tensor<?x1xf32>
// CHECK-DAG: %[[R:.*]] = tensor.collapse_shape %[[ROWS]]
// CHECK-DAG: %[[XS:.*]] = tq.mul %[[R]], %[[S]]
// CHECK-DAG: %[[WS:.*]] = tq.mul {{.*}} : (tensor<7xf32>, tensor<7xf32>)
// CHECK: %[[Y:.*]] = tq.quantized_linear %[[Q]], %[[XS]] weight(%{{.*}}, %[[WS]]) bias(%{{.*}})
// CHECK: %[[E:.*]] = tensor.expand_shape %[[Y]]
// CHECK: return %[[E]]
func.func @scales_behind(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %rows: tensor<?x1xf32>,
                         %w: tensor<7x5x!s8>, %n: index) -> tensor<?x2x7xf32> {
  %one = arith.constant dense<2.0> : tensor<7xf32>
  %columns = arith.constant dense<0.5> : tensor<7xf32>
  %bias = arith.constant dense<3.0> : tensor<7xf32>
  %0 = tq.quantized_linear %q, %s weight(%w, %one)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.mul %0, %rows : (tensor<?x7xf32>, tensor<?x1xf32>) -> tensor<?x7xf32>
  %2 = tq.mul %1, %columns : (tensor<?x7xf32>, tensor<7xf32>) -> tensor<?x7xf32>
  %3 = tensor.expand_shape %2 [[0, 1], [2]] output_shape [%n, 2, 7]
    : tensor<?x7xf32> into tensor<?x2x7xf32>
  %4 = tq.add %3, %bias : (tensor<?x2x7xf32>, tensor<7xf32>) -> tensor<?x2x7xf32>
  return %4 : tensor<?x2x7xf32>
}

// A bias before the factors, numbers of run time, a view of the columns.
// CHECK-LABEL: func.func @scales_elsewhere
// CHECK: tq.quantized_linear
// CHECK-NEXT: tq.mul
// CHECK: tq.quantized_linear
// CHECK-NEXT: tq.mul
// CHECK-NEXT: tq.add
// CHECK: tq.quantized_linear
// CHECK-NEXT: tensor.expand_shape
// CHECK-NEXT: tq.add
func.func @scales_elsewhere(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %v: tensor<8xf32>,
                            %w: tensor<8x5x!s8>, %n: index)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2x4xf32>) {
  %one = arith.constant dense<1.0> : tensor<8xf32>
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %0 = tq.quantized_linear %q, %s weight(%w, %one) bias(%one)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<8x5x!s8>, tensor<8xf32>, tensor<8xf32>)
    -> tensor<?x8xf32>
  %1 = tq.mul %0, %v : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %2 = tq.quantized_linear %q, %s weight(%w, %v)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<8x5x!s8>, tensor<8xf32>) -> tensor<?x8xf32>
  %3 = tq.mul %2, %v : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %4 = tq.add %3, %v : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %5 = tq.quantized_linear %q, %s weight(%w, %one)
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<8x5x!s8>, tensor<8xf32>) -> tensor<?x8xf32>
  %6 = tensor.expand_shape %5 [[0], [1, 2]] output_shape [%n, 2, 4]
    : tensor<?x8xf32> into tensor<?x2x4xf32>
  %7 = tq.add %6, %half : (tensor<?x2x4xf32>, tensor<4xf32>) -> tensor<?x2x4xf32>
  return %1, %4, %7 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2x4xf32>
}

// -----

!u8 = !quant.any<u8:f32>
!s8 = !quant.any<i8<-127:127>:f32>

// A quantization of the model's own reads the exact activation.
// CHECK-LABEL: func.func @coarse
// CHECK: %[[A:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<gelu>, coarse}
// CHECK: %[[B:.*]] = tq.quantized_linear {{.*}} {activation = #tq.activation<gelu>}
// CHECK: tq.quantize %[[A]] {{.*}} {coarse}
// CHECK: tq.quantize %[[B]] inverse_scales(%{{.*}}) :
func.func @coarse(%q: tensor<?x5x!u8>, %s: tensor<?xf32>, %w: tensor<7x5x!s8>, %ws: tensor<7xf32>,
                  %i: tensor<f32>) -> (tensor<?x7x!u8>, tensor<?x7x!u8>) {
  %0 = tq.quantized_linear %q, %s weight(%w, %ws) {activation = #tq.activation<gelu>}
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %1 = tq.quantized_linear %q, %s weight(%w, %ws) {activation = #tq.activation<gelu>}
    : (tensor<?x5x!u8>, tensor<?xf32>, tensor<7x5x!s8>, tensor<7xf32>) -> tensor<?x7xf32>
  %a = tq.quantize %0 inverse_scales(%i) {coarse} : tensor<?x7xf32>, tensor<f32> -> tensor<?x7x!u8>
  %b = tq.quantize %1 inverse_scales(%i) : tensor<?x7xf32>, tensor<f32> -> tensor<?x7x!u8>
  return %a, %b : tensor<?x7x!u8>, tensor<?x7x!u8>
}
