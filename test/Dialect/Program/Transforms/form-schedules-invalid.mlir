// RUN: tq-opt %s -program-form-schedules -split-input-file -verify-diagnostics

#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
// expected-error@+1 {{expected a public function, but found none}}
module attributes {program.targets = [#avx2]} {
}

// -----

// expected-error@+1 {{expected the program's targets in program.targets}}
module {
}

// -----

module attributes {program.targets = []} {
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected only allocations, views, sizes and kernel calls in a schedule, but got 'tq.relu'}}
  %y = tq.relu %x : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
}

// -----

module attributes {program.targets = []} {
// expected-error@+1 {{expected result 0 of @main to be written by a kernel of its own}}
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
}

// -----

module attributes {program.targets = []} {
// expected-error@+1 {{expected tensors as arguments of @main, but got 'f32'}}
func.func @main(%x: f32) {
  return
}
}

// -----

#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %y = program.call @k(%x, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
// expected-error@+1 {{expected code for x86-64-v3 in kernel @k}}
program.kernel @k {
func.func @k(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> {
  return %out : tensor<8xf32>
}
program.variant #avx2
}
}

// -----

#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
func.func @main(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = tensor.empty() : tensor<8x8xf32>
  // expected-error@+1 {{expected a weight as operand 0 of kernel @k, whose code reads it in panels}}
  %y = program.call @k(%x, %e) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %y : tensor<8x8xf32>
}
program.kernel @k {
func.func @k(%x: tensor<8x8xf32>, %out: tensor<8x8xf32>) -> tensor<8x8xf32> {
  return %out : tensor<8x8xf32>
}
program.variant #avx2 packed [#program.packed<0, panel = 4, group = 1>] code {
^bb0(%x: memref<2x8x4x1xf32>, %out: memref<8x8xf32>):
  program.yield
}
}
}

// -----

// What a state was cannot be read once it is written.
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
program.state @s : tensor<8xf32> dims [""]
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %s = program.get_state @s : tensor<8xf32>
  %e = tensor.empty() : tensor<8xf32>
  %t = program.call @k(%x, %s) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // expected-error@+1 {{expected state @s to be read before it is written, or as it is written}}
  %y = program.call @k(%s, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  program.set_state @s, %t : tensor<8xf32>
  return %y : tensor<8xf32>
}
program.kernel @k {
func.func @k(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> {
  return %out : tensor<8xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<8xf32>, %out: memref<8xf32>):
  program.yield
}
}
}

// -----

#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2]} {
program.state @s : tensor<8xf32> dims [""]
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %y = program.call @k(%x, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // expected-error@+1 {{expected what is stored in state @s to be written into its memory}}
  program.set_state @s, %y : tensor<8xf32>
  return %y : tensor<8xf32>
}
program.kernel @k {
func.func @k(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> {
  return %out : tensor<8xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<8xf32>, %out: memref<8xf32>):
  program.yield
}
}
}
