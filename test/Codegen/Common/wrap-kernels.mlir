// RUN: tq-opt %s -tq-wrap-kernels -split-input-file -verify-diagnostics | FileCheck %s

// A pointer and its dynamic size, then a number: words 0, 1 and 2. It runs as one item.

// CHECK-LABEL: func.func private @plain.count(
// CHECK:         %[[ONE:.*]] = arith.constant 1 : index
// CHECK:         return %[[ONE]]
// CHECK-LABEL: func.func private @plain.body(
// CHECK-SAME:    %[[BLOCK:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK:         llvm.getelementptr %[[BLOCK]][0]
// CHECK:         llvm.getelementptr %[[BLOCK]][1]
// CHECK:         %[[AT:.*]] = llvm.getelementptr %[[BLOCK]][2]
// CHECK:         %[[WORD:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i64
// CHECK:         %[[NUMBER:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK:         call @plain(%{{.*}}, %[[NUMBER]])
func.func private @plain(%x: memref<?x8xf32>, %n: index) attributes {tq.kernel} {
  return
}
func.func private @plain.count(index) -> index

// -----

// Work items come as arguments.

// CHECK-LABEL: func.func private @items.body(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %[[THREAD:.*]]: i64)
// CHECK-DAG:     %[[B:.*]] = arith.index_cast %[[BEGIN]]
// CHECK-DAG:     %[[E:.*]] = arith.index_cast %[[END]]
// CHECK-DAG:     %[[T:.*]] = arith.index_cast %[[THREAD]]
// CHECK:         call @items(%{{.*}}, %[[B]], %[[E]], %[[T]])
func.func private @items(%x: memref<?x8xf32>, %b: index, %e: index, %t: index) attributes {tq.kernel} {
  return
}
func.func private @items.count(%n: index) -> index {
  return %n : index
}

// -----

// expected-error@+1 {{expected a kernel on memrefs, but got argument 'tensor<8xf32>'}}
func.func private @tensors(%x: tensor<8xf32>) attributes {tq.kernel} {
  return
}
