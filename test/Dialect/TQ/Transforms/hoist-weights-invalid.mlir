// RUN: tq-opt %s -tq-hoist-weights -verify-diagnostics

func.func @bools() -> tensor<2xi1> {
  // expected-error @below {{expected a constant of f32, f16, bf16, i8, i32 or i64 elements, but got 'tensor<2xi1>'}}
  %0 = arith.constant dense<[true, false]> : tensor<2xi1>
  return %0 : tensor<2xi1>
}
