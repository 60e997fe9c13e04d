// RUN: tq-compile %s --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:avx512} -tq-generate-kernels | FileCheck %s

// A row that several ops read is kept on the stack if it suits the stack.

// CHECK-LABEL: program.kernel @add_layer_norm_64 {
// CHECK:         program.variant {{.*}} code {
// CHECK:         memref.alloca() {alignment = 64 : i64} : memref<64xf32>
// CHECK-LABEL: program.kernel @add_layer_norm_200000 {
// CHECK:         program.variant {{.*}} code {
// CHECK-NOT:     memref.alloca
tq.weight @a : tensor<64xf32> = dense<0.5> : tensor<64xf32>
tq.weight @b : tensor<200000xf32> = dense<0.5> : tensor<200000xf32>
func.func @main(%x: tensor<?x64xf32>, %y: tensor<?x200000xf32>) -> (tensor<?x64xf32>, tensor<?x200000xf32>) {
  %a = tq.get_weight @a : tensor<64xf32>
  %b = tq.get_weight @b : tensor<200000xf32>
  %xx = tq.add %x, %x : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %u = tq.layer_norm %xx, %a, %a {epsilon = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %yy = tq.add %y, %y : (tensor<?x200000xf32>, tensor<?x200000xf32>) -> tensor<?x200000xf32>
  %v = tq.layer_norm %yy, %b, %b {epsilon = 1.0e-5 : f32} : (tensor<?x200000xf32>, tensor<200000xf32>, tensor<200000xf32>) -> tensor<?x200000xf32>
  return %u, %v : tensor<?x64xf32>, tensor<?x200000xf32>
}
