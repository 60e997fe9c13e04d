// RUN: tq-opt %s %{plans:avx512} -tq-generate-kernels -split-input-file -verify-diagnostics

// A kernel of attention goes over all of its arguments' batch and sequence, so a
// slice has to have all of both.

// expected-remark @below {{kernel 'whole' on avx512: fma, items of a head}}
program.kernel @whole {
func.func @whole(%x: tensor<?x?x96xf32>, %k: tensor<?x7x32xf32>, %out: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x96xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x96xf32>
  %c = tensor.dim %k, %c0 : tensor<?x7x32xf32>
  %q = tensor.extract_slice %x[0, 0, 64] [%b, %s, 32] [1, 1, 1] : tensor<?x?x96xf32> to tensor<?x?x32xf32>
  %t = tensor.extract_slice %k[0, 0, 0] [%c, 7, 32] [1, 1, 1] : tensor<?x7x32xf32> to tensor<?x7x32xf32>
  %y = tq.attention %q, %t, %k {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x7x32xf32>, tensor<?x7x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}

// -----

// expected-error @below {{expected attention on arguments of the kernel or slices of their last dimension}}
program.kernel @prefix {
func.func @prefix(%x: tensor<?x?x32xf32>, %k: tensor<?x?x32xf32>, %out: tensor<?x3x32xf32>)
    -> tensor<?x3x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %q = tensor.extract_slice %x[0, 0, 0] [%b, 3, 32] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x3x32xf32>
  %y = tq.attention %q, %k, %k {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x3x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x3x32xf32>
  return %y : tensor<?x3x32xf32>
}
}

// -----

// The keys' batch is that of the queries, but the slice's source may have more.
// expected-error @below {{expected attention on arguments of the kernel or slices of their last dimension}}
program.kernel @another_batch {
func.func @another_batch(%x: tensor<?x?x32xf32>, %k: tensor<?x7x32xf32>, %out: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.extract_slice %k[0, 0, 0] [%b, 7, 32] [1, 1, 1] : tensor<?x7x32xf32> to tensor<?x7x32xf32>
  %y = tq.attention %x, %t, %t {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x7x32xf32>, tensor<?x7x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}

// -----

// The size of another dimension.
// expected-error @below {{expected attention on arguments of the kernel or slices of their last dimension}}
program.kernel @another_dimension {
func.func @another_dimension(%x: tensor<?x?x32xf32>, %out: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %q = tensor.extract_slice %x[0, 0, 0] [%b, %b, 32] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x?x32xf32>
  %y = tq.attention %q, %q, %q {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}

// -----

// Of a cache the first tokens, as many as an argument says: keys and values alike.
// expected-remark @below {{kernel 'cache' on avx512: fma, items of a head}}
program.kernel @cache {
func.func @cache(%x: tensor<?x?x32xf32>, %n: index, %k: tensor<?x?x64xf32>, %out: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %k, %c0 : tensor<?x?x64xf32>
  %s = tensor.extract_slice %k[0, 0, 0] [%b, %n, 32] [1, 1, 1] : tensor<?x?x64xf32> to tensor<?x?x32xf32>
  %t = tensor.extract_slice %k[0, 0, 32] [%b, %n, 32] [1, 1, 1] : tensor<?x?x64xf32> to tensor<?x?x32xf32>
  %y = tq.attention %x, %s, %t {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}

// -----

// expected-error @below {{expected attention on arguments of the kernel or slices of their last dimension}}
program.kernel @two_lengths {
func.func @two_lengths(%x: tensor<?x?x32xf32>, %n: index, %m: index, %k: tensor<?x?x32xf32>, %out: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %k, %c0 : tensor<?x?x32xf32>
  %s = tensor.extract_slice %k[0, 0, 0] [%b, %n, 32] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x?x32xf32>
  %t = tensor.extract_slice %k[0, 0, 0] [%b, %m, 32] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x?x32xf32>
  %y = tq.attention %x, %s, %t {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}

// -----

// Queries and the result have the same tokens, so a prefix of queries is none.
// expected-error @below {{expected attention on arguments of the kernel or slices of their last dimension}}
program.kernel @queries {
func.func @queries(%x: tensor<?x?x32xf32>, %n: index, %k: tensor<?x?x32xf32>, %out: tensor<?x?x32xf32>)
    -> tensor<?x?x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %q = tensor.extract_slice %x[0, 0, 0] [%b, %n, 32] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x?x32xf32>
  %y = tq.attention %q, %k, %k {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}
