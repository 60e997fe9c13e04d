// RUN: tq-opt %s -tq-raise-rotary-embeddings -canonicalize | FileCheck %s

#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
!x = tensor<4x?x8xf32>
!half = tensor<4x?x4xf32>
!angle = tensor<1x?x8xf32>

// The halves of a row.
// CHECK-LABEL: func.func @halves
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x?x8xf32>, %[[COS:[a-z0-9]+]]: tensor<1x?x8xf32>, %[[SIN:[a-z0-9]+]]: tensor<1x?x8xf32>
// CHECK-NEXT: %[[Y:.*]] = tq.rotary_embedding %[[X]], %[[COS]], %[[SIN]] :
// CHECK-NEXT: return %[[Y]]
func.func @halves(%x: !x, %cos: !angle, %sin: !angle) -> !x {
  %c1 = arith.constant 1 : index
  %s = tensor.dim %x, %c1 : !x
  %a = tensor.extract_slice %x[0, 0, 0] [4, %s, 4] [1, 1, 1] : !x to !half
  %b = tensor.extract_slice %x[0, 0, 4] [4, %s, 4] [1, 1, 1] : !x to !half
  %e = tensor.empty(%s) : !half
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : !half) outs(%e : !half) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.negf %in : f32
    linalg.yield %m : f32
  } -> !half
  %r = tensor.concat dim(2) %n, %a : (!half, !half) -> !x
  %p = tq.mul %x, %cos : (!x, !angle) -> !x
  %q = tq.mul %r, %sin : (!x, !angle) -> !x
  %y = tq.add %p, %q : (!x, !x) -> !x
  return %y : !x
}

// Neighbours, the products in the other order.
// CHECK-LABEL: func.func @neighbours
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<4x?x8xf32>, %[[COS:[a-z0-9]+]]: tensor<1x?x8xf32>, %[[SIN:[a-z0-9]+]]: tensor<1x?x8xf32>
// CHECK-NEXT: %[[Y:.*]] = tq.rotary_embedding %[[X]], %[[COS]], %[[SIN]] {interleaved} :
// CHECK-NEXT: return %[[Y]]
func.func @neighbours(%x: !x, %cos: !angle, %sin: !angle) -> !x {
  %c1 = arith.constant 1 : index
  %s = tensor.dim %x, %c1 : !x
  %a = tensor.extract_slice %x[0, 0, 0] [4, %s, 4] [1, 1, 2] : !x to !half
  %b = tensor.extract_slice %x[0, 0, 1] [4, %s, 4] [1, 1, 2] : !x to !half
  %e = tensor.empty(%s) : !half
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : !half) outs(%e : !half) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.negf %in : f32
    linalg.yield %m : f32
  } -> !half
  %n1 = tensor.expand_shape %n [[0], [1], [2, 3]] output_shape [4, %s, 4, 1] : !half into tensor<4x?x4x1xf32>
  %a1 = tensor.expand_shape %a [[0], [1], [2, 3]] output_shape [4, %s, 4, 1] : !half into tensor<4x?x4x1xf32>
  %j = tensor.concat dim(3) %n1, %a1 : (tensor<4x?x4x1xf32>, tensor<4x?x4x1xf32>) -> tensor<4x?x4x2xf32>
  %r = tensor.collapse_shape %j [[0], [1], [2, 3]] : tensor<4x?x4x2xf32> into !x
  %p = tq.mul %x, %cos : (!x, !angle) -> !x
  %q = tq.mul %r, %sin : (!x, !angle) -> !x
  %y = tq.add %q, %p : (!x, !x) -> !x
  return %y : !x
}

// The halves change places, but it is the first one that is negated, behind.
// CHECK-LABEL: func.func @turned_back
// CHECK-NOT: tq.rotary_embedding
// CHECK: return
func.func @turned_back(%x: !x, %cos: !angle, %sin: !angle) -> !x {
  %c1 = arith.constant 1 : index
  %s = tensor.dim %x, %c1 : !x
  %a = tensor.extract_slice %x[0, 0, 0] [4, %s, 4] [1, 1, 1] : !x to !half
  %b = tensor.extract_slice %x[0, 0, 4] [4, %s, 4] [1, 1, 1] : !x to !half
  %e = tensor.empty(%s) : !half
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a : !half) outs(%e : !half) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.negf %in : f32
    linalg.yield %m : f32
  } -> !half
  %r = tensor.concat dim(2) %b, %n : (!half, !half) -> !x
  %p = tq.mul %x, %cos : (!x, !angle) -> !x
  %q = tq.mul %r, %sin : (!x, !angle) -> !x
  %y = tq.add %p, %q : (!x, !x) -> !x
  return %y : !x
}

// Beside another value.
// CHECK-LABEL: func.func @of_another
// CHECK-NOT: tq.rotary_embedding
// CHECK: return
func.func @of_another(%x: !x, %z: !x, %cos: !angle, %sin: !angle) -> !x {
  %c1 = arith.constant 1 : index
  %s = tensor.dim %x, %c1 : !x
  %a = tensor.extract_slice %x[0, 0, 0] [4, %s, 4] [1, 1, 1] : !x to !half
  %b = tensor.extract_slice %x[0, 0, 4] [4, %s, 4] [1, 1, 1] : !x to !half
  %e = tensor.empty(%s) : !half
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : !half) outs(%e : !half) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.negf %in : f32
    linalg.yield %m : f32
  } -> !half
  %r = tensor.concat dim(2) %n, %a : (!half, !half) -> !x
  %p = tq.mul %z, %cos : (!x, !angle) -> !x
  %q = tq.mul %r, %sin : (!x, !angle) -> !x
  %y = tq.add %p, %q : (!x, !x) -> !x
  return %y : !x
}
