// RUN: tq-opt %s -split-input-file -program-check-sizes | FileCheck %s

// CHECK-LABEL: func.func @unnamed(
// CHECK-SAME:      %[[X:.*]]: tensor<?x4xf32>, %[[Y:.*]]: tensor<?x4xf32>)
// CHECK-DAG:     %[[N:.*]] = tensor.dim %[[X]], %{{.*}} : tensor<?x4xf32>
// CHECK-DAG:     %[[M:.*]] = tensor.dim %[[Y]], %{{.*}} : tensor<?x4xf32>
// CHECK:         %[[EQUAL:.*]] = arith.cmpi eq, %[[N]], %[[M]] : index
// CHECK-NEXT:    cf.assert %[[EQUAL]], "'tq.add' needs dimension 0 of tensor<?x4xf32> and dimension 0 of tensor<?x4xf32> to be equal ({{.*}}check-sizes.mlir:{{[0-9]+}}:8)"
// CHECK-NEXT:    tq.add
func.func @unnamed(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %s = tq.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// -----

// One name is one size, and so is one weight's.
// CHECK-LABEL: func.func @named(
// CHECK-NOT:     cf.assert
tq.weight @w : tensor<8x4xf32> = dense<1.0> : tensor<8x4xf32>
func.func @named(%x: tensor<?x4xf32> {program.port = #program.port<"x", ["n", ""]>}, %y: tensor<?x8xf32> {program.port = #program.port<"y", ["n", ""]>})
    -> tensor<?x8xf32> {
  %w = tq.get_weight @w : tensor<8x4xf32>
  %l = tq.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %s = tq.add %l, %y : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// -----

// The layer is named, if there is one.
// CHECK-LABEL: func.func @contracted(
// CHECK:         cf.assert %{{.*}}, "'tq.matmul' needs dimension 0 of tensor<?x3x?xf32> and dimension 0 of tensor<?x?x5xf32> to be equal (layer.0)"
// CHECK:         cf.assert %{{.*}}, "'tq.matmul' needs dimension 2 of tensor<?x3x?xf32> and dimension 1 of tensor<?x?x5xf32> to be equal (layer.0)"
// CHECK-NOT:     cf.assert
func.func @contracted(%a: tensor<?x3x?xf32>, %b: tensor<?x?x5xf32>) -> tensor<?x3x5xf32> {
  %c = tq.matmul %a, %b : (tensor<?x3x?xf32>, tensor<?x?x5xf32>) -> tensor<?x3x5xf32> loc("layer.0")
  return %c : tensor<?x3x5xf32>
}

// -----

// A dimension of 1 is repeated, another one has to fit.
// CHECK-LABEL: func.func @broadcast(
// CHECK:         cf.assert %{{.*}}, "'tq.mul' needs dimension 1 of tensor<?x?xf32> and dimension 1 of tensor<1x4xf32> to be equal
// CHECK-NOT:     cf.assert
func.func @broadcast(%x: tensor<?x?xf32>, %y: tensor<1x4xf32>) -> tensor<?x?xf32> {
  %s = tq.mul %x, %y : (tensor<?x?xf32>, tensor<1x4xf32>) -> tensor<?x?xf32>
  return %s : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @attention(
// CHECK:         cf.assert {{.*}} dimension 0 of tensor<?x?x8xf32> and dimension 0 of tensor<?x6x8xf32>
// CHECK:         cf.assert {{.*}} dimension 0 of tensor<?x6x8xf32> and dimension 0 of tensor<?x6x8xf32>
// CHECK:         cf.assert {{.*}} dimension 0 of tensor<?x6x8xf32> and dimension 0 of tensor<?x?xi64>
// CHECK:         cf.assert {{.*}} dimension 1 of tensor<?x6x8xf32> and dimension 1 of tensor<?x?xi64>
// CHECK-NOT:     cf.assert
func.func @attention(%q: tensor<?x?x8xf32>, %k: tensor<?x6x8xf32>, %v: tensor<?x6x8xf32>,
                     %m: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %o = tq.attention %q, %k, %v mask(%m) {num_heads = 2 : i64, scale = 0.5 : f32}
    : (tensor<?x?x8xf32>, tensor<?x6x8xf32>, tensor<?x6x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  return %o : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func.func @slices(
// CHECK-SAME:      %[[X:.*]]: tensor<?x4xf32>, %[[Y:.*]]: tensor<?x4xf32>)
// CHECK:         %[[LESS:.*]] = arith.subi
// CHECK:         arith.cmpi sge, %[[LESS]]
// CHECK-NEXT:    cf.assert {{.*}} needs a size of 0 or more in dimension 0 of tensor<?x4xf32>
// CHECK:         %[[END:.*]] = affine.apply {{.*}}[%[[LESS]]]
// CHECK:         arith.cmpi sle, %[[END]]
// CHECK-NEXT:    cf.assert {{.*}} needs its slice to lie within dimension 0 of tensor<?x4xf32>
func.func @slices(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %y, %c0 : tensor<?x4xf32>
  %m = arith.subi %n, %c1 : index
  %s = tensor.extract_slice %x[1, 0] [%m, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// -----

// All rows of some columns: nothing to check.
// CHECK-LABEL: func.func @columns(
// CHECK-NOT:     cf.assert
func.func @columns(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %s = tensor.extract_slice %x[0, 2] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  return %s : tensor<?x2xf32>
}

// -----

// What upstream ops ask for: casts, products of sizes, equal rows, loops.
// CHECK-LABEL: func.func @upstream(
// CHECK:         cf.assert {{.*}}'tensor.cast' needs dimension 0 of tensor<6x4xf32> to be what it reads
// CHECK:         cf.assert {{.*}}'tensor.expand_shape' needs dimension 0 of tensor<?x4xf32> to be the product
// CHECK:         cf.assert {{.*}}'tensor.concat' needs dimension 0 of tensor<?x4xf32> and dimension 0 of tensor<?x4xf32>
// CHECK:         cf.assert {{.*}}'linalg.add' needs dimension 0 of tensor<?x4xf32> and dimension 0 of tensor<6x4xf32>
// CHECK-NOT:     cf.assert
func.func @upstream(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %out: tensor<6x4xf32>)
    -> (tensor<6x4xf32>, tensor<?x2x4xf32>, tensor<?x8xf32>, tensor<6x4xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %y, %c0 : tensor<?x4xf32>
  %half = arith.divui %n, %c2 : index
  %a = tensor.cast %x : tensor<?x4xf32> to tensor<6x4xf32>
  %b = tensor.expand_shape %y [[0, 1], [2]] output_shape [%half, 2, 4] : tensor<?x4xf32> into tensor<?x2x4xf32>
  %c = tensor.concat dim(1) %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  %d = linalg.add ins(%x, %x : tensor<?x4xf32>, tensor<?x4xf32>) outs(%out : tensor<6x4xf32>) -> tensor<6x4xf32>
  return %a, %b, %c, %d : tensor<6x4xf32>, tensor<?x2x4xf32>, tensor<?x8xf32>, tensor<6x4xf32>
}

// -----

// A window reaches as far as its last place.
// CHECK-LABEL: func.func @window(
// CHECK:         cf.assert {{.*}} needs its indices within dimension 0 of tensor<?xf32>
// CHECK-NOT:     cf.assert
func.func @window(%x: tensor<?xf32>, %f: tensor<3xf32>, %out: tensor<5xf32>) -> tensor<5xf32> {
  %y = linalg.conv_1d ins(%x, %f : tensor<?xf32>, tensor<3xf32>) outs(%out : tensor<5xf32>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// Types may say more of a result than what it is made of.
// CHECK-LABEL: func.func @results(
// CHECK:         cf.assert {{.*}}'tensor.concat' needs dimension 0 of tensor<7x4xf32> to be what it reads
// CHECK:         cf.assert {{.*}}'tensor.pad' needs dimension 0 of tensor<7x4xf32> to be what it reads
// CHECK-NOT:     cf.assert
func.func @results(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> (tensor<7x4xf32>, tensor<7x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = tensor.concat dim(0) %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<7x4xf32>
  %b = tensor.pad %x low[1, 0] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x4xf32> to tensor<7x4xf32>
  return %a, %b : tensor<7x4xf32>, tensor<7x4xf32>
}

// -----

// A cache has to have room, and says which dimension has none; a length is not negative.

// CHECK-LABEL: func.func @append
// CHECK:       cf.assert %{{.*}}, "'tensor.insert_slice' needs room in dimension 0 (capacity) of state @cache
// CHECK:       %[[DIFFERENCE:.*]] = arith.subi
// CHECK:       %[[POSITIVE:.*]] = arith.cmpi sge, %[[DIFFERENCE]], %{{.*}} : index
// CHECK:       cf.assert %[[POSITIVE]], "'program.set_state' needs state @length not to be negative
program.state @cache : tensor<?x4xf32> dims ["capacity", ""]
program.state @length : index
func.func @append(%x: tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x4xf32>
  %n = program.get_state @length : index
  %cache = program.get_state @cache : tensor<?x4xf32>
  %new = tensor.insert_slice %x into %cache[%n, 0] [%rows, 4] [1, 1]
    : tensor<?x4xf32> into tensor<?x4xf32>
  %now = arith.subi %n, %rows : index
  program.set_state @cache, %new : tensor<?x4xf32>
  program.set_state @length, %now : index
  return
}

// -----

// What is stored is as large as the state.

// CHECK-LABEL: func.func @store(
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>
// CHECK-DAG:   %[[STATE:.*]] = program.get_state @s
// CHECK-DAG:   %[[CAPACITY:.*]] = tensor.dim %[[STATE]]
// CHECK-DAG:   %[[ROWS:.*]] = tensor.dim %[[X]]
// CHECK:       %[[EQUAL:.*]] = arith.cmpi eq, %[[ROWS]], %[[CAPACITY]]
// CHECK:       cf.assert %[[EQUAL]], "'program.set_state' needs dimension 0 of tensor<?x4xf32> and dimension 0 (capacity) of state @s to be equal
program.state @s : tensor<?x4xf32> dims ["capacity", ""]
func.func @store(%x: tensor<?x4xf32>) {
  program.set_state @s, %x : tensor<?x4xf32>
  return
}

// -----

// A name that both have says so already.

// CHECK-LABEL: func.func @named(
// CHECK-NOT:   cf.assert
// CHECK-NOT:   program.get_state
program.state @s : tensor<?x4xf32> dims ["rows", ""]
func.func @named(%x: tensor<?x4xf32> {program.port = #program.port<"x", ["rows", ""]>}) {
  program.set_state @s, %x : tensor<?x4xf32>
  return
}

// -----

// Products and sums that could wrap are looked at in f64 first. Sizes, and numbers that
// are states, are at most 2^48: their sum does not wrap.

// CHECK-LABEL: func.func @wrap(
// CHECK:       %[[N:.*]] = program.get_state @n : index
// CHECK:       %[[WORD:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK:       %[[NUMBER:.*]] = arith.sitofp %[[WORD]] : i64 to f64
// CHECK:       %[[PRODUCT:.*]] = arith.mulf %[[NUMBER]], %{{.*}} : f64
// CHECK:       %[[HOLDS:.*]] = arith.cmpf ole, %[[PRODUCT]], %{{.*}} : f64
// CHECK:       cf.assert %[[HOLDS]], "'arith.muli' needs its indices to be at most 2^60
// CHECK:       arith.muli
// CHECK-NOT:   sitofp
// CHECK:       arith.addi
// CHECK-NOT:   sitofp
// CHECK:       cf.assert %{{.*}}, "'program.set_state' needs state @n to be at most 2^48
program.state @n : index
func.func @wrap(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %large = arith.constant 9223372036854775 : index
  %n = program.get_state @n : index
  %m = arith.muli %n, %large : index
  %e = tensor.empty(%m) : tensor<?xf32>
  %rows = tensor.dim %x, %c0 : tensor<?xf32>
  %sum = arith.addi %n, %rows : index
  program.set_state @n, %sum : index
  return %e : tensor<?xf32>
}
