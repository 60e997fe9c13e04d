// RUN: tq-opt %s --tq-join-targets --split-input-file --verify-diagnostics | FileCheck %s

// CHECK:      module attributes {tq.program = {kernels = ["k"]}} {
// CHECK-NEXT:   tq.weight @w
// CHECK-NEXT:   module @a attributes {tq.arena_formula = "64"} {
// CHECK-NEXT:     llvm.func @f()
// CHECK-NEXT:   }
// CHECK-NEXT:   module @b attributes {tq.arena_formula = "128"} {
// CHECK-NEXT:     llvm.func @g()
// CHECK-NEXT:   }
// CHECK-NEXT: }
module {
  module @a attributes {tq.program = {kernels = ["k"], arena_formula = "64"}} {
    tq.weight @w {tq.offset = 0 : i64} : tensor<1xf32> = dense<1.0> : tensor<1xf32>
    llvm.func @f()
  }
  module @b attributes {tq.program = {kernels = ["k"], arena_formula = "128"}} {
    tq.weight @w {tq.offset = 0 : i64} : tensor<1xf32> = dense<1.0> : tensor<1xf32>
    llvm.func @g()
  }
}

// -----

// Another place of a weight.
module {
  module @a attributes {tq.program = {}} {
    tq.weight @w {tq.offset = 0 : i64} : tensor<1xf32> = dense<1.0> : tensor<1xf32>
  }
  // expected-error @+1 {{expected the same tq.program and weights for every target}}
  module @b attributes {tq.program = {}} {
    tq.weight @w {tq.offset = 64 : i64} : tensor<1xf32> = dense<1.0> : tensor<1xf32>
  }
}

// -----

// Another program.
module {
  module @a attributes {tq.program = {kernels = ["k"]}} {}
  // expected-error @+1 {{expected the same tq.program and weights for every target}}
  module @b attributes {tq.program = {kernels = ["l"]}} {}
}

// -----

// expected-error @+1 {{expected a module for each target}}
module {
}
