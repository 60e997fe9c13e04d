// RUN: tq-opt %s -split-input-file -verify-diagnostics

// One case for each constraint of each op. The comment names the op and the
// label of its description; examples.test checks that none is missing.

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

// tq.weight (C1): static shape
// expected-error @below {{expected a ranked tensor type with static shape, but got 'tensor<?xf32>'}}
tq.weight @w : tensor<?xf32> = #tq.mapped<"f", 0>

// -----

// tq.weight (C1): a ranked tensor
// expected-error @below {{attribute 'type' failed to satisfy constraint}}
tq.weight @w : tensor<*xf32> = #tq.mapped<"f", 0>

// -----

// tq.weight (C2): neither value nor initializer
// expected-error @below {{expected either a value or an initializer}}
tq.weight @w : tensor<2xf32>

// -----

// tq.weight (C2): both
tq.weight @v : tensor<2xf32> = dense<0.0> : tensor<2xf32>
// expected-error @below {{expected either a value or an initializer}}
tq.weight @w : tensor<2xf32> = dense<0.0> : tensor<2xf32> initializer {
  %0 = tq.get_weight @v : tensor<2xf32>
  tq.yield %0 : tensor<2xf32>
}

// -----

// tq.weight (C3): the value's type
// expected-error @below {{expected a value of type 'tensor<2xf32>', but got 'tensor<3xf32>'}}
tq.weight @w : tensor<2xf32> = dense<0.0> : tensor<3xf32>

// -----

// tq.weight (C3): an elements attribute
// expected-error @below {{expected #tq.mapped or an elements attribute, but got "zeros"}}
tq.weight @w : tensor<2xf32> = "zeros"

// -----

// tq.weight (C4): the type that the initializer yields
tq.weight @v : tensor<3xf32> = dense<0.0> : tensor<3xf32>
// expected-error @below {{expected an initializer that yields 'tensor<2xf32>', but got 'tensor<3xf32>'}}
tq.weight @w : tensor<2xf32> initializer {
  %0 = tq.get_weight @v : tensor<3xf32>
  tq.yield %0 : tensor<3xf32>
}

// -----

// tq.weight (C4): ends in tq.yield
tq.weight @v : tensor<2xf32> = dense<0.0> : tensor<2xf32>
// expected-error @below {{expected an initializer of one block that ends in 'tq.yield'}}
tq.weight @w : tensor<2xf32> initializer {
  %0 = tq.get_weight @v : tensor<2xf32>
}

// -----

// tq.weight (C4): only compile-time ops
tq.weight @v : tensor<2xf32> = dense<0.0> : tensor<2xf32>
tq.weight @w : tensor<2xf32> initializer {
  %0 = tq.get_weight @v : tensor<2xf32>
  // expected-error @below {{expected an op that is evaluated at compile time in the initializer of a weight, but got 'tq.gelu'}}
  %1 = tq.gelu %0 : tensor<2xf32>
  tq.yield %1 : tensor<2xf32>
}

// -----

// tq.weight (C6)
// expected-error @below {{expected an offset that is a multiple of 64, but got 7}}
tq.weight @w {offset = 7 : i64} : tensor<1xf32> = dense<0.0> : tensor<1xf32>

// -----

// tq.weight (C5): bytes whose number does not fit into 64 bits
// expected-error @below {{expected elements with a layout in memory, of at most 4 TiB, but weight @w has 'tensor<4294967296x4294967296xf32>'}}
tq.weight @w : tensor<4294967296x4294967296xf32> = dense<0.5> : tensor<4294967296x4294967296xf32>

// -----

// tq.weight (C5): one element too many
// expected-error @below {{of at most 4 TiB, but weight @w has 'tensor<1099511627777xf32>'}}
tq.weight @w : tensor<1099511627777xf32> = #tq.mapped<"f", 0>

// -----

// tq.weight (C5): elements of half a byte
// expected-error @below {{expected elements with a layout in memory, of at most 4 TiB, but weight @w has 'tensor<2xi4>'}}
tq.weight @w : tensor<2xi4> = dense<0> : tensor<2xi4>

// -----

// tq.weight (C5): a value on the way
tq.weight @v : tensor<1073741824x1024xf32> = #tq.mapped<"f", 0>
tq.weight @w : tensor<1073741824xf32> initializer {
  %0 = tq.get_weight @v : tensor<1073741824x1024xf32>
  // expected-error @below {{of at most 4 TiB, but weight @w has 'tensor<1073741824x1025xf32>'}}
  %1 = tensor.concat dim(1) %0, %0 : (tensor<1073741824x1024xf32>, tensor<1073741824x1024xf32>) -> tensor<1073741824x1025xf32>
  %q, %s = tq.quantize_weight %1 : tensor<1073741824x1025xf32>
    -> tensor<1073741824x1025x!quant.any<i8<-127:127>:f32>>, tensor<1073741824xf32>
  tq.yield %s : tensor<1073741824xf32>
}

// -----

// tq.weight (C5): the largest, and the emptiest, are fine
tq.weight @w : tensor<1099511627776xf32> = #tq.mapped<"f", 0>
tq.weight @e : tensor<4611686018427387904x0x8xf32> = #tq.mapped<"f", 0>

// -----

// tq.weight (C4): one value
tq.weight @v : tensor<2xf32> = dense<0.0> : tensor<2xf32>
// expected-error @below {{expected an initializer of one block that ends in 'tq.yield'}}
tq.weight @w : tensor<2xf32> initializer {
  "tq.yield"() : () -> ()
}

// -----

// tq.yield: its parent
func.func @f(%x: tensor<2xf32>) {
  // expected-error @below {{expects parent op 'tq.weight'}}
  tq.yield %x : tensor<2xf32>
}

// -----

// tq.get_weight (C1): no such weight
func.func @f() {
  // expected-error @below {{expected the name of a 'tq.weight', but got @missing}}
  %0 = tq.get_weight @missing : tensor<2xf32>
  return
}

// -----

// tq.get_weight (C1): another kind of symbol
func.func private @g()
func.func @f() {
  // expected-error @below {{expected the name of a 'tq.weight', but got @g}}
  %0 = tq.get_weight @g : tensor<2xf32>
  return
}

// -----

// tq.get_weight (C2)
tq.weight @w : tensor<2xf32> = dense<0.0> : tensor<2xf32>
func.func @f() {
  // expected-error @below {{expected the shape of the weight, 'tensor<2xf32>', but got 'tensor<3xf32>'}}
  %0 = tq.get_weight @w : tensor<3xf32>
  return
}

// -----

// tq.get_weight (C3): a weight does not become narrower
tq.weight @w : tensor<2xf32> = dense<0.0> : tensor<2xf32>
func.func @f() {
  // expected-error @below {{expected the element type of the weight, or f32 where that is f16, bf16 or f64, but got 'f16' for 'f32'}}
  %0 = tq.get_weight @w : tensor<2xf16>
  return
}

// -----

// tq.get_weight (C3): integers are not widened
tq.weight @w : tensor<2xi8> = dense<0> : tensor<2xi8>
func.func @f() {
  // expected-error @below {{expected the element type of the weight, or f32 where that is f16, bf16 or f64, but got 'f32' for 'i8'}}
  %0 = tq.get_weight @w : tensor<2xf32>
  return
}

// -----

// tq.quantize_weight (C1)
func.func @f(%w: tensor<8xf32>) {
  // expected-error @below {{expected weight of rank 2, but got 'tensor<8xf32>'}}
  %0, %1 = tq.quantize_weight %w : tensor<8xf32>
    -> tensor<8x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>
  return
}

// -----

// tq.quantize_weight: the inferred result
func.func @f(%w: tensor<4x8xf32>) {
  // expected-error @below {{inferred type(s)}}
  // expected-error @below {{failed to infer returned types}}
  %0, %1 = tq.quantize_weight %w : tensor<4x8xf32>
    -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>
  return
}

// -----

// tq.column_sums (C1)
func.func @f(%w: tensor<2x4x8x!quant.any<i8<-127:127>:f32>>) {
  // expected-error @below {{expected weight of rank 2, but got}}
  %0 = tq.column_sums %w : tensor<2x4x8x!quant.any<i8<-127:127>:f32>> -> tensor<4xi32>
  return
}

// -----

// tq.pack_weight (C1): rank
func.func @f(%w: tensor<8xf32>) {
  // expected-error @below {{expected weight of rank 2, but got 'tensor<8xf32>'}}
  %0 = tq.pack_weight %w {panel = 4 : i64, group = 1 : i64} : tensor<8xf32> -> tensor<2x1x4x1xf32>
  return
}

// -----

// tq.pack_weight (C1): static shape
func.func @f(%w: tensor<?x8xf32>) {
  // expected-error @below {{expected a weight of static shape, but got 'tensor<?x8xf32>'}}
  %0 = tq.pack_weight %w {panel = 4 : i64, group = 1 : i64} : tensor<?x8xf32> -> tensor<2x8x4x1xf32>
  return
}

// -----

// tq.pack_weight (C2): panel
func.func @f(%w: tensor<8x8xf32>) {
  // expected-error @below {{expected a positive panel and group, but got 0 and 1}}
  %0 = tq.pack_weight %w {panel = 0 : i64, group = 1 : i64} : tensor<8x8xf32> -> tensor<2x8x4x1xf32>
  return
}

// -----

// tq.pack_weight (C2): group
func.func @f(%w: tensor<8x8xf32>) {
  // expected-error @below {{expected a positive panel and group, but got 4 and -3}}
  %0 = tq.pack_weight %w {panel = 4 : i64, group = -3 : i64} : tensor<8x8xf32> -> tensor<2x8x4x1xf32>
  return
}

//===----------------------------------------------------------------------===//
// Float ops
//===----------------------------------------------------------------------===//

// -----

// tq.position_ids (C1)
func.func @f(%ids: tensor<?xi64>) {
  // expected-error @below {{expected ids of rank 2, but got 'tensor<?xi64>'}}
  %0 = tq.position_ids %ids : tensor<?xi64>
  return
}

// -----

// tq.embedding (C1)
func.func @f(%ids: tensor<?xi64>, %t: tensor<97xf32>) {
  // expected-error @below {{expected table of rank 2, but got 'tensor<97xf32>'}}
  %0 = tq.embedding %ids, %t : (tensor<?xi64>, tensor<97xf32>) -> tensor<?xf32>
  return
}

// -----

// tq.embedding: the inferred result
func.func @f(%ids: tensor<?xi64>, %t: tensor<97x48xf32>) {
  // expected-error @below {{inferred type(s) 'tensor<?x48xf32>' are incompatible with return type(s) of operation 'tensor<?x47xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %0 = tq.embedding %ids, %t : (tensor<?xi64>, tensor<97x48xf32>) -> tensor<?x47xf32>
  return
}

// -----

// tq.linear (C1): rank of the input
func.func @f(%x: tensor<f32>, %w: tensor<80x48xf32>) {
  // expected-error @below {{expected input of rank 1 or more, but got 'tensor<f32>'}}
  %0 = tq.linear %x, %w : (tensor<f32>, tensor<80x48xf32>) -> tensor<80xf32>
  return
}

// -----

// tq.linear (C1): rank of the weight
func.func @f(%x: tensor<?x48xf32>, %w: tensor<48xf32>) {
  // expected-error @below {{expected weight of rank 2, but got 'tensor<48xf32>'}}
  %0 = tq.linear %x, %w : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?xf32>
  return
}

// -----

// tq.linear (C1): the contracted dimension; the weight is not transposed
func.func @f(%x: tensor<?x48xf32>, %w: tensor<48x80xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 1 of operand #1 to be equal, but got 'tensor<?x48xf32>' and 'tensor<48x80xf32>'}}
  %0 = tq.linear %x, %w : (tensor<?x48xf32>, tensor<48x80xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.linear (C2)
func.func @f(%x: tensor<?x48xf32>, %w: tensor<80x48xf32>, %b: tensor<48xf32>) {
  // expected-error @below {{expected dimension 0 of operand #1 and dimension 0 of operand #2 to be equal, but got 'tensor<80x48xf32>' and 'tensor<48xf32>'}}
  %0 = tq.linear %x, %w, %b
    : (tensor<?x48xf32>, tensor<80x48xf32>, tensor<48xf32>) -> tensor<?x80xf32>
  return
}

// -----

// tq.matmul (C1): rank 2 or more
func.func @f(%a: tensor<7xf32>, %b: tensor<7xf32>) {
  // expected-error @below {{expected lhs of rank 2 or more, but got 'tensor<7xf32>'}}
  %0 = tq.matmul %a, %b : (tensor<7xf32>, tensor<7xf32>) -> tensor<7xf32>
  return
}

// -----

// tq.matmul (C1): equal ranks
func.func @f(%a: tensor<2x7x16xf32>, %b: tensor<16x9xf32>) {
  // expected-error @below {{expected rhs of rank 3, but got 'tensor<16x9xf32>'}}
  %0 = tq.matmul %a, %b : (tensor<2x7x16xf32>, tensor<16x9xf32>) -> tensor<2x7x9xf32>
  return
}

// -----

// tq.matmul (C1): equal leading dimensions
func.func @f(%a: tensor<2x7x16xf32>, %b: tensor<3x16x9xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<2x7x16xf32>' and 'tensor<3x16x9xf32>'}}
  %0 = tq.matmul %a, %b : (tensor<2x7x16xf32>, tensor<3x16x9xf32>) -> tensor<2x7x9xf32>
  return
}

// -----

// tq.matmul (C2)
func.func @f(%a: tensor<7x16xf32>, %b: tensor<15x9xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<7x16xf32>' and 'tensor<15x9xf32>'}}
  %0 = tq.matmul %a, %b : (tensor<7x16xf32>, tensor<15x9xf32>) -> tensor<7x9xf32>
  return
}

// -----

// tq.matmul (C2): transposed
func.func @f(%a: tensor<7x16xf32>, %b: tensor<16x9xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 1 of operand #1 to be equal, but got 'tensor<7x16xf32>' and 'tensor<16x9xf32>'}}
  %0 = tq.matmul %a, %b {transpose_rhs} : (tensor<7x16xf32>, tensor<16x9xf32>) -> tensor<7x16xf32>
  return
}

// -----

// tq.attention (C1): rank
func.func @f(%q: tensor<?x64xf32>) {
  // expected-error @below {{expected query of rank 3, but got 'tensor<?x64xf32>'}}
  %0 = tq.attention %q, %q, %q {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

// tq.attention (C1): one batch
func.func @f(%q: tensor<2x5x64xf32>, %k: tensor<3x5x64xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<2x5x64xf32>' and 'tensor<3x5x64xf32>'}}
  %0 = tq.attention %q, %k, %k {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<2x5x64xf32>, tensor<3x5x64xf32>, tensor<3x5x64xf32>) -> tensor<2x5x64xf32>
  return
}

// -----

// tq.attention (C1): key and value of equal shape
func.func @f(%q: tensor<2x5x64xf32>, %k: tensor<2x7x64xf32>) {
  // expected-error @below {{expected dimension 1 of operand #1 and dimension 1 of operand #0 to be equal, but got 'tensor<2x7x64xf32>' and 'tensor<2x5x64xf32>'}}
  %0 = tq.attention %q, %k, %q {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<2x5x64xf32>, tensor<2x7x64xf32>, tensor<2x5x64xf32>) -> tensor<2x5x64xf32>
  return
}

// -----

// tq.attention (C2): static last dimensions
func.func @f(%q: tensor<?x?x?xf32>) {
  // expected-error @below {{expected static last dimensions, but got 'tensor<?x?x?xf32>' and 'tensor<?x?x?xf32>'}}
  %0 = tq.attention %q, %q, %q {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

// tq.attention (C2): num_heads divides the width
func.func @f(%q: tensor<?x?x64xf32>) {
  // expected-error @below {{expected 5 query heads and 5 key/value heads of one size}}
  %0 = tq.attention %q, %q, %q {num_heads = 5 : i64, scale = 0.25 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return
}

// -----

// tq.attention (C2): num_heads is positive
func.func @f(%q: tensor<?x?x64xf32>) {
  // expected-error @below {{expected 0 query heads and 0 key/value heads of one size}}
  %0 = tq.attention %q, %q, %q {num_heads = 0 : i64, scale = 0.25 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return
}

// -----

// tq.attention (C2): one head size
func.func @f(%q: tensor<?x?x64xf32>, %k: tensor<?x?x32xf32>) {
  // expected-error @below {{expected 4 query heads and 4 key/value heads of one size}}
  %0 = tq.attention %q, %k, %k {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x64xf32>
  return
}

// -----

// tq.attention (C2): key/value heads divide query heads
func.func @f(%q: tensor<?x?x64xf32>, %k: tensor<?x?x48xf32>) {
  // expected-error @below {{expected 4 query heads and 3 key/value heads of one size, the second dividing the first}}
  %0 = tq.attention %q, %k, %k {num_heads = 4 : i64, num_kv_heads = 3 : i64, scale = 0.25 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x48xf32>, tensor<?x?x48xf32>) -> tensor<?x?x64xf32>
  return
}

// -----

// tq.attention (C3): rank
func.func @f(%q: tensor<?x?x64xf32>, %m: tensor<?xi64>) {
  // expected-error @below {{expected mask of rank 2, but got 'tensor<?xi64>'}}
  %0 = tq.attention %q, %q, %q mask(%m) {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?xi64>)
    -> tensor<?x?x64xf32>
  return
}

// -----

// tq.attention (C3): keys, not queries
func.func @f(%q: tensor<2x5x64xf32>, %k: tensor<2x7x64xf32>, %m: tensor<2x5xi64>) {
  // expected-error @below {{expected dimension 1 of operand #1 and dimension 1 of operand #3 to be equal, but got 'tensor<2x7x64xf32>' and 'tensor<2x5xi64>'}}
  %0 = tq.attention %q, %k, %k mask(%m) {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<2x5x64xf32>, tensor<2x7x64xf32>, tensor<2x7x64xf32>, tensor<2x5xi64>)
    -> tensor<2x5x64xf32>
  return
}

// -----

// tq.layer_norm (C1): gamma
func.func @f(%x: tensor<?x48xf32>, %g: tensor<47xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<?x48xf32>' and 'tensor<47xf32>'}}
  %0 = tq.layer_norm %x, %g {epsilon = 0.0 : f32}
    : (tensor<?x48xf32>, tensor<47xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.layer_norm (C1): beta
func.func @f(%x: tensor<?x48xf32>, %g: tensor<48xf32>, %b: tensor<1xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #2 to be equal, but got 'tensor<?x48xf32>' and 'tensor<1xf32>'}}
  %0 = tq.layer_norm %x, %g, %b {epsilon = 0.0 : f32}
    : (tensor<?x48xf32>, tensor<48xf32>, tensor<1xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.layer_norm (C1): a static last dimension
func.func @f(%x: tensor<48x?xf32>, %g: tensor<?xf32>) {
  // expected-error @below {{expected a static last dimension, but got 'tensor<48x?xf32>'}}
  %0 = tq.layer_norm %x, %g {epsilon = 0.0 : f32}
    : (tensor<48x?xf32>, tensor<?xf32>) -> tensor<48x?xf32>
  return
}

// -----

// tq.layer_norm (C1): there is a last dimension
func.func @f(%x: tensor<f32>, %g: tensor<1xf32>) {
  // expected-error @below {{expected input of rank 1 or more, but got 'tensor<f32>'}}
  %0 = tq.layer_norm %x, %g {epsilon = 0.0 : f32} : (tensor<f32>, tensor<1xf32>) -> tensor<f32>
  return
}

// -----

// tq.layer_norm (C2)
func.func @f(%x: tensor<?x48xf32>, %g: tensor<48xf32>) {
  // expected-error @below {{expected an epsilon that is not negative, but got -1.000000e+00}}
  %0 = tq.layer_norm %x, %g {epsilon = -1.0 : f32}
    : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.layer_norm (C2): a number
func.func @f(%x: tensor<?x48xf32>, %g: tensor<48xf32>) {
  // expected-error @below {{expected an epsilon that is not negative, but got}}
  %0 = tq.layer_norm %x, %g {epsilon = 0x7FC00000 : f32}
    : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.rms_norm (C1): gamma
func.func @f(%x: tensor<?x48xf32>, %g: tensor<1xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<?x48xf32>' and 'tensor<1xf32>'}}
  %0 = tq.rms_norm %x, %g {epsilon = 0.0 : f32}
    : (tensor<?x48xf32>, tensor<1xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.rms_norm (C1): a static last dimension
func.func @f(%x: tensor<48x?xf32>, %g: tensor<48xf32>) {
  // expected-error @below {{expected a static last dimension, but got 'tensor<48x?xf32>'}}
  %0 = tq.rms_norm %x, %g {epsilon = 0.0 : f32}
    : (tensor<48x?xf32>, tensor<48xf32>) -> tensor<48x?xf32>
  return
}

// -----

// tq.rms_norm (C2)
func.func @f(%x: tensor<?x48xf32>, %g: tensor<48xf32>) {
  // expected-error @below {{expected an epsilon that is not negative, but got -5.000000e-01}}
  %0 = tq.rms_norm %x, %g {epsilon = -0.5 : f32}
    : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.softmax (C1)
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{expected input of rank 1 or more, but got 'tensor<f32>'}}
  %0 = tq.softmax %x : tensor<f32>
  return
}

// -----

// tq.l2_normalize (C1)
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{expected input of rank 1 or more, but got 'tensor<f32>'}}
  %0 = tq.l2_normalize %x : tensor<f32>
  return
}

// -----

// tq.gelu: a float tensor
func.func @f(%x: tensor<8xi64>) {
  // expected-error @below {{operand #0 must be ranked tensor of 32-bit float values, but got 'tensor<8xi64>'}}
  %0 = tq.gelu %x : tensor<8xi64>
  return
}

// -----

// tq.add (C1): sizes
func.func @f(%x: tensor<?x48xf32>, %y: tensor<47xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<?x48xf32>' and 'tensor<47xf32>'}}
  %0 = tq.add %x, %y : (tensor<?x48xf32>, tensor<47xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.add (C1): only the right side broadcasts
func.func @f(%x: tensor<48xf32>, %y: tensor<?x48xf32>) {
  // expected-error @below {{expected a rhs of no higher rank than the lhs, but got 'tensor<?x48xf32>' for 'tensor<48xf32>'}}
  %0 = tq.add %x, %y : (tensor<48xf32>, tensor<?x48xf32>) -> tensor<48xf32>
  return
}

// -----

// tq.sub (C1): a dimension 1 of the left side does not broadcast
func.func @f(%x: tensor<3x1xf32>, %y: tensor<3x48xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 1 of operand #1 to be equal, but got 'tensor<3x1xf32>' and 'tensor<3x48xf32>'}}
  %0 = tq.sub %x, %y : (tensor<3x1xf32>, tensor<3x48xf32>) -> tensor<3x1xf32>
  return
}

// -----

// tq.mul (C1): aligned at the last dimension, not at the first
func.func @f(%x: tensor<3x48xf32>, %y: tensor<3xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<3x48xf32>' and 'tensor<3xf32>'}}
  %0 = tq.mul %x, %y : (tensor<3x48xf32>, tensor<3xf32>) -> tensor<3x48xf32>
  return
}

// -----

// tq.div (C1)
func.func @f(%x: tensor<3x48xf32>, %y: tensor<2x48xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<3x48xf32>' and 'tensor<2x48xf32>'}}
  %0 = tq.div %x, %y : (tensor<3x48xf32>, tensor<2x48xf32>) -> tensor<3x48xf32>
  return
}

// -----

// tq.pool (C1)
func.func @f(%x: tensor<?x48xf32>) {
  // expected-error @below {{expected input of rank 3, but got 'tensor<?x48xf32>'}}
  %0 = tq.pool %x {kind = #tq.pool_kind<first>} : (tensor<?x48xf32>) -> tensor<48xf32>
  return
}

// -----

// tq.pool (C2): mean without a mask
func.func @f(%x: tensor<?x?x48xf32>) {
  // expected-error @below {{expected a mask for 'mean'}}
  %0 = tq.pool %x {kind = #tq.pool_kind<mean>} : (tensor<?x?x48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.pool (C2): last without a mask
func.func @f(%x: tensor<?x?x48xf32>) {
  // expected-error @below {{expected a mask for 'last'}}
  %0 = tq.pool %x {kind = #tq.pool_kind<last>} : (tensor<?x?x48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.pool (C2): max without a mask
func.func @f(%x: tensor<?x?x48xf32>) {
  // expected-error @below {{expected a mask for 'max'}}
  %0 = tq.pool %x {kind = #tq.pool_kind<max>} : (tensor<?x?x48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.pool (C2): first with a mask
func.func @f(%x: tensor<?x?x48xf32>, %m: tensor<?x?xi64>) {
  // expected-error @below {{expected no mask for 'first'}}
  %0 = tq.pool %x mask(%m) {kind = #tq.pool_kind<first>}
    : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  return
}

// -----

// tq.pool (C2): a mask of another shape
func.func @f(%x: tensor<2x5x48xf32>, %m: tensor<2x4xi64>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 1 of operand #1 to be equal, but got 'tensor<2x5x48xf32>' and 'tensor<2x4xi64>'}}
  %0 = tq.pool %x mask(%m) {kind = #tq.pool_kind<mean>}
    : (tensor<2x5x48xf32>, tensor<2x4xi64>) -> tensor<2x48xf32>
  return
}

// -----

// tq.weight (C7): a stride too few
// expected-error @below {{expected one stride of 0 to 2^42 for each dimension of 'tensor<4x8xf32>'}}
tq.weight @w : tensor<4x8xf32> = #tq.mapped<"f", 0, strides = [1]>

// -----

// tq.weight (C7): a negative stride
// expected-error @below {{expected one stride of 0 to 2^42 for each dimension of 'tensor<4x8xf32>'}}
tq.weight @w : tensor<4x8xf32> = #tq.mapped<"f", 0, strides = [8, -1]>

// -----

// tq.permute (C1): a dimension twice
func.func @f(%x: tensor<?x7x16xf32>) {
  // expected-error @below {{expected each dimension of 'tensor<?x7x16xf32>' once, but got array<i64: 0, 1, 1>}}
  %0 = tq.permute %x dims = [0, 1, 1] : tensor<?x7x16xf32> -> tensor<?x7x7xf32>
  return
}

// -----

// tq.permute (C2): the dimensions in another order
func.func @f(%x: tensor<?x7x16xf32>) {
  // expected-error @below {{expected a result with the dimensions of 'tensor<?x7x16xf32>' in the order array<i64: 0, 2, 1>, but got 'tensor<?x7x16xf32>'}}
  %0 = tq.permute %x dims = [0, 2, 1] : tensor<?x7x16xf32> -> tensor<?x7x16xf32>
  return
}

// -----

// tq.scaled_dot_product_attention (C1): rank 2
func.func @f(%q: tensor<?x16xf32>) {
  // expected-error @below {{expected query, key and value of one rank, 3 or more}}
  %0 = tq.scaled_dot_product_attention %q, %q, %q {scale = 1.0 : f32}
    : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return
}

// -----

// tq.scaled_dot_product_attention (C2): another number of values
func.func @f(%q: tensor<2x5x16xf32>, %v: tensor<2x4x16xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 1 of operand #2 to be equal}}
  %0 = tq.scaled_dot_product_attention %q, %q, %v {scale = 1.0 : f32}
    : (tensor<2x5x16xf32>, tensor<2x5x16xf32>, tensor<2x4x16xf32>) -> tensor<2x5x16xf32>
  return
}

// -----

// tq.scaled_dot_product_attention (C3): a mask of a larger rank
func.func @f(%q: tensor<2x5x16xf32>, %m: tensor<1x2x5x5xi1>) {
  // expected-error @below {{expected a mask that broadcasts to the scores, but got 'tensor<1x2x5x5xi1>'}}
  %0 = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x5x16xf32>, tensor<2x5x16xf32>, tensor<2x5x16xf32>, tensor<1x2x5x5xi1>)
    -> tensor<2x5x16xf32>
  return
}

// -----

// tq.scaled_dot_product_attention (C3): a mask of other keys
func.func @f(%q: tensor<2x5x16xf32>, %m: tensor<5x4xi1>) {
  // expected-error @below {{expected dimension 1 of operand #3 and dimension 1 of operand #0 to be equal}}
  %0 = tq.scaled_dot_product_attention %q, %q, %q mask(%m) {scale = 1.0 : f32}
    : (tensor<2x5x16xf32>, tensor<2x5x16xf32>, tensor<2x5x16xf32>, tensor<5x4xi1>)
    -> tensor<2x5x16xf32>
  return
}

// -----

// tq.scaled_dot_product_attention (C4): a result of the query's columns
func.func @f(%q: tensor<2x5x16xf32>, %v: tensor<2x5x8xf32>) {
  // expected-error @below {{expected a result of the query's shape with the values' columns, but got 'tensor<2x5x16xf32>'}}
  %0 = tq.scaled_dot_product_attention %q, %q, %v {scale = 1.0 : f32}
    : (tensor<2x5x16xf32>, tensor<2x5x16xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return
}

// -----

// tq.attention (C4)
func.func @f(%q: tensor<?x?x64xf32>) {
  // expected-error @below {{attribute 'window' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0 = tq.attention %q, %q, %q {num_heads = 4 : i64, scale = 0.25 : f32, window = 0 : i64}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return
}

// -----

// tq.rotary_embedding (C1): even
func.func @f(%x: tensor<?x7xf32>) {
  // expected-error @below {{expected an even number of columns, known when compiled, but got 'tensor<?x7xf32>'}}
  %0 = tq.rotary_embedding %x, %x, %x : (tensor<?x7xf32>, tensor<?x7xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  return
}

// -----

// tq.rotary_embedding (C1): known
func.func @f(%x: tensor<?x?xf32>) {
  // expected-error @below {{expected an even number of columns, known when compiled, but got 'tensor<?x?xf32>'}}
  %0 = tq.rotary_embedding %x, %x, %x : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return
}

// -----

// tq.rotary_embedding (C2): shape
func.func @f(%x: tensor<3x8xf32>, %c: tensor<2x8xf32>) {
  // expected-error @below {{'tq.rotary_embedding' op}}
  %0 = tq.rotary_embedding %x, %x, %c : (tensor<3x8xf32>, tensor<3x8xf32>, tensor<2x8xf32>) -> tensor<3x8xf32>
  return
}

// -----

// tq.rotary_embedding (C2): rank
func.func @f(%x: tensor<3x8xf32>, %c: tensor<1x3x8xf32>) {
  // expected-error @below {{expected a rhs of no higher rank than the lhs, but got 'tensor<1x3x8xf32>' for 'tensor<3x8xf32>'}}
  %0 = tq.rotary_embedding %x, %c, %x : (tensor<3x8xf32>, tensor<1x3x8xf32>, tensor<3x8xf32>) -> tensor<3x8xf32>
  return
}
