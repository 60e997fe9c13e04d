// RUN: tq-opt %s -tq-plan-schedule | FileCheck %s

// Of four buffers the last is the result; the first is not used any more when the third
// is written: two slots. The scratch of the kernel's code is live during its call: a third.

// CHECK:      module attributes {{.*}}tq.program = {
// CHECK-SAME:   arena_formula = "128*ceil(batch / 4)*threads + 128*ceil(32*batch / 64)"
// CHECK-SAME:   batch_dim = -1 : i64
// CHECK-SAME:   inputs = [{dims = [-1, 8], dtype = "f32", fill = 0 : i64, limit = 0 : i64, name = "x"}]
// CHECK-SAME:   kernels = ["scale"]
// CHECK-SAME:   outputs = [{dims = [-1, 8], dtype = "f32", fill = 0 : i64, limit = 0 : i64, name = "y"}]
// CHECK-SAME:   symbols = [{max = 512 : i64, name = "batch"}]
// CHECK-SAME:   weights_bytes = 64 : i64
// CHECK:      tq.weight @w {{.*}}tq.offset = 0 : i64
// CHECK-NOT:  @main
// CHECK-NOT:  @scale(
// CHECK-DAG:  func.func @tq_program_plan(
// CHECK-DAG:  func.func @tq_program_run(
// CHECK-DAG:  func.func private @scale.count(index, index, index) -> index
// CHECK-DAG:  func.func private @scale.body(!llvm.ptr, i64, i64, i64)
module attributes {tq.batch_dim = "batch", tq.dim_limits = {batch = 512 : i64}} {
tq.weight @w : tensor<8xf32> = dense<2.0> : tensor<8xf32>
func.func @main(%x: tensor<?x8xf32> {tq.name = "x", tq.dims = ["batch", "8"]})
    -> (tensor<?x8xf32> {tq.name = "y", tq.dims = ["batch", "8"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w = tq.get_weight @w : tensor<8xf32>
  %e0 = tensor.empty(%n) : tensor<?x8xf32>
  %0 = call @scale(%x, %w, %n, %e0) : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e1 = tensor.empty(%n) : tensor<?x8xf32>
  %1 = call @scale(%0, %w, %n, %e1) : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e2 = tensor.empty(%n) : tensor<?x8xf32>
  %2 = call @scale(%1, %w, %n, %e2) : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e3 = tensor.empty(%n) : tensor<?x8xf32>
  %3 = call @scale(%2, %w, %n, %e3) : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}
func.func private @scale(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %n: index, %out: tensor<?x8xf32> {tq.out})
    -> tensor<?x8xf32> attributes {tq.kernel} {
  return %out : tensor<?x8xf32>
}
func.func private @scale.code(%x: memref<?x8xf32>, %w: memref<8xf32>, %n: index, %out: memref<?x8xf32>,
                              %scratch: memref<?xi8> {tq.workspace}) attributes {tq.kernel_code} {
  return
}
func.func private @scale.workspace(%rows: index, %n: index, %outRows: index) -> index {
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %0 = arith.ceildivui %n, %c4 : index
  %1 = arith.muli %0, %c128 : index
  return %1 : index
}
}
