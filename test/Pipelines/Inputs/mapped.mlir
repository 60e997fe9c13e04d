tq.weight @w : tensor<4x8xi8> = #tq.mapped<"weights.bin", 64>
func.func @main(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %w = tq.get_weight @w : tensor<4x8xi8>
  %y = arith.addi %x, %w : tensor<4x8xi8>
  return %y : tensor<4x8xi8>
}
