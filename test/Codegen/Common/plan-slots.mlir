// RUN: tq-opt %s -tq-plan-schedule | FileCheck %s

// The two wide buffers live one after the other and share a slot, though a
// kernel's scratch, larger for many threads, comes before the second.

// CHECK: arena_formula = "128*ceil(batch / 4)*threads + 2624*batch"
module {
func.func @main(%x: tensor<?x16xf32> {tq.name = "x", tq.dims = ["batch", "16"]})
    -> (tensor<?x16xf32> {tq.name = "y", tq.dims = ["batch", "16"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x480xf32>
  %0 = call @widen(%x, %e0) : (tensor<?x16xf32>, tensor<?x480xf32>) -> tensor<?x480xf32>
  %e1 = tensor.empty(%n) : tensor<?x16xf32>
  %1 = call @mix(%0, %e1) : (tensor<?x480xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x640xf32>
  %2 = call @widen_more(%1, %e2) : (tensor<?x16xf32>, tensor<?x640xf32>) -> tensor<?x640xf32>
  %e3 = tensor.empty(%n) : tensor<?x16xf32>
  %3 = call @narrow(%2, %e3) : (tensor<?x640xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %3 : tensor<?x16xf32>
}
func.func private @widen(%x: tensor<?x16xf32>, %out: tensor<?x480xf32> {tq.out}) -> tensor<?x480xf32> attributes {tq.kernel} {
  return %out : tensor<?x480xf32>
}
func.func private @widen.code(%x: memref<?x16xf32>, %out: memref<?x480xf32>) attributes {tq.kernel_code} {
  return
}
func.func private @mix(%x: tensor<?x480xf32>, %out: tensor<?x16xf32> {tq.out}) -> tensor<?x16xf32> attributes {tq.kernel} {
  return %out : tensor<?x16xf32>
}
func.func private @mix.code(%x: memref<?x480xf32>, %out: memref<?x16xf32>,
                            %scratch: memref<?xi8> {tq.workspace}) attributes {tq.kernel_code} {
  return
}
func.func private @mix.workspace(%rows: index, %outRows: index) -> index {
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %0 = arith.ceildivui %rows, %c4 : index
  %1 = arith.muli %0, %c128 : index
  return %1 : index
}
func.func private @widen_more(%x: tensor<?x16xf32>, %out: tensor<?x640xf32> {tq.out}) -> tensor<?x640xf32> attributes {tq.kernel} {
  return %out : tensor<?x640xf32>
}
func.func private @widen_more.code(%x: memref<?x16xf32>, %out: memref<?x640xf32>) attributes {tq.kernel_code} {
  return
}
func.func private @narrow(%x: tensor<?x640xf32>, %out: tensor<?x16xf32> {tq.out}) -> tensor<?x16xf32> attributes {tq.kernel} {
  return %out : tensor<?x16xf32>
}
func.func private @narrow.code(%x: memref<?x640xf32>, %out: memref<?x16xf32>) attributes {tq.kernel_code} {
  return
}
}
