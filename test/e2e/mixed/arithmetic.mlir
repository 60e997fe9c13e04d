// Ops of arith and math on whole tensors and inside linalg.generic, padding, and slices of
// dynamic size.

#id = affine_map<(i, j) -> (i, j)>

func.func @main(%x: tensor<?x?xf32> {program.port = #program.port<"x", ["batch", "sequence"]>})
    -> (tensor<?x?xf32> {program.port = #program.port<"curve", ["batch", "sequence"]>},
        tensor<?x?xf32> {program.port = #program.port<"padded", ["", ""]>},
        tensor<?x?xf32> {program.port = #program.port<"tail", ["", ""]>},
        tensor<?x?xf32> {program.port = #program.port<"whole", ["batch", "sequence"]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %one = arith.constant 1.0 : f32
  %fill = arith.constant -3.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%b, %s) : tensor<?x?xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = math.exp %in : f32
    %q = arith.addf %p, %one : f32
    %t = math.tanh %in : f32
    %r = arith.divf %t, %q : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %padded = tensor.pad %c low[1, 0] high[0, %s] {
  ^bb0(%i: index, %j: index):
    tensor.yield %fill : f32
  } : tensor<?x?xf32> to tensor<?x?xf32>
  %half = arith.divui %s, %c2 : index
  %rest = arith.subi %s, %half : index
  %tail = tensor.extract_slice %c[0, %half] [%b, %rest] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  %act = tq.sigmoid %tail : tensor<?x?xf32>
  %sq = arith.mulf %x, %x : tensor<?x?xf32>
  %ex = math.tanh %sq : tensor<?x?xf32>
  %whole = arith.subf %ex, %c : tensor<?x?xf32>
  return %c, %padded, %act, %whole : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}
