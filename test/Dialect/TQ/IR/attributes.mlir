// RUN: tq-opt %s | tq-opt | FileCheck %s

// Each attribute of ours where it belongs, with the values it can have.

// CHECK:      module attributes
// CHECK-SAME: tq.arena_formula = "64", tq.batch_dim = "batch", tq.default_prompt = "query"
// CHECK-SAME: tq.dim_limits = {sequence = 512 : i64}, tq.label_scores = "sigmoid"
// CHECK-SAME: tq.labels = ["a", ""], tq.max_tokens = 0 : i64, tq.model_name = "m"
// CHECK-SAME: tq.options = "", tq.phase = "lower", tq.program = {}, tq.prompts = {query = "query: "}
// CHECK-SAME: tq.target_cpu = "x86-64-v3", tq.tokenizer = dense_resource<tables> : tensor<2xi8>, tq.tokenizer_note = "n"
module attributes {
  tq.arena_formula = "64", tq.batch_dim = "batch", tq.default_prompt = "query",
  tq.dim_limits = {sequence = 512 : i64}, tq.label_scores = "sigmoid",
  tq.labels = ["a", ""], tq.max_tokens = 0 : i64, tq.model_name = "m", tq.options = "",
  tq.phase = "lower", tq.program = {}, tq.prompts = {query = "query: "},
  tq.target_cpu = "x86-64-v3", tq.tokenizer = dense_resource<tables> : tensor<2xi8>, tq.tokenizer_note = "n"} {

// CHECK: tq.weight @w {tq.offset = 64 : i64}
tq.weight @w {tq.offset = 64 : i64} : tensor<1xf32> = dense<0.0> : tensor<1xf32>

// CHECK:      func.func private @inputs(
// CHECK-SAME: {tq.dims = ["batch", "sequence"], tq.fill = "ones", tq.name = "mask", tq.padding}
// CHECK-SAME: {tq.dims = ["batch", ""], tq.fill = "zeros", tq.limit = 2 : i64}
// CHECK-SAME: -> (tensor<?x4xf32> {tq.dims = ["batch", "4"], tq.name = "y"})
func.func private @inputs(
  tensor<?x?xi64> {tq.dims = ["batch", "sequence"], tq.fill = "ones", tq.name = "mask", tq.padding},
  tensor<?x?xi64> {tq.dims = ["batch", ""], tq.fill = "zeros", tq.limit = 2 : i64})
  -> (tensor<?x4xf32> {tq.dims = ["batch", "4"], tq.name = "y"})

// CHECK: func.func private @kernel({{.*}}tq.column_sums_of = 0 : i64}, {{.*}}tq.out}) attributes {tq.kernel}
func.func private @kernel(tensor<2xi8>, tensor<2xi32> {tq.column_sums_of = 0 : i64},
                          tensor<2xf32> {tq.out}) attributes {tq.kernel}
// CHECK: func.func private @kernel.code(memref<?xi8> {tq.workspace}) attributes {tq.kernel_code}
func.func private @kernel.code(memref<?xi8> {tq.workspace}) attributes {tq.kernel_code}

func.func private @callee()
func.func @caller(%x: tensor<?xf32>) {
  // CHECK: call @callee() {tq.layer = "l", tq.reason = "", tq.scheme = "f32"}
  call @callee() {tq.layer = "l", tq.reason = "", tq.scheme = "f32"} : () -> ()
  // CHECK: tq.relu %{{.*}} {tq.reason = "r"}
  %y = tq.relu %x {tq.reason = "r"} : tensor<?xf32>
  return
}

// Attributes of other dialects are none of ours.
// CHECK: func.func private @other() attributes {llvm.linkage
func.func private @other() attributes {llvm.linkage = #llvm.linkage<external>}
}
