// Copies of inputs and weights in the 16 bits that vpmaddwd multiplies.

// RUN: tq-compile %s --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:avx2} -o %t.avx2
// RUN: tq-opt %t.avx2 -tq-generate-kernels | FileCheck %s

// A plan without copies unpacks the bytes of each step.
// RUN: sed 's/, operands = widened//' %t.avx2 | tq-opt -tq-generate-kernels | FileCheck %s --check-prefix=STORED

// 601 inputs are 151 groups of four: two blocks of 80 and 71.
// CHECK-LABEL: program.kernel @quantized_linear_601x16 {
// CHECK:         operands = widened> {{.*}} code {
// CHECK-NEXT:    ^bb0({{.*}}: memref<?xf32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index):
// CHECK:         %[[COUNT:.*]] = arith.minsi %c80{{.*}}, %{{.*}} : index

// Inputs: 16 groups at a time, then groups, then the last byte.
// CHECK:         scf.for
// CHECK:         vector.load {{.*}} vector<64xi8>
// CHECK-COUNT-2: vector.store
// CHECK:         scf.for
// CHECK:         vector.load {{.*}} vector<4xi8>
// CHECK-COUNT-2: memref.store
// CHECK:         scf.for
// CHECK:         memref.load {{.*}} : memref<?x601xi8>
// CHECK-COUNT-2: memref.store

// Weights of 16 outputs: even bytes, odd bytes.
// CHECK:         vector.load {{.*}} : memref<1x151x64xi8>, vector<64xi8>
// CHECK-COUNT-2: vector.store

// A step is two words; sums come from scratch and go back.
// CHECK-COUNT-4: vector.load {{.*}} : memref<?xf32>, vector<16xf32>
// CHECK:         %{{.*}}:4 = scf.for %{{.*}} to %[[COUNT]] {{.*}} iter_args(
// CHECK:         memref.prefetch
// CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK:         scf.yield
// CHECK-COUNT-4: vector.store
// CHECK:         } count {
// CHECK:         } workspace {
// CHECK:         arith.minsi

// STORED-LABEL: program.kernel @quantized_linear_601x16 {
// STORED:         sums = vectors> packed
// STORED:         scf.for {{.*}} iter_args(
// STORED:         arith.shli
// STORED-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// STORED-NOT:   workspace
tq.weight @w : tensor<16x601xf32> = dense<0.5> : tensor<16x601xf32>
func.func @main(%x: tensor<?x601xf32>) -> tensor<?x16xf32> {
  %w = tq.get_weight @w : tensor<16x601xf32>
  %y = tq.linear %x, %w : (tensor<?x601xf32>, tensor<16x601xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
