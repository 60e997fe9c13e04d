// RUN: tq-opt %s -convert-tq-to-linalg -canonicalize -cse | FileCheck %s

// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[ACC:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[COL:.*]] = affine_map<(d0, d1, d2) -> (d2)>

// Accumulators start at -128 * sums; one generic is the epilogue; the quantized
// types are bytes.

// CHECK-LABEL: func.func @quantized_linear
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<?x?x5xi8>, %[[S:[a-z0-9]+]]: tensor<?x?xf32>, %[[Z:[a-z0-9]+]]: tensor<?x?xi32>,
// CHECK-SAME:    %[[WEIGHT:[a-z0-9]+]]: tensor<3x5xi8>, %[[WS:[a-z0-9]+]]: tensor<3xf32>,
// CHECK-SAME:    %[[SUMS:[a-z0-9]+]]: tensor<3xi32>, %[[OUT:[a-z0-9]+]]: tensor<?x?x3xf32>
program.kernel @quantized_linear {
func.func @quantized_linear(
    %x: tensor<?x?x5x!quant.any<u8:f32>>, %s: tensor<?x?xf32>, %z: tensor<?x?xi32>,
    %w: tensor<3x5x!quant.any<i8<-127:127>:f32>>, %ws: tensor<3xf32>,
    %sums: tensor<3xi32> {program.column_sums_of = 3 : i64}, %out: tensor<?x?x3xf32>)
    -> tensor<?x?x3xf32> {
  // CHECK: %[[INIT:.*]] = linalg.generic {indexing_maps = [#[[COL]], #[[ID]]]{{.*}} ins(%[[SUMS]] :
  // CHECK:   arith.muli %{{.*}}, %c-128_i32
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[ACC]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%[[Q]], %[[WEIGHT]] : {{.*}}) outs(%[[INIT]] :
  // CHECK:   arith.extui %{{.*}} : i8 to i32
  // CHECK:   arith.extsi %{{.*}} : i8 to i32
  // CHECK:   arith.muli
  // CHECK:   arith.addi
  // CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[COL]], #[[ROW]], #[[COL]], #[[ROW]], #[[ID]]]
  // CHECK-SAME: ins(%[[SUM]], %[[SUMS]], %[[S]], %[[WS]], %[[Z]] :
  // CHECK-SAME: outs(%[[OUT]] :
  // CHECK:   math.fma
  // CHECK-NOT: linalg.generic
  // CHECK: return %[[Y]]
  %0 = tq.quantized_linear %x, %s zero_points(%z) weight(%w, %ws)
    : (tensor<?x?x5x!quant.any<u8:f32>>, tensor<?x?xf32>, tensor<?x?xi32>,
       tensor<3x5x!quant.any<i8<-127:127>:f32>>, tensor<3xf32>) -> tensor<?x?x3xf32>
  %1 = tq.relu %0 : tensor<?x?x3xf32>
  return %1 : tensor<?x?x3xf32>
}
}

// A float linear without an epilogue accumulates in its out argument.

// CHECK-LABEL: func.func @linear
// CHECK-SAME:    %[[OUT:[a-z0-9]+]]: tensor<2x3xf32>
program.kernel @linear {
func.func @linear(%x: tensor<2x5xf32>, %w: tensor<3x5xf32>, %out: tensor<2x3xf32>)
    -> tensor<2x3xf32> {
  // CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} outs(%[[OUT]]
  // CHECK: %[[Y:.*]] = linalg.generic {{.*}} outs(%[[ZERO]]
  // CHECK:   math.fma
  // CHECK: return %[[Y]]
  %0 = tq.linear %x, %w : (tensor<2x5xf32>, tensor<3x5xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
}

// Lookups and their sum are one generic; ids are clamped to the tables.

// CHECK-LABEL: func.func @embeddings
program.kernel @embeddings {
func.func @embeddings(%ids: tensor<?x?xi64>, %t: tensor<7x4xf32>, %q: tensor<9x4x!quant.any<i8<-127:127>:f32>>,
                              %s: tensor<9xf32>, %out: tensor<?x?x4xf32>)
    -> tensor<?x?x4xf32> {
  // CHECK: linalg.generic
  // CHECK:   arith.minsi %{{.*}}, %c8
  // CHECK:   tensor.extract
  // CHECK:   tensor.extract
  // CHECK:   arith.mulf
  // CHECK:   linalg.index 1
  // CHECK:   arith.minsi %{{.*}}, %c6
  // CHECK:   tensor.extract
  // CHECK:   arith.addf
  // CHECK-NOT: linalg.generic
  %p = tq.position_ids %ids : tensor<?x?xi64>
  %0 = tq.quantized_embedding %ids, %q, %s
    : (tensor<?x?xi64>, tensor<9x4x!quant.any<i8<-127:127>:f32>>, tensor<9xf32>) -> tensor<?x?x4xf32>
  %1 = tq.embedding %p, %t : (tensor<?x?xi64>, tensor<7x4xf32>) -> tensor<?x?x4xf32>
  %2 = tq.add %0, %1 : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %2 : tensor<?x?x4xf32>
}
}

// Attention is left to codegen.

// CHECK-LABEL: func.func @attention
program.kernel @attention {
func.func @attention(%x: tensor<?x?x8xf32>, %out: tensor<?x?x8xf32>)
    -> tensor<?x?x8xf32> {
  // CHECK: tq.attention
  %0 = tq.attention %x, %x, %x {causal, num_heads = 2 : i64, scale = 0.5 : f32}
    : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}
}

// A copy reads by index: nothing takes it for its source.

// CHECK-LABEL: func.func @copy
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[OUT:[a-z0-9]+]]: tensor<?x8xf32>
program.kernel @copy {
func.func @copy(%x: tensor<?x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: linalg.generic {{.*}} outs(%[[OUT]]
  // CHECK:   tensor.extract %[[X]]
  %0 = linalg.copy ins(%x : tensor<?x8xf32>) outs(%out : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
}

// An argument that the body does not need goes, at the calls as well.

// CHECK-LABEL: func.func @unused
// CHECK-SAME:    (%{{[a-z0-9]+}}: tensor<?x4xf32>, %{{[a-z0-9]+}}: tensor<?x2xf32>)
program.kernel @unused {
func.func @unused(%x: tensor<?x4xf32>, %n: index, %out: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = tensor.extract_slice %x[0, 1] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}
}

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x2xf32>
  // CHECK: program.call @unused(%{{[a-z0-9]+}}, %{{[a-z0-9]+}}) : (tensor<?x4xf32>, tensor<?x2xf32>)
  %0 = program.call @unused(%x, %n, %e) : (tensor<?x4xf32>, index, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}
