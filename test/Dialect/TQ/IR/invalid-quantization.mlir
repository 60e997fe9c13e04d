// RUN: tq-opt %s -split-input-file -verify-diagnostics

// One case for each constraint of each op. The comment names the op and the
// label of its description; examples.test checks that none is missing.

// tq.quantize (C1)
func.func @f(%x: tensor<?x48xf32>) {
  // expected-error @below {{expected equal shapes, but got}}
  %0 = tq.quantize %x : tensor<?x48xf32> -> tensor<?x47x!quant.uniform<u8:f32, 0.5:128>>
  return
}

// -----

// tq.quantize (C2): a type with parameters
func.func @f(%x: tensor<?x48xf32>) {
  // expected-error @below {{expected inverse scales for !quant.any}}
  %0 = tq.quantize %x : tensor<?x48xf32> -> tensor<?x48x!quant.any<u8:f32>>
  return
}

// -----

// tq.quantize (C2): 8-bit storage
func.func @f(%x: tensor<?x48xf32>) {
  // expected-error @below {{expected a result with 8-bit storage that expresses f32, but got '!quant.uniform<i16:f32}}
  %0 = tq.quantize %x : tensor<?x48xf32> -> tensor<?x48x!quant.uniform<i16:f32, 0.5>>
  return
}

// -----

// tq.quantize (C2): expresses f32
func.func @f(%x: tensor<?x48xf32>) {
  // expected-error @below {{expected a result with 8-bit storage that expresses f32, but got '!quant.uniform<u8:f16}}
  %0 = tq.quantize %x : tensor<?x48xf32> -> tensor<?x48x!quant.uniform<u8:f16, 0.5:128>>
  return
}

// -----

// tq.dequantize (C1): scales for !quant.any
func.func @f(%q: tensor<?x48x!quant.any<u8:f32>>) {
  // expected-error @below {{expected scales with or without zero points, or column scales, for !quant.any}}
  %0 = tq.dequantize %q : (tensor<?x48x!quant.any<u8:f32>>) -> tensor<?x48xf32>
  return
}

// -----

// tq.dequantize (C1): no scales for !quant.uniform
func.func @f(%q: tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>, %s: tensor<?xf32>) {
  // expected-error @below {{expected no scales or zero points for !quant.uniform}}
  %0 = tq.dequantize %q scales(%s)
    : (tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>, tensor<?xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.dequantize (C1): no zero points for !quant.uniform
func.func @f(%q: tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>, %z: tensor<?xi32>) {
  // expected-error @below {{expected no scales or zero points for !quant.uniform}}
  %0 = tq.dequantize %q zero_points(%z)
    : (tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>, tensor<?xi32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.dequantize (C2): the shape of the scales
func.func @f(%q: tensor<3x48x!quant.any<u8:f32>>, %s: tensor<48xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<3x48x!quant.any<u8:f32>>' and 'tensor<48xf32>'}}
  %0 = tq.dequantize %q scales(%s)
    : (tensor<3x48x!quant.any<u8:f32>>, tensor<48xf32>) -> tensor<3x48xf32>
  return
}

// -----

// tq.dequantize (C2): zero points of columns
func.func @f(%q: tensor<3x48x!quant.any<u8:f32>>, %s: tensor<f32>, %z: tensor<3xi32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #2 to be equal, but got}}
  %0 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<3x48x!quant.any<u8:f32>>, tensor<f32>, tensor<3xi32>) -> tensor<3x48xf32>
  return
}

// -----

// tq.dequantize (C2): the shape of the zero points
func.func @f(%q: tensor<3x48x!quant.any<u8:f32>>, %s: tensor<3xf32>, %z: tensor<3x1xi32>) {
  // expected-error @below {{expected zero points of rank 1, but got 'tensor<3x1xi32>'}}
  %0 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<3x48x!quant.any<u8:f32>>, tensor<3xf32>, tensor<3x1xi32>) -> tensor<3x48xf32>
  return
}

// -----

// tq.dequantize (C1): there is a last dimension
func.func @f(%q: tensor<!quant.any<u8:f32>>, %s: tensor<f32>) {
  // expected-error @below {{expected input of rank 1 or more}}
  %0 = tq.dequantize %q scales(%s) : (tensor<!quant.any<u8:f32>>, tensor<f32>) -> tensor<f32>
  return
}

// -----

// tq.dynamic_quantize (C1)
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{expected input of rank 1 or more, but got 'tensor<f32>'}}
  %q, %s, %z = tq.dynamic_quantize %x : tensor<f32>
    -> tensor<!quant.any<u8:f32>>, tensor<f32>, tensor<i32>
  return
}

// -----

// tq.quantized_embedding (C1)
func.func @f(%ids: tensor<?xi64>, %t: tensor<97x!quant.any<i8<-127:127>:f32>>, %s: tensor<97xf32>) {
  // expected-error @below {{expected table of rank 2}}
  %0 = tq.quantized_embedding %ids, %t, %s
    : (tensor<?xi64>, tensor<97x!quant.any<i8<-127:127>:f32>>, tensor<97xf32>) -> tensor<?xf32>
  return
}

// -----

// tq.quantized_embedding (C2): a scale a row, not a column
func.func @f(%ids: tensor<?xi64>, %t: tensor<97x48x!quant.any<i8<-127:127>:f32>>, %s: tensor<48xf32>) {
  // expected-error @below {{expected dimension 0 of operand #1 and dimension 0 of operand #2 to be equal, but got}}
  %0 = tq.quantized_embedding %ids, %t, %s
    : (tensor<?xi64>, tensor<97x48x!quant.any<i8<-127:127>:f32>>, tensor<48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.quantized_linear (C1): the input's storage
func.func @f(%x: tensor<?x48x!quant.any<i8:f32>>, %s: tensor<?xf32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<80xf32>) {
  // expected-error @below {{expected input with u8 storage, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x48x!quant.any<i8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>) -> tensor<?x80xf32>
  return
}

// -----

// tq.quantized_linear (C1): the weight's storage
func.func @f(%x: tensor<?x48x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<80x48x!quant.any<i16:f32>>, %ws: tensor<80xf32>) {
  // expected-error @below {{expected weight with i8 storage, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i16:f32>>, tensor<80xf32>) -> tensor<?x80xf32>
  return
}

// -----

// tq.quantized_linear (C1): the weight's rank
func.func @f(%x: tensor<?x48x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<48xf32>) {
  // expected-error @below {{expected weight of rank 2, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<48x!quant.any<i8<-127:127>:f32>>, tensor<48xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.quantized_linear (C1): the contracted dimension
func.func @f(%x: tensor<?x47x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<80xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 1 of operand #2 to be equal, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x47x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>) -> tensor<?x80xf32>
  return
}

// -----

// tq.quantized_linear (C2): input scales
func.func @f(%x: tensor<3x48x!quant.any<u8:f32>>, %s: tensor<2xf32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<80xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<3x48x!quant.any<u8:f32>>, tensor<2xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>) -> tensor<3x80xf32>
  return
}

// -----

// tq.quantized_linear (C2): zero points
func.func @f(%x: tensor<3x48x!quant.any<u8:f32>>, %s: tensor<3xf32>, %z: tensor<1xi32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<80xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #2 to be equal, but got}}
  %0 = tq.quantized_linear %x, %s zero_points(%z) weight(%w, %ws)
    : (tensor<3x48x!quant.any<u8:f32>>, tensor<3xf32>, tensor<1xi32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>) -> tensor<3x80xf32>
  return
}

// -----

// tq.quantized_linear (C3): weight scales
func.func @f(%x: tensor<?x48x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<48xf32>) {
  // expected-error @below {{expected dimension 0 of operand #2 and dimension 0 of operand #3 to be equal, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<48xf32>) -> tensor<?x80xf32>
  return
}

// -----

// tq.quantized_linear (C3): bias
func.func @f(%x: tensor<?x48x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<80xf32>,
             %b: tensor<1xf32>) {
  // expected-error @below {{expected dimension 0 of operand #2 and dimension 0 of operand #4 to be equal, but got}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws) bias(%b)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>, tensor<1xf32>)
    -> tensor<?x80xf32>
  return
}

// -----

// tq.quantized_linear (C4): no broadcast in the epilogue
func.func @f(%x: tensor<?x48x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>, %ws: tensor<80xf32>) {
  // expected-error @below {{expected a residual of the result's type 'tensor<?x80xf32>', but got 'tensor<80xf32>'}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws) residual(%ws)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>, tensor<80xf32>)
    -> tensor<?x80xf32>
  return
}

// -----

// tq.quantized_linear (C5)
func.func @f(%x: tensor<?x132105x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<8x132105x!quant.any<i8<-127:127>:f32>>, %ws: tensor<8xf32>) {
  // expected-error @below {{expected at most 132104 inputs, whose sum fits into 32 bits, but got 132105}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x132105x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<8x132105x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// tq.dequantize (C1): scales of one kind
func.func @f(%q: tensor<?x48x!quant.any<i8:f32>>, %s: tensor<f32>, %c: tensor<4xf32>) {
  // expected-error @below {{expected scales with or without zero points, or column scales, for !quant.any}}
  %0 = tq.dequantize %q scales(%s) column_scales(%c)
    : (tensor<?x48x!quant.any<i8:f32>>, tensor<f32>, tensor<4xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.dequantize (C3): blocks of one size
func.func @f(%q: tensor<?x48x!quant.any<i8:f32>>, %c: tensor<5xf32>) {
  // expected-error @below {{expected a number of column scales that divides that of columns, but got 'tensor<5xf32>' for 'tensor<?x48x}}
  %0 = tq.dequantize %q column_scales(%c)
    : (tensor<?x48x!quant.any<i8:f32>>, tensor<5xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.dequantize (C3): no zero points
func.func @f(%q: tensor<?x48x!quant.any<i8:f32>>, %z: tensor<?xi32>, %c: tensor<4xf32>) {
  // expected-error @below {{expected scales with or without zero points, or column scales, for !quant.any}}
  %0 = tq.dequantize %q zero_points(%z) column_scales(%c)
    : (tensor<?x48x!quant.any<i8:f32>>, tensor<?xi32>, tensor<4xf32>) -> tensor<?x48xf32>
  return
}

// -----

// tq.static_attention (C1): ranks
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected value of rank 3, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C1): signed storage
func.func @f(%q: tensor<?x?x8x!quant.any<u8:f32>>, %k: tensor<?x?x8x!quant.any<u8:f32>>, %v: tensor<?x?x8x!quant.any<u8:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected query with i8 storage, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<u8:f32>>, tensor<?x?x8x!quant.any<u8:f32>>, tensor<?x?x8x!quant.any<u8:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C1): batches
func.func @f(%q: tensor<2x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<3x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<3x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<2x?x8x!quant.any<i8<-127:127>:f32>>, tensor<3x?x8x!quant.any<i8<-127:127>:f32>>, tensor<3x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

// tq.static_attention (C1): keys and values
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x4x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x5x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected dimension 1 of operand #1 and dimension 1 of operand #2 to be equal}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x4x8x!quant.any<i8<-127:127>:f32>>, tensor<?x5x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C2): columns are known
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x?x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x?x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected static last dimensions, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x?x!quant.any<i8<-127:127>:f32>>, tensor<?x?x?x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C2): heads of one size
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x6x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x6x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<6xf32>) {
  // expected-error @below {{expected 2 query heads and 2 key/value heads of one size}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x6x!quant.any<i8<-127:127>:f32>>, tensor<?x?x6x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<6xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C2): sums of 30 bits
func.func @f(%q: tensor<?x?x33286x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x33286x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x33286x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<1xf32>, %t: tensor<33286xf32>) {
  // expected-error @below {{expected heads of at most 33285 columns, but got 33286}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 1 : i64}
    : (tensor<?x?x33286x!quant.any<i8<-127:127>:f32>>, tensor<?x?x33286x!quant.any<i8<-127:127>:f32>>, tensor<?x?x33286x!quant.any<i8<-127:127>:f32>>,
       tensor<1xf32>, tensor<33286xf32>) -> tensor<?x?x33286xf32>
  return
}

// -----

// tq.static_attention (C3): the mask
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %m: tensor<?x?x?xi64>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected mask of rank 2, but got}}
  %0 = tq.static_attention %q, %k, %v mask(%m) scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x?xi64>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C3): its keys
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x4x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x4x8x!quant.any<i8<-127:127>:f32>>,
             %m: tensor<?x5xi64>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected dimension 1 of operand #1 and dimension 1 of operand #3 to be equal}}
  %0 = tq.static_attention %q, %k, %v mask(%m) scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x4x8x!quant.any<i8<-127:127>:f32>>, tensor<?x4x8x!quant.any<i8<-127:127>:f32>>, tensor<?x5xi64>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C4): scales of scores
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<1xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected a scale for each of 2 heads and of 8 columns of the value, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<1xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C4): scales of the value
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<2xf32>) {
  // expected-error @below {{expected a scale for each of 2 heads and of 8 columns of the value, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<2xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C5): a result in f32
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>, %i: tensor<f32>) {
  // expected-error @below {{expected no inverse scales or zero points for a result in f32}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) inverse_scales(%i) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>, tensor<f32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C5): a result in u8
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected inverse scales for a result in u8}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8x!quant.any<u8:f32>>
  return
}

// -----

// tq.static_attention (C5): its storage
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>, %i: tensor<f32>) {
  // expected-error @below {{expected a result with u8 storage, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) inverse_scales(%i) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>, tensor<f32>) -> tensor<?x?x8x!quant.any<i8:f32>>
  return
}

// -----

// tq.static_attention (C5): their number
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>, %i: tensor<2xf32>) {
  // expected-error @below {{expected inverse scales and zero points of all or of 8 columns, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) inverse_scales(%i) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>, tensor<2xf32>) -> tensor<?x?x8x!quant.any<u8:f32>>
  return
}

// -----

// tq.static_attention (C6): a zero point of nothing
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>, %z: tensor<i32>) {
  // expected-error @below {{expected no inverse scales or zero points for a result in f32}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) zero_points(%z) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>, tensor<i32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C1): the shape of the result
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{expected a result of the query's shape, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x9xf32>
  return
}

// -----

// tq.symmetric_parameters (C1): ranges
func.func @f(%l: tensor<3xf32>, %h: tensor<3xf32>) {
  // expected-error @below {{expected one range or one for each column, and a number of scales that divides that of columns, but got}}
  %s, %i = tq.symmetric_parameters %l, %h : tensor<3xf32> -> tensor<2xf32>, tensor<8xf32>
  return
}

// -----

// tq.symmetric_parameters (C2): blocks of one size
func.func @f(%l: tensor<8xf32>, %h: tensor<8xf32>) {
  // expected-error @below {{expected one range or one for each column, and a number of scales that divides that of columns, but got}}
  %s, %i = tq.symmetric_parameters %l, %h : tensor<8xf32> -> tensor<3xf32>, tensor<8xf32>
  return
}

// -----

// tq.score_scales (C1)
func.func @f(%q: tensor<4xf32>, %k: tensor<3xf32>) {
  // expected-error @below {{expected a number of scales of the key that divides that of the query, but got}}
  %0 = tq.score_scales %q, %k {scale = 1.0 : f32} : tensor<4xf32>, tensor<3xf32>
  return
}

// -----

// tq.score_smoothing_factors (C1): heads of the key
func.func @f(%q: tensor<8xf32>, %k: tensor<8xf32>) {
  // expected-error @below {{expected columns of 3 heads of the key and a multiple of them of the query, but got}}
  %0, %1 = tq.score_smoothing_factors query(%q, %q) key(%k, %k) {kv_heads = 3 : i64}
    : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
    -> (tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

// tq.score_smoothing_factors (C1): columns of the query
func.func @f(%q: tensor<8xf32>, %k: tensor<6xf32>) {
  // expected-error @below {{expected columns of 2 heads of the key and a multiple of them of the query, but got}}
  %0, %1 = tq.score_smoothing_factors query(%q, %q) key(%k, %k) {kv_heads = 2 : i64}
    : (tensor<8xf32>, tensor<8xf32>, tensor<6xf32>, tensor<6xf32>)
    -> (tensor<8xf32>, tensor<6xf32>)
  return
}

// -----

// tq.static_attention (C1): integers
func.func @f(%q: tensor<?x?x8x!quant.any<i8:f32>>, %k: tensor<?x?x8x!quant.any<i8:f32>>, %v: tensor<?x?x8x!quant.any<i8:f32>>,
             %s: tensor<2xf32>, %t: tensor<4xf32>) {
  // expected-error @below {{expected query with integers from -127 to 127, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8:f32>>, tensor<?x?x8x!quant.any<i8:f32>>, tensor<?x?x8x!quant.any<i8:f32>>,
       tensor<2xf32>, tensor<4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.static_attention (C4): a value whose columns are not known
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %k: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %v: tensor<?x?x?x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %t: tensor<4xf32>) {
  // expected-error @below {{expected a scale for each of 2 heads and of 8 columns of the value, but got}}
  %0 = tq.static_attention %q, %k, %v scales(%s, %t) {num_heads = 2 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x?x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<4xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// tq.dequantize (C3): there are columns
func.func @f(%q: tensor<?x0x!quant.any<i8:f32>>, %c: tensor<2xf32>) {
  // expected-error @below {{expected a number of column scales that divides that of columns, but got}}
  %0 = tq.dequantize %q column_scales(%c)
    : (tensor<?x0x!quant.any<i8:f32>>, tensor<2xf32>) -> tensor<?x0xf32>
  return
}

// -----

// tq.symmetric_parameters (C2): there are columns
func.func @f(%l: tensor<1xf32>) {
  // expected-error @below {{expected one range or one for each column, and a number of scales that divides that of columns, but got}}
  %s, %i = tq.symmetric_parameters %l, %l : tensor<1xf32> -> tensor<2xf32>, tensor<0xf32>
  return
}

// -----

// tq.quantized_linear (C5), of a weight that has -128
func.func @f(%x: tensor<?x131072x!quant.any<u8:f32>>, %s: tensor<?xf32>,
             %w: tensor<8x131072x!quant.any<i8:f32>>, %ws: tensor<8xf32>) {
  // expected-error @below {{expected at most 131071 inputs, whose sum fits into 32 bits, but got 131072}}
  %0 = tq.quantized_linear %x, %s weight(%w, %ws)
    : (tensor<?x131072x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<8x131072x!quant.any<i8:f32>>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// tq.static_attention (C7)
func.func @f(%q: tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, %s: tensor<2xf32>, %t: tensor<8xf32>) {
  // expected-error @below {{attribute 'window' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0 = tq.static_attention %q, %q, %q scales(%s, %t) {num_heads = 2 : i64, window = -1 : i64}
    : (tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>, tensor<?x?x8x!quant.any<i8<-127:127>:f32>>,
       tensor<2xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return
}
