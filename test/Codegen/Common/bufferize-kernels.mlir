// RUN: tq-opt %s -tq-bufferize-kernels | FileCheck %s

// What is no kernel stays.

// CHECK-LABEL: func.func private @untouched(
// CHECK-SAME:    tensor<8xf32>
func.func private @untouched(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}

// Copies into a part of a buffer are loops: there is no runtime to call.

// CHECK-LABEL: func.func private @insert(
// CHECK-SAME:    %{{.*}}: memref<?x8xf32>, %{{.*}}: index, %[[OUT:.*]]: memref<?x16xf32>) attributes {tq.kernel}
// CHECK-NOT:     memref.copy
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             memref.load
// CHECK:             memref.store
// CHECK-NOT:     memref.copy
// CHECK:         return{{$}}
func.func private @insert(%x: tensor<?x8xf32>, %at: index, %out: tensor<?x16xf32>) -> tensor<?x16xf32>
    attributes {tq.kernel} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = tensor.insert_slice %x into %out[0, %at] [%n, 8] [1, 1] : tensor<?x8xf32> into tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// A temporary is given back.

// CHECK-LABEL: func.func private @twice(
// CHECK:         %[[T:.*]] = memref.alloc
// CHECK:         memref.dealloc %[[T]]
// CHECK-NEXT:    return
#id = affine_map<(i) -> (i)>
func.func private @twice(%x: tensor<10xf32>, %out: tensor<10xf32>) -> tensor<10xf32> attributes {tq.kernel} {
  %e = tensor.empty() : tensor<10xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
    ins(%x : tensor<10xf32>) outs(%e : tensor<10xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<10xf32>
  %b = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%out : tensor<10xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %c9 = arith.constant 9 : index
    %j = arith.subi %c9, %i : index
    %v = tensor.extract %a[%j] : tensor<10xf32>
    linalg.yield %v : f32
  } -> tensor<10xf32>
  return %b : tensor<10xf32>
}
