// A result that another one is computed from, the same result twice, and an input
// that is returned.

func.func @main(%x: tensor<?x?x24xf32> {tq.name = "x", tq.dims = ["batch", "sequence", "24"]})
    -> (tensor<?x?x24xf32> {tq.name = "first", tq.dims = ["batch", "sequence", "24"]},
        tensor<?x?x24xf32> {tq.name = "second", tq.dims = ["batch", "sequence", "24"]},
        tensor<?x?x24xf32> {tq.name = "again", tq.dims = ["batch", "sequence", "24"]},
        tensor<?x?x24xf32> {tq.name = "same", tq.dims = ["batch", "sequence", "24"]}) {
  %a = tq.silu %x : tensor<?x?x24xf32>
  %b = tq.softmax %a : tensor<?x?x24xf32>
  return %a, %b, %a, %x
    : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>
}
