// RUN: tq-opt %s -tq-raise-norms -canonicalize -split-input-file | FileCheck %s

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @rms_norm
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[W:[a-z0-9]+]]: tensor<8xf32>
// CHECK: %[[Y:.*]] = tq.rms_norm %[[X]], %[[W]] {epsilon = {{.*}}E-7 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @rms_norm(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %n: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %eight = arith.constant dense<8.0> : tensor<f32>
  %eps = arith.constant dense<1.0e-6> : tensor<f32>
  %sq = tq.mul %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%sq : tensor<?x8xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %0 = arith.addf %in, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %c = tensor.expand_shape %s [[0, 1]] output_shape [%n, 1] : tensor<?xf32> into tensor<?x1xf32>
  %m = tq.div %c, %eight : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %v = tq.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %t = tensor.empty(%n) : tensor<?x1xf32>
  %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x1xf32>) outs(%t : tensor<?x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.rsqrt %in : f32
    linalg.yield %0 : f32
  } -> tensor<?x1xf32>
  %y = tq.mul %x, %r : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %z = tq.mul %y, %w : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}

// The sum is divided by another number than that of columns.
// CHECK-LABEL: func.func @other_mean
// CHECK-NOT: tq.rms_norm
// CHECK: return
func.func @other_mean(%x: tensor<?x8xf32>, %n: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %seven = arith.constant dense<7.0> : tensor<f32>
  %eps = arith.constant dense<1.0e-6> : tensor<f32>
  %sq = tq.mul %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%sq : tensor<?x8xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %0 = arith.addf %in, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %c = tensor.expand_shape %s [[0, 1]] output_shape [%n, 1] : tensor<?xf32> into tensor<?x1xf32>
  %m = tq.div %c, %seven : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %v = tq.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %t = tensor.empty(%n) : tensor<?x1xf32>
  %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x1xf32>) outs(%t : tensor<?x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.rsqrt %in : f32
    linalg.yield %0 : f32
  } -> tensor<?x1xf32>
  %y = tq.mul %x, %r : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// x less its mean, divided by the root.
// CHECK-LABEL: func.func @layer_norm
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<3x4xf32>, %[[W:[a-z0-9]+]]: tensor<4xf32>, %[[B:[a-z0-9]+]]: tensor<4xf32>
// CHECK: %[[Y:.*]] = tq.layer_norm %[[X]], %[[W]], %[[B]] {epsilon = {{.*}}E-6 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<3x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>)
    -> tensor<3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant dense<4.0> : tensor<f32>
  %eps = arith.constant dense<1.0e-5> : tensor<f32>
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %sx = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x4xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %0 = arith.addf %in, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<3xf32>
  %cx = tensor.expand_shape %sx [[0, 1]] output_shape [3, 1] : tensor<3xf32> into tensor<3x1xf32>
  %mx = tq.div %cx, %four : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %d = tq.sub %x, %mx : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %sq = tq.mul %d, %d : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%sq : tensor<3x4xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %0 = arith.addf %in, %acc : f32
    linalg.yield %0 : f32
  } -> tensor<3xf32>
  %c = tensor.expand_shape %s [[0, 1]] output_shape [3, 1] : tensor<3xf32> into tensor<3x1xf32>
  %m = tq.div %c, %four : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %v = tq.add %m, %eps : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %t = tensor.empty() : tensor<3x1xf32>
  %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<3x1xf32>) outs(%t : tensor<3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.sqrt %in : f32
    linalg.yield %0 : f32
  } -> tensor<3x1xf32>
  %y = tq.div %d, %r : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %z = tq.mul %y, %w : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %o = tq.add %z, %b : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %o : tensor<3x4xf32>
}

// -----

// The norm is read twice, or has a weight: the product stays.
// CHECK-LABEL: func.func @read_twice
// CHECK: tq.rms_norm
// CHECK: tq.mul
// CHECK: tq.rms_norm
// CHECK: tq.mul
func.func @read_twice(%x: tensor<3x4xf32>, %w: tensor<4xf32>)
    -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0 = tq.rms_norm %x, %one {epsilon = 1.0e-6 : f32}
    : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %1 = tq.mul %0, %w : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %2 = tq.rms_norm %x, %w {epsilon = 1.0e-6 : f32}
    : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %3 = tq.mul %2, %w : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %0, %1, %3 : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

// A norm without a bias gets the one that is added; another value is no bias.
// CHECK-LABEL: func.func @without_bias
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<3x4xf32>, %[[W:[a-z0-9]+]]: tensor<4xf32>, %[[B:[a-z0-9]+]]: tensor<4xf32>
// CHECK: %[[Y:.*]] = tq.layer_norm %[[X]], %[[W]], %[[B]] {
// CHECK: %[[N:.*]] = tq.layer_norm %[[X]], %[[W]] {
// CHECK: %[[Z:.*]] = tq.add %[[N]], %[[X]]
// CHECK: return %[[Y]], %[[Z]]
func.func @without_bias(%x: tensor<3x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>)
    -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %0 = tq.layer_norm %x, %w {epsilon = 1.0e-5 : f32}
    : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %1 = tq.add %0, %b : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %2 = tq.layer_norm %x, %w {epsilon = 2.0e-5 : f32}
    : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %3 = tq.add %2, %x : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %1, %3 : tensor<3x4xf32>, tensor<3x4xf32>
}
