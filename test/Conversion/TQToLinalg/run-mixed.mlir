// Ops of tq, linalg, tensor and arith in one function with dynamic dimensions,
// lowered and run.

// RUN: tq-opt %s -tq-lower-pipeline | %run | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

func.func @main(%x: tensor<?x3xf32> {program.port = #program.port<"x", ["n", "3"]>}, %ids: tensor<?xi64>, %m: tensor<?x3xf32> {program.port = #program.port<"ids", ["n", "3"]>},
                %at: tensor<2x1xi64>)
    -> (tensor<?x3xf32>, tensor<3x?xf32>, tensor<?x6xf32>, tensor<2x3xf32>, tensor<?x2xf32>, tensor<?x6xf32>,
        tensor<?xf32>, tensor<?x3xf32>, tensor<?x?xf32>, tensor<?x3xf32>, tensor<2x2xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %nine = arith.constant 9.0 : f32

  // 0: a user's generic between tq ops.
  %sum = tq.add %x, %m : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %e0 = tensor.empty(%n) : tensor<?x3xf32>
  %twice = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%sum : tensor<?x3xf32>) outs(%e0 : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.addf %a, %a : f32
    linalg.yield %t : f32
  } -> tensor<?x3xf32>
  %relu = tq.relu %twice : tensor<?x3xf32>

  // 1: transpose.
  %e1 = tensor.empty(%n) : tensor<3x?xf32>
  %transposed = linalg.transpose ins(%relu : tensor<?x3xf32>) outs(%e1 : tensor<3x?xf32>) permutation = [1, 0]

  // 2: concatenation.
  %both = tensor.concat dim(1) %x, %relu : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x6xf32>

  // 3: gather; an index outside reads the nearest row.
  %rows = tensor.gather %relu[%at] gather_dims([0]) : (tensor<?x3xf32>, tensor<2x1xi64>) -> tensor<2x3xf32>

  // 4: slice with offsets and strides.
  %cut = tensor.extract_slice %both[0, 1] [%n, 2] [1, 3] : tensor<?x6xf32> to tensor<?x2xf32>

  // 5: padding.
  %padded = tensor.pad %x low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %nine : f32
  } : tensor<?x3xf32> to tensor<?x6xf32>

  // 6: a reduction that starts from another tensor.
  %e6 = tensor.empty(%n) : tensor<?xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e6 : tensor<?xf32>) -> tensor<?xf32>
  %start = tq.gelu %ones : tensor<?xf32>
  %zeros = tq.sub %start, %start : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %sums = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x3xf32>) outs(%zeros : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.addf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>

  // 7: lookup with a broadcast factor; ids outside read the nearest row.
  %tc = tq.embedding %ids, %m : (tensor<?xi64>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %element = tensor.extract %x[%c0, %c0] : tensor<?x3xf32>
  %v = tensor.from_elements %element, %nine, %zero : tensor<3xf32>
  %looked = tq.mul %tc, %v : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>

  // 8: matmul.
  %mm = tq.matmul %x, %m {transpose_rhs} : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x?xf32>

  // 9: a slice written into a tensor.
  %part = tensor.extract_slice %m[0, 0] [1, 2] [1, 1] : tensor<?x3xf32> to tensor<2xf32>
  %inserted = tensor.insert_slice %part into %x[1, 1] [1, 2] [1, 1] : tensor<2xf32> into tensor<?x3xf32>

  // 10: made from indices and a scalar read from a tensor.
  %first = tensor.extract %x[%c1, %c0] : tensor<?x3xf32>
  %made = tensor.generate {
  ^bb0(%i: index, %j: index):
    %ij = arith.addi %i, %j : index
    %int = arith.index_cast %ij : index to i32
    %f = arith.sitofp %int : i32 to f32
    %g = arith.mulf %f, %first : f32
    tensor.yield %g : f32
  } : tensor<2x2xf32>

  // 11: an argument, returned.
  return %relu, %transposed, %both, %rows, %cut, %padded, %sums, %looked, %mm, %inserted, %made, %x
    : tensor<?x3xf32>, tensor<3x?xf32>, tensor<?x6xf32>, tensor<2x3xf32>, tensor<?x2xf32>, tensor<?x6xf32>,
      tensor<?xf32>, tensor<?x3xf32>, tensor<?x?xf32>, tensor<?x3xf32>, tensor<2x2xf32>, tensor<?x3xf32>
}

func.func private @print(%t: tensor<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %t, %c0 : tensor<?x?xf32>
  %m = tensor.dim %t, %c1 : tensor<?x?xf32>
  scf.for %i = %c0 to %n step %c1 {
    scf.for %j = %c0 to %m step %c1 {
      %f = tensor.extract %t[%i, %j] : tensor<?x?xf32>
      vector.print %f : f32 punctuation <comma>
    }
  }
  vector.print punctuation <newline>
  return
}

func.func private @entry() {
  %x = arith.constant dense<[[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]]> : tensor<2x3xf32>
  %m = arith.constant dense<[[2.0, 1.0, -5.0], [0.25, 0.5, 7.0]]> : tensor<2x3xf32>
  %ids = arith.constant dense<[1, -3, 99]> : tensor<3xi64>
  %at = arith.constant dense<[[1], [77]]> : tensor<2x1xi64>
  %xd = tensor.cast %x : tensor<2x3xf32> to tensor<?x3xf32>
  %md = tensor.cast %m : tensor<2x3xf32> to tensor<?x3xf32>
  %idsd = tensor.cast %ids : tensor<3xi64> to tensor<?xi64>
  %r:12 = call @main(%xd, %idsd, %md, %at)
    : (tensor<?x3xf32>, tensor<?xi64>, tensor<?x3xf32>, tensor<2x1xi64>)
    -> (tensor<?x3xf32>, tensor<3x?xf32>, tensor<?x6xf32>, tensor<2x3xf32>, tensor<?x2xf32>, tensor<?x6xf32>,
        tensor<?xf32>, tensor<?x3xf32>, tensor<?x?xf32>, tensor<?x3xf32>, tensor<2x2xf32>, tensor<?x3xf32>)
  // CHECK: 6, 0, 0, 1.5, 9, 11,
  %p0 = tensor.cast %r#0 : tensor<?x3xf32> to tensor<?x?xf32>
  call @print(%p0) : (tensor<?x?xf32>) -> ()
  // CHECK: 6, 1.5, 0, 9, 0, 11,
  %p1 = tensor.cast %r#1 : tensor<3x?xf32> to tensor<?x?xf32>
  call @print(%p1) : (tensor<?x?xf32>) -> ()
  // CHECK: 1, -2, 3, 6, 0, 0, 0.5, 4, -1.5, 1.5, 9, 11,
  %p2 = tensor.cast %r#2 : tensor<?x6xf32> to tensor<?x?xf32>
  call @print(%p2) : (tensor<?x?xf32>) -> ()
  // CHECK: 1.5, 9, 11, 1.5, 9, 11,
  %p3 = tensor.cast %r#3 : tensor<2x3xf32> to tensor<?x?xf32>
  call @print(%p3) : (tensor<?x?xf32>) -> ()
  // CHECK: -2, 0, 4, 9,
  %p4 = tensor.cast %r#4 : tensor<?x2xf32> to tensor<?x?xf32>
  call @print(%p4) : (tensor<?x?xf32>) -> ()
  // CHECK: 9, 1, -2, 3, 9, 9, 9, 0.5, 4, -1.5, 9, 9,
  %p5 = tensor.cast %r#5 : tensor<?x6xf32> to tensor<?x?xf32>
  call @print(%p5) : (tensor<?x?xf32>) -> ()
  // CHECK: 2, 3,
  %c2 = arith.constant 2 : index
  %p6 = tensor.expand_shape %r#6 [[0, 1]] output_shape [%c2, 1] : tensor<?xf32> into tensor<?x1xf32>
  %q6 = tensor.cast %p6 : tensor<?x1xf32> to tensor<?x?xf32>
  call @print(%q6) : (tensor<?x?xf32>) -> ()
  // CHECK: 0.25, 4.5, 0, 2, 9, -0, 0.25, 4.5, 0,
  %p7 = tensor.cast %r#7 : tensor<?x3xf32> to tensor<?x?xf32>
  call @print(%p7) : (tensor<?x?xf32>) -> ()
  // CHECK: -15, 20.25, 12.5, -8.375,
  call @print(%r#8) : (tensor<?x?xf32>) -> ()
  // CHECK: 1, -2, 3, 0.5, 2, 1,
  %p9 = tensor.cast %r#9 : tensor<?x3xf32> to tensor<?x?xf32>
  call @print(%p9) : (tensor<?x?xf32>) -> ()
  // CHECK: 0, 0.5, 0.5, 1,
  %p10 = tensor.cast %r#10 : tensor<2x2xf32> to tensor<?x?xf32>
  call @print(%p10) : (tensor<?x?xf32>) -> ()
  // CHECK: 1, -2, 3, 0.5, 4, -1.5,
  %p11 = tensor.cast %r#11 : tensor<?x3xf32> to tensor<?x?xf32>
  call @print(%p11) : (tensor<?x?xf32>) -> ()
  return
}
