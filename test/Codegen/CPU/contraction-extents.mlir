// RUN: tq-opt %s -tq-generate-kernels=isa=avx512 | FileCheck %s

// Ops that are stored beside a contraction go over its rows and outputs, or the
// kernel is none: what is 8 wide would be written in vectors of 16.

#same = affine_map<(m, n) -> (m, n)>
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

// CHECK:       @epilogue.code(
// CHECK-LABEL: func.func private @epilogue(
func.func private @epilogue(%x: tensor<?x4xf32>, %w: tensor<1x4x16x1xf32>, %out: tensor<?x16xf32>)
    -> tensor<?x16xf32> attributes {tq.kernel} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty() : tensor<16x4xf32>
  %u = linalg.unpack %w inner_dims_pos = [0, 1] inner_tiles = [16, 1] into %e : tensor<1x4x16x1xf32> -> tensor<16x4xf32>
  %a = tensor.empty(%n) : tensor<?x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%a : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #acc], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %u : tensor<?x4xf32>, tensor<16x4xf32>) outs(%f : tensor<?x16xf32>) {
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

// CHECK-LABEL: func.func private @narrow(
// CHECK-NOT:   @narrow.code
func.func private @narrow(%x: tensor<?x4xf32>, %w: tensor<1x4x16x1xf32>, %z: tensor<?x8xf32>, %out: tensor<?x16xf32>,
                          %other: tensor<?x8xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>) attributes {tq.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x4xf32>
  %u = linalg.unpack %w inner_dims_pos = [0, 1] inner_tiles = [16, 1] into %e : tensor<1x4x16x1xf32> -> tensor<16x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #acc], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %u : tensor<?x4xf32>, tensor<16x4xf32>) outs(%f : tensor<?x16xf32>) {
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
