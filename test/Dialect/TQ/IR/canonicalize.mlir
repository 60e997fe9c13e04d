// RUN: tq-opt %s -canonicalize -cse -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @second_relu_goes
// CHECK-SAME: %[[X:.*]]: tensor
func.func @second_relu_goes(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK-NEXT: %[[R:.*]] = tq.relu %[[X]]
  // CHECK-NEXT: return %[[R]]
  %0 = tq.relu %x : tensor<?x5xf32>
  %1 = tq.relu %0 : tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// CHECK-LABEL: func.func @second_gelu_stays
func.func @second_gelu_stays(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK-COUNT-2: tq.gelu
  %0 = tq.gelu %x : tensor<?x5xf32>
  %1 = tq.gelu %0 : tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// Normalizing again may change the last bit.
// CHECK-LABEL: func.func @second_normalization_stays
func.func @second_normalization_stays(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK-COUNT-2: tq.l2_normalize
  %0 = tq.l2_normalize %x : tensor<?x5xf32>
  %1 = tq.l2_normalize %0 : tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: func.func @identities_go
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: return %[[X]]
func.func @identities_go(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %one = arith.constant dense<1.0> : tensor<5xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %minus_zero = arith.constant dense<-0.0> : tensor<5xf32>
  %0 = tq.mul %x, %one : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %1 = tq.div %0, %one : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %2 = tq.sub %1, %zero : (tensor<?x5xf32>, tensor<1x1xf32>) -> tensor<?x5xf32>
  %3 = tq.add %2, %minus_zero : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  return %3 : tensor<?x5xf32>
}

// -0.0 + 0.0 and -0.0 - -0.0 are +0.0.
// CHECK-LABEL: func.func @zeros_that_change_a_sign_stay
func.func @zeros_that_change_a_sign_stay(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %zero = arith.constant dense<0.0> : tensor<5xf32>
  %minus_zero = arith.constant dense<-0.0> : tensor<5xf32>
  // CHECK: tq.add
  // CHECK: tq.sub
  %0 = tq.add %x, %zero : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %1 = tq.sub %0, %minus_zero : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// CHECK-LABEL: func.func @other_constants_stay
func.func @other_constants_stay(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %a = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = arith.constant dense<-1.0> : tensor<2xf32>
  // CHECK: tq.mul
  // CHECK: tq.div
  %0 = tq.mul %x, %a : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %1 = tq.div %0, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// A constant on the left is another value.
// CHECK-LABEL: func.func @constant_on_the_left_stays
func.func @constant_on_the_left_stays(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %one = arith.constant dense<1.0> : tensor<3x2xf32>
  // CHECK: tq.div
  %0 = tq.div %one, %x : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.5:128>
!other = !quant.uniform<u8:f32, 0.25:128>
!huge = !quant.uniform<u8:f32, 1.0e37:128>

// CHECK-LABEL: func.func @quantize_of_dequantize_goes
// CHECK-SAME: %[[Q:.*]]: tensor
// CHECK-NEXT: return %[[Q]]
func.func @quantize_of_dequantize_goes(%q: tensor<?x5x!u8>) -> tensor<?x5x!u8> {
  %0 = tq.dequantize %q : (tensor<?x5x!u8>) -> tensor<?x5xf32>
  %1 = tq.quantize %0 : tensor<?x5xf32> -> tensor<?x5x!u8>
  return %1 : tensor<?x5x!u8>
}

// CHECK-LABEL: func.func @requantize_stays
func.func @requantize_stays(%q: tensor<?x5x!u8>) -> tensor<?x5x!other> {
  // CHECK: tq.dequantize
  // CHECK: tq.quantize
  %0 = tq.dequantize %q : (tensor<?x5x!u8>) -> tensor<?x5xf32>
  %1 = tq.quantize %0 : tensor<?x5xf32> -> tensor<?x5x!other>
  return %1 : tensor<?x5x!other>
}

// 255 * 1e37 is infinite in f32.
// CHECK-LABEL: func.func @overflowing_scale_stays
func.func @overflowing_scale_stays(%q: tensor<?x5x!huge>) -> tensor<?x5x!huge> {
  // CHECK: tq.dequantize
  // CHECK: tq.quantize
  %0 = tq.dequantize %q : (tensor<?x5x!huge>) -> tensor<?x5xf32>
  %1 = tq.quantize %0 : tensor<?x5xf32> -> tensor<?x5x!huge>
  return %1 : tensor<?x5x!huge>
}

// Rounding is what a quantize/dequantize pair is there for.
// CHECK-LABEL: func.func @dequantize_of_quantize_stays
func.func @dequantize_of_quantize_stays(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: tq.quantize
  // CHECK: tq.dequantize
  %0 = tq.quantize %x : tensor<?x5xf32> -> tensor<?x5x!u8>
  %1 = tq.dequantize %0 : (tensor<?x5x!u8>) -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// The range of a row may be another after rounding.
// CHECK-LABEL: func.func @dynamic_requantize_stays
func.func @dynamic_requantize_stays(%x: tensor<?x5xf32>) -> (tensor<?xf32>, tensor<?x5xf32>) {
  // CHECK-COUNT-2: tq.dynamic_quantize
  %q, %s, %z = tq.dynamic_quantize %x : tensor<?x5xf32>
    -> tensor<?x5x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
  %0 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<?x5x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x5xf32>
  %q1, %s1, %z1 = tq.dynamic_quantize %0 : tensor<?x5xf32>
    -> tensor<?x5x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
  return %s1, %0 : tensor<?xf32>, tensor<?x5xf32>
}

// -----

tq.weight @w : tensor<3x5xf16> = #tq.mapped<"f", 0>

// CHECK-LABEL: func.func @equal_ops_become_one
func.func @equal_ops_become_one(%ids: tensor<?x?xi64>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<?x?xi64>, tensor<?x?xi64>) {
  // CHECK-COUNT-1: tq.get_weight
  // CHECK-NOT: tq.get_weight
  // CHECK-COUNT-1: tq.quantize_weight
  // CHECK-NOT: tq.quantize_weight
  // CHECK-COUNT-1: tq.position_ids
  // CHECK-NOT: tq.position_ids
  %0 = tq.get_weight @w : tensor<3x5xf32>
  %1 = tq.get_weight @w : tensor<3x5xf32>
  %q0, %s0 = tq.quantize_weight %0 : tensor<3x5xf32>
    -> tensor<3x5x!quant.any<i8<-127:127>:f32>>, tensor<3xf32>
  %q1, %s1 = tq.quantize_weight %1 : tensor<3x5xf32>
    -> tensor<3x5x!quant.any<i8<-127:127>:f32>>, tensor<3xf32>
  %p0 = tq.position_ids %ids : tensor<?x?xi64>
  %p1 = tq.position_ids %ids : tensor<?x?xi64>
  return %s0, %s1, %p0, %p1 : tensor<3xf32>, tensor<3xf32>, tensor<?x?xi64>, tensor<?x?xi64>
}
