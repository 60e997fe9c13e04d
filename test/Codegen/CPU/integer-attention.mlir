// Attention in integers, for each way to multiply.

// RUN: tq-compile %s --attention=int8 --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:amx} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,AMX
// RUN: tq-opt %t.mlir %{plans:avx512vnni} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: tq-opt %t.mlir %{plans:avx512} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,MADD
// RUN: tq-opt %t.mlir %{plans:avxvnni} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: tq-opt %t.mlir %{plans:avx2} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,MADD
// RUN: tq-opt %t.mlir %{plans:generic} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,PLAIN

// PLAIN-NOT: llvm.x86
// CHECK-LABEL: program.kernel @attention_2x40_int8 {
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0({{.*}}: memref<?xf32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index):

// The registers are configured once. Scores are s8 x s8 products, values u8 x s8;
// four products take two loads of keys or values.
// AMX:           llvm.call_intrinsic "llvm.x86.ldtilecfg"
// AMX:           scf.for
// AMX-NOT:       llvm.x86.ldtilecfg
// AMX-COUNT-2:   llvm.call_intrinsic "llvm.x86.tileloadd64"
// AMX:           scf.for
// AMX-COUNT-4:     llvm.call_intrinsic "llvm.x86.tilezero"
// AMX-COUNT-4:     llvm.call_intrinsic "llvm.x86.tdpbssd"
// AMX-COUNT-4:     llvm.call_intrinsic "llvm.x86.tilestored64"
// AMX:             llvm.call_intrinsic "llvm.x86.tdpbusd"
// AMX:           llvm.call_intrinsic "llvm.x86.tilerelease"
// AMX-NEXT:      program.yield

// VNNI-NOT:      llvm.x86.tdpb
// VNNI-COUNT-48: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// HALF:          llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// MADD:          llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func @main(%x: tensor<?x?x80xf32>, %m: tensor<?x?xi64>) -> tensor<?x?x80xf32> {
  %y = tq.attention %x, %x, %x mask(%m) {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x80xf32>, tensor<?x?x80xf32>, tensor<?x?x80xf32>, tensor<?x?xi64>)
    -> tensor<?x?x80xf32>
  return %y : tensor<?x?x80xf32>
}
