// RUN: tq-opt %s --tq-split-targets="target=x86_64-linux-gnu target-cpu=x86-64-v3,x86-64-v4" \
// RUN:   | FileCheck %s
// RUN: not tq-opt %s --tq-split-targets=target-cpu=z80 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not tq-opt %s --tq-split-targets=target=riscv64-linux-gnu 2>&1 | FileCheck %s --check-prefix=TARGET

// CPU: error: {{.*}}z80
// TARGET: error: {{.*}}riscv64

// CHECK:      module attributes {tq.model_name = "m"} {
// CHECK-NEXT:   module @target_0 attributes
// CHECK-SAME:     llvm.target_triple = "x86_64-unknown-linux-gnu"
// CHECK-SAME:     tq.model_name = "m", tq.target_cpu = "x86-64-v4"
// CHECK:          tq.weight @w
// CHECK:          func.func @main
// CHECK:            tq.get_weight @w
// CHECK:        module @target_1 attributes
// CHECK-SAME:     tq.target_cpu = "x86-64-v3"
// CHECK:          tq.weight @w
// CHECK:          func.func @main
// CHECK-NOT:    func.func
module attributes {tq.model_name = "m"} {
  tq.weight @w : tensor<1xf32> = dense<1.0> : tensor<1xf32>
  func.func @main() -> tensor<1xf32> {
    %w = tq.get_weight @w : tensor<1xf32>
    return %w : tensor<1xf32>
  }
}
