// RUN: tq-opt %s -split-input-file -tq-hoist-weights | FileCheck %s

tq.weight @a : tensor<4x8xf16> = #tq.mapped<"m", 0>
tq.weight @b : tensor<4x8xf16> = #tq.mapped<"m", 64>

// CHECK:      tq.weight "private" @a.concat.q8 : tensor<8x8x!quant.any<i8<-127:127>:f32>> initializer {
// CHECK-NEXT:   %[[A:.*]] = tq.get_weight @a : tensor<4x8xf32>
// CHECK-NEXT:   %[[B:.*]] = tq.get_weight @b : tensor<4x8xf32>
// CHECK-NEXT:   %[[C:.*]] = tensor.concat dim(0) %[[A]], %[[B]]
// CHECK-NEXT:   %[[Q:.*]], %{{.*}} = tq.quantize_weight %[[C]]
// CHECK-NEXT:   tq.yield %[[Q]]
// CHECK:      tq.weight "private" @a.concat.scales : tensor<8xf32> initializer
// CHECK:      tq.weight "private" @a.concat.q8.sums : tensor<8xi32> initializer
// CHECK-LABEL: func.func @main()
// CHECK-NEXT:   %[[S:.*]] = tq.get_weight @a.concat.scales : tensor<8xf32>
// CHECK-NEXT:   %[[Q:.*]] = tq.get_weight @a.concat.q8
// CHECK-NEXT:   %[[SUMS:.*]] = tq.get_weight @a.concat.q8.sums : tensor<8xi32>
// CHECK-NEXT:   call @kernel(%[[Q]], %[[S]], %[[SUMS]])
// CHECK-NEXT:   return
func.func @main() {
  %a = tq.get_weight @a : tensor<4x8xf32>
  %b = tq.get_weight @b : tensor<4x8xf32>
  %c = tensor.concat dim(0) %a, %b : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %q, %s = tq.quantize_weight %c : tensor<8x8xf32> -> tensor<8x8x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>
  %sums = tq.column_sums %q : tensor<8x8x!quant.any<i8<-127:127>:f32>> -> tensor<8xi32>
  call @kernel(%q, %s, %sums) : (tensor<8x8x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>, tensor<8xi32>) -> ()
  return
}
func.func private @kernel(tensor<8x8x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>, tensor<8xi32>)

// -----

// A tensor constant becomes a weight; a name that is taken gets a number.

// CHECK: tq.weight @constant
tq.weight @constant : tensor<2xf32> = dense<1.0> : tensor<2xf32>
// CHECK: tq.weight "private" @constant_1 : tensor<3xf32> = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
// CHECK-LABEL: func.func @constants()
func.func @constants() -> (tensor<3xf32>, f32) {
  %0 = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %1 = arith.constant 4.0 : f32
  // CHECK: %[[W:.*]] = tq.get_weight @constant_1 : tensor<3xf32>
  // CHECK-NOT: dense
  // CHECK: arith.constant 4.000000e+00 : f32
  // CHECK: return %[[W]]
  return %0, %1 : tensor<3xf32>, f32
}
