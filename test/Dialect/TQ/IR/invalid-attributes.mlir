// RUN: tq-opt %s -split-input-file -verify-diagnostics

// An attribute of ours that nobody reads would change a program in silence.

// expected-error @below {{expected tq.fill to be one of zeros, ones, but got "one"}}
func.func private @f(tensor<?xi64> {tq.fill = "one"})

// -----

// expected-error @below {{expected tq.fill to be one of zeros, ones, but got "zeros, ones"}}
func.func private @f(tensor<?xi64> {tq.fill = "zeros, ones"})

// -----

// expected-error @below {{expected tq.fill to be one of zeros, ones, but got 1 : i64}}
func.func private @f(tensor<?xi64> {tq.fill = 1})

// -----

// A name that is misspelt
// expected-error @below {{expected one of tq.name, tq.dims, tq.limit, tq.fill, tq.padding, tq.out, tq.column_sums_of, tq.workspace as an attribute of argument 1, but got "tq.fil"}}
func.func private @f(tensor<?xi64>, tensor<?xi64> {tq.fil = "ones"})

// -----

// A name that belongs elsewhere
// expected-error @below {{expected one of tq.name, tq.dims as an attribute of result 0, but got "tq.limit"}}
func.func private @f() -> (tensor<?xi64> {tq.limit = 1 : i64})

// -----

// expected-error @below {{expected one of tq.kernel, tq.kernel_code as an attribute of a function, but got "tq.kernels"}}
func.func private @f() attributes {tq.kernels}

// -----

// expected-error @below {{expected tq.kernel to be without a value, but got false}}
func.func private @f() attributes {tq.kernel = false}

// -----

// expected-error @below {{expected tq.limit to be an i64 that is not negative, but got -1 : i64}}
func.func private @f(tensor<?xi64> {tq.limit = -1 : i64})

// -----

// expected-error @below {{expected tq.limit to be an i64 that is not negative, but got 7 : i32}}
func.func private @f(tensor<?xi64> {tq.limit = 7 : i32})

// -----

// expected-error @below {{expected tq.name to be a string without a zero byte, but got "a\00b"}}
func.func private @f(tensor<?xi64> {tq.name = "a\00b"})

// -----

// expected-error @below {{expected tq.dims to name the 2 dimensions of argument 0, but got 1}}
func.func private @f(tensor<?x?xi64> {tq.dims = ["batch"]})

// -----

// expected-error @below {{expected tq.dims to name the 1 dimensions of result 0, but got 2}}
func.func private @f() -> (tensor<?xi64> {tq.dims = ["batch", "sequence"]})

// -----

// expected-error @below {{expected tq.dims to be an array of strings without a zero byte, but got ["batch", 7]}}
func.func private @f(tensor<?x?xi64> {tq.dims = ["batch", 7]})

// -----

// expected-error @below {{tq.label_scores to be one of softmax, sigmoid, none, but got "Softmax"}}
module attributes {tq.label_scores = "Softmax"} {
}

// -----

// expected-error @below {{expected tq.dim_limits to be a dictionary of i64 that are not negative, but got {batch = "many"}}}
module attributes {tq.dim_limits = {batch = "many"}} {
}

// -----

// expected-error @below {{expected tq.prompts to be a dictionary of strings without a zero byte, but got {query = 1 : i64}}}
module attributes {tq.prompts = {query = 1}} {
}

// -----

// expected-error @below {{tq.labels, tq.label_scores, tq.prompts, tq.default_prompt,}}
module attributes {tq.label = ["a"]} {
}

// -----

// What is long is cut.
// expected-error @below {{but got "01234567890123456789012345678901234567890123456789012345678...}}
module attributes {tq.max_tokens = "01234567890123456789012345678901234567890123456789012345678901234567890123456789"} {
}

// -----

// expected-error @below {{expected one of tq.offset as an attribute of a weight, but got "tq.ofset"}}
tq.weight @w {tq.ofset = 0 : i64} : tensor<1xf32> = dense<0.0> : tensor<1xf32>

// -----

func.func private @g()
func.func @f() {
  // expected-error @below {{expected one of tq.layer, tq.scheme, tq.reason as an attribute of a call, but got "tq.layers"}}
  call @g() {tq.layers = "a"} : () -> ()
  return
}

// -----

func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected one of tq.reason as an attribute of an op, but got "tq.layer"}}
  %y = tq.relu %x {tq.layer = "a"} : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// expected-error @below {{expected tq.tokenizer to be dense_resource<...> of a vector of i8, but got dense<1> : tensor<2xi8>}}
module attributes {tq.tokenizer = dense<1> : tensor<2xi8>} {
}
