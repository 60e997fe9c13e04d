// RUN: tq-opt %s -tq-bufferize-kernels -split-input-file -verify-diagnostics | FileCheck %s

// What is no kernel stays.

// CHECK-LABEL: func.func private @untouched(
// CHECK-SAME:    tensor<8xf32>
func.func private @untouched(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}

// Copies into a part of a buffer are loops: there is no runtime to call. What the kernel
// computes stays.

// CHECK-LABEL: func.func private @insert(
// CHECK-SAME:    tensor<?x16xf32> attributes {tq.kernel}
// CHECK-LABEL: func.func private @insert.code(
// CHECK-SAME:    %{{.*}}: memref<?x8xf32>, %{{.*}}: index, %[[OUT:.*]]: memref<?x16xf32>) attributes {tq.kernel_code}
// CHECK-NOT:     memref.copy
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             memref.load
// CHECK:             memref.store
// CHECK-NOT:     memref.copy
// CHECK:         return{{$}}
// CHECK-NOT:   @insert.workspace
func.func private @insert(%x: tensor<?x8xf32>, %at: index, %out: tensor<?x16xf32>) -> tensor<?x16xf32>
    attributes {tq.kernel} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = tensor.insert_slice %x into %out[0, %at] [%n, 8] [1, 1] : tensor<?x8xf32> into tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

// A kernel that has code keeps it.

// CHECK:     func.func private @done(
// CHECK:     func.func private @done.code(
// CHECK-NOT: @done
func.func private @done(%out: tensor<8xf32>) -> tensor<8xf32> attributes {tq.kernel} {
  return %out : tensor<8xf32>
}
func.func private @done.code(%out: memref<8xf32>, %begin: index, %end: index) attributes {tq.kernel_code} {
  return
}

// -----

// Temporaries lie one behind the other in scratch memory: 10 * 4 bytes take 64, so the
// second starts there. Nothing is allocated.

// CHECK-LABEL: func.func private @twice.code(
// CHECK-SAME:    %[[N:[a-z0-9]+]]: index, %{{.*}}: memref<?xf32>, %[[S:.*]]: memref<?xi8> {tq.workspace})
// CHECK-NOT:     memref.alloc
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK:         memref.view %[[S]][%[[C0]]][] : memref<?xi8> to memref<10xf32>
// CHECK:         memref.view %[[S]][%[[C64]]][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK-NOT:     memref.alloc
// CHECK:         return

// Their bytes follow from the sizes of the arguments: that of %x, the number, that of %out.

// CHECK-LABEL: func.func private @twice.workspace(
// CHECK-SAME:    %{{[a-z0-9]+}}: index, %[[N:[a-z0-9]+]]: index, %[[OUT:[a-z0-9]+]]: index) -> index
// CHECK:         %[[SUM:.*]] = arith.addi %[[OUT]], %[[N]]
// CHECK:         %[[BYTES:.*]] = arith.muli %[[SUM]], %{{.*}}
// CHECK:         %[[LINES:.*]] = arith.ceildivui %[[BYTES]], %{{.*}}
// CHECK:         %[[ROUNDED:.*]] = arith.muli %[[LINES]], %{{.*}}
// CHECK:         %[[TOTAL:.*]] = arith.addi %[[ROUNDED]], %{{.*}}
// CHECK:         return %[[TOTAL]]
#id = affine_map<(i) -> (i)>
func.func private @twice(%x: tensor<?xf32>, %n: index, %out: tensor<?xf32>) -> tensor<?xf32> attributes {tq.kernel} {
  %c0 = arith.constant 0 : index
  %size = tensor.dim %out, %c0 : tensor<?xf32>
  %sum = arith.addi %size, %n : index
  %e = tensor.empty() : tensor<10xf32>
  %a = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]}
    outs(%e : tensor<10xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %x[%i] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<10xf32>
  %f = tensor.empty(%sum) : tensor<?xf32>
  %b = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]}
    outs(%f : tensor<?xf32>) {
  ^bb0(%o: f32):
    %c9 = arith.constant 9 : index
    %v = tensor.extract %a[%c9] : tensor<10xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %c = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%out : tensor<?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = arith.addi %i, %n : index
    %v = tensor.extract %b[%j] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  return %c : tensor<?xf32>
}

// -----

// A size that depends on data cannot be planned.

#id = affine_map<(i) -> (i)>
// expected-error@+1 {{kernel 'filter': expected temporaries whose sizes follow from those of the arguments, but got 'memref<?xf32>'}}
func.func private @filter(%x: tensor<8xindex>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {tq.kernel} {
  %c0 = arith.constant 0 : index
  %n = tensor.extract %x[%c0] : tensor<8xindex>
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%e : tensor<?xf32>) {
  ^bb0(%o: f32):
    %one = arith.constant 1.0 : f32
    linalg.yield %one : f32
  } -> tensor<?xf32>
  %b = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%out : tensor<8xf32>) {
  ^bb0(%o: f32):
    %v = tensor.extract %a[%c0] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<8xf32>
  return %b : tensor<8xf32>
}
