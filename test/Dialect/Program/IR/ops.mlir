// RUN: tq-opt %s | tq-opt | FileCheck %s
// RUN: tq-opt %s -emit-bytecode | tq-opt | FileCheck %s

#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
#neon = #program.target<"generic", "aarch64-unknown-linux-gnu">

// CHECK-LABEL: program.entry @main : (tensor<?x8xf32>) -> tensor<?x4xf32>
// CHECK-SAME:    inputs [#program.port<"x", ["n", ""]>] outputs [#program.port<"y", ["n", ""]>] checks ["c"]
// CHECK-SAME:    calls [#program.call_site<@linear, "layer", "f32", "">] arenas ["64"]
program.entry @main : (tensor<?x8xf32>) -> tensor<?x4xf32>
  inputs [#program.port<"x", ["n", ""]>] outputs [#program.port<"y", ["n", ""]>]
  checks ["c"] calls [#program.call_site<@linear, "layer", "f32", "">] arenas ["64"]

tq.weight @w {offset = 0 : i64} : tensor<1x8x16x1xf32> = dense<0.0> : tensor<1x8x16x1xf32>

// CHECK-LABEL: program.schedule @main <"x86-64-v3", "x86_64-unknown-linux-gnu"> arena "64*n" {
// CHECK-NEXT:  ^bb0(%[[X:.*]]: tensor<?x8xf32>):
program.schedule @main #avx2 arena "64*n" {
^bb0(%x: tensor<?x8xf32>):
  %c0 = arith.constant 0 : index
  // CHECK: %[[N:.*]] = tensor.dim
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w = tq.get_weight @w : tensor<1x8x16x1xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  // CHECK: %[[Y:.*]] = program.rows block 256 unit 16 least 32 {
  %y = program.rows block 256 unit 16 least 32 {
    // CHECK: %[[B:.*]] = program.buffer 0(%[[N]]) : tensor<?x4xf32>
    %b = program.buffer 0(%n) : tensor<?x4xf32>
    // CHECK: %[[V:.*]] = program.call @linear(%[[X]], %{{.*}}, %[[B]]) scratch in slot 1 {layer = "layer", scheme = "f32"} :
    %0 = program.call @linear(%x, %w, %b) scratch in slot 1 {layer = "layer", reason = "", scheme = "f32"}
      : (tensor<?x8xf32>, tensor<1x8x16x1xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    // CHECK: program.yield %[[V]] : tensor<?x4xf32>
    program.yield %0 : tensor<?x4xf32>
  // CHECK: } : tensor<?x4xf32>
  } : tensor<?x4xf32>
  // CHECK: program.yield %[[Y]] : tensor<?x4xf32>
  program.yield %y : tensor<?x4xf32>
}

// CHECK-LABEL: program.kernel @linear {
// CHECK-NEXT:    func.func @linear(
// CHECK:         program.variant <"x86-64-v3", "x86_64-unknown-linux-gnu"> plan #cpu.contraction<fma, tile = 6 x 4, rows = 48, sums = vectors>
// CHECK-SAME:      packed [#program.packed<1, panel = 16, group = 1>] code {
// CHECK:           program.yield
// CHECK-NEXT:    } count {
// CHECK:           program.yield %{{.*}} : index
// CHECK-NEXT:    } workspace {
// CHECK:           program.yield %{{.*}} : index
// CHECK:         program.variant <"generic", "aarch64-unknown-linux-gnu">{{$}}
program.kernel @linear {
func.func @linear(%x: tensor<?x8xf32>, %w: tensor<4x8xf32> {program.weight}, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %out : tensor<?x4xf32>
}
program.variant #avx2 plan #cpu.contraction<fma, tile = 6 x 4, rows = 48, sums = vectors> packed [#program.packed<1, panel = 16, group = 1>] code {
^bb0(%x: memref<?x8xf32>, %w: memref<1x8x16x1xf32>, %out: memref<?x4xf32>, %scratch: memref<?xi8>, %begin: index, %end: index):
  program.yield
} count {
^bb0(%n: index, %m: index):
  program.yield %n : index
} workspace {
^bb0(%n: index, %m: index):
  program.yield %m : index
}
program.variant #neon
}

// CHECK-LABEL: program.state @keys : tensor<?x?x64xf32> dims ["batch", "capacity", ""]
program.state @keys : tensor<?x?x64xf32> dims ["batch", "capacity", ""]
// CHECK-NEXT:  program.state @length : index{{$}}
program.state @length : index
// CHECK-NEXT:  program.state @sum : tensor<f32>{{$}}
program.state @sum : tensor<f32>

// CHECK-LABEL: func.func @grow(
func.func @grow(%m: index) {
  // CHECK: %[[K:.*]] = program.get_state @keys : tensor<?x?x64xf32>
  %k = program.get_state @keys : tensor<?x?x64xf32>
  %n = program.get_state @length : index
  // CHECK: program.set_state @keys, %[[K]] : tensor<?x?x64xf32>
  program.set_state @keys, %k : tensor<?x?x64xf32>
  program.set_state @length, %m : index
  return
}
