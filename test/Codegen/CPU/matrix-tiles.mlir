// A linear in tile registers: 128 inputs are two tiles; 100 inputs are not whole tiles.

// RUN: tq-compile %s --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:amx} -tq-generate-kernels | FileCheck %s
// RUN: tq-opt %t.mlir %{plans:avx512vnni} -tq-generate-kernels \
// RUN:   | FileCheck %s --check-prefix=VNNI

// VNNI-NOT: llvm.x86.tdpbusd

// The registers are configured once, outside the loop over work items.
// CHECK-LABEL: program.kernel @quantized_linear_128x80 {
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0({{.*}}: memref<5x32x16x4xi8>
// CHECK:         llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK:         scf.for
// CHECK-NOT:     llvm.x86.ldtilecfg

// Up to six rows are made with vectors.
// CHECK:         scf.if
// CHECK:         llvm.x86.avx512.vpdpbusd.512
// CHECK:         } else {

// Two tiles of rows by two of outputs, four products for four loads.
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK-COUNT-3:     llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK-COUNT-2:     llvm.call_intrinsic "llvm.x86.tdpbusd"
// CHECK:             llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK-COUNT-2:     llvm.call_intrinsic "llvm.x86.tdpbusd"
// CHECK-COUNT-8:     memref.prefetch {{.*}}, read, locality<2>, data : memref<5x32x64xi8>
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK:         llvm.call_intrinsic "llvm.x86.tilerelease"
// CHECK-NEXT:    program.yield

// CHECK-LABEL: program.kernel @quantized_linear_100x64 {
// CHECK-NOT:     llvm.x86.tdpbusd
// CHECK:         llvm.x86.avx512.vpdpbusd.512
// CHECK-NOT:     llvm.x86.tdpbusd
// CHECK:         program.yield
tq.weight @w : tensor<80x128xf32> = dense<0.5> : tensor<80x128xf32>
tq.weight @v : tensor<64x100xf32> = dense<0.5> : tensor<64x100xf32>
func.func @main(%x: tensor<?x128xf32>, %y: tensor<?x100xf32>) -> (tensor<?x80xf32>, tensor<?x64xf32>) {
  %w = tq.get_weight @w : tensor<80x128xf32>
  %a = tq.linear %x, %w : (tensor<?x128xf32>, tensor<80x128xf32>) -> tensor<?x80xf32>
  %v = tq.get_weight @v : tensor<64x100xf32>
  %b = tq.linear %y, %v : (tensor<?x100xf32>, tensor<64x100xf32>) -> tensor<?x64xf32>
  return %a, %b : tensor<?x80xf32>, tensor<?x64xf32>
}
