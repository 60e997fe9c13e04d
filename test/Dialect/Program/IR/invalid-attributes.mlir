// RUN: tq-opt %s -split-input-file -verify-diagnostics

// An attribute of ours that nobody reads would change a program in silence.

// expected-error @below {{expected one of none, zeros, ones, but got 'one'}}
func.func private @f(tensor<?xi64> {program.port = #program.port<"x", ["n"], fill = one>})

// -----

// expected-error @below {{expected one of none, zeros, ones}}
func.func private @f(tensor<?xi64> {program.port = #program.port<"x", ["n"], fill = 1>})

// -----

// expected-error @below {{expected one of limit, fill, padding, but got 'fil'}}
func.func private @f(tensor<?xi64> {program.port = #program.port<"x", ["n"], fil = ones>})

// -----

// expected-error @below {{expected a limit that is not negative, but got -1}}
func.func private @f(tensor<?xi64> {program.port = #program.port<"x", ["n"], limit = -1>})

// -----

// expected-error @below {{expected a name without a zero byte}}
func.func private @f(tensor<?xi64> {program.port = #program.port<"a\00b", ["n"]>})

// -----

// expected-error @below {{expected names of dimensions without a zero byte}}
func.func private @f(tensor<?xi64> {program.port = #program.port<"x", ["a\00b"]>})

// -----

// expected-error @below {{expected the port to name the 2 dimensions of argument 0, but got 1}}
func.func private @f(tensor<?x?xi64> {program.port = #program.port<"x", ["batch"]>})

// -----

// expected-error @below {{expected the port to name the 1 dimensions of result 0, but got 2}}
func.func private @f() -> (tensor<?xi64> {program.port = #program.port<"x", ["batch", "sequence"]>})

// -----

// expected-error @below {{expected a name of its own for argument 1, but got 'x' twice}}
func.func private @f(tensor<i64> {program.port = #program.port<"x", []>}, tensor<i64> {program.port = #program.port<"x", []>})

// -----

// A name that is misspelt
// expected-error @below {{expected one of program.port, program.weight, program.column_sums_of as an attribute of argument 1, but got "program.prot"}}
func.func private @f(tensor<?xi64>, tensor<?xi64> {program.prot = "x"})

// -----

// A name that belongs elsewhere
// expected-error @below {{expected one of program.port as an attribute of result 0, but got "program.weight"}}
func.func private @f() -> (tensor<?xi64> {program.weight})

// -----

// expected-error @below {{expected program.port to be #program.port<...>, but got "x"}}
func.func private @f(tensor<?xi64> {program.port = "x"})

// -----

// expected-error @below {{expected program.weight to be without a value, but got false}}
func.func private @f(tensor<?xi64> {program.weight = false})

// -----

// expected-error @below {{expected program.column_sums_of to be an i64 that is not negative, but got 7 : i32}}
func.func private @f(tensor<?xi64> {program.column_sums_of = 7 : i32})

// -----

// expected-error @below {{expected one of program.name, program.symbols, program.labels,}}
module attributes {program.label = "a"} {
}

// -----

// expected-error @below {{expected one of softmax, sigmoid, none, but got 'Softmax'}}
module attributes {program.labels = #program.labels<["a", "b"], scores = Softmax>} {
}

// -----

// expected-error @below {{expected scores of one label to be sigmoid or none, but got 'softmax'}}
module attributes {program.labels = #program.labels<["a"], scores = softmax>} {
}

// -----

// expected-error @below {{expected at least one label}}
module attributes {program.labels = #program.labels<[]>} {
}

// -----

// expected-error @below {{expected one of max, batch, but got 'min'}}
module attributes {program.symbols = [#program.symbol<"batch", min = 1>]} {
}

// -----

// expected-error @below {{expected a max of 0 to 2^48, but got -512}}
module attributes {program.symbols = [#program.symbol<"batch", max = -512>]} {
}

// -----

// expected-error @below {{expected program.symbols to be an array of #program.symbol, each with a name of its own and at most one the batch, but got}}
module attributes {program.symbols = [#program.symbol<"a", batch>, #program.symbol<"b", batch>]} {
}

// -----

// expected-error @below {{each with a name of its own}}
module attributes {program.symbols = [#program.symbol<"a">, #program.symbol<"a", max = 1>]} {
}

// -----

// expected-error @below {{expected program.prompts to be a dictionary of strings without a zero byte, but got {query = 1 : i64}}}
module attributes {program.prompts = {query = 1}} {
}

// -----

// expected-error @below {{expected program.targets to be an array of #program.target, but got ["x86-64-v3"]}}
module attributes {program.targets = ["x86-64-v3"]} {
}

// -----

// What is long is cut.
// expected-error @below {{but got "01234567890123456789012345678901234567890123456789012345678...}}
module attributes {program.max_tokens = "01234567890123456789012345678901234567890123456789012345678901234567890123456789"} {
}

// -----

// expected-error @below {{expected program.tokenizer to be dense_resource<...> of a vector of i8, but got dense<1> : tensor<2xi8>}}
module attributes {program.tokenizer = dense<1> : tensor<2xi8>} {
}

// -----

func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected one of program.reason as an attribute of an op, but got "program.layer"}}
  %y = tq.relu %x {program.layer = "a"} : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// There are none of the tq dialect.
// expected-error @below {{expected no attribute of the tq dialect, but got "tq.name"}}
func.func private @f(tensor<?xi64> {tq.name = "x"})

// -----

// expected-error @below {{expected no attribute of the tq dialect, but got "tq.phase"}}
module attributes {tq.phase = "lower"} {
}
