// RUN: tq-opt %s -tq-pack-kernel-weights -split-input-file | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

// The last panel and the last group are filled up: 70 outputs are five panels of 16.

// CHECK: tq.weight {{.*}}@[[PACKED:w[^ ]+]] : tensor<5x48x16x1xf32> initializer
// CHECK:   tq.pack_weight %{{.*}} {group = 1 : i64, panel = 16 : i64}
// CHECK-LABEL: func.func @main
// CHECK:   %[[W:.*]] = tq.get_weight @[[PACKED]] : tensor<5x48x16x1xf32>
// CHECK:   call @linear(%{{.*}}, %[[W]], %{{.*}})
// CHECK-LABEL: func.func private @linear
// CHECK-SAME:  %[[ARG:[a-z0-9]+]]: tensor<5x48x16x1xf32>
// CHECK:   %[[U:.*]] = linalg.unpack %[[ARG]] {{.*}} : tensor<5x48x16x1xf32> -> tensor<70x48xf32>
// CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %[[U]] :
tq.weight @w : tensor<70x48xf32> = dense<0.5> : tensor<70x48xf32>
func.func @main(%x: tensor<?x48xf32>) -> tensor<?x70xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x48xf32>
  %w = tq.get_weight @w : tensor<70x48xf32>
  %e = tensor.empty(%n) : tensor<?x70xf32>
  %y = call @linear(%x, %w, %e) : (tensor<?x48xf32>, tensor<70x48xf32>, tensor<?x70xf32>) -> tensor<?x70xf32>
  return %y : tensor<?x70xf32>
}
func.func private @linear(%x: tensor<?x48xf32>, %w: tensor<70x48xf32>, %out: tensor<?x70xf32> {tq.out})
    -> tensor<?x70xf32> attributes {tq.kernel} {
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

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

// What is computed at run time stays as it is.

// CHECK-LABEL: func.func private @product
// CHECK-NOT: linalg.unpack
func.func @main(%x: tensor<?x48xf32>, %w: tensor<70x48xf32>) -> tensor<?x70xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x48xf32>
  %e = tensor.empty(%n) : tensor<?x70xf32>
  %y = call @product(%x, %w, %e) : (tensor<?x48xf32>, tensor<70x48xf32>, tensor<?x70xf32>) -> tensor<?x70xf32>
  return %y : tensor<?x70xf32>
}
func.func private @product(%x: tensor<?x48xf32>, %w: tensor<70x48xf32>, %out: tensor<?x70xf32> {tq.out})
    -> tensor<?x70xf32> attributes {tq.kernel} {
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
