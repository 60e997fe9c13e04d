// A decoder layer as in Llama: RMS norm, causal attention with two query heads to
// each key head, and a gated SiLU. Hidden size 48, 4 heads of 12, FFN 67.

tq.weight @norm1 : tensor<48xf32> = #tq.mapped<"weights.bin", 0>
tq.weight @query : tensor<48x48xf32> = #tq.mapped<"weights.bin", 192>
tq.weight @key : tensor<24x48xf32> = #tq.mapped<"weights.bin", 9408>
tq.weight @value : tensor<24x48xf32> = #tq.mapped<"weights.bin", 14016>
tq.weight @output : tensor<48x48xf32> = #tq.mapped<"weights.bin", 18624>
tq.weight @norm2 : tensor<48xf32> = #tq.mapped<"weights.bin", 27840>
tq.weight @gate : tensor<67x48xf32> = #tq.mapped<"weights.bin", 28032>
tq.weight @up : tensor<67x48xf32> = #tq.mapped<"weights.bin", 40896>
tq.weight @down : tensor<48x67xf32> = #tq.mapped<"weights.bin", 53760>

func.func @main(%x: tensor<?x?x48xf32> {program.port = #program.port<"x", ["batch", "sequence", "48"]>})
    -> (tensor<?x?x48xf32> {program.port = #program.port<"y", ["batch", "sequence", "48"]>}) {
  %g1 = tq.get_weight @norm1 : tensor<48xf32>
  %wq = tq.get_weight @query : tensor<48x48xf32>
  %wk = tq.get_weight @key : tensor<24x48xf32>
  %wv = tq.get_weight @value : tensor<24x48xf32>
  %wo = tq.get_weight @output : tensor<48x48xf32>
  %g2 = tq.get_weight @norm2 : tensor<48xf32>
  %wg = tq.get_weight @gate : tensor<67x48xf32>
  %wu = tq.get_weight @up : tensor<67x48xf32>
  %wd = tq.get_weight @down : tensor<48x67xf32>

  %n1 = tq.rms_norm %x, %g1 {epsilon = 1.0e-5 : f32} : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
  %q = tq.linear %n1, %wq : (tensor<?x?x48xf32>, tensor<48x48xf32>) -> tensor<?x?x48xf32>
  %k = tq.linear %n1, %wk : (tensor<?x?x48xf32>, tensor<24x48xf32>) -> tensor<?x?x24xf32>
  %v = tq.linear %n1, %wv : (tensor<?x?x48xf32>, tensor<24x48xf32>) -> tensor<?x?x24xf32>
  %a = tq.attention %q, %k, %v {num_heads = 4 : i64, num_kv_heads = 2 : i64, scale = 0.288675 : f32, causal}
    : (tensor<?x?x48xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x48xf32>
  %o = tq.linear %a, %wo : (tensor<?x?x48xf32>, tensor<48x48xf32>) -> tensor<?x?x48xf32>
  %h = tq.add %x, %o : (tensor<?x?x48xf32>, tensor<?x?x48xf32>) -> tensor<?x?x48xf32>

  %n2 = tq.rms_norm %h, %g2 {epsilon = 1.0e-5 : f32} : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
  %g = tq.linear %n2, %wg : (tensor<?x?x48xf32>, tensor<67x48xf32>) -> tensor<?x?x67xf32>
  %s = tq.silu %g : tensor<?x?x67xf32>
  %u = tq.linear %n2, %wu : (tensor<?x?x48xf32>, tensor<67x48xf32>) -> tensor<?x?x67xf32>
  %m = tq.mul %s, %u : (tensor<?x?x67xf32>, tensor<?x?x67xf32>) -> tensor<?x?x67xf32>
  %d = tq.linear %m, %wd : (tensor<?x?x67xf32>, tensor<48x67xf32>) -> tensor<?x?x48xf32>
  %y = tq.add %h, %d : (tensor<?x?x48xf32>, tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}
