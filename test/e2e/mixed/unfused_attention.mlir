// Attention written out as two products and a softmax between them.

tq.weight @scale : tensor<1xf32> = dense<0.25> : tensor<1xf32>

func.func @main(%q: tensor<?x?x16xf32> {program.port = #program.port<"q", ["batch", "queries", "16"]>},
                %k: tensor<?x?x16xf32> {program.port = #program.port<"k", ["batch", "keys", "16"]>},
                %v: tensor<?x?x16xf32> {program.port = #program.port<"v", ["batch", "keys", "16"]>})
    -> (tensor<?x?x16xf32> {program.port = #program.port<"y", ["batch", "queries", "16"]>}) {
  %f = tq.get_weight @scale : tensor<1xf32>
  %s = tq.matmul %q, %k {transpose_rhs} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x?xf32>
  %t = tq.mul %s, %f : (tensor<?x?x?xf32>, tensor<1xf32>) -> tensor<?x?x?xf32>
  %p = tq.softmax %t : tensor<?x?x?xf32>
  %y = tq.matmul %p, %v : (tensor<?x?x?xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %y : tensor<?x?x16xf32>
}
