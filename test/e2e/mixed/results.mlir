// A result that another one is computed from, the same result twice, and an input
// that is returned.

func.func @main(%x: tensor<?x?x24xf32> {program.port = #program.port<"x", ["batch", "sequence", "24"]>})
    -> (tensor<?x?x24xf32> {program.port = #program.port<"first", ["batch", "sequence", "24"]>},
        tensor<?x?x24xf32> {program.port = #program.port<"second", ["batch", "sequence", "24"]>},
        tensor<?x?x24xf32> {program.port = #program.port<"again", ["batch", "sequence", "24"]>},
        tensor<?x?x24xf32> {program.port = #program.port<"same", ["batch", "sequence", "24"]>}) {
  %a = tq.silu %x : tensor<?x?x24xf32>
  %b = tq.softmax %a : tensor<?x?x24xf32>
  return %a, %b, %a, %x
    : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>
}
