// RUN: tq-opt %s -program-form-schedules -program-place-weights -program-plan-arena -split-input-file \
// RUN:   | FileCheck %s

// A function becomes a description and a schedule. Of four buffers the last is the result;
// the first is not used any more when the third is written: one slot for two. The scratch
// of the kernel's code is live during its call: a slot of its own.

// CHECK:       tq.weight @w {offset = 0 : i64} : tensor<8xf32>
// CHECK-LABEL: program.entry @main : (tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK-SAME:    inputs [#program.port<"x", ["batch", "8"]>] outputs [#program.port<"y", ["batch", "8"]>]
// CHECK-SAME:    calls [#program.call_site<@scale, "first", "f32", "">, #program.call_site<@scale, "", "", "because">,
// CHECK:       program.schedule @main <"x86-64-v3", "x86_64-unknown-linux-gnu">
// CHECK-SAME:    arena "128*ceil(batch / 4)*threads + 128*ceil(32*batch / 64)"
// CHECK:         %[[N:.*]] = tensor.dim
// CHECK:         %[[W:.*]] = tq.get_weight @w
// CHECK:         %[[E0:.*]] = program.buffer [[A:.*]](%[[N]])
// CHECK:         program.call @scale(%{{.*}}, %[[W]], %[[N]], %[[E0]]) scratch in slot [[S:.*]] {
// CHECK:         %[[E1:.*]] = program.buffer [[B:.*]](%[[N]])
// CHECK:         program.call @scale(%{{.*}}, %[[E1]]) scratch in slot [[S]]
// CHECK:         program.buffer [[A]](%[[N]])
// CHECK:         program.call @scale
// CHECK:         %[[OUT:.*]] = tensor.empty(%[[N]])
// CHECK:         %[[Y:.*]] = program.call @scale(%{{.*}}, %[[OUT]])
// CHECK:         program.yield %[[Y]]
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2], program.symbols = [#program.symbol<"batch", max = 512, batch>]} {
tq.weight @w : tensor<8xf32> = dense<2.0> : tensor<8xf32>
func.func @main(%x: tensor<?x8xf32> {program.port = #program.port<"x", ["batch", "8"]>})
    -> (tensor<?x8xf32> {program.port = #program.port<"y", ["batch", "8"]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w = tq.get_weight @w : tensor<8xf32>
  %e0 = tensor.empty(%n) : tensor<?x8xf32>
  %0 = program.call @scale(%x, %w, %n, %e0) {layer = "first", scheme = "f32"} : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e1 = tensor.empty(%n) : tensor<?x8xf32>
  %1 = program.call @scale(%0, %w, %n, %e1) {reason = "because"} : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e2 = tensor.empty(%n) : tensor<?x8xf32>
  %2 = program.call @scale(%1, %w, %n, %e2) : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e3 = tensor.empty(%n) : tensor<?x8xf32>
  %3 = program.call @scale(%2, %w, %n, %e3) : (tensor<?x8xf32>, tensor<8xf32>, index, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}
program.kernel @scale {
func.func @scale(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %n: index, %out: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  return %out : tensor<?x8xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x8xf32>, %w: memref<8xf32>, %n: index, %out: memref<?x8xf32>, %scratch: memref<?xi8>):
  program.yield
} workspace {
^bb0(%rows: index, %n: index, %outRows: index):
  %c4 = arith.constant 4 : index
  %c128 = arith.constant 128 : index
  %0 = arith.ceildivui %n, %c4 : index
  %1 = arith.muli %0, %c128 : index
  program.yield %1 : index
}
}
}

// -----

// Each target reads weights in the form that its variants want, and what both want is
// there once: @w in panels of 16 for one and of 8 for the other, @b as it is. A narrow
// weight is widened.

// CHECK-DAG:   tq.weight @[[B:b.f32.*]] {offset = 0 : i64} : tensor<16xf32> initializer {
// CHECK-DAG:   tq.weight @[[W8:w.packed.*]] {offset = 64 : i64} : tensor<2x4x8x1xf32> initializer {
// CHECK-DAG:     tq.pack_weight %{{.*}} {group = 1 : i64, panel = 8 : i64}
// CHECK-DAG:   tq.weight @[[W16:w.packed.*]] {offset = 320 : i64} : tensor<1x4x16x1xf32> initializer {
// CHECK-DAG:     tq.pack_weight %{{.*}} {group = 1 : i64, panel = 16 : i64}
// CHECK-LABEL: program.entry @main
// CHECK:       program.schedule @main <"x86-64-v3"
// CHECK-DAG:     %[[WIDE:.*]] = tq.get_weight @[[B]] : tensor<16xf32>
// CHECK-DAG:     %[[PACKED:.*]] = tq.get_weight @[[W8]] : tensor<2x4x8x1xf32>
// CHECK:         program.call @linear(%{{.*}}, %[[PACKED]], %[[WIDE]], %{{.*}})
// CHECK:       program.schedule @main <"x86-64-v4"
// CHECK-DAG:     %[[WIDE:.*]] = tq.get_weight @[[B]] : tensor<16xf32>
// CHECK-DAG:     %[[PACKED:.*]] = tq.get_weight @[[W16]] : tensor<1x4x16x1xf32>
// CHECK:         program.call @linear(%{{.*}}, %[[PACKED]], %[[WIDE]], %{{.*}})
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
#avx512 = #program.target<"x86-64-v4", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2, #avx512]} {
tq.weight @w : tensor<16x4xf32> = dense<0.5> : tensor<16x4xf32>
tq.weight @b : tensor<16xf16> = dense<0.5> : tensor<16xf16>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %b = tq.get_weight @b : tensor<16xf32>
  %w = tq.get_weight @w : tensor<16x4xf32>
  %e = tensor.empty(%n) : tensor<?x16xf32>
  %y = program.call @linear(%x, %w, %b, %e)
    : (tensor<?x4xf32>, tensor<16x4xf32>, tensor<16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
program.kernel @linear {
func.func @linear(%x: tensor<?x4xf32>, %w: tensor<16x4xf32> {program.weight}, %b: tensor<16xf32> {program.weight},
                  %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  return %out : tensor<?x16xf32>
}
program.variant #avx2 packed [#program.packed<1, panel = 8, group = 1>] code {
^bb0(%x: memref<?x4xf32>, %w: memref<2x4x8x1xf32>, %b: memref<16xf32>, %out: memref<?x16xf32>):
  program.yield
}
program.variant #avx512 packed [#program.packed<1, panel = 16, group = 1>] code {
^bb0(%x: memref<?x4xf32>, %w: memref<1x4x16x1xf32>, %b: memref<16xf32>, %out: memref<?x16xf32>):
  program.yield
}
}
}
