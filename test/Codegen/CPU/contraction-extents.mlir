// RUN: tq-opt %s %{plans:avx512} -tq-generate-kernels | FileCheck %s

// Ops that are stored beside a contraction go over its rows and outputs, or the
// kernel is none: what is 8 wide would be written in vectors of 16.

#same = affine_map<(m, n) -> (m, n)>
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: program.kernel @epilogue {
// CHECK:         program.variant {{.*}} code {
program.kernel @epilogue {
func.func @epilogue(%x: tensor<?x4xf32>, %w: tensor<16x4xf32> {program.weight}, %out: tensor<?x16xf32>)
    -> tensor<?x16xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %a = tensor.empty(%n) : tensor<?x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%a : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #acc], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : tensor<?x4xf32>, tensor<16x4xf32>) outs(%f : tensor<?x16xf32>) {
  ^bb0(%in: f32, %b: f32, %c: f32):
    %r = math.fma %in, %b, %c : f32
    linalg.yield %r : f32
  } -> tensor<?x16xf32>
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%in: f32, %old: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}

// CHECK-LABEL: program.kernel @narrow {
// CHECK:         program.variant {{.*}}linux-gnu">{{$}}
program.kernel @narrow {
func.func @narrow(%x: tensor<?x4xf32>, %w: tensor<16x4xf32> {program.weight}, %z: tensor<?x8xf32>, %out: tensor<?x16xf32>,
                          %other: tensor<?x8xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #acc], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : tensor<?x4xf32>, tensor<16x4xf32>) outs(%f : tensor<?x16xf32>) {
  ^bb0(%in: f32, %b: f32, %c: f32):
    %r = math.fma %in, %b, %c : f32
    linalg.yield %r : f32
  } -> tensor<?x16xf32>
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%z : tensor<?x8xf32>) outs(%other : tensor<?x8xf32>) {
  ^bb0(%in: f32, %old: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %y, %0 : tensor<?x16xf32>, tensor<?x8xf32>
}
}
