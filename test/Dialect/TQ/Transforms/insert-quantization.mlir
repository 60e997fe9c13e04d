// RUN: tq-opt %s -tq-insert-quantization -split-input-file -verify-diagnostics | FileCheck %s
// RUN: tq-opt %s -tq-insert-quantization=mode=dynamic -split-input-file -verify-diagnostics | FileCheck %s
// RUN: tq-opt %s -tq-insert-quantization -tq-insert-quantization -split-input-file -verify-diagnostics | FileCheck %s
// RUN: tq-opt %s -tq-insert-quantization=mode=none -split-input-file | FileCheck %s --check-prefix=NONE
// RUN: not tq-opt %s -tq-insert-quantization=mode=int3 2>&1 | FileCheck %s --check-prefix=MODE

// NONE-NOT: quant.any
// NONE-NOT: program.reason
// MODE: Cannot find option named 'int3'

tq.weight @w : tensor<7x5xf16> = #tq.mapped<"f", 0>
tq.weight @b : tensor<7xf32> = #tq.mapped<"f", 70>
tq.weight @t : tensor<9x5xf32> = #tq.mapped<"f", 98>

// The bias stays as it is.
// CHECK-LABEL: func.func @linear
// CHECK-SAME: %[[X:.*]]: tensor<?x?x5xf32>
// CHECK-DAG: %[[W:.*]] = tq.get_weight @w
// CHECK-DAG: %[[B:.*]] = tq.get_weight @b
// CHECK-DAG: %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = tq.dynamic_quantize %[[X]] : tensor<?x?x5xf32> -> tensor<?x?x5x!quant.any<u8:f32>>, tensor<?x?xf32>, tensor<?x?xi32>
// CHECK-DAG: %[[DX:.*]] = tq.dequantize %[[Q]] scales(%[[S]]) zero_points(%[[Z]])
// CHECK-DAG: %[[QW:.*]], %[[SW:.*]] = tq.quantize_weight %[[W]] : tensor<7x5xf32> -> tensor<7x5x!quant.any<i8<-127:127>:f32>>, tensor<7xf32>
// CHECK-DAG: %[[DW:.*]] = tq.dequantize %[[QW]] scales(%[[SW]]) :
// CHECK: %[[Y:.*]] = tq.linear %[[DX]], %[[DW]], %[[B]]
// CHECK: return %[[Y]]
func.func @linear(%x: tensor<?x?x5xf32>) -> tensor<?x?x7xf32> {
  %w = tq.get_weight @w : tensor<7x5xf32>
  %b = tq.get_weight @b : tensor<7xf32>
  %0 = tq.linear %x, %w, %b
    : (tensor<?x?x5xf32>, tensor<7x5xf32>, tensor<7xf32>) -> tensor<?x?x7xf32>
  return %0 : tensor<?x?x7xf32>
}

// A vector is one row.
// CHECK-LABEL: func.func @vector
// CHECK: tq.dynamic_quantize %{{.*}} : tensor<5xf32> -> tensor<5x!quant.any<u8:f32>>, tensor<f32>, tensor<i32>
func.func @vector(%x: tensor<5xf32>) -> tensor<7xf32> {
  %w = tq.get_weight @w : tensor<7x5xf32>
  %0 = tq.linear %x, %w : (tensor<5xf32>, tensor<7x5xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// CHECK-LABEL: func.func @concatenated_weight
// CHECK: %[[W:.*]] = tensor.concat
// CHECK: tq.quantize_weight %[[W]]
func.func @concatenated_weight(%x: tensor<?x5xf32>) -> tensor<?x14xf32> {
  %w = tq.get_weight @w : tensor<7x5xf32>
  %ww = tensor.concat dim(0) %w, %w : (tensor<7x5xf32>, tensor<7x5xf32>) -> tensor<14x5xf32>
  %0 = tq.linear %x, %ww : (tensor<?x5xf32>, tensor<14x5xf32>) -> tensor<?x14xf32>
  return %0 : tensor<?x14xf32>
}

// CHECK-LABEL: func.func @embedding
// CHECK-SAME: %[[IDS:.*]]: tensor<?x?xi64>
// CHECK: %[[T:.*]] = tq.get_weight @t
// CHECK: %[[Q:.*]], %[[S:.*]] = tq.quantize_weight %[[T]]
// CHECK: %[[D:.*]] = tq.dequantize %[[Q]] scales(%[[S]]) :
// CHECK: tq.embedding %[[IDS]], %[[D]]
func.func @embedding(%ids: tensor<?x?xi64>) -> tensor<?x?x5xf32> {
  %t = tq.get_weight @t : tensor<9x5xf32>
  %0 = tq.embedding %ids, %t : (tensor<?x?xi64>, tensor<9x5xf32>) -> tensor<?x?x5xf32>
  return %0 : tensor<?x?x5xf32>
}

// Nothing is known of these in integers, and nothing is said.
// CHECK-LABEL: func.func @elementwise
// CHECK-NEXT: tq.gelu
// CHECK-NEXT: tq.add
// CHECK-NEXT: return
func.func @elementwise(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %0 = tq.gelu %x : tensor<?x5xf32>
  %1 = tq.add %0, %x : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: func.func @weight_of_run_time
// CHECK-NEXT: tq.linear %{{.*}}, %{{.*}} {program.reason = "its weight is computed at run time"}
func.func @weight_of_run_time(%x: tensor<?x5xf32>, %w: tensor<7x5xf32>) -> tensor<?x7xf32> {
  // expected-remark @below {{stays in float: its weight is computed at run time}}
  %0 = tq.linear %x, %w : (tensor<?x5xf32>, tensor<7x5xf32>) -> tensor<?x7xf32>
  return %0 : tensor<?x7xf32>
}

// CHECK-LABEL: func.func @table_of_run_time
// CHECK-NEXT: tq.embedding %{{.*}}, %{{.*}} {program.reason = "its table is computed at run time"}
func.func @table_of_run_time(%ids: tensor<3xi64>, %t: tensor<7x5xf32>) -> tensor<3x5xf32> {
  // expected-remark @below {{stays in float: its table is computed at run time}}
  %0 = tq.embedding %ids, %t : (tensor<3xi64>, tensor<7x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @two_activations
// CHECK-NOT: dynamic_quantize
func.func @two_activations(%x: tensor<2x6x6xf32>) -> tensor<2x6x6xf32> {
  // expected-remark @below {{stays in float: products of two activations stay in f32}}
  %0 = tq.matmul %x, %x : (tensor<2x6x6xf32>, tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  // expected-remark @below {{stays in float: its scheme is float}}
  %1 = tq.attention %0, %0, %0 {num_heads = 3 : i64, scale = 1.0 : f32}
    : (tensor<2x6x6xf32>, tensor<2x6x6xf32>, tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %1 : tensor<2x6x6xf32>
}

// -----

// 132104 inputs fit.
tq.weight @fits : tensor<1x132104xf32> = #tq.mapped<"f", 0>
tq.weight @deep : tensor<1x132105xf32> = #tq.mapped<"f", 0>

// CHECK-LABEL: func.func @depth
func.func @depth(%x: tensor<?x132104xf32>, %y: tensor<?x132105xf32>)
    -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = tq.get_weight @fits : tensor<1x132104xf32>
  %0 = tq.linear %x, %w : (tensor<?x132104xf32>, tensor<1x132104xf32>) -> tensor<?x1xf32>
  %d = tq.get_weight @deep : tensor<1x132105xf32>
  // expected-remark @below {{stays in float: it has more than 132104 inputs, whose sum could exceed 32 bits}}
  %1 = tq.linear %y, %d : (tensor<?x132105xf32>, tensor<1x132105xf32>) -> tensor<?x1xf32>
  return %0, %1 : tensor<?x1xf32>, tensor<?x1xf32>
}
