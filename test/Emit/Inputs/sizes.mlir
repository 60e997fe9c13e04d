// Sizes that no type and no name tells: see sizes.test.
func.func @main(%x: tensor<?x4xf32> {program.port = #program.port<"x", ["", ""]>}, %y: tensor<?x4xf32> {program.port = #program.port<"y", ["", ""]>})
    -> (tensor<?x4xf32> {program.port = #program.port<"sum", ["", ""]>}, tensor<?x2x4xf32> {program.port = #program.port<"pairs", ["", "", ""]>},
        tensor<?x4xf32> {program.port = #program.port<"tail", ["", ""]>}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %sum = tq.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %n = tensor.dim %y, %c0 : tensor<?x4xf32>
  %half = arith.divui %n, %c2 : index
  %split = tensor.expand_shape %y [[0, 1], [2]] output_shape [%half, 2, 4]
    : tensor<?x4xf32> into tensor<?x2x4xf32>
  %pairs = tq.relu %split : tensor<?x2x4xf32>
  %rest = arith.subi %n, %c2 : index
  %slice = tensor.extract_slice %x[2, 0] [%rest, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
  %tail = tq.relu %slice : tensor<?x4xf32>
  return %sum, %pairs, %tail : tensor<?x4xf32>, tensor<?x2x4xf32>, tensor<?x4xf32>
}
