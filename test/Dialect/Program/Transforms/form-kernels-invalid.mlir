// RUN: tq-opt %s -split-input-file -program-form-kernels -verify-diagnostics

func.func @loop(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // expected-error @below {{expected an op of the tq, linalg, tensor, arith or math dialect that can become a kernel, but got 'scf.for'}}
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    scf.yield %a : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

// expected-error @below {{expected a public function, but found none}}
module {
  func.func private @kernel() { return }
}

// -----

// expected-error @below {{expected a function of one block, but found 2 in @blocks}}
func.func @blocks() {
  cf.br ^end
^end:
  return
}

// -----

func.func @weight_at_run_time(%w: tensor<4x8xf32>) -> tensor<4xf32> {
  // expected-error @below {{but got 'tq.quantize_weight'}}
  %q, %s = tq.quantize_weight %w : tensor<4x8xf32> -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
  return %s : tensor<4xf32>
}

// -----

func.func @unranked(%x: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @below {{expected ranked tensors, but got 'tensor<*xf32>'}}
  %y = tensor.cast %x : tensor<*xf32> to tensor<*xf32>
  return %y : tensor<*xf32>
}
