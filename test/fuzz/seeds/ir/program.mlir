#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
#neon = #program.target<"generic", "aarch64-unknown-linux-gnu">

program.entry @main : (tensor<?x8xf32>) -> tensor<?x4xf32>
  inputs [#program.port<"x", ["n", ""]>] outputs [#program.port<"y", ["n", ""]>]
  checks ["c"] calls [#program.call_site<@linear, "layer", "f32", "">] arenas ["64"]

tq.weight @w {offset = 0 : i64} : tensor<1x8x16x1xf32> = dense<0.0> : tensor<1x8x16x1xf32>

program.schedule @main #avx2 arena "64*n" {
^bb0(%x: tensor<?x8xf32>):
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w = tq.get_weight @w : tensor<1x8x16x1xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %y = program.rows block 256 unit 16 least 32 {
    %b = program.buffer 0(%n) : tensor<?x4xf32>
    %0 = program.call @linear(%x, %w, %b) scratch in slot 1 {layer = "layer", reason = "", scheme = "f32"}
      : (tensor<?x8xf32>, tensor<1x8x16x1xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    program.yield %0 : tensor<?x4xf32>
  } : tensor<?x4xf32>
  program.yield %y : tensor<?x4xf32>
}

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
