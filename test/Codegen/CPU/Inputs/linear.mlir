tq.weight @w : tensor<128x64xf32> = dense<0.5> : tensor<128x64xf32>
func.func @main(%x: tensor<?x64xf32> {program.port = #program.port<"x", ["", ""]>}) -> (tensor<?x128xf32> {program.port = #program.port<"y", ["", ""]>}) {
  %w = tq.get_weight @w : tensor<128x64xf32>
  %y = tq.linear %x, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}
