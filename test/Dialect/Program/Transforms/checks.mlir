// RUN: tq-opt %s -program-form-schedules -program-plan-arena -program-emit-schedules | FileCheck %s

// A check that the formulas prove is none; the text of the others is in the entry. The
// first that does not hold is the result of the plan: -2, -3, ...
// CHECK-LABEL: program.entry @main
// CHECK-SAME:    checks ["n and m are equal", "n is at most 8"]
// CHECK:       func.func @main.plan(
// CHECK-DAG:     %[[EQUAL:.*]] = arith.cmpi eq, %[[N:.*]], %[[M:.*]] : index
// CHECK-DAG:     %[[FEW:.*]] = arith.cmpi ule, %[[N]], %{{.*}} : index
// CHECK:         %[[BYTES:.*]] = arith.select
// CHECK:         %[[THIRD:.*]] = arith.constant -3 : i64
// CHECK-NEXT:    %[[SECOND_HOLDS:.*]] = arith.select %[[FEW]], %[[BYTES]], %[[THIRD]] : i64
// CHECK:         %[[FIRST:.*]] = arith.constant -2 : i64
// CHECK-NEXT:    %[[RESULT:.*]] = arith.select %[[EQUAL]], %[[SECOND_HOLDS]], %[[FIRST]] : i64
// CHECK:         return %[[RESULT]]
#avx2 = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">
module attributes {program.targets = [#avx2], program.symbols = [#program.symbol<"n", batch>]} {
func.func @main(%x: tensor<?x8xf32> {program.port = #program.port<"x", ["n", ""]>}, %y: tensor<?x8xf32> {program.port = #program.port<"y", ["m", ""]>})
    -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %m = tensor.dim %y, %c0 : tensor<?x8xf32>
  %equal = arith.cmpi eq, %n, %m : index
  cf.assert %equal, "n and m are equal"
  %nm = arith.muli %n, %m : index
  %mn = arith.muli %m, %n : index
  %proven = arith.cmpi sle, %nm, %mn : index
  cf.assert %proven, "n m and m n are equal"
  %few = arith.cmpi ule, %n, %c8 : index
  cf.assert %few, "n is at most 8"
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %0 = program.call @kernel(%x, %y, %e) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
program.kernel @kernel {
func.func @kernel(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %out: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  return %out : tensor<?x8xf32>
}
program.variant #avx2 code {
^bb0(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %out: memref<?x8xf32>):
  program.yield
}
}
}
