// Attention of two heads and nothing else.
!x = tensor<?x?x80xf32>
func.func @main(%x: !x {tq.name = "x", tq.dims = ["batch", "sequence", "80"]},
                %m: tensor<?x?xi64> {tq.name = "m", tq.dims = ["batch", "sequence"]})
    -> (!x {tq.name = "y", tq.dims = ["batch", "sequence", "80"]}) {
  %y = tq.attention %x, %x, %x mask(%m) {num_heads = 2 : i64, scale = 0.25 : f32}
    : (!x, !x, !x, tensor<?x?xi64>) -> !x
  return %y : !x
}
