// RUN: tq-opt %s -split-input-file -verify-diagnostics

// program.kernel (C1)
// expected-error @below {{expected its definition first, a function @k with a body}}
program.kernel @k {
}

// -----

// program.kernel (C1): another name
// expected-error @below {{expected its definition first, a function @k with a body}}
program.kernel @k {
func.func @other(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
}

// -----

// program.kernel (C1): what results are written to
// expected-error @below {{expected an argument for each result to be written to, but got '() -> tensor<2xf32>'}}
program.kernel @k {
func.func @k() -> tensor<2xf32> {
  %0 = tensor.empty() : tensor<2xf32>
  return %0 : tensor<2xf32>
}
}

// -----

// program.kernel (C2)
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
// expected-error @below {{expected only variants behind the definition of kernel @k}}
func.func @l(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
}

// -----

// program.kernel (C2): two for one target
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
program.variant <"x86-64-v3", "t">
// expected-error @below {{expected one variant for each target, but got two for x86-64-v3}}
program.variant <"x86-64-v3", "t">
}

// -----

// program.variant (C1): the memrefs of the kernel's arguments
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
// expected-error @below {{expected code on 1 arguments of the kernel, but got ('memref<3xf32>')}}
program.variant <"x86-64-v3", "t"> code {
^bb0(%out: memref<3xf32>):
  program.yield
}
}

// -----

// program.variant (C1): items, as it counts them
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
// expected-error @below {{expected code on 1 arguments of the kernel, begin and end, but got ('memref<2xf32>')}}
program.variant <"x86-64-v3", "t"> code {
^bb0(%out: memref<2xf32>):
  program.yield
} count {
  %c1 = arith.constant 1 : index
  program.yield %c1 : index
}
}

// -----

// program.variant (C1): what is packed
program.kernel @k {
func.func @k(%out: tensor<?xf32>) -> tensor<?xf32> {
  return %out : tensor<?xf32>
}
// expected-error @below {{expected argument 0 of the kernel, which is packed, to be a static tensor of rank 2}}
program.variant <"x86-64-v3", "t"> packed [#program.packed<0, panel = 16, group = 1>]
}

// -----

// program.variant (C1)
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
// expected-error @below {{expected argument 7 of the kernel, which is packed, to be a static tensor of rank 2}}
program.variant <"x86-64-v3", "t"> packed [#program.packed<7, panel = 16, group = 1>]
}

// -----

// expected-error @below {{expected a panel and a group of at least 1, but got 0 and 1}}
func.func private @f() attributes {x = #program.packed<7, panel = 0, group = 1>}

// -----

// program.variant (C2): the sizes of a call
program.kernel @k {
func.func @k(%out: tensor<?xf32>) -> tensor<?xf32> {
  return %out : tensor<?xf32>
}
// expected-error @below {{expected workspace to be a block on the 1 sizes of a call}}
program.variant <"x86-64-v3", "t"> code {
^bb0(%out: memref<?xf32>, %scratch: memref<?xi8>):
  program.yield
} workspace {
  %c1 = arith.constant 1 : index
  program.yield %c1 : index
}
}

// -----

// program.variant (C2): an index
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
// expected-error @below {{expected count to yield an index}}
program.variant <"x86-64-v3", "t"> code {
^bb0(%out: memref<2xf32>, %begin: index, %end: index):
  program.yield
} count {
  program.yield
}
}

// -----

// program.variant (C2): code
program.kernel @k {
func.func @k(%out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
// expected-error @below {{expected code beside its count}}
program.variant <"x86-64-v3", "t"> count {
  %c1 = arith.constant 1 : index
  program.yield %c1 : index
}
}

// -----

// program.call (C1)
func.func private @k(tensor<2xf32>) -> tensor<2xf32>
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{expected a call of a kernel, but got '@k'}}
  %0 = program.call @k(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// program.call (C2)
program.kernel @k {
func.func @k(%x: tensor<2xf32>, %out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
}
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{expected 2 operands for kernel @k, but got 1}}
  %0 = program.call @k(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// program.call (C2)
program.kernel @k {
func.func @k(%x: tensor<2xf32>, %out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
}
func.func @f(%x: tensor<2xf32>, %y: tensor<3xf32>) -> tensor<2xf32> {
  // expected-error @below {{expected operand 0 to be 'tensor<2xf32>' for kernel @k, but got 'tensor<3xf32>'}}
  %0 = program.call @k(%y, %x) : (tensor<3xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// program.call (C2)
program.kernel @k {
func.func @k(%x: tensor<2xf32>, %out: tensor<2xf32>) -> tensor<2xf32> {
  return %out : tensor<2xf32>
}
}
func.func @f(%x: tensor<2xf32>) {
  // expected-error @below {{expected results of kernel @k, ('tensor<2xf32>'), but got ()}}
  program.call @k(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> ()
  return
}

// -----

// program.entry (C1)
// expected-error @below {{expected 1 ports of inputs, but got 0}}
program.entry @main : (tensor<2xf32>) -> () inputs [] outputs []

// -----

// program.entry (C1)
// expected-error @below {{expected a name for each of the 2 dimensions of 'x', but got 1}}
program.entry @main : (tensor<2x2xf32>) -> () inputs [#program.port<"x", [""]>] outputs []

// -----

// program.entry (C1)
// expected-error @below {{expected a name for each dynamic dimension of 'y'}}
program.entry @main : () -> tensor<?xf32> inputs [] outputs [#program.port<"y", [""]>]

// -----

// program.entry (C1)
// expected-error @below {{expected tensors as inputs of @main, but got 'f32'}}
program.entry @main : (f32) -> () inputs [#program.port<"x", []>] outputs []

// -----

// program.entry (C2)
// expected-error @below {{expected outputs with a name of its own for each, but got 'y' twice}}
program.entry @main : () -> (tensor<f32>, tensor<f32>)
  inputs [] outputs [#program.port<"y", []>, #program.port<"y", []>]

// -----

// program.schedule (C1)
// expected-error @below {{expected an entry, but got '@main'}}
program.schedule @main <"x86-64-v3", "t"> {
  program.yield
}

// -----

// program.schedule (C1)
program.entry @main : (tensor<f32>) -> () inputs [#program.port<"x", []>] outputs []
// expected-error @below {{expected inputs and outputs of @main, '(tensor<f32>) -> ()'}}
program.schedule @main <"x86-64-v3", "t"> {
  program.yield
}

// -----

program.entry @main : () -> () inputs [] outputs []
program.schedule @main <"x86-64-v3", "t"> {
  // expected-error @below {{expected calls of kernels}}
  program.rows block 256 unit 16 least 32 {
    program.yield
  }
  program.yield
}

// -----

program.entry @main : () -> () inputs [] outputs []
program.schedule @main <"x86-64-v3", "t"> {
  // expected-error @below {{expected positive numbers of rows}}
  program.rows block 256 unit 0 least 32 {
    program.yield
  }
  program.yield
}

// -----

program.entry @main : () -> () inputs [] outputs []
program.schedule @main <"x86-64-v3", "t"> {
  // expected-error @below {{expected to yield its results, ('tensor<f32>')}}
  %0 = program.rows block 256 unit 16 least 32 {
    program.yield
  } : tensor<f32>
  program.yield
}

// -----

program.entry @main : () -> () inputs [] outputs []
program.schedule @main <"x86-64-v3", "t"> {
  // expected-error @below {{expected 1 sizes for 'tensor<?xf32>', but got 0}}
  %0 = program.buffer 0() : tensor<?xf32>
  program.yield
}

// -----

program.entry @main : () -> () inputs [] outputs []
program.schedule @main <"x86-64-v3", "t"> {
  // expected-error @below {{expected a slot that is not negative}}
  %0 = program.buffer -1() : tensor<2xf32>
  program.yield
}

// -----

// program.state (C1)
// expected-error @below {{expected elements of f32, i64, i32, i8, ui8 or i1, which sessions can hold, but got 'tensor<2xbf16>'}}
program.state @s : tensor<2xbf16> dims [""]

// -----

// expected-error @below {{expected at most 8 dimensions, but got 'tensor<1x1x1x1x1x1x1x1x1xf32>'}}
program.state @s : tensor<1x1x1x1x1x1x1x1x1xf32> dims ["", "", "", "", "", "", "", "", ""]

// -----

// expected-error @below {{expected less than 2^48 elements, but got 'tensor<16777216x33554432xi8>'}}
program.state @s : tensor<16777216x33554432xi8> dims ["", ""]

// -----

// program.state (C2)
// expected-error @below {{expected a name for each of the 2 dimensions, but got 1}}
program.state @s : tensor<?x2xf32> dims ["n"]

// -----

// expected-error @below {{expected a name without a zero byte for dimension 0}}
program.state @s : tensor<?x2xf32> dims ["", ""]

// -----

// expected-error @below {{expected a name for each of the 0 dimensions, but got 1}}
program.state @s : index dims ["n"]

// -----

// program.get_state (C1)
func.func @f() {
  // expected-error @below {{expected a state, but got '@s'}}
  %0 = program.get_state @s : index
  return
}

// -----

program.state @s : tensor<2xf32> dims [""]
func.func @f() {
  // expected-error @below {{expected 'tensor<2xf32>', which state @s is, but got 'tensor<3xf32>'}}
  %0 = program.get_state @s : tensor<3xf32>
  return
}

// -----

// program.set_state (C2)
program.state @s : index
func.func @f(%a: index) {
  program.set_state @s, %a : index
  // expected-error @below {{expected state @s to be set once, but it is set before}}
  program.set_state @s, %a : index
  return
}

// -----

// States are read and set by the entry itself.
program.state @s : index
// expected-error @below {{expects parent op to be one of 'func.func, program.schedule'}}
program.get_state @s : index

// -----

program.state @s : index
func.func @f(%x: tensor<4xindex>) -> tensor<4xindex> {
  %0 = tensor.generate {
  ^bb0(%i: index):
    // expected-error @below {{expects parent op to be one of 'func.func, program.schedule'}}
    program.set_state @s, %i : index
    tensor.yield %i : index
  } : tensor<4xindex>
  return %0 : tensor<4xindex>
}
