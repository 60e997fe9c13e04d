// RUN: tq-opt %s -split-input-file -verify-diagnostics

// tq.observe (C1)
func.func @f(%x: tensor<?x?xf32>) {
  // expected-error @below {{expected a static last dimension, but got 'tensor<?x?xf32>'}}
  %0 = tq.observe %x site("a") : tensor<?x?xf32>
  return
}

// -----

// tq.observe (C1): rank
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{expected input of rank 1 or more, but got 'tensor<f32>'}}
  %0 = tq.observe %x site("a") : tensor<f32>
  return
}

// -----

// tq.observe (C2)
func.func @f(%x: tensor<?x3xf32>) {
  // expected-error @below {{expected statistics of 3 channels, but got 2}}
  %0 = tq.observe %x site("a") {statistics = #tq.statistics<rows = 1,
    low = dense<0.0> : tensor<2xf32>, high = dense<1.0> : tensor<2xf32>,
    mean = dense<0.5> : tensor<2xf32>, average = dense<[0.0, 1.0]> : tensor<2xf32>,
    histogram = dense<[1, 1]> : tensor<2xi64>,
    bins = dense<[0.0, 1.0, 0.0, 1.0]> : tensor<4xf64>>} : tensor<?x3xf32>
  return
}

// -----

// tq.observe (C3)
func.func @f(%x: tensor<?x3xf32>, %l: tensor<3xf32>) {
  // expected-error @below {{expected 'low' and 'high', or none of them}}
  %0 = tq.observe %x site("a") low(%l : tensor<3xf32>) : tensor<?x3xf32>
  return
}

// -----

// tq.observe (C4)
func.func @f(%x: tensor<?x3xf32>, %l: tensor<2xf32>) {
  // expected-error @below {{expected a range for each of 3 channels or one for all, but got 2}}
  %0 = tq.observe %x site("a") low(%l : tensor<2xf32>) high(%l : tensor<2xf32>) : tensor<?x3xf32>
  return
}

// -----

// tq.observe (C4): mean
func.func @f(%x: tensor<?x3xf32>, %m: tensor<2xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal}}
  %0 = tq.observe %x site("a") mean(%m : tensor<2xf32>) : tensor<?x3xf32>
  return
}

// -----

// #tq.statistics: one size
// expected-error @below {{expected high to be a vector of 2 f32, but got 'tensor<3xf32>'}}
func.func private @f() attributes {a = #tq.statistics<rows = 1,
  low = dense<0.0> : tensor<2xf32>, high = dense<1.0> : tensor<3xf32>,
  mean = dense<0.5> : tensor<2xf32>, average = dense<[0.0, 1.0]> : tensor<2xf32>,
  histogram = dense<[1, 1]> : tensor<2xi64>,
  bins = dense<[0.0, 1.0, 0.0, 1.0]> : tensor<4xf64>>}

// -----

// #tq.statistics: bins of the range
// expected-error @below {{expected a histogram with the bins of its range}}
func.func private @f() attributes {a = #tq.statistics<rows = 1,
  low = dense<0.0> : tensor<2xf32>, high = dense<1.0> : tensor<2xf32>,
  mean = dense<0.5> : tensor<2xf32>, average = dense<[0.0, 1.0]> : tensor<2xf32>,
  histogram = dense<[1, 1, 1]> : tensor<3xi64>,
  bins = dense<[0.0, 1.0, 0.0, 1.0]> : tensor<4xf64>>}

// -----

// tq.quantize (C3): the other way round
func.func @f(%x: tensor<?x4xf32>, %i: tensor<f32>) {
  // expected-error @below {{expected no inverse scales or zero points for !quant.uniform}}
  %0 = tq.quantize %x inverse_scales(%i)
    : tensor<?x4xf32>, tensor<f32> -> tensor<?x4x!quant.uniform<u8:f32, 0.5>>
  return
}

// -----

// tq.quantize (C3): one for each column
func.func @f(%x: tensor<?x4xf32>, %i: tensor<3xf32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #1 to be equal}}
  %0 = tq.quantize %x inverse_scales(%i)
    : tensor<?x4xf32>, tensor<3xf32> -> tensor<?x4x!quant.any<u8:f32>>
  return
}

// -----

// tq.static_linear (C1)
func.func @f(%x: tensor<?x4x!quant.any<i8:f32>>, %w: tensor<2x4x!quant.any<i8<-127:127>:f32>>,
             %z: tensor<2xi32>, %s: tensor<2xf32>) {
  // expected-error @below {{expected input with u8 storage, but got 'tensor<?x4x!quant.any<i8:f32>>'}}
  %0 = tq.static_linear %x weight(%w) starts(%z) scales(%s)
    : (tensor<?x4x!quant.any<i8:f32>>, tensor<2x4x!quant.any<i8<-127:127>:f32>>,
       tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// tq.static_linear (C2)
func.func @f(%x: tensor<?x4x!quant.any<u8:f32>>, %w: tensor<2x4x!quant.any<i8<-127:127>:f32>>,
             %z: tensor<3xi32>, %s: tensor<2xf32>) {
  // expected-error @below {{expected dimension 0 of operand #1 and dimension 0 of operand #2 to be equal}}
  %0 = tq.static_linear %x weight(%w) starts(%z) scales(%s)
    : (tensor<?x4x!quant.any<u8:f32>>, tensor<2x4x!quant.any<i8<-127:127>:f32>>,
       tensor<3xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// tq.static_linear (C4)
func.func @f(%x: tensor<?x66312x!quant.any<u8:f32>>,
             %w: tensor<2x66312x!quant.any<i8<-127:127>:f32>>,
             %z: tensor<2xi32>, %s: tensor<2xf32>) {
  // expected-error @below {{expected at most 66311 inputs, whose sum fits into 32 bits, but got 66312}}
  %0 = tq.static_linear %x weight(%w) starts(%z) scales(%s)
    : (tensor<?x66312x!quant.any<u8:f32>>, tensor<2x66312x!quant.any<i8<-127:127>:f32>>,
       tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// tq.activation_parameters (C1)
func.func @f(%l: tensor<?xf32>) {
  // expected-error @below {{expected a range of static size, but got 'tensor<?xf32>'}}
  %s, %i, %z = tq.activation_parameters %l, %l : tensor<?xf32>
    -> tensor<f32>, tensor<f32>, tensor<i32>
  return
}

// -----

// tq.smoothing_factors (C1)
func.func @f(%w: tensor<2x4xf32>, %l: tensor<3xf32>) {
  // expected-error @below {{expected a range for each of 4 inputs, but got 'tensor<3xf32>'}}
  %f, %i = tq.smoothing_factors %w, %l, %l {alpha = 0.8 : f32}
    : (tensor<2x4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

// tq.smoothing_factors (C2)
func.func @f(%w: tensor<2x4xf32>, %l: tensor<4xf32>) {
  // expected-error @below {{expected an alpha from 0 to 1, but got 1.5}}
  %f, %i = tq.smoothing_factors %w, %l, %l {alpha = 1.5 : f32}
    : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// tq.correct_bias (C2)
func.func @f(%w: tensor<2x4xf32>, %q: tensor<2x4x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %m: tensor<3xf32>) {
  // expected-error @below {{expected values, scales, mean and bias that suit a weight of static shape}}
  %c = tq.correct_bias %w, %q, %s, %m
    : (tensor<2x4xf32>, tensor<2x4x!quant.any<i8<-127:127>:f32>>, tensor<2xf32>,
       tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

// tq.correct_bias (C1)
func.func @f(%w: tensor<2x4x1xf32>, %q: tensor<2x4x!quant.any<i8<-127:127>:f32>>,
             %s: tensor<2xf32>, %m: tensor<4xf32>) {
  // expected-error @below {{expected weight of rank 2, but got 'tensor<2x4x1xf32>'}}
  %c = tq.correct_bias %w, %q, %s, %m
    : (tensor<2x4x1xf32>, tensor<2x4x!quant.any<i8<-127:127>:f32>>, tensor<2xf32>,
       tensor<4xf32>) -> tensor<2xf32>
  return
}

// -----

// tq.static_linear (C3)
func.func @f(%x: tensor<?x4x!quant.any<u8:f32>>, %w: tensor<2x4x!quant.any<i8<-127:127>:f32>>,
             %z: tensor<2xi32>, %s: tensor<2xf32>, %r: tensor<2xf32>) {
  // expected-error @below {{expected a residual of the result's type 'tensor<?x2xf32>', but got 'tensor<2xf32>'}}
  %0 = tq.static_linear %x weight(%w) starts(%z) scales(%s) residual(%r)
    : (tensor<?x4x!quant.any<u8:f32>>, tensor<2x4x!quant.any<i8<-127:127>:f32>>,
       tensor<2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// tq.zero_point_sums (C1)
func.func @f(%w: tensor<4x!quant.any<i8<-127:127>:f32>>, %z: tensor<i32>) {
  // expected-error @below {{expected weight of rank 2}}
  %0 = "tq.zero_point_sums"(%w, %z)
    : (tensor<4x!quant.any<i8<-127:127>:f32>>, tensor<i32>) -> tensor<4xi32>
  return
}

// -----

// tq.zero_point_sums (C2)
func.func @f(%w: tensor<2x4x!quant.any<i8<-127:127>:f32>>, %z: tensor<1xi32>) {
  // expected-error @below {{expected one zero point, or one for each input of 'tensor<2x4x!quant.any<i8<-127:127>:f32>>', but got 'tensor<1xi32>'}}
  %0 = tq.zero_point_sums %w, %z
    : (tensor<2x4x!quant.any<i8<-127:127>:f32>>, tensor<1xi32>) -> tensor<2xi32>
  return
}

// -----

// tq.quantize (C4)
func.func @f(%x: tensor<?x4xf32>, %i: tensor<f32>, %z: tensor<3xi32>) {
  // expected-error @below {{expected dimension 1 of operand #0 and dimension 0 of operand #2 to be equal, but got}}
  %0 = tq.quantize %x inverse_scales(%i) zero_points(%z)
    : tensor<?x4xf32>, tensor<f32>, tensor<3xi32> -> tensor<?x4x!quant.any<u8:f32>>
  return
}

// -----

// tq.quantize (C4): of columns, or of all
func.func @f(%x: tensor<?x4xf32>, %i: tensor<f32>, %z: tensor<2x2xi32>) {
  // expected-error @below {{expected zero points of rank 1, but got 'tensor<2x2xi32>'}}
  %0 = tq.quantize %x inverse_scales(%i) zero_points(%z)
    : tensor<?x4xf32>, tensor<f32>, tensor<2x2xi32> -> tensor<?x4x!quant.any<u8:f32>>
  return
}
