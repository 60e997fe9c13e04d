// RUN: tq-opt %s %{plans:avx512} -tq-generate-kernels | FileCheck %s

// A weight of a contraction is read in panels. 70 outputs are five panels of 16:
// the last one is filled up.

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: program.kernel @linear {
// CHECK:         program.variant {{.*}} packed [#program.packed<1, panel = 16, group = 1>] code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<?x48xf32>, %{{.*}}: memref<5x48x16x1xf32>, %{{.*}}: memref<?x70xf32>,
program.kernel @linear {
func.func @linear(%x: tensor<?x48xf32>, %w: tensor<70x48xf32> {program.weight}, %out: tensor<?x70xf32>)
    -> tensor<?x70xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x70xf32>) -> tensor<?x70xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #acc], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : tensor<?x48xf32>, tensor<70x48xf32>) outs(%f : tensor<?x70xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %r = math.fma %a, %b, %c : f32
    linalg.yield %r : f32
  } -> tensor<?x70xf32>
  return %y : tensor<?x70xf32>
}
}

// What is computed at run time stays as it is.

// CHECK-LABEL: program.kernel @product {
// CHECK-NOT:     packed
// CHECK:         program.variant {{.*}} plan #cpu.rows<stack = 262144>
program.kernel @product {
func.func @product(%x: tensor<?x48xf32>, %w: tensor<70x48xf32>, %out: tensor<?x70xf32>) -> tensor<?x70xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x70xf32>) -> tensor<?x70xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #acc], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : tensor<?x48xf32>, tensor<70x48xf32>) outs(%f : tensor<?x70xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %r = math.fma %a, %b, %c : f32
    linalg.yield %r : f32
  } -> tensor<?x70xf32>
  return %y : tensor<?x70xf32>
}
}
