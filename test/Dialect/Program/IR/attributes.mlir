// RUN: tq-opt %s | tq-opt | FileCheck %s

// What is known of a program: each attribute where it belongs, with the values it can have.

// CHECK:      module attributes
// CHECK-SAME: program.default_prompt = "query"
// CHECK-SAME: program.labels = #program.labels<["a", ""], scores = sigmoid>
// CHECK-SAME: program.max_tokens = 0 : i64, program.name = "m", program.options = "", program.phase = "lower"
// CHECK-SAME: program.prompts = {query = "query: "}
// CHECK-SAME: program.symbols = [#program.symbol<"batch", batch>, #program.symbol<"sequence", max = 512>]
// CHECK-SAME: program.targets = [#program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">]
// CHECK-SAME: program.tokenizer = dense_resource<tables> : tensor<2xi8>, program.tokenizer_note = "n"
module attributes {
  program.default_prompt = "query", program.labels = #program.labels<["a", ""], scores = sigmoid>,
  program.max_tokens = 0 : i64, program.name = "m", program.options = "", program.phase = "lower",
  program.prompts = {query = "query: "},
  program.symbols = [#program.symbol<"batch", batch>, #program.symbol<"sequence", max = 512>],
  program.targets = [#program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">],
  program.tokenizer = dense_resource<tables> : tensor<2xi8>, program.tokenizer_note = "n"} {

// CHECK:      func.func private @inputs(
// CHECK-SAME: {program.port = #program.port<"mask", ["batch", "sequence"], fill = ones, padding>}
// CHECK-SAME: {program.port = #program.port<"ids", ["batch", ""], limit = 2, fill = zeros>}
// CHECK-SAME: {program.port = #program.port<"x", []>})
// CHECK-SAME: -> (tensor<?x4xf32> {program.port = #program.port<"y", ["batch", "4"]>})
func.func private @inputs(
  tensor<?x?xi64> {program.port = #program.port<"mask", ["batch", "sequence"], padding, fill = ones>},
  tensor<?x?xi64> {program.port = #program.port<"ids", ["batch", ""], fill = zeros, limit = 2>},
  tensor<f32> {program.port = #program.port<"x", [], fill = none>})
  -> (tensor<?x4xf32> {program.port = #program.port<"y", ["batch", "4"]>})

// Without a word, several labels have the softmax, and one has the number itself.
// CHECK: module @several attributes {program.labels = #program.labels<["a", "b"], scores = softmax>}
module @several attributes {program.labels = #program.labels<["a", "b"]>} {}
// CHECK: module @single attributes {program.labels = #program.labels<["a"], scores = none>}
module @single attributes {program.labels = #program.labels<["a"]>} {}
// CHECK: module @code attributes {program.target = #program.target<"generic", "aarch64-linux-gnu">}
module @code attributes {program.target = #program.target<"generic", "aarch64-linux-gnu">} {}

func.func @stays(%x: tensor<?xf32>) {
  // CHECK: tq.relu %{{.*}} {program.reason = "r"}
  %y = tq.relu %x {program.reason = "r"} : tensor<?xf32>
  return
}

// Attributes of other dialects are none of ours.
// CHECK: func.func private @other() attributes {llvm.linkage
func.func private @other() attributes {llvm.linkage = #llvm.linkage<external>}
}
