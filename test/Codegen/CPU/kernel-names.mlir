// RUN: tq-opt %s -tq-generate-kernels=isa=avx512 -split-input-file -verify-diagnostics

// NAME.code, .body, .count and .workspace belong to kernel NAME.

#same = affine_map<(d0) -> (d0)>
func.func private @twice(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {tq.kernel} {
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
// expected-error @below {{expected another name than '@twice.count', which a part of kernel @twice has}}
func.func private @twice.count(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {tq.kernel} {
  return %out : tensor<?xf32>
}

// -----

func.func private @w(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {tq.kernel} {
  return %out : tensor<?xf32>
}
// expected-error @below {{expected another name than '@w.body', which a part of kernel @w has}}
tq.weight @w.body : tensor<2xf32> = dense<1.0> : tensor<2xf32>

// -----

// expected-remark @below {{kernel 'w' on avx512: scalar loops}}
func.func private @w(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {tq.kernel} {
  return %out : tensor<?xf32>
}
tq.weight @w.bodies : tensor<2xf32> = dense<1.0> : tensor<2xf32>
