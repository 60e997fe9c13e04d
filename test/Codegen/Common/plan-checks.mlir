// RUN: tq-opt %s -split-input-file -tq-plan-schedule | FileCheck %s

// The first check that does not hold is the result: -2, -3, ... A check that the
// formulas prove is none; the text of the others is in the table.
// CHECK-LABEL: module attributes
// CHECK-SAME:  tq.program = {
// CHECK-NOT:   batch_dim
// CHECK-SAME:  checks = ["n and m are equal", "n is at most 8"]
// CHECK-NOT:   batch_dim
// CHECK:       func.func @tq_program_plan(
// CHECK-DAG:     %[[EQUAL:.*]] = arith.cmpi eq, %[[N:.*]], %[[M:.*]] : index
// CHECK-DAG:     %[[FEW:.*]] = arith.cmpi ule, %[[N]], %{{.*}} : index
// CHECK:         %[[BYTES:.*]] = arith.select
// CHECK:         %[[THIRD:.*]] = arith.constant -3 : i64
// CHECK-NEXT:    %[[SECOND_HOLDS:.*]] = arith.select %[[FEW]], %[[BYTES]], %[[THIRD]] : i64
// CHECK:         %[[FIRST:.*]] = arith.constant -2 : i64
// CHECK-NEXT:    %[[RESULT:.*]] = arith.select %[[EQUAL]], %[[SECOND_HOLDS]], %[[FIRST]] : i64
// CHECK:         return %[[RESULT]]
module attributes {tq.batch_dim = "n"} {
func.func @main(%x: tensor<?x8xf32> {tq.dims = ["n", ""]}, %y: tensor<?x8xf32> {tq.dims = ["m", ""]})
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
  %0 = call @kernel(%x, %y, %e) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
func.func private @kernel(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %out: tensor<?x8xf32> {tq.out})
    -> tensor<?x8xf32> attributes {tq.kernel} {
  return %out : tensor<?x8xf32>
}
func.func private @kernel.code(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %out: memref<?x8xf32>)
    attributes {tq.kernel_code} {
  return
}
}
