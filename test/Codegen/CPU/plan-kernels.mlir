// What each CPU's plan is, and plans that say otherwise.

// RUN: tq-compile %s --stop-after=lower -o %t.mlir
// RUN: tq-opt %t.mlir %{plans:amx-bf16} | FileCheck %s --check-prefix=AMX
// RUN: tq-opt %t.mlir %{plans:avx512vnni} -o %t.vnni && FileCheck %s --input-file=%t.vnni --check-prefix=VNNI
// RUN: tq-opt %t.mlir %{plans:avx2} | FileCheck %s --check-prefix=AVX2
// RUN: tq-opt %t.mlir %{plans:generic} | FileCheck %s --check-prefix=GENERIC

// AMX-LABEL:     program.kernel @dynamic_quantize_64 {
// AMX:             plan #cpu.rows<stack = 262144>{{$}}
// AMX-LABEL:     program.kernel @quantized_linear_64x80 {
// AMX:             plan #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 32, sums = tiles>{{$}}
// AMX-LABEL:     program.kernel @attention_2x40_bf16 {
// AMX:             plan #cpu.attention<vdpbf16ps, tile = 6 x 4, sums = tiles>{{$}}

// VNNI-LABEL:    program.kernel @quantized_linear_64x80 {
// VNNI:            program.variant <"x86-64-v4+avx512vnni", "x86_64-unknown-linux-gnu">
// VNNI-SAME:         plan #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = vectors>{{$}}
// VNNI-LABEL:    program.kernel @attention_2x40_bf16 {
// VNNI:            plan #cpu.attention<widen_bf16, tile = 4 x 4, sums = vectors>{{$}}

// AVX2:            plan #cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors, operands = widened>{{$}}
// GENERIC:         plan #cpu.contraction<widen, tile = 4 x 1, rows = 48, sums = vectors>{{$}}

// A plan that is there stays, and the code follows it: 2 x 3 sums.
// RUN: sed 's/vpdpbusd, tile = 6 x 4, rows = 48/vpdpbusd, tile = 2 x 3, rows = 10/' %t.vnni > %t.small
// RUN: tq-opt %t.small -tq-plan-kernels -tq-generate-kernels | FileCheck %s --check-prefix=SMALL
// SMALL:         plan #cpu.contraction<vpdpbusd, tile = 2 x 3, rows = 10, sums = vectors>
// SMALL:         %{{.*}}:6 = scf.for {{.*}} iter_args(
// SMALL-COUNT-6: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// SMALL:         } count {
// SMALL:         arith.constant 10 : index

// DEFINE: %{name} =
// DEFINE: %{from} =
// DEFINE: %{to} =
// DEFINE: %{fails} = sed 's/%{from}/%{to}/' %t.vnni > %t.%{name} \
// DEFINE:   && not tq-opt %t.%{name} -tq-generate-kernels 2>&1 | FileCheck %s --check-prefix=%{name}

// REDEFINE: %{name} = FLOAT
// REDEFINE: %{from} = contraction<vpdpbusd
// REDEFINE: %{to} = contraction<fma
// RUN: %{fails}
// FLOAT: error: expected products of bytes, but got #cpu.contraction<fma, tile = 6 x 4, rows = 48, sums = vectors>

// REDEFINE: %{name} = PRECISION
// REDEFINE: %{from} = attention<widen_bf16
// REDEFINE: %{to} = attention<vpdpbusd
// RUN: %{fails}
// PRECISION: error: expected products in bf16, but got #cpu.attention<vpdpbusd,

// REDEFINE: %{name} = INSTRUCTION
// REDEFINE: %{from} = attention<widen_bf16
// REDEFINE: %{to} = attention<vdpbf16ps
// RUN: %{fails}
// INSTRUCTION: error: expected a plan with instructions that x86-64-v4+avx512vnni has, but got #cpu.attention<vdpbf16ps,

// REDEFINE: %{name} = KIND
// REDEFINE: %{from} = plan #cpu.attention<.*>
// REDEFINE: %{to} = plan #cpu.rows<stack = 0>
// RUN: %{fails}
// KIND: error: expected a plan that suits a kernel that is not row-wise, but got #cpu.rows<stack = 0>
tq.weight @w : tensor<80x64xf32> = dense<0.5> : tensor<80x64xf32>
func.func @main(%x: tensor<?x?x64xf32>) -> tensor<?x?x80xf32> {
  %w = tq.get_weight @w : tensor<80x64xf32>
  %q = tq.linear %x, %w : (tensor<?x?x64xf32>, tensor<80x64xf32>) -> tensor<?x?x80xf32>
  %y = tq.attention %q, %q, %q {num_heads = 2 : i64, precision = #tq.precision<bf16>, scale = 0.25 : f32}
    : (tensor<?x?x80xf32>, tensor<?x?x80xf32>, tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  return %y : tensor<?x?x80xf32>
}
