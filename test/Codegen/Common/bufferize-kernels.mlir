// RUN: tq-opt %s %variants -tq-bufferize-kernels -split-input-file -verify-diagnostics | FileCheck %s

// Copies into a part of a buffer are loops: there is no runtime to call. What the kernel
// computes stays.

// CHECK-LABEL: program.kernel @insert {
// CHECK-NEXT:    func.func @insert(%{{.*}}: tensor<?x8xf32>, %{{.*}}: index, %{{.*}}: tensor<?x16xf32>)
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<?x8xf32>, %{{.*}}: index, %{{.*}}: memref<?x16xf32>):
// CHECK-NOT:     memref.copy
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             memref.load
// CHECK:             memref.store
// CHECK-NOT:     memref.copy
// CHECK:         program.yield
// CHECK-NEXT:    }{{$}}
program.kernel @insert {
func.func @insert(%x: tensor<?x8xf32>, %at: index, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = tensor.insert_slice %x into %out[0, %at] [%n, 8] [1, 1] : tensor<?x8xf32> into tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}
}

// -----

// A variant that has code keeps it; the others have the same.

// CHECK-LABEL: program.kernel @done {
// CHECK:         program.variant <"x86-64-v4", {{.*}}> code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<8xf32>, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:      program.yield
// CHECK-NEXT:    } count {
// CHECK:         program.variant <"armv8", {{.*}}> code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<8xf32>):
// CHECK-NEXT:      program.yield
// CHECK-NEXT:    }{{$}}
// CHECK:         program.variant <"x86-64-v3", {{.*}}> code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<8xf32>):
// CHECK-NEXT:      program.yield
// CHECK-NEXT:    }{{$}}
program.kernel @done {
func.func @done(%out: tensor<8xf32>) -> tensor<8xf32> {
  return %out : tensor<8xf32>
}
program.variant <"x86-64-v4", "x86_64-unknown-linux-gnu"> code {
^bb0(%out: memref<8xf32>, %begin: index, %end: index):
  program.yield
} count {
  %c1 = arith.constant 1 : index
  program.yield %c1 : index
}
program.variant <"armv8", "aarch64-linux-gnu">
}

// -----

// Temporaries lie one behind the other in scratch memory: 10 * 4 bytes take 64, so the
// second starts there. Nothing is allocated.

// CHECK-LABEL: program.kernel @twice {
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<?xf32>, %[[N:[a-z0-9]+]]: index, %{{.*}}: memref<?xf32>, %[[S:.*]]: memref<?xi8>):
// CHECK-NOT:     memref.alloc
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK:         memref.view %[[S]][%[[C0]]][] : memref<?xi8> to memref<10xf32>
// CHECK:         memref.view %[[S]][%[[C64]]][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK-NOT:     memref.alloc
// CHECK:         program.yield

// Their bytes follow from the sizes of the arguments: that of %x, the number, that of %out.

// CHECK:         } workspace {
// CHECK-NEXT:    ^bb0(%{{[a-z0-9]+}}: index, %[[N:[a-z0-9]+]]: index, %[[OUT:[a-z0-9]+]]: index):
// CHECK:         %[[SUM:.*]] = arith.addi %[[OUT]], %[[N]]
// CHECK:         %[[BYTES:.*]] = arith.muli %[[SUM]], %{{.*}}
// CHECK:         %[[LINES:.*]] = arith.ceildivui %[[BYTES]], %{{.*}}
// CHECK:         %[[ROUNDED:.*]] = arith.muli %[[LINES]], %{{.*}}
// CHECK:         %[[TOTAL:.*]] = arith.addi %[[ROUNDED]], %{{.*}}
// CHECK:         program.yield %[[TOTAL]]
#id = affine_map<(i) -> (i)>
program.kernel @twice {
func.func @twice(%x: tensor<?xf32>, %n: index, %out: tensor<?xf32>) -> tensor<?xf32> {
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
}

// -----

// A size that depends on data cannot be planned.

#id = affine_map<(i) -> (i)>
// expected-error@+1 {{kernel 'filter': expected temporaries whose sizes follow from those of the arguments, but got 'memref<?xf32>'}}
program.kernel @filter {
func.func @filter(%x: tensor<8xindex>, %out: tensor<8xf32>) -> tensor<8xf32> {
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
}
