// One operand's type tells a size, and the other's does not: see sizes.test.
// The public function has any name.
func.func @combine(%x: tensor<?x4xf32> {program.port = #program.port<"x", ["", ""]>}, %y: tensor<4x4xf32> {program.port = #program.port<"y", ["", ""]>},
                %w: tensor<2x?xf32> {program.port = #program.port<"w", ["", ""]>})
    -> (tensor<?x4xf32> {program.port = #program.port<"sum", ["", ""]>}, tensor<?x2xf32> {program.port = #program.port<"linear", ["", ""]>}) {
  %sum = tq.add %x, %y : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %open = tensor.cast %x : tensor<?x4xf32> to tensor<?x?xf32>
  %linear = tq.linear %open, %w : (tensor<?x?xf32>, tensor<2x?xf32>) -> tensor<?x2xf32>
  return %sum, %linear : tensor<?x4xf32>, tensor<?x2xf32>
}
