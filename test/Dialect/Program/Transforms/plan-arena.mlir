// RUN: tq-opt %s -program-form-schedules -program-plan-arena | FileCheck %s

// The two wide buffers live one after the other and share a slot, though a
// kernel's scratch, larger for many threads, comes before the second.

// CHECK: program.schedule @main {{.*}} arena "128*ceil(batch / 4)*threads + 2624*batch"
// CHECK: program.buffer [[WIDE:.*]](%{{.*}}) : tensor<?x480xf32>
// CHECK: program.buffer [[WIDE]](%{{.*}}) : tensor<?x640xf32>
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
func.func @main(%x: tensor<?x16xf32> {program.port = #program.port<"x", ["batch", "16"]>})
    -> (tensor<?x16xf32> {program.port = #program.port<"y", ["batch", "16"]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x480xf32>
  %0 = program.call @widen(%x, %e0) : (tensor<?x16xf32>, tensor<?x480xf32>) -> tensor<?x480xf32>
  %e1 = tensor.empty(%n) : tensor<?x16xf32>
  %1 = program.call @mix(%0, %e1) : (tensor<?x480xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x640xf32>
  %2 = program.call @widen_more(%1, %e2) : (tensor<?x16xf32>, tensor<?x640xf32>) -> tensor<?x640xf32>
  %e3 = tensor.empty(%n) : tensor<?x16xf32>
  %3 = program.call @narrow(%2, %e3) : (tensor<?x640xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %3 : tensor<?x16xf32>
}
program.kernel @widen {
func.func @widen(%x: tensor<?x16xf32>, %out: tensor<?x480xf32>) -> tensor<?x480xf32> {
  return %out : tensor<?x480xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x16xf32>, %out: memref<?x480xf32>):
  program.yield
}
}
program.kernel @mix {
func.func @mix(%x: tensor<?x480xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  return %out : tensor<?x16xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x480xf32>, %out: memref<?x16xf32>, %scratch: memref<?xi8>):
  program.yield
} workspace {
^bb0(%rows: index, %outRows: index):
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %0 = arith.ceildivui %rows, %c4 : index
  %1 = arith.muli %0, %c128 : index
  program.yield %1 : index
}
}
program.kernel @widen_more {
func.func @widen_more(%x: tensor<?x16xf32>, %out: tensor<?x640xf32>) -> tensor<?x640xf32> {
  return %out : tensor<?x640xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x16xf32>, %out: memref<?x640xf32>):
  program.yield
}
}
program.kernel @narrow {
func.func @narrow(%x: tensor<?x640xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  return %out : tensor<?x16xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x640xf32>, %out: memref<?x16xf32>):
  program.yield
}
}
}
