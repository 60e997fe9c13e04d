// A float layer as a person would write it.
tq.weight @up : tensor<8x4xf32> = dense<0.5> : tensor<8x4xf32>
tq.weight @up.bias : tensor<8xf32> =
  dense<[0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0]> : tensor<8xf32>
tq.weight @unused : tensor<2xf32> = dense<0.0> : tensor<2xf32>

func.func @main(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  %w = tq.get_weight @up : tensor<8x4xf32>
  %b = tq.get_weight @up.bias : tensor<8xf32>
  %y = tq.linear %x, %w, %b
    : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %g = tq.gelu %y : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}
