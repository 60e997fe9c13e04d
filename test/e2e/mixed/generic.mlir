// linalg.generic in the middle of tq ops: elementwise, and a reduction over the
// dimension in the middle, which is dynamic.

#all = affine_map<(b, s, d) -> (b, s, d)>
#rest = affine_map<(b, s, d) -> (b, d)>

tq.weight @first : tensor<40x24xf32> = #tq.mapped<"weights.bin", 0>
tq.weight @second : tensor<9x40xf32> = #tq.mapped<"weights.bin", 3840>
tq.weight @bias : tensor<9xf32> = #tq.mapped<"weights.bin", 5280>

func.func @main(%x: tensor<?x?x24xf32> {program.port = #program.port<"x", ["batch", "sequence", "24"]>})
    -> (tensor<?x9xf32> {program.port = #program.port<"y", ["batch", "9"]>},
        tensor<?x?x40xf32> {program.port = #program.port<"bent", ["batch", "sequence", "40"]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %w1 = tq.get_weight @first : tensor<40x24xf32>
  %w2 = tq.get_weight @second : tensor<9x40xf32>
  %b2 = tq.get_weight @bias : tensor<9xf32>
  %b = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x24xf32>

  %h = tq.linear %x, %w1 : (tensor<?x?x24xf32>, tensor<40x24xf32>) -> tensor<?x?x40xf32>
  %e1 = tensor.empty(%b, %s) : tensor<?x?x40xf32>
  %bent = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%h : tensor<?x?x40xf32>) outs(%e1 : tensor<?x?x40xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.mulf %in, %half : f32
    %p = arith.cmpf ogt, %in, %zero : f32
    %r = arith.select %p, %in, %n : f32
    linalg.yield %r : f32
  } -> tensor<?x?x40xf32>
  %e2 = tensor.empty(%b) : tensor<?x40xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x40xf32>) -> tensor<?x40xf32>
  %sum = linalg.generic {indexing_maps = [#all, #rest], iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%bent : tensor<?x?x40xf32>) outs(%f2 : tensor<?x40xf32>) {
  ^bb0(%in: f32, %out: f32):
    %r = arith.addf %out, %in : f32
    linalg.yield %r : f32
  } -> tensor<?x40xf32>
  %t = tq.tanh %sum : tensor<?x40xf32>
  %y = tq.linear %t, %w2, %b2 : (tensor<?x40xf32>, tensor<9x40xf32>, tensor<9xf32>) -> tensor<?x9xf32>
  return %y, %bent : tensor<?x9xf32>, tensor<?x?x40xf32>
}
