// RUN: tq-opt %s %{plans:avx512} -tq-generate-kernels | FileCheck %s

// One number of rows a kernel, and one of lanes: the static op below would make
// the rows 16.

// CHECK-LABEL: program.kernel @two_counts {
// CHECK:         program.variant {{.*}}linux-gnu">{{$}}
// CHECK-LABEL: program.kernel @one_count {
// CHECK:         program.variant {{.*}} code {
// CHECK-LABEL: program.kernel @two_widths {
// CHECK:         program.variant {{.*}}linux-gnu">{{$}}
// CHECK-LABEL: program.kernel @two_reductions {
// CHECK:         program.variant {{.*}}linux-gnu">{{$}}
// CHECK-LABEL: program.kernel @unrelated {
// CHECK:         program.variant {{.*}}linux-gnu">{{$}}
// CHECK-LABEL: program.kernel @related {
// CHECK:         program.variant {{.*}} code {
// CHECK-LABEL: program.kernel @sized {
// CHECK:         program.variant {{.*}} code {
#same = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0) -> (d0)>
#rows = affine_map<(d0, d1) -> (d0)>
func.func @main(%x: tensor<?x16xf32>, %w: tensor<16xf32>) -> (tensor<?x16xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x16xf32>
  %e1 = tensor.empty() : tensor<16xf32>
  %0:2 = program.call @two_counts(%x, %w, %e0, %e1) : (tensor<?x16xf32>, tensor<16xf32>, tensor<?x16xf32>, tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<16xf32>)
  %e2 = tensor.empty(%n) : tensor<?x16xf32>
  %1 = program.call @one_count(%0#0, %e2) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1, %0#1 : tensor<?x16xf32>, tensor<16xf32>
}
program.kernel @two_counts {
func.func @two_counts(%x: tensor<?x16xf32>, %w: tensor<16xf32>, %out: tensor<?x16xf32>, %all: tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<16xf32>) {
  %0 = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]}
      ins(%w : tensor<16xf32>) outs(%all : tensor<16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %1, %0 : tensor<?x16xf32>, tensor<16xf32>
}
}
program.kernel @one_count {
func.func @one_count(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}

// One width, too: rows of 16 and of 64 share no loop over lanes.
program.kernel @two_widths {
func.func @two_widths(%x: tensor<?x16xf32>, %y: tensor<?x64xf32>, %out: tensor<?x16xf32>, %wide: tensor<?x64xf32>)
    -> (tensor<?x16xf32>, tensor<?x64xf32>) {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x64xf32>) outs(%wide : tensor<?x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %1, %0 : tensor<?x16xf32>, tensor<?x64xf32>
}
}
// Nor do reductions, which have the rows in common alone.
program.kernel @two_reductions {
func.func @two_reductions(%x: tensor<?x16xf32>, %y: tensor<?x64xf32>, %out: tensor<?xf32>)
    -> tensor<?xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [#same, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%y : tensor<?x64xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %sum, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#same, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x16xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %sum, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %2 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]}
      ins(%0, %1 : tensor<?xf32>, tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %2 : tensor<?xf32>
}
}
// Two dynamic numbers of rows are two.
program.kernel @unrelated {
func.func @unrelated(%x: tensor<?x16xf32>, %y: tensor<?x16xf32>, %a: tensor<?x16xf32>, %b: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%a : tensor<?x16xf32>) {
  ^bb0(%in: f32, %old: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x16xf32>) outs(%b : tensor<?x16xf32>) {
  ^bb0(%in: f32, %old: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<?x16xf32>
}
}
// They are one where an op reads both.
program.kernel @related {
func.func @related(%x: tensor<?x16xf32>, %y: tensor<?x16xf32>, %a: tensor<?x16xf32>, %b: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%a : tensor<?x16xf32>) {
  ^bb0(%in: f32, %old: f32):
    %s = arith.addf %in, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%y, %0 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%b : tensor<?x16xf32>) {
  ^bb0(%in: f32, %more: f32, %old: f32):
    %s = arith.addf %in, %more : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<?x16xf32>
}
}
// And where a temporary is made as large as an argument.
program.kernel @sized {
func.func @sized(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%n, %m) : tensor<?x?xf32>
  %0 = linalg.generic {indexing_maps = [#same], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x?xf32>) {
  ^bb0(%old: f32):
    linalg.yield %one : f32
  } -> tensor<?x?xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<?x?xf32>, tensor<?x?xf32>) outs(%out : tensor<?x?xf32>) {
  ^bb0(%in: f32, %more: f32, %old: f32):
    %s = arith.addf %in, %more : f32
    linalg.yield %s : f32
  } -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}
}
