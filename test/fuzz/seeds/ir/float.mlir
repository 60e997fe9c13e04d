tq.weight @w : tensor<4x3xf32> = dense<1.0> : tensor<4x3xf32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x4xf32> attributes {program.phase = "import"} {
  %w = tq.get_weight @w : tensor<4x3xf32>
  %0 = tq.linear %x, %w : (tensor<?x3xf32>, tensor<4x3xf32>) -> tensor<?x4xf32>
  %1 = tq.gelu %0 : tensor<?x4xf32>
  %2 = tq.softmax %1 : tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}
