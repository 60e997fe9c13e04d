// A cache of keys and values: `append` adds rows to it and attends over all that are
// there; `all` attends over all rows at once.
module attributes {program.name = "cache",
    program.symbols = [#program.symbol<"batch", batch>]} {
program.state @keys : tensor<?x?x32xf32> dims ["batch", "capacity", ""]
program.state @values : tensor<?x?x32xf32> dims ["batch", "capacity", ""]
program.state @length : index
func.func @append(%x: tensor<?x?x32xf32> {program.port = #program.port<"x", ["batch", "rows", ""]>})
    -> (tensor<?x?x32xf32> {program.port = #program.port<"y", ["batch", "rows", ""]>}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %length = program.get_state @length : index
  %keys = program.get_state @keys : tensor<?x?x32xf32>
  %values = program.get_state @values : tensor<?x?x32xf32>
  %v = tq.silu %x : tensor<?x?x32xf32>
  %k1 = tensor.insert_slice %x into %keys[0, %length, 0] [%b, %n, 32] [1, 1, 1]
    : tensor<?x?x32xf32> into tensor<?x?x32xf32>
  %v1 = tensor.insert_slice %v into %values[0, %length, 0] [%b, %n, 32] [1, 1, 1]
    : tensor<?x?x32xf32> into tensor<?x?x32xf32>
  %now = arith.addi %length, %n : index
  %k = tensor.extract_slice %k1[0, 0, 0] [%b, %now, 32] [1, 1, 1]
    : tensor<?x?x32xf32> to tensor<?x?x32xf32>
  %w = tensor.extract_slice %v1[0, 0, 0] [%b, %now, 32] [1, 1, 1]
    : tensor<?x?x32xf32> to tensor<?x?x32xf32>
  %y = tq.attention %x, %k, %w {causal, num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  program.set_state @keys, %k1 : tensor<?x?x32xf32>
  program.set_state @values, %v1 : tensor<?x?x32xf32>
  program.set_state @length, %now : index
  return %y : tensor<?x?x32xf32>
}
func.func @all(%x: tensor<?x?x32xf32> {program.port = #program.port<"x", ["batch", "rows", ""]>})
    -> (tensor<?x?x32xf32> {program.port = #program.port<"y", ["batch", "rows", ""]>}) {
  %v = tq.silu %x : tensor<?x?x32xf32>
  %y = tq.attention %x, %x, %v {causal, num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}
}
