// RUN: tq-opt %s --program-add-variants="target=x86_64-linux-gnu target-cpu=x86-64-v3,x86-64-v4" \
// RUN:   | FileCheck %s
// RUN: not tq-opt %s --program-add-variants=target-cpu=z80 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not tq-opt %s --program-add-variants=target=riscv64-linux-gnu 2>&1 | FileCheck %s --check-prefix=TARGET

// CPU: error: {{.*}}z80
// TARGET: error: {{.*}}riscv64

// CHECK:      module attributes {program.targets =
// CHECK-SAME:   [#program.target<"x86-64-v4", "x86_64-unknown-linux-gnu">, #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">]
// CHECK:      program.kernel @k {
// CHECK-NEXT:   func.func @k(
// CHECK:        program.variant <"x86-64-v4", "x86_64-unknown-linux-gnu">{{$}}
// CHECK-NEXT:   program.variant <"x86-64-v3", "x86_64-unknown-linux-gnu">{{$}}
// CHECK-NEXT: }
program.kernel @k {
func.func @k(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> {
  return %out : tensor<8xf32>
}
}
