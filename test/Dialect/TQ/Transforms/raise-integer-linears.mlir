// RUN: tq-opt %s -tq-raise-integer-linears -canonicalize -split-input-file | FileCheck %s

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(d0, d1) -> (d0, d1)>

tq.weight @w : tensor<8x32xi8> = #tq.mapped<"f", 0>

// s8 is u8 with the zero point 128.
// CHECK-LABEL: func.func @signed
// CHECK-SAME: %[[X:.*]]: tensor<?x32xi8>
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0{{.*}} : f32
// CHECK-DAG: %[[SIGN:.*]] = arith.constant -128 : i8
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 128 : i32
// CHECK-DAG: %[[ONES:.*]] = arith.constant dense<1.0{{.*}}> : tensor<8xf32>
// CHECK: %[[W:.*]] = tq.get_weight @w
// CHECK: %[[U:.*]] = linalg.generic {{.*}} ins(%[[X]]
// CHECK: arith.xori %{{.*}}, %[[SIGN]]
// CHECK: %[[Q:.*]] = quant.scast %[[U]] : tensor<?x32xi8> to tensor<?x32x!quant.any<u8:f32>>
// CHECK: %[[S:.*]] = linalg.fill ins(%[[ONE]]
// CHECK: %[[Z:.*]] = linalg.fill ins(%[[ZERO]]
// CHECK: %[[R:.*]] = quant.scast %[[W]] : tensor<8x32xi8> to tensor<8x32x!quant.any<i8:f32>>
// CHECK: %[[Y:.*]] = tq.quantized_linear %[[Q]], %[[S]] zero_points(%[[Z]]) weight(%[[R]], %[[ONES]])
// CHECK: return %[[Y]]
func.func @signed(%x: tensor<?x32xi8>, %e: tensor<?x8xi32>, %f: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0 : i32
  %w = tq.get_weight @w : tensor<8x32xi8>
  %t = tq.permute %w dims = [1, 0] : tensor<8x32xi8> -> tensor<32x8xi8>
  %start = linalg.fill ins(%zero : i32) outs(%e : tensor<?x8xi32>) -> tensor<?x8xi32>
  %p = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %t : tensor<?x32xi8>, tensor<32x8xi8>) outs(%start : tensor<?x8xi32>) {
  ^bb0(%a: i8, %b: i8, %sum: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %sum, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<?x8xi32>
  %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x8xi32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: i32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (0, d1)>
#one = affine_map<(d0, d1) -> ()>
#rows = affine_map<(d0, d1) -> (d0)>

tq.weight @w : tensor<8x32xi8> = #tq.mapped<"f", 0>
tq.weight @v : tensor<8x32xi8> = #tq.mapped<"f", 256>

// CHECK-LABEL: func.func @unsigned
// CHECK-SAME: %[[X:.*]]: tensor<?x32xi8>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 131 : i32
// CHECK: %[[Q:.*]] = quant.scast %[[X]] : tensor<?x32xi8> to tensor<?x32x!quant.any<u8:f32>>
// CHECK: %[[Z:.*]] = linalg.fill ins(%[[ZERO]]
// CHECK: %[[Y:.*]] = tq.quantized_linear %[[Q]], %{{.*}} zero_points(%[[Z]])
// CHECK: return %[[Y]]
func.func @unsigned(%x: tensor<?x32xi8>, %e: tensor<?x8xi32>, %f: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0 : i32
  %factor = arith.constant dense<131> : tensor<i32>
  %w = tq.get_weight @w : tensor<8x32xi8>
  %t = tq.permute %w dims = [1, 0] : tensor<8x32xi8> -> tensor<32x8xi8>
  %start = linalg.fill ins(%zero : i32) outs(%e : tensor<?x8xi32>) -> tensor<?x8xi32>
  %p = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %t : tensor<?x32xi8>, tensor<32x8xi8>) outs(%start : tensor<?x8xi32>) {
  ^bb0(%a: i8, %b: i8, %sum: i32):
    %0 = arith.extui %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %sum, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<?x8xi32>
  %ew = tensor.empty() : tensor<32x8xi32>
  %wide = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<32x8xi8>) outs(%ew : tensor<32x8xi32>) {
  ^bb0(%a: i8, %out: i32):
    %0 = arith.extsi %a : i8 to i32
    linalg.yield %0 : i32
  } -> tensor<32x8xi32>
  %turned = tq.permute %wide dims = [1, 0] : tensor<32x8xi32> -> tensor<8x32xi32>
  %es = tensor.empty() : tensor<8xi32>
  %from = linalg.fill ins(%zero : i32) outs(%es : tensor<8xi32>) -> tensor<8xi32>
  %sums = linalg.generic {indexing_maps = [#all, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%turned : tensor<8x32xi32>) outs(%from : tensor<8xi32>) {
  ^bb0(%a: i32, %sum: i32):
    %0 = arith.addi %a, %sum : i32
    linalg.yield %0 : i32
  } -> tensor<8xi32>
  %line = tensor.expand_shape %sums [[0, 1]] output_shape [1, 8] : tensor<8xi32> into tensor<1x8xi32>
  %el = tensor.empty() : tensor<1x8xi32>
  %c = linalg.generic {indexing_maps = [#all, #one, #all], iterator_types = ["parallel", "parallel"]}
      ins(%line, %factor : tensor<1x8xi32>, tensor<i32>) outs(%el : tensor<1x8xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %0 = arith.muli %a, %b : i32
    linalg.yield %0 : i32
  } -> tensor<1x8xi32>
  %less = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%p, %c : tensor<?x8xi32>, tensor<1x8xi32>) outs(%e : tensor<?x8xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %0 = arith.subi %a, %b : i32
    linalg.yield %0 : i32
  } -> tensor<?x8xi32>
  %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%less : tensor<?x8xi32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: i32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// The sums of another weight are no zero point.
// CHECK-LABEL: func.func @other_weight
// CHECK-NOT: tq.quantized_linear
func.func @other_weight(%x: tensor<?x32xi8>, %e: tensor<?x8xi32>, %f: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0 : i32
  %w = tq.get_weight @w : tensor<8x32xi8>
  %v = tq.get_weight @v : tensor<8x32xi8>
  %t = tq.permute %w dims = [1, 0] : tensor<8x32xi8> -> tensor<32x8xi8>
  %start = linalg.fill ins(%zero : i32) outs(%e : tensor<?x8xi32>) -> tensor<?x8xi32>
  %p = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %t : tensor<?x32xi8>, tensor<32x8xi8>) outs(%start : tensor<?x8xi32>) {
  ^bb0(%a: i8, %b: i8, %sum: i32):
    %0 = arith.extui %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %sum, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<?x8xi32>
  %ew = tensor.empty() : tensor<8x32xi32>
  %wide = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<8x32xi8>) outs(%ew : tensor<8x32xi32>) {
  ^bb0(%a: i8, %out: i32):
    %0 = arith.extsi %a : i8 to i32
    linalg.yield %0 : i32
  } -> tensor<8x32xi32>
  %es = tensor.empty() : tensor<8xi32>
  %from = linalg.fill ins(%zero : i32) outs(%es : tensor<8xi32>) -> tensor<8xi32>
  %sums = linalg.generic {indexing_maps = [#all, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%wide : tensor<8x32xi32>) outs(%from : tensor<8xi32>) {
  ^bb0(%a: i32, %sum: i32):
    %0 = arith.addi %a, %sum : i32
    linalg.yield %0 : i32
  } -> tensor<8xi32>
  %line = tensor.expand_shape %sums [[0, 1]] output_shape [1, 8] : tensor<8xi32> into tensor<1x8xi32>
  %less = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%p, %line : tensor<?x8xi32>, tensor<1x8xi32>) outs(%e : tensor<?x8xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %0 = arith.subi %a, %b : i32
    linalg.yield %0 : i32
  } -> tensor<?x8xi32>
  %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%less : tensor<?x8xi32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: i32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Of two activations; and floats of unsigned sums.
// CHECK-LABEL: func.func @stays
// CHECK-NOT: tq.quantized_linear
func.func @stays(%x: tensor<?x32xi8>, %w: tensor<32x8xi8>, %e: tensor<?x8xi32>, %f: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0 : i32
  %start = linalg.fill ins(%zero : i32) outs(%e : tensor<?x8xi32>) -> tensor<?x8xi32>
  %p = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x32xi8>, tensor<32x8xi8>) outs(%start : tensor<?x8xi32>) {
  ^bb0(%a: i8, %b: i8, %sum: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %sum, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<?x8xi32>
  %y = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x8xi32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: i32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  %v = tq.get_weight @w : tensor<8x32xi8>
  %t = tq.permute %v dims = [1, 0] : tensor<8x32xi8> -> tensor<32x8xi8>
  %q = linalg.generic {indexing_maps = [#lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %t : tensor<?x32xi8>, tensor<32x8xi8>) outs(%start : tensor<?x8xi32>) {
  ^bb0(%a: i8, %b: i8, %sum: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %sum, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<?x8xi32>
  %z = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<?x8xi32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: i32, %out: f32):
    %0 = arith.uitofp %a : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}
