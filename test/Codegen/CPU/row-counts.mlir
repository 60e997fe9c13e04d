// RUN: tq-opt %s -tq-generate-kernels=target=avx512 | FileCheck %s

// One number of rows a kernel: the static op below would make the rows 16.

// CHECK-LABEL: func.func private @two_counts(
// CHECK-NOT:   @two_counts.code
// CHECK:       @one_count.code(
#same = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<?x16xf32>, %w: tensor<16xf32>) -> (tensor<?x16xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x16xf32>
  %e1 = tensor.empty() : tensor<16xf32>
  %0:2 = call @two_counts(%x, %w, %e0, %e1) : (tensor<?x16xf32>, tensor<16xf32>, tensor<?x16xf32>, tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<16xf32>)
  %e2 = tensor.empty(%n) : tensor<?x16xf32>
  %1 = call @one_count(%0#0, %e2) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1, %0#1 : tensor<?x16xf32>, tensor<16xf32>
}
func.func private @two_counts(%x: tensor<?x16xf32>, %w: tensor<16xf32>, %out: tensor<?x16xf32>, %all: tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<16xf32>) attributes {tq.kernel} {
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]}
      ins(%w : tensor<16xf32>) outs(%all : tensor<16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %1, %0 : tensor<?x16xf32>, tensor<16xf32>
}
func.func private @one_count(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> attributes {tq.kernel} {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
