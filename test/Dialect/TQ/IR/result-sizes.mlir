// RUN: tq-opt %s -resolve-ranked-shaped-type-result-dims -canonicalize | FileCheck %s

// Sizes of results are those of operands.

// CHECK-LABEL: func.func @first_operand
// CHECK-SAME:    %[[X:.*]]: tensor<?x8xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         %[[N:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-NEXT:    return %[[N]]
func.func @first_operand(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %0 = tq.layer_norm %x, %g {epsilon = 0.0 : f32}
    : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %1 = tq.gelu %0 : tensor<?x8xf32>
  %2 = tq.add %1, %g : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %3 = tq.quantize %2 : tensor<?x8xf32> -> tensor<?x8x!quant.uniform<u8:f32, 0.5:128>>
  %n = tensor.dim %3, %c0 : tensor<?x8x!quant.uniform<u8:f32, 0.5:128>>
  return %n : index
}

// CHECK-LABEL: func.func @gather
// CHECK-SAME:    %[[IDS:.*]]: tensor<?xi64>, %[[T:.*]]: tensor<97x?xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK:         %[[N:.*]] = tensor.dim %[[IDS]], %[[C0]]
// CHECK:         %[[D:.*]] = tensor.dim %[[T]], %[[C1]]
// CHECK-NEXT:    return %[[N]], %[[D]]
func.func @gather(%ids: tensor<?xi64>, %t: tensor<97x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = tq.embedding %ids, %t : (tensor<?xi64>, tensor<97x?xf32>) -> tensor<?x?xf32>
  %n = tensor.dim %0, %c0 : tensor<?x?xf32>
  %d = tensor.dim %0, %c1 : tensor<?x?xf32>
  return %n, %d : index, index
}

// CHECK-LABEL: func.func @linear
// CHECK-SAME:    %[[X:.*]]: tensor<?x48xf32>, %[[W:.*]]: tensor<?x48xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         %[[N:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK:         %[[M:.*]] = tensor.dim %[[W]], %[[C0]]
// CHECK-NEXT:    return %[[N]], %[[M]]
func.func @linear(%x: tensor<?x48xf32>, %w: tensor<?x48xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = tq.linear %x, %w : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x?xf32>
  %n = tensor.dim %0, %c0 : tensor<?x?xf32>
  %m = tensor.dim %0, %c1 : tensor<?x?xf32>
  return %n, %m : index, index
}

// CHECK-LABEL: func.func @matmul
// CHECK-SAME:    %[[A:.*]]: tensor<?x7x16xf32>, %[[B:.*]]: tensor<?x?x16xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK:         %[[N:.*]] = tensor.dim %[[A]], %[[C0]]
// CHECK:         %[[M:.*]] = tensor.dim %[[B]], %[[C1]]
// CHECK-NEXT:    return %[[N]], %[[M]]
func.func @matmul(%a: tensor<?x7x16xf32>, %b: tensor<?x?x16xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %0 = tq.matmul %a, %b {transpose_rhs}
    : (tensor<?x7x16xf32>, tensor<?x?x16xf32>) -> tensor<?x7x?xf32>
  %n = tensor.dim %0, %c0 : tensor<?x7x?xf32>
  %m = tensor.dim %0, %c2 : tensor<?x7x?xf32>
  return %n, %m : index, index
}

// CHECK-LABEL: func.func @pool
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x?xf32>
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK:         %[[D:.*]] = tensor.dim %[[X]], %[[C2]]
// CHECK-NEXT:    return %[[D]]
func.func @pool(%x: tensor<?x?x?xf32>) -> index {
  %c1 = arith.constant 1 : index
  %0 = tq.pool %x {kind = #tq.pool_kind<first>} : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %d = tensor.dim %0, %c1 : tensor<?x?xf32>
  return %d : index
}

// CHECK-LABEL: func.func @dynamic_quantize
// CHECK-SAME:    %[[X:.*]]: tensor<3x?x8xf32>
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK:         %[[N:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK-NEXT:    return %[[N]]
func.func @dynamic_quantize(%x: tensor<3x?x8xf32>) -> index {
  %c1 = arith.constant 1 : index
  %q, %s, %z = tq.dynamic_quantize %x : tensor<3x?x8xf32>
    -> tensor<3x?x8x!quant.any<u8:f32>>, tensor<3x?xf32>, tensor<3x?xi32>
  %n = tensor.dim %z, %c1 : tensor<3x?xi32>
  return %n : index
}

// CHECK-LABEL: func.func @column_sums
// CHECK-SAME:    %[[W:.*]]: tensor<?x8x!quant
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         %[[N:.*]] = tensor.dim %[[W]], %[[C0]]
// CHECK-NEXT:    return %[[N]]
func.func @column_sums(%w: tensor<?x8x!quant.any<i8<-127:127>:f32>>) -> index {
  %c0 = arith.constant 0 : index
  %0 = tq.column_sums %w : tensor<?x8x!quant.any<i8<-127:127>:f32>> -> tensor<?xi32>
  %n = tensor.dim %0, %c0 : tensor<?xi32>
  return %n : index
}
