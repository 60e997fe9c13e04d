// RUN: tq-opt %s | tq-opt | FileCheck %s
// RUN: tq-opt %s -mlir-print-op-generic | tq-opt | FileCheck %s
// RUN: tq-opt %s -emit-bytecode | tq-opt | FileCheck %s

// Every op keeps its spelling through text, the generic form and bytecode.

// CHECK: tq.weight @half : tensor<4x8xf16> = #tq.mapped<"model.safetensors", 1432>
tq.weight @half : tensor<4x8xf16> = #tq.mapped<"model.safetensors", 1432>
// CHECK: tq.weight "private" @brain : tensor<3xbf16> = #tq.mapped<"a \22b\22.safetensors", 0>
tq.weight "private" @brain : tensor<3xbf16> = #tq.mapped<"a \"b\".safetensors", 0>
// CHECK: tq.weight @gamma {note = 1 : i64} : tensor<2xf32> = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
tq.weight @gamma {note = 1 : i64} : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
// CHECK: tq.weight @big : tensor<2xi8> = dense_resource<blob> : tensor<2xi8>
tq.weight @big : tensor<2xi8> = dense_resource<blob> : tensor<2xi8>
// CHECK: tq.weight @scalar : tensor<f32> = dense<3.000000e+00> : tensor<f32>
tq.weight @scalar : tensor<f32> = dense<3.0> : tensor<f32>
// CHECK: tq.weight @half.scales : tensor<4xf32> initializer {
// CHECK-NEXT: %[[W:.*]] = tq.get_weight @half : tensor<4x8xf32>
// CHECK-NEXT: %[[Q:.*]], %[[S:.*]] = tq.quantize_weight %[[W]] : tensor<4x8xf32> -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
// CHECK-NEXT: tq.yield %[[S]] : tensor<4xf32>
tq.weight @half.scales : tensor<4xf32> initializer {
  %w = tq.get_weight @half : tensor<4x8xf32>
  %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
    -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
  tq.yield %s : tensor<4xf32>
}

// CHECK-LABEL: func.func @weights
func.func @weights() -> (tensor<4x8xf16>, tensor<4x8xf32>, tensor<3xf32>, tensor<f32>) {
  // CHECK: tq.get_weight @half : tensor<4x8xf16>
  %0 = tq.get_weight @half : tensor<4x8xf16>
  // CHECK: tq.get_weight @half : tensor<4x8xf32>
  %1 = tq.get_weight @half : tensor<4x8xf32>
  // CHECK: tq.get_weight @brain : tensor<3xf32>
  %2 = tq.get_weight @brain : tensor<3xf32>
  // CHECK: tq.get_weight @scalar : tensor<f32>
  %3 = tq.get_weight @scalar : tensor<f32>
  return %0, %1, %2, %3 : tensor<4x8xf16>, tensor<4x8xf32>, tensor<3xf32>, tensor<f32>
}

// CHECK-LABEL: func.func @weight_math
func.func @weight_math(%q: tensor<100x30x!quant.any<i8<-127:127>:f32>>, %f: tensor<7x5xf32>) {
  // CHECK: tq.column_sums %{{.*}} : tensor<100x30x!quant.any<i8<-127:127>:f32>> -> tensor<100xi32>
  %0 = tq.column_sums %q : tensor<100x30x!quant.any<i8<-127:127>:f32>> -> tensor<100xi32>
  // CHECK: tq.pack_weight %{{.*}} {group = 4 : i64, panel = 64 : i64} : tensor<100x30x!quant.any<i8<-127:127>:f32>> -> tensor<2x8x64x4xi8>
  %1 = tq.pack_weight %q {panel = 64 : i64, group = 4 : i64}
    : tensor<100x30x!quant.any<i8<-127:127>:f32>> -> tensor<2x8x64x4xi8>
  // CHECK: tq.pack_weight %{{.*}} {group = 1 : i64, panel = 3 : i64} : tensor<7x5xf32> -> tensor<3x5x3x1xf32>
  %2 = tq.pack_weight %f {panel = 3 : i64, group = 1 : i64}
    : tensor<7x5xf32> -> tensor<3x5x3x1xf32>
  return
}

// CHECK-LABEL: func.func @tokens
func.func @tokens(%ids: tensor<?x?xi64>, %flat: tensor<7xi64>, %t: tensor<97x48xf32>,
                  %q: tensor<97x48x!quant.any<i8<-127:127>:f32>>, %s: tensor<97xf32>) {
  // CHECK: tq.position_ids %{{.*}} : tensor<?x?xi64>
  %0 = tq.position_ids %ids : tensor<?x?xi64>
  // CHECK: tq.position_ids %{{.*}} {padding_id = 1 : i64} : tensor<?x?xi64>
  %1 = tq.position_ids %ids {padding_id = 1 : i64} : tensor<?x?xi64>
  // CHECK: tq.embedding %{{.*}}, %{{.*}} : (tensor<?x?xi64>, tensor<97x48xf32>) -> tensor<?x?x48xf32>
  %2 = tq.embedding %ids, %t : (tensor<?x?xi64>, tensor<97x48xf32>) -> tensor<?x?x48xf32>
  // CHECK: tq.embedding %{{.*}}, %{{.*}} : (tensor<7xi64>, tensor<97x48xf32>) -> tensor<7x48xf32>
  %3 = tq.embedding %flat, %t : (tensor<7xi64>, tensor<97x48xf32>) -> tensor<7x48xf32>
  // CHECK: tq.quantized_embedding %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x?xi64>, tensor<97x48x!quant.any<i8<-127:127>:f32>>, tensor<97xf32>) -> tensor<?x?x48xf32>
  %4 = tq.quantized_embedding %ids, %q, %s
    : (tensor<?x?xi64>, tensor<97x48x!quant.any<i8<-127:127>:f32>>, tensor<97xf32>)
    -> tensor<?x?x48xf32>
  return
}

// CHECK-LABEL: func.func @contractions
func.func @contractions(%x: tensor<?x?x48xf32>, %v: tensor<48xf32>, %w: tensor<80x48xf32>,
                        %b: tensor<80xf32>, %l: tensor<?x7x16xf32>, %r: tensor<?x9x16xf32>,
                        %m: tensor<16x5xf32>, %n: tensor<3x16xf32>) {
  // CHECK: tq.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x?x48xf32>, tensor<80x48xf32>, tensor<80xf32>) -> tensor<?x?x80xf32>
  %0 = tq.linear %x, %w, %b
    : (tensor<?x?x48xf32>, tensor<80x48xf32>, tensor<80xf32>) -> tensor<?x?x80xf32>
  // CHECK: tq.linear %{{.*}}, %{{.*}} : (tensor<48xf32>, tensor<80x48xf32>) -> tensor<80xf32>
  %1 = tq.linear %v, %w : (tensor<48xf32>, tensor<80x48xf32>) -> tensor<80xf32>
  // CHECK: tq.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<?x7x16xf32>, tensor<?x9x16xf32>) -> tensor<?x7x9xf32>
  %2 = tq.matmul %l, %r {transpose_rhs}
    : (tensor<?x7x16xf32>, tensor<?x9x16xf32>) -> tensor<?x7x9xf32>
  // CHECK: tq.matmul %{{.*}}, %{{.*}} : (tensor<3x16xf32>, tensor<16x5xf32>) -> tensor<3x5xf32>
  %3 = tq.matmul %n, %m : (tensor<3x16xf32>, tensor<16x5xf32>) -> tensor<3x5xf32>
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<?x?x64xf32>, %k: tensor<?x?x16xf32>, %m: tensor<?x?xi64>) {
  // CHECK: tq.attention %{{.*}}, %{{.*}}, %{{.*}} mask(%{{.*}}) {num_heads = 4 : i64, scale = 2.500000e-01 : f32} : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?xi64>) -> tensor<?x?x64xf32>
  %0 = tq.attention %q, %q, %q mask(%m) {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?xi64>)
    -> tensor<?x?x64xf32>
  // CHECK: tq.attention %{{.*}}, %{{.*}}, %{{.*}} {causal, num_heads = 8 : i64, num_kv_heads = 2 : i64, scale = 1.000000e+00 : f32} : (tensor<?x?x64xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x64xf32>
  %1 = tq.attention %q, %k, %k
    {causal, num_heads = 8 : i64, num_kv_heads = 2 : i64, scale = 1.0 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x64xf32>
  // CHECK: tq.attention {{.*}} {num_heads = 4 : i64, precision = #tq.precision<int8>, scale
  %2 = tq.attention %q, %q, %q
    {num_heads = 4 : i64, precision = #tq.precision<int8>, scale = 1.0 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  // CHECK: tq.attention {{.*}} {num_heads = 4 : i64, precision = #tq.precision<bf16>, scale
  %3 = tq.attention %q, %q, %q
    {num_heads = 4 : i64, precision = #tq.precision<bf16>, scale = 1.0 : f32}
    : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return
}

// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<?x?x48xf32>, %g: tensor<48xf32>) {
  // CHECK: tq.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {epsilon = {{.*}} : f32} : (tensor<?x?x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
  %0 = tq.layer_norm %x, %g, %g {epsilon = 1.0e-12 : f32}
    : (tensor<?x?x48xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
  // CHECK: tq.layer_norm %{{.*}}, %{{.*}} {epsilon = 0.000000e+00 : f32} : (tensor<48xf32>, tensor<48xf32>) -> tensor<48xf32>
  %1 = tq.layer_norm %g, %g {epsilon = 0.0 : f32}
    : (tensor<48xf32>, tensor<48xf32>) -> tensor<48xf32>
  // CHECK: tq.rms_norm %{{.*}}, %{{.*}} {epsilon = {{.*}} : f32} : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
  %2 = tq.rms_norm %x, %g {epsilon = 1.0e-5 : f32}
    : (tensor<?x?x48xf32>, tensor<48xf32>) -> tensor<?x?x48xf32>
  // CHECK: tq.softmax %{{.*}} : tensor<?x?x48xf32>
  %3 = tq.softmax %x : tensor<?x?x48xf32>
  // CHECK: tq.l2_normalize %{{.*}} : tensor<48xf32>
  %4 = tq.l2_normalize %g : tensor<48xf32>
  return
}

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<?x3x80xf32>, %c: tensor<3x1xf32>, %v: tensor<80xf32>,
                       %s: tensor<f32>) {
  // CHECK: tq.gelu %{{.*}} : tensor<?x3x80xf32>
  %0 = tq.gelu %x : tensor<?x3x80xf32>
  // CHECK: tq.gelu %{{.*}} {tanh} : tensor<?x3x80xf32>
  %1 = tq.gelu %x {tanh} : tensor<?x3x80xf32>
  // CHECK: tq.relu %{{.*}} : tensor<?x3x80xf32>
  %2 = tq.relu %x : tensor<?x3x80xf32>
  // CHECK: tq.quick_gelu %{{.*}} : tensor<?x3x80xf32>
  %quick = tq.quick_gelu %x : tensor<?x3x80xf32>
  // CHECK: tq.silu %{{.*}} : tensor<?x3x80xf32>
  %3 = tq.silu %x : tensor<?x3x80xf32>
  // CHECK: tq.tanh %{{.*}} : tensor<?x3x80xf32>
  %4 = tq.tanh %x : tensor<?x3x80xf32>
  // CHECK: tq.sigmoid %{{.*}} : tensor<f32>
  %5 = tq.sigmoid %s : tensor<f32>
  // CHECK: tq.add %{{.*}}, %{{.*}} : (tensor<?x3x80xf32>, tensor<80xf32>) -> tensor<?x3x80xf32>
  %6 = tq.add %x, %v : (tensor<?x3x80xf32>, tensor<80xf32>) -> tensor<?x3x80xf32>
  // CHECK: tq.sub %{{.*}}, %{{.*}} : (tensor<?x3x80xf32>, tensor<3x1xf32>) -> tensor<?x3x80xf32>
  %7 = tq.sub %x, %c : (tensor<?x3x80xf32>, tensor<3x1xf32>) -> tensor<?x3x80xf32>
  // CHECK: tq.mul %{{.*}}, %{{.*}} : (tensor<?x3x80xf32>, tensor<?x3x80xf32>) -> tensor<?x3x80xf32>
  %8 = tq.mul %x, %x : (tensor<?x3x80xf32>, tensor<?x3x80xf32>) -> tensor<?x3x80xf32>
  // CHECK: tq.div %{{.*}}, %{{.*}} : (tensor<?x3x80xf32>, tensor<f32>) -> tensor<?x3x80xf32>
  %9 = tq.div %x, %s : (tensor<?x3x80xf32>, tensor<f32>) -> tensor<?x3x80xf32>
  return
}

// CHECK-LABEL: func.func @pooling
func.func @pooling(%x: tensor<?x?x48xf32>, %m: tensor<?x?xi64>) {
  // CHECK: tq.pool %{{.*}} mask(%{{.*}}) {kind = #tq.pool_kind<mean>} : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  %0 = tq.pool %x mask(%m) {kind = #tq.pool_kind<mean>}
    : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  // CHECK: tq.pool %{{.*}} {kind = #tq.pool_kind<first>} : (tensor<?x?x48xf32>) -> tensor<?x48xf32>
  %1 = tq.pool %x {kind = #tq.pool_kind<first>} : (tensor<?x?x48xf32>) -> tensor<?x48xf32>
  // CHECK: kind = #tq.pool_kind<max>
  %2 = tq.pool %x mask(%m) {kind = #tq.pool_kind<max>}
    : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  // CHECK: kind = #tq.pool_kind<mean_sqrt_len>
  %3 = tq.pool %x mask(%m) {kind = #tq.pool_kind<mean_sqrt_len>}
    : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  // CHECK: kind = #tq.pool_kind<weighted_mean>
  %4 = tq.pool %x mask(%m) {kind = #tq.pool_kind<weighted_mean>}
    : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  // CHECK: kind = #tq.pool_kind<last>
  %5 = tq.pool %x mask(%m) {kind = #tq.pool_kind<last>}
    : (tensor<?x?x48xf32>, tensor<?x?xi64>) -> tensor<?x48xf32>
  return
}

// CHECK-LABEL: func.func @quantization
func.func @quantization(%x: tensor<?x48xf32>, %v: tensor<48xf32>,
                        %a: tensor<3x2x!quant.uniform<i8:f32:0, {0.5,0.25:1,2.0}>>) {
  // CHECK: tq.quantize %{{.*}} : tensor<?x48xf32> -> tensor<?x48x!quant.uniform<u8:f32, 5.000000e-01:128>>
  %0 = tq.quantize %x : tensor<?x48xf32> -> tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>
  // CHECK: tq.dequantize %{{.*}} : (tensor<?x48x!quant.uniform<u8:f32, 5.000000e-01:128>>) -> tensor<?x48xf32>
  %1 = tq.dequantize %0 : (tensor<?x48x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<?x48xf32>
  // CHECK: tq.dynamic_quantize %{{.*}} : tensor<?x48xf32> -> tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
  %q, %s, %z = tq.dynamic_quantize %x : tensor<?x48xf32>
    -> tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
  // CHECK: tq.dequantize %{{.*}} scales(%{{.*}}) zero_points(%{{.*}}) : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x48xf32>
  %2 = tq.dequantize %q scales(%s) zero_points(%z)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x48xf32>
  // CHECK: tq.dequantize %{{.*}} scales(%{{.*}}) : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>) -> tensor<?x48xf32>
  %3 = tq.dequantize %q scales(%s)
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>) -> tensor<?x48xf32>
  // CHECK: tq.dequantize %{{.*}} : (tensor<3x2x!quant.uniform<i8:f32:0, {{.*}}>>) -> tensor<3x2xf32>
  %4 = tq.dequantize %a
    : (tensor<3x2x!quant.uniform<i8:f32:0, {0.5,0.25:1,2.0}>>) -> tensor<3x2xf32>
  // A vector is one row: its parameters are scalars.
  // CHECK: tq.dynamic_quantize %{{.*}} : tensor<48xf32> -> tensor<48x!quant.any<u8:f32>>, tensor<f32>, tensor<i32>
  %q1, %s1, %z1 = tq.dynamic_quantize %v : tensor<48xf32>
    -> tensor<48x!quant.any<u8:f32>>, tensor<f32>, tensor<i32>
  return
}

// CHECK-LABEL: func.func @quantized_linear
func.func @quantized_linear(%x: tensor<?x48x!quant.any<u8:f32>>, %xs: tensor<?xf32>,
                            %z: tensor<?xi32>, %w: tensor<80x48x!quant.any<i8<-127:127>:f32>>,
                            %ws: tensor<80xf32>, %r: tensor<?x80xf32>) {
  // The default activation is not printed.
  // CHECK: tq.quantized_linear %{{.*}}, %{{.*}} zero_points(%{{.*}}) weight(%{{.*}}, %{{.*}}) bias(%{{.*}}) residual(%{{.*}}) :
  %0 = tq.quantized_linear %x, %xs zero_points(%z) weight(%w, %ws) bias(%ws) residual(%r)
    {activation = #tq.activation<none>}
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>, tensor<80xf32>,
       tensor<?x80xf32>) -> tensor<?x80xf32>
  // CHECK: tq.quantized_linear %{{.*}}, %{{.*}} weight(%{{.*}}, %{{.*}}) {activation = #tq.activation<gelu_tanh>} :
  %1 = tq.quantized_linear %x, %xs weight(%w, %ws) {activation = #tq.activation<gelu_tanh>}
    : (tensor<?x48x!quant.any<u8:f32>>, tensor<?xf32>,
       tensor<80x48x!quant.any<i8<-127:127>:f32>>, tensor<80xf32>) -> tensor<?x80xf32>
  return
}

// CHECK: blob: "0x010000000102"
{-#
  dialect_resources: {
    builtin: {
      blob: "0x010000000102"
    }
  }
#-}
