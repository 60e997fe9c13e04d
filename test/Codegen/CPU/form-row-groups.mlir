// RUN: tq-opt %s -split-input-file %variants -tq-bufferize-kernels -program-form-schedules \
// RUN:   -program-place-weights -tq-form-row-groups | FileCheck %s

// Four row-wise kernels, then one that mixes rows. The first two and the scale
// behind them hand on 64 bytes a row, with the widening 192: so that ends the
// group. Its inner rows of 128 bytes are wider than what enters and leaves it:
// they hold blocks. The rows of 64 bytes hold all.

// CHECK-LABEL: program.schedule @main
// CHECK-NEXT:    ^bb0(%[[X:.*]]: tensor<?x16xf32>):
// CHECK:         %[[N:.*]] = tensor.dim %[[X]]
// CHECK-DAG:     %[[NARROW:.*]] = tensor.empty(%[[N]]) : tensor<?x16xf32>
// CHECK-DAG:     %[[SCALED:.*]] = tensor.empty(%[[N]]) : tensor<?x16xf32>
// CHECK:         %[[ROWS:.*]] = program.rows block 256 unit 16 least 32 {
// CHECK-NEXT:      %[[WIDE:.*]] = tensor.empty(%[[N]]) : tensor<?x32xf32>
// CHECK-NEXT:      %[[W:.*]] = program.call @widen(%[[X]], %[[WIDE]])
// CHECK-NEXT:      %[[V:.*]] = program.call @narrow(%[[W]], %[[NARROW]])
// CHECK-NEXT:      %[[U:.*]] = program.call @scale(%[[V]], %[[SCALED]])
// CHECK-NEXT:      program.yield %[[U]]
// CHECK-NEXT:    } : tensor<?x16xf32>
// CHECK:         program.call @widen(%[[ROWS]], %{{.*}})
// CHECK:         program.call @add_rows
#rows = affine_map<(d0, d1) -> (d0, d1)>
#sums = affine_map<(d0, d1) -> (d1)>
module {
func.func @main(%x: tensor<?x16xf32> {program.port = #program.port<"x", ["n", "16"]>})
    -> (tensor<32xf32> {program.port = #program.port<"y", ["32"]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x32xf32>
  %0 = program.call @widen(%x, %e0) : (tensor<?x16xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = tensor.empty(%n) : tensor<?x16xf32>
  %1 = program.call @narrow(%0, %e1) : (tensor<?x32xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x16xf32>
  %2 = program.call @scale(%1, %e2) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e3 = tensor.empty(%n) : tensor<?x32xf32>
  %3 = program.call @widen(%2, %e3) : (tensor<?x16xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e4 = tensor.empty() : tensor<32xf32>
  %4 = program.call @add_rows(%3, %e4) : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<32xf32>
  return %4 : tensor<32xf32>
}
program.kernel @widen {
func.func @widen(%x: tensor<?x16xf32>, %out: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x32xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %a, %sum : f32
    linalg.yield %s : f32
  } -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}
}
program.kernel @narrow {
func.func @narrow(%x: tensor<?x32xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<?x32xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %a, %sum : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @scale {
func.func @scale(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @add_rows {
func.func @add_rows(%x: tensor<?x32xf32>, %out: tensor<32xf32>) -> tensor<32xf32> {
  %0 = linalg.generic {indexing_maps = [#rows, #sums], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x32xf32>) outs(%out : tensor<32xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %s = arith.addf %a, %sum : f32
    linalg.yield %s : f32
  } -> tensor<32xf32>
  return %0 : tensor<32xf32>
}
}
}

// -----

// None of these is row-wise: a row's number, the number of rows and another row
// are looked at.

// CHECK-LABEL: program.schedule @main
// CHECK-NOT:     program.rows
// CHECK-COUNT-3: program.call
#same = affine_map<(d0, d1) -> (d0, d1)>
module {
func.func @main(%x: tensor<?x16xf32> {program.port = #program.port<"x", ["n", "16"]>})
    -> (tensor<?x16xf32> {program.port = #program.port<"y", ["n", "16"]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x16xf32>
  %0 = program.call @number(%x, %e0) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x16xf32>
  %1 = program.call @count(%0, %e1) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x16xf32>
  %2 = program.call @first(%1, %e2) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %2 : tensor<?x16xf32>
}
program.kernel @number {
func.func @number(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %f = arith.sitofp %j : i32 to f32
    %s = arith.addf %a, %f : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @count {
func.func @count(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %j = arith.index_cast %n : index to i32
    %f = arith.sitofp %j : i32 to f32
    %s = arith.addf %a, %f : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @first {
func.func @first(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (0, d1)>, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
}

// -----

// Calls do not go through the rows together if one reads the whole of what
// another writes,

// CHECK-LABEL: program.schedule @main
// CHECK-NOT:     program.rows
// CHECK-COUNT-2: program.call
#same = affine_map<(d0, d1) -> (d0, d1)>
module {
func.func @main(%x: tensor<?x16xf32> {program.port = #program.port<"x", ["n", "16"]>})
    -> (tensor<?x8xf32> {program.port = #program.port<"y", ["n", "8"]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x16xf32>
  %0 = program.call @double(%x, %e0) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %w = tensor.cast %0 : tensor<?x16xf32> to tensor<8x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x8xf32>
  %1 = program.call @product(%0, %w, %e1) : (tensor<?x16xf32>, tensor<8x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
program.kernel @double {
func.func @double(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @product {
func.func @product(%x: tensor<?x16xf32>, %w: tensor<8x16xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>,
                                        affine_map<(d0, d1, d2) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x16xf32>, tensor<8x16xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %s = math.fma %a, %b, %sum : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
}
}

// -----

// or if a result belongs to all rows,

// CHECK-LABEL: program.schedule @main
// CHECK-NOT:     program.rows
// CHECK-COUNT-2: program.call
#same = affine_map<(d0, d1) -> (d0, d1)>
module {
func.func @main(%x: tensor<?x16xf32> {program.port = #program.port<"x", ["n", "16"]>})
    -> (tensor<?x16xf32> {program.port = #program.port<"y", ["", ""]>}, tensor<16xf32> {program.port = #program.port<"z", [""]>}, tensor<16xf32> {program.port = #program.port<"z2", [""]>}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x16xf32>
  %z0 = tensor.empty() : tensor<16xf32>
  %0:2 = program.call @both(%x, %e0, %z0) : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<16xf32>) -> (tensor<?x16xf32>, tensor<16xf32>)
  %e1 = tensor.empty(%n) : tensor<?x16xf32>
  %z1 = tensor.empty() : tensor<16xf32>
  %1:2 = program.call @both(%0#0, %e1, %z1) : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<16xf32>) -> (tensor<?x16xf32>, tensor<16xf32>)
  return %1#0, %0#1, %1#1 : tensor<?x16xf32>, tensor<16xf32>, tensor<16xf32>
}
program.kernel @both {
func.func @both(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>, %all: tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<16xf32>) {
  %cst = arith.constant 1.0 : f32
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  %1 = linalg.fill ins(%cst : f32) outs(%all : tensor<16xf32>) -> tensor<16xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<16xf32>
}
}
}

// -----

// or if their numbers of rows only look alike: a dimension called b*s, the
// smaller and the larger of two.

// CHECK-LABEL: program.schedule @main
// CHECK-NOT:     program.rows
// CHECK-COUNT-6: program.call
#same = affine_map<(d0, d1) -> (d0, d1)>
module {
func.func @main(%x: tensor<?x?x16xf32> {program.port = #program.port<"x", ["b", "s", "16"]>},
                %z: tensor<?x16xf32> {program.port = #program.port<"z", ["b*s", "16"]>},
                %v: tensor<?x16xf32> {program.port = #program.port<"v", ["n", "16"]>})
    -> (tensor<?x?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x16xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x16xf32>
  %m = tensor.dim %z, %c0 : tensor<?x16xf32>
  %n = tensor.dim %v, %c0 : tensor<?x16xf32>
  %below = arith.cmpi ult, %n, %m : index
  %above = arith.cmpi ugt, %n, %m : index
  %less = arith.select %below, %n, %m : index
  %more = arith.select %above, %n, %m : index
  %e0 = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %e1 = tensor.empty(%m) : tensor<?x16xf32>
  %e2 = tensor.empty(%less) : tensor<?x16xf32>
  %e3 = tensor.empty(%more) : tensor<?x16xf32>
  %e4 = tensor.empty(%less) : tensor<?x16xf32>
  %e5 = tensor.empty(%more) : tensor<?x16xf32>
  %0 = program.call @double3(%x, %e0) : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %1 = program.call @double(%z, %e1) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %2 = program.call @ones(%e2) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %3 = program.call @ones(%e3) : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %4 = program.call @double(%2, %e4) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %5 = program.call @double(%3, %e5) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %0, %1, %4, %5 : tensor<?x?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}
program.kernel @double {
func.func @double(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @double3 {
func.func @double3(%x: tensor<?x?x16xf32>, %out: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x?x16xf32>) outs(%out : tensor<?x?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}
}
program.kernel @ones {
func.func @ones(%out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %cst = arith.constant 1.0 : f32
  %0 = linalg.fill ins(%cst : f32) outs(%out : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
}

// -----

// What later ops read of a group is yielded, sizes too.

// CHECK-LABEL: program.schedule @main
// CHECK:         %[[ROWS:.*]]:3 = program.rows
// CHECK:           %[[A:.*]] = program.call @double
// CHECK:           %[[N:.*]] = tensor.dim %[[A]]
// CHECK:           %[[VIEW:.*]] = tensor.expand_shape %[[A]]
// CHECK:           %[[B:.*]] = program.call @double
// CHECK:           program.yield %[[N]], %[[VIEW]], %[[B]] : index, tensor<?x4x4xf32>, tensor<?x16xf32>
// CHECK:         tensor.empty(%[[ROWS]]#0) : tensor<?x4x4xf32>
// CHECK:         program.call @other(%[[ROWS]]#1,
#same = affine_map<(d0, d1) -> (d0, d1)>
module {
func.func @main(%x: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x4x4xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x16xf32>
  %0 = program.call @double(%x, %e0) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %m = tensor.dim %0, %c0 : tensor<?x16xf32>
  %v = tensor.expand_shape %0 [[0], [1, 2]] output_shape [%n, 4, 4] : tensor<?x16xf32> into tensor<?x4x4xf32>
  %1 = program.call @double(%0, %e1) : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %e2 = tensor.empty(%m) : tensor<?x4x4xf32>
  %2 = program.call @other(%v, %e2) : (tensor<?x4x4xf32>, tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  return %1, %2 : tensor<?x16xf32>, tensor<?x4x4xf32>
}
program.kernel @double {
func.func @double(%x: tensor<?x16xf32>, %out: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%out : tensor<?x16xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
}
program.kernel @other {
func.func @other(%x: tensor<?x4x4xf32>, %out: tensor<?x4x4xf32>) -> tensor<?x4x4xf32> {
  %0 = linalg.transpose ins(%x : tensor<?x4x4xf32>) outs(%out : tensor<?x4x4xf32>) permutation = [0, 2, 1]
  return %0 : tensor<?x4x4xf32>
}
}
}
