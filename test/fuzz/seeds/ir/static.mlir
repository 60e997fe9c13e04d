!s8 = !quant.any<i8<-127:127>:f32>
!u8 = !quant.any<u8:f32>
func.func @main(%x: tensor<?x?x8xf32>, %m: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %l = arith.constant dense<-1.0> : tensor<8xf32>
  %h = arith.constant dense<2.0> : tensor<8xf32>
  %f, %g = tq.score_smoothing_factors query(%l, %h) key(%l, %h) {kv_heads = 2 : i64}
    : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  %s, %i = tq.symmetric_parameters %l, %h : tensor<8xf32> -> tensor<2xf32>, tensor<8xf32>
  %t, %j = tq.symmetric_parameters %l, %h : tensor<8xf32> -> tensor<8xf32>, tensor<8xf32>
  %us, %ui, %uz = tq.activation_parameters %l, %h : tensor<8xf32> -> tensor<f32>, tensor<f32>, tensor<8xi32>
  %q = tq.quantize %x inverse_scales(%i) : tensor<?x?x8xf32>, tensor<8xf32> -> tensor<?x?x8x!s8>
  %v = tq.quantize %x inverse_scales(%j) : tensor<?x?x8xf32>, tensor<8xf32> -> tensor<?x?x8x!s8>
  %c = tq.score_scales %s, %s {scale = 5.0e-01 : f32} : tensor<2xf32>, tensor<2xf32>
  %a = tq.static_attention %q, %q, %v mask(%m) scales(%c, %t) inverse_scales(%ui) zero_points(%uz) {num_heads = 2 : i64}
    : (tensor<?x?x8x!s8>, tensor<?x?x8x!s8>, tensor<?x?x8x!s8>, tensor<?x?xi64>, tensor<2xf32>, tensor<8xf32>, tensor<f32>, tensor<8xi32>) -> tensor<?x?x8x!u8>
  %d = tq.dequantize %a scales(%us) zero_points(%uz) : (tensor<?x?x8x!u8>, tensor<f32>, tensor<8xi32>) -> tensor<?x?x8xf32>
  %e = tq.dequantize %q column_scales(%s) : (tensor<?x?x8x!s8>, tensor<2xf32>) -> tensor<?x?x8xf32>
  %z = tq.add %d, %e : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %z : tensor<?x?x8xf32>
}
