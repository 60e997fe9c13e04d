tq.weight @a : tensor<2x2xf32> = #tq.mapped<"model.safetensors", 96>
tq.weight @b : tensor<2x2xf32> initializer {
  %0 = tq.get_weight @a : tensor<2x2xf32>
  tq.yield %0 : tensor<2x2xf32>
}
