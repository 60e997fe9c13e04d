// Attention of two heads and nothing else.
!x = tensor<?x?x80xf32>
func.func @main(%x: !x {program.port = #program.port<"x", ["batch", "sequence", "80"]>},
                %m: tensor<?x?xi64> {program.port = #program.port<"m", ["batch", "sequence"]>})
    -> (!x {program.port = #program.port<"y", ["batch", "sequence", "80"]>}) {
  %y = tq.attention %x, %x, %x mask(%m) {num_heads = 2 : i64, scale = 0.25 : f32}
    : (!x, !x, !x, tensor<?x?xi64>) -> !x
  return %y : !x
}
