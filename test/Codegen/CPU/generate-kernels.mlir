// A linear in int8, the rows before it and attention, for each way to multiply.

// RUN: tq-compile %s --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:avx512vnni} -tq-generate-kernels -o %t.vnni
// RUN: FileCheck %s --input-file=%t.vnni --check-prefixes=CHECK,VNNI
// RUN: tq-opt %t.mlir %{plans:avx2} -tq-generate-kernels -o %t.avx2
// RUN: FileCheck %s --input-file=%t.avx2 --check-prefixes=CHECK,AVX2
// RUN: FileCheck %s --input-file=%t.avx2 --check-prefix=EXACT

// Sums of pairs in 16 bits could saturate.
// EXACT-NOT: pmadd.ub
// EXACT-NOT: vpmaddubsw

// Rows: lanes are reduced in halves, in an order that no vector width changes.
// CHECK-LABEL: program.kernel @dynamic_quantize_64 {
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0(%{{.*}}: memref<?x?x64xf32>, {{.*}}: index, %{{.*}}: index):
// CHECK:         scf.for
// CHECK:         vector.extract_strided_slice {{.*}} : vector<16xi32> to vector<8xi32>

// Four panels of 16 columns by six rows: 24 accumulators stay in registers.
// CHECK-LABEL: program.kernel @quantized_linear_64x128 {
// CHECK:         program.variant <"x86-64-{{.*}}", "x86_64-unknown-linux-gnu"> plan #cpu.contraction<
// CHECK-SAME:      > packed [#program.packed<3, panel = 16, group = 4>] code {
// CHECK-NEXT:    ^bb0({{.*}} memref<8x16x16x4xi8>
// Each step prefetches a line of the weights to come.
// VNNI:          %{{.*}}:24 = scf.for {{.*}} iter_args(
// VNNI:          memref.prefetch {{.*}}, read, locality<2>, data : memref<8x16x64xi8>
// VNNI-NOT:      memref.prefetch
// VNNI-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// AVX2:          scf.for {{.*}} iter_args(
// AVX2:          llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"

// Attention takes scratch memory behind its tensors, and counts it.
// CHECK-LABEL: program.kernel @attention_4x32 {
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0({{.*}}: memref<?xf32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index):
// CHECK:         scf.for
// In a large tensor a row prefetches a query to come, and keys and values of the
// next head.
// CHECK:         scf.if
// CHECK-COUNT-2: memref.prefetch {{.*}}, read, locality<2>, data : memref<?x?x128xf32>
// CHECK:         scf.for
// CHECK-COUNT-4: memref.prefetch {{.*}}, read, locality<2>, data : memref<?x?x128xf32>
// CHECK:         } count {
// CHECK:         } workspace {
tq.weight @w : tensor<128x64xf32> = dense<0.5> : tensor<128x64xf32>
func.func @main(%x: tensor<?x?x64xf32>) -> tensor<?x?x128xf32> {
  %w = tq.get_weight @w : tensor<128x64xf32>
  %q = tq.linear %x, %w : (tensor<?x?x64xf32>, tensor<128x64xf32>) -> tensor<?x?x128xf32>
  %y = tq.attention %q, %q, %q {num_heads = 4 : i64, scale = 0.25 : f32}
    : (tensor<?x?x128xf32>, tensor<?x?x128xf32>, tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  return %y : tensor<?x?x128xf32>
}
