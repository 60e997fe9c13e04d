// Ops that move values: gather, transpose, concatenation, with tq ops around them.

tq.weight @gamma : tensor<24xf32> = #tq.mapped<"weights.bin", 0>

func.func @main(%x: tensor<?x?x24xf32> {program.port = #program.port<"x", ["batch", "sequence", "24"]>},
                %rows: tensor<?x1xi64> {program.port = #program.port<"rows", ["picked", "1"]>})
    -> (tensor<?x?x24xf32> {program.port = #program.port<"picked", ["picked", "sequence", "24"]>},
        tensor<?x24x?xf32> {program.port = #program.port<"turned", ["batch", "24", "sequence"]>},
        tensor<?x?x48xf32> {program.port = #program.port<"joined", ["batch", "sequence", "48"]>},
        tensor<?x?x24xf32> {program.port = #program.port<"stacked", ["", "", ""]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %g = tq.get_weight @gamma : tensor<24xf32>
  %b = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %n = tq.layer_norm %x, %g {epsilon = 1.0e-6 : f32} : (tensor<?x?x24xf32>, tensor<24xf32>) -> tensor<?x?x24xf32>
  %p = tensor.gather %n[%rows] gather_dims([0]) : (tensor<?x?x24xf32>, tensor<?x1xi64>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%b, %s) : tensor<?x24x?xf32>
  %t = linalg.transpose ins(%n : tensor<?x?x24xf32>) outs(%e : tensor<?x24x?xf32>) permutation = [0, 2, 1]
  %u = tq.softmax %t : tensor<?x24x?xf32>
  %j = tensor.concat dim(2) %n, %x : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x48xf32>
  %k = tensor.concat dim(1) %x, %n, %x : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %p, %u, %j, %k : tensor<?x?x24xf32>, tensor<?x24x?xf32>, tensor<?x?x48xf32>, tensor<?x?x24xf32>
}
