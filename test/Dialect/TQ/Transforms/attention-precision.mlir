// The choice is written into the op, with any mode; f32 leaves what the op says.

// RUN: tq-opt %s -tq-insert-quantization=attention=int8 -verify-diagnostics | FileCheck %s --check-prefix=INT8
// RUN: tq-opt %s -tq-insert-quantization="mode=none attention=int8" | FileCheck %s --check-prefix=INT8
// RUN: tq-opt %s -tq-quantize-pipeline=attention=int8 | FileCheck %s --check-prefix=INT8
// RUN: tq-opt %s -tq-insert-quantization=attention=bf16 -verify-diagnostics | FileCheck %s --check-prefix=BF16
// RUN: tq-opt %s -tq-quantize-pipeline=attention=bf16 | FileCheck %s --check-prefix=BF16
// RUN: tq-opt %s -tq-insert-quantization=attention=f32 | FileCheck %s
// A rule that names the op counts more than the default.
// RUN: mkdir -p %t && cd %t
// RUN: echo "rules: [{op: attention, scheme: dynamic}]" > rules.yaml
// RUN: tq-opt %s -tq-insert-quantization="attention=bf16 config=rules.yaml" | FileCheck %s --check-prefix=INT8
// RUN: not tq-opt %s -tq-insert-quantization=attention=int4 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: Cannot find option named 'int4'

// An attention not in f32 needs no reason, and says none.
// BF16-LABEL: func.func @attention
// BF16-NOT:     program.reason
// BF16-COUNT-2: tq.attention {{.*}} precision = #tq.precision<bf16>
// INT8-LABEL: func.func @attention
// INT8-NOT:     program.reason
// INT8:         tq.attention {{.*}} precision = #tq.precision<int8>
// INT8:         tq.attention {{.*}} precision = #tq.precision<int8>
// CHECK-LABEL: func.func @attention
// CHECK:         tq.attention {{.*}} program.reason = "its scheme is float"
// CHECK:         tq.attention
// CHECK-NOT:     program.reason
// CHECK-SAME:    precision = #tq.precision<int8>
func.func @attention(%x: tensor<2x6x6xf32>) -> tensor<2x6x6xf32> {
  %0 = tq.attention %x, %x, %x {num_heads = 3 : i64, scale = 1.0 : f32}
    : (tensor<2x6x6xf32>, tensor<2x6x6xf32>, tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %1 = tq.attention %0, %0, %0
    {num_heads = 3 : i64, precision = #tq.precision<int8>, scale = 1.0 : f32}
    : (tensor<2x6x6xf32>, tensor<2x6x6xf32>, tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %1 : tensor<2x6x6xf32>
}
