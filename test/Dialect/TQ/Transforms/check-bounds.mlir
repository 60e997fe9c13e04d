// RUN: tq-opt %s -tq-check-bounds -split-input-file -verify-diagnostics

// What is within bounds, or not known, passes.
func.func @fine(%x: tensor<?x4xf32>, %m: memref<?xf32>, %i: index, %huge: tensor<?x1099511627776xf32>,
                %empty: tensor<4611686018427387904x0x8xf32>) -> (index, index, f32, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c9 = arith.constant 9 : index
  %d0 = tensor.dim %x, %c1 : tensor<?x4xf32>
  %d1 = tensor.dim %x, %i : tensor<?x4xf32>
  %d2 = memref.dim %m, %c0 : memref<?xf32>
  %e = tensor.extract %x[%c9, %c3] : tensor<?x4xf32>
  %f = tensor.extract %x[%i, %i] : tensor<?x4xf32>
  %g = tensor.insert %e into %x[%c9, %c3] : tensor<?x4xf32>
  %h = tensor.empty(%c0) : tensor<?x4xf32>
  return %d0, %d1, %f, %h : index, index, f32, tensor<?x4xf32>
}

// -----

func.func @beyond(%x: tensor<?x4xf32>) -> index {
  %c = arith.constant 2 : index
  // expected-error @below {{expected a dimension of 'tensor<?x4xf32>', but got 2}}
  %d = tensor.dim %x, %c : tensor<?x4xf32>
  return %d : index
}

// -----

func.func @negative(%x: tensor<?x4xf32>) -> index {
  %c = arith.constant -1 : index
  // expected-error @below {{expected a dimension of 'tensor<?x4xf32>', but got -1}}
  %d = tensor.dim %x, %c : tensor<?x4xf32>
  return %d : index
}

// -----

func.func @memory(%x: memref<?x4xf32>) -> index {
  %c = arith.constant 1000000 : index
  // expected-error @below {{expected a dimension of 'memref<?x4xf32>', but got 1000000}}
  %d = memref.dim %x, %c : memref<?x4xf32>
  return %d : index
}

// -----

func.func @extract(%x: tensor<?x4xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  // expected-error @below {{expected indices within 'tensor<?x4xf32>', but got 4}}
  %e = tensor.extract %x[%c0, %c4] : tensor<?x4xf32>
  return %e : f32
}

// -----

// Nested, and of a dynamic dimension.
func.func @body(%x: tensor<?xf32>, %out: tensor<3xf32>) -> tensor<3xf32> {
  %c = arith.constant -1 : index
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%out : tensor<3xf32>) {
  ^bb0(%old: f32):
    // expected-error @below {{expected indices within 'tensor<?xf32>', but got -1}}
    %e = tensor.extract %x[%c] : tensor<?xf32>
    linalg.yield %e : f32
  } -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @insert(%x: tensor<4xf32>, %v: f32) -> tensor<4xf32> {
  %c4 = arith.constant 4 : index
  // expected-error @below {{expected indices within 'tensor<4xf32>', but got 4}}
  %e = tensor.insert %v into %x[%c4] : tensor<4xf32>
  return %e : tensor<4xf32>
}

// -----

func.func @size() -> tensor<?xf32> {
  %c = arith.constant -3 : index
  // expected-error @below {{expected sizes that are not negative, but got -3}}
  %e = tensor.empty(%c) : tensor<?xf32>
  return %e : tensor<?xf32>
}

// -----

// expected-error @below {{expected elements with a layout in memory, of at most 4 TiB, but got 'tensor<?x4294967296x4294967296xf32>'}}
func.func @argument(%x: tensor<?x4294967296x4294967296xf32>) {
  return
}

// -----

func.func @result() {
  %e = tensor.empty() : tensor<4294967296x1024xi8>
  // expected-error @below {{of at most 4 TiB, but got 'tensor<4294967297x1024xi8>'}}
  %f = tensor.empty() : tensor<4294967297x1024xi8>
  return
}

// -----

// expected-error @below {{expected elements with a layout in memory, of at most 4 TiB, but got 'tensor<?xcomplex<f32>>'}}
func.func @layout(%x: tensor<?xcomplex<f32>>) {
  return
}
