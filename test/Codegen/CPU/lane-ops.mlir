// RUN: tq-opt %s %{plans:avx2} -split-input-file -verify-diagnostics

// What an op reads of another is computed at the very same place: at another one it may
// belong to an item that another thread runs.

#map = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>

// expected-remark @below {{kernel 'own_row' on avx2: items of a row, in vectors of 16}}
program.kernel @own_row {
func.func @own_row(%x: tensor<4x4xf32>, %out: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %s = linalg.generic {indexing_maps = [#map, #rows], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x4xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#map, #rows, #map], iterator_types = ["parallel", "parallel"]}
    ins(%x, %s : tensor<4x4xf32>, tensor<4xf32>) outs(%out : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
}

// -----

#map = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#lanes = affine_map<(d0, d1) -> (d1)>

// The sizes agree, as the tensor is square.
// expected-remark @below {{kernel 'all_rows' on avx2: scalar loops, as no generator knows it}}
program.kernel @all_rows {
func.func @all_rows(%x: tensor<4x4xf32>, %out: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %s = linalg.generic {indexing_maps = [#map, #rows], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x4xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#map, #lanes, #map], iterator_types = ["parallel", "parallel"]}
    ins(%x, %s : tensor<4x4xf32>, tensor<4xf32>) outs(%out : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
}

// -----

#map = affine_map<(d0, d1) -> (d0, d1)>

// A gather along lanes has no vector.
// expected-remark @below {{kernel 'gather' on avx2: scalar loops, as no generator knows it}}
program.kernel @gather {
func.func @gather(%x: tensor<4x4xindex>, %t: tensor<8xf32>, %out: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %y = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x4xindex>) outs(%out : tensor<4x4xf32>) {
  ^bb0(%a: index, %o: f32):
    %0 = tensor.extract %t[%a] : tensor<8xf32>
    linalg.yield %0 : f32
  } -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
}

// -----

#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#repeated = affine_map<(d0, d1, d2) -> (0, d1, d2)>
#row = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#rows = affine_map<(d0, d1, d2) -> (d0, d1)>

// What is read may be repeated along rows, or have one number for each: sums keep the
// order that they have elsewhere.
// expected-remark @below {{kernel 'repeated' on avx2: items of a row, in vectors of 16}}
program.kernel @repeated {
func.func @repeated(%x: tensor<?x4x8xf32>, %y: tensor<1x4x8xf32>, %z: tensor<?x4x1xf32>,
                    %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.generic {indexing_maps = [#map, #repeated, #row, #rows],
                       iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %y, %z : tensor<?x4x8xf32>, tensor<1x4x8xf32>, tensor<?x4x1xf32>)
    outs(%f : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    %1 = arith.mulf %0, %c : f32
    %2 = arith.addf %1, %o : f32
    linalg.yield %2 : f32
  } -> tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}
}

// -----

#map = affine_map<(d0, d1) -> (d0, d1)>
#shifted = affine_map<(d0, d1) -> (d0 + 1, d1)>

// Another row is another place.
// expected-remark @below {{kernel 'shifted' on avx2: scalar loops, as no generator knows it}}
program.kernel @shifted {
func.func @shifted(%x: tensor<5x8xf32>, %out: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = linalg.generic {indexing_maps = [#shifted, #map], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<5x8xf32>) outs(%out : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
}
