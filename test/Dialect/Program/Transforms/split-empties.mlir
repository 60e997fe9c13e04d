// RUN: tq-opt %s -program-split-empties | FileCheck %s

// CHECK-LABEL: func.func @shared
func.func @shared(%n: index, %x: f32) -> (tensor<?xf32>, tensor<?xf32>) {
  // CHECK-COUNT-2: tensor.empty
  %e = tensor.empty(%n) : tensor<?xf32>
  %0 = linalg.fill ins(%x : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %1 = linalg.fill ins(%x : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}
