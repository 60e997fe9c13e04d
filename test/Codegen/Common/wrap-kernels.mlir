// RUN: tq-opt %s -tq-wrap-kernels -split-input-file -verify-diagnostics | FileCheck %s

// A pointer and its dynamic size, a number, scratch and its bytes: words 0 to 4. It runs as
// one item, in the scratch of the thread.

// CHECK-LABEL: func.func private @plain.count(
// CHECK:         %[[ONE:.*]] = arith.constant 1 : index
// CHECK:         return %[[ONE]]
// CHECK-LABEL: func.func private @plain.body(
// CHECK-SAME:    %[[BLOCK:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %[[THREAD:.*]]: i64)
// CHECK:         llvm.getelementptr %[[BLOCK]][0]
// CHECK:         llvm.getelementptr %[[BLOCK]][1]
// CHECK:         %[[AT:.*]] = llvm.getelementptr %[[BLOCK]][2]
// CHECK:         %[[WORD:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i64
// CHECK:         %[[NUMBER:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK:         %[[AT3:.*]] = llvm.getelementptr %[[BLOCK]][3]
// CHECK:         %[[BASE:.*]] = llvm.load %[[AT3]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[AT4:.*]] = llvm.getelementptr %[[BLOCK]][4]
// CHECK:         %[[BYTES:.*]] = llvm.load %[[AT4]] : !llvm.ptr -> i64
// CHECK:         %[[OFFSET:.*]] = llvm.mul %[[THREAD]], %[[BYTES]]
// CHECK:         llvm.getelementptr %[[BASE]][%[[OFFSET]]] : (!llvm.ptr, i64) -> !llvm.ptr, i8
// CHECK:         call @plain.code(%{{.*}}, %[[NUMBER]], %{{.*}})
func.func private @plain.code(%x: memref<?x8xf32>, %n: index, %scratch: memref<?xi8> {tq.workspace})
    attributes {tq.kernel_code} {
  return
}
func.func private @plain.count(index, index) -> index

// -----

// Work items come as arguments.

// CHECK-LABEL: func.func private @items.body(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %{{.*}}: i64)
// CHECK-DAG:     %[[B:.*]] = arith.index_cast %[[BEGIN]]
// CHECK-DAG:     %[[E:.*]] = arith.index_cast %[[END]]
// CHECK:         call @items.code(%{{.*}}, %[[B]], %[[E]])
func.func private @items.code(%x: memref<?x8xf32>, %b: index, %e: index) attributes {tq.kernel_code} {
  return
}
func.func private @items.count(%n: index) -> index {
  return %n : index
}

// -----

// expected-error@+1 {{expected a kernel on memrefs, but got argument 'tensor<8xf32>'}}
func.func private @tensors.code(%x: tensor<8xf32>) attributes {tq.kernel_code} {
  return
}

// -----

// expected-error@+1 {{expected a name that ends in '.code', but got '@nameless'}}
func.func private @nameless(%x: memref<8xf32>) attributes {tq.kernel_code} {
  return
}
