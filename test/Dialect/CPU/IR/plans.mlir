// RUN: tq-opt %s | tq-opt | FileCheck %s

// CHECK: #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = vectors>
#a = #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = vectors>
// CHECK-SAME: #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 32, sums = tiles>
#b = #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 32, sums = tiles>
// CHECK-SAME: #cpu.attention<widen_bf16, tile = 1 x 1, sums = vectors>
#c = #cpu.attention<widen_bf16, tile = 1 x 1, sums = vectors>
// CHECK-SAME: #cpu.rows<stack = 0>
#d = #cpu.rows<stack = 0>
// CHECK-SAME: #cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors, operands = widened>
#e = #cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors, operands = widened>
// CHECK-SAME: #cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors>
#f = #cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors, operands = stored>
func.func private @plans() attributes {plans = [#a, #b, #c, #d, #e, #f]}
