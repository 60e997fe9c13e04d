// Attention in bf16, for each way to multiply.

// RUN: tq-compile %s --attention=bf16 --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:amx-bf16} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,AMX
// RUN: tq-opt %t.mlir %{plans:avx512bf16} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: tq-opt %t.mlir %{plans:amx} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: tq-opt %t.mlir %{plans:avx512vnni} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: tq-opt %t.mlir %{plans:avx2} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: tq-opt %t.mlir %{plans:generic} -tq-generate-kernels | FileCheck %s --check-prefixes=CHECK,PLAIN

// CHECK-LABEL: program.kernel @attention_2x40_bf16 {
// CHECK:         program.variant {{.*}} code {
// CHECK-NEXT:    ^bb0({{.*}}: memref<?xf32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index):

// Without an instruction for it bf16 is widened: even the rounding is plain arithmetic.
// PLAIN-NOT:     llvm.call_intrinsic

// The registers are configured once; a head of 40 dimensions is two tiles deep.
// AMX:           llvm.call_intrinsic "llvm.x86.ldtilecfg"
// AMX:           scf.for
// AMX-NOT:       llvm.x86.ldtilecfg
// AMX:           llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// AMX-COUNT-4:     llvm.call_intrinsic "llvm.x86.tilezero"
// AMX-COUNT-8:     llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// AMX-COUNT-4:     llvm.call_intrinsic "llvm.x86.tilestored64"
// AMX-COUNT-4:     llvm.call_intrinsic "llvm.x86.tilezero"
// AMX-COUNT-8:     llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// AMX:           llvm.call_intrinsic "llvm.x86.tilerelease"
// AMX-NEXT:      program.yield

// BF16-NOT:      llvm.x86.tdpb
// BF16:          llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// BF16-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"

// PLAIN-DAG:     %[[SHIFT:.*]] = arith.constant dense<16> : vector<16xi32>
// PLAIN-DAG:     %[[HIGH:.*]] = arith.constant dense<-65536> : vector<16xi32>
// PLAIN:         scf.for
// PLAIN:         math.fma {{.*}} : vector<16xf32>
func.func @main(%x: tensor<?x?x80xf32>, %m: tensor<?x?xi64>) -> tensor<?x?x80xf32> {
  %y = tq.attention %x, %x, %x mask(%m) {num_heads = 2 : i64, scale = 0.25 : f32}
    : (tensor<?x?x80xf32>, tensor<?x?x80xf32>, tensor<?x?x80xf32>, tensor<?x?xi64>)
    -> tensor<?x?x80xf32>
  return %y : tensor<?x?x80xf32>
}
