// Ways to read and set states: what a state was before the run is a value, whatever is
// stored meanwhile.
#same = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
module attributes {program.name = "values"} {
program.state @a : tensor<2x2xf32> dims ["", ""]
program.state @b : tensor<2x2xf32> dims ["", ""]

// a, b = b, a
func.func @swap(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = program.get_state @a : tensor<2x2xf32>
  %b = program.get_state @b : tensor<2x2xf32>
  program.set_state @a, %b : tensor<2x2xf32>
  program.set_state @b, %a : tensor<2x2xf32>
  %y = tq.add %x, %a : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// a, b = x, a
func.func @delay(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = program.get_state @a : tensor<2x2xf32>
  %b = program.get_state @b : tensor<2x2xf32>
  program.set_state @a, %x : tensor<2x2xf32>
  program.set_state @b, %a : tensor<2x2xf32>
  return %b : tensor<2x2xf32>
}

// a = transposed a + x
func.func @turn(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = program.get_state @a : tensor<2x2xf32>
  %r = linalg.generic {indexing_maps = [#turned, #same, #same], iterator_types = ["parallel", "parallel"]}
    ins(%a, %x : tensor<2x2xf32>, tensor<2x2xf32>) outs(%a : tensor<2x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  program.set_state @a, %r : tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// a = a + x, element by element, in place
func.func @sum(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = program.get_state @a : tensor<2x2xf32>
  %r = linalg.generic {indexing_maps = [#same, #same, #same], iterator_types = ["parallel", "parallel"]}
    ins(%a, %x : tensor<2x2xf32>, tensor<2x2xf32>) outs(%a : tensor<2x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  program.set_state @a, %r : tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// a, b = r, r: a with the first row of x, whose old value is read afterwards
func.func @both(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %a = program.get_state @a : tensor<2x2xf32>
  %row = tensor.extract_slice %x[0, 0] [1, 2] [1, 1] : tensor<2x2xf32> to tensor<1x2xf32>
  %r = tensor.insert_slice %row into %a[0, 0] [1, 2] [1, 1] : tensor<1x2xf32> into tensor<2x2xf32>
  program.set_state @a, %r : tensor<2x2xf32>
  program.set_state @b, %r : tensor<2x2xf32>
  %y = tq.sub %a, %r : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// a = the second column of a, captured by the region that writes it, everywhere
func.func @capture(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %c1 = arith.constant 1 : index
  %a = program.get_state @a : tensor<2x2xf32>
  %r = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<2x2xf32>) outs(%a : tensor<2x2xf32>) {
  ^bb0(%q: f32, %o: f32):
    %i = linalg.index 0 : index
    %p = tensor.extract %a[%i, %c1] : tensor<2x2xf32>
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  program.set_state @a, %r : tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}
}
