// RUN: tq-opt %s -tq-expand-math | FileCheck %s

// CHECK-LABEL: func.func @all
// CHECK-NOT: math.exp
// CHECK-NOT: math.erf
// CHECK-NOT: math.tanh
// CHECK-NOT: math.rsqrt
func.func @all(%x: f32, %v: vector<4xf32>, %h: f16) -> (f32, f32, f32, f32, f32, vector<4xf32>, f16) {
  // CHECK-COUNT-14: math.fma
  %0 = math.exp %x : f32
  %1 = math.exp2 %x : f32
  %2 = math.erf %x : f32
  %3 = math.tanh %x : f32
  %4 = math.rsqrt %x : f32
  // CHECK: math.fma {{.*}} : vector<4xf32>
  %5 = math.exp %v : vector<4xf32>
  // CHECK: arith.extf {{.*}} : f16 to f32
  // CHECK: arith.truncf {{.*}} : f32 to f16
  %6 = math.exp2 %h : f16
  return %0, %1, %2, %3, %4, %5, %6 : f32, f32, f32, f32, f32, vector<4xf32>, f16
}

// What has no polynomial, and double precision, is left alone.

// CHECK-LABEL: func.func @others
func.func @others(%x: f32, %d: f64) -> (f32, f64) {
  // CHECK: math.log
  %0 = math.log %x : f32
  // CHECK: math.exp {{.*}} : f64
  %1 = math.exp %d : f64
  return %0, %1 : f32, f64
}

// CHECK-LABEL: func.func @rsqrt
func.func @rsqrt(%x: f32) -> f32 {
  // CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00
  // CHECK: %[[ROOT:.*]] = math.sqrt
  // CHECK: arith.divf %[[ONE]], %[[ROOT]]
  %0 = math.rsqrt %x : f32
  return %0 : f32
}
