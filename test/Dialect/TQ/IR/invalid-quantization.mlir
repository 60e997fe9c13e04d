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
  // expected-error @below {{expected scales for !quant.any}}
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

// tq.dequantize (C1): the shape of the scales
func.func @f(%q: tensor<3x48x!quant.any<u8:f32>>, %s: tensor<48xf32>) {
  // expected-error @below {{expected dimension 0 of operand #0 and dimension 0 of operand #1 to be equal, but got 'tensor<3x48x!quant.any<u8:f32>>' and 'tensor<48xf32>'}}
  %0 = tq.dequantize %q scales(%s)
    : (tensor<3x48x!quant.any<u8:f32>>, tensor<48xf32>) -> tensor<3x48xf32>
  return
}

// -----

// tq.dequantize (C1): the shape of the zero points
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
