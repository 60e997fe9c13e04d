// RUN: tq-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{expected a tile of 1 to 16 rows by 1 to 4 vectors, but got 17 x 4}}
#plan = #cpu.contraction<fma, tile = 17 x 4, rows = 48, sums = vectors>

// -----

// expected-error @below {{expected a tile of 1 to 16 rows by 1 to 4 vectors, but got 6 x 0}}
#plan = #cpu.attention<fma, tile = 6 x 0, sums = vectors>

// -----

// expected-error @below {{expected tiles of 1, 2 or 4 vectors, which 4 of a panel of keys are a multiple of, but got 3}}
#plan = #cpu.attention<fma, tile = 6 x 3, sums = vectors>

// -----

// expected-error @below {{expected items of at least a row, but got 0}}
#plan = #cpu.contraction<fma, tile = 6 x 4, rows = 0, sums = vectors>

// -----

// expected-error @below {{expected items of 32 rows and products of bytes with sums in tiles}}
#plan = #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = tiles>

// -----

// expected-error @below {{expected stored operands with vpdpbusd, as only vpmaddwd multiplies 16 bits}}
#plan = #cpu.contraction<vpdpbusd, tile = 6 x 4, rows = 48, sums = vectors, operands = widened>

// -----

// expected-error @below {{expected ::tq::cpu::OperandForm to be one of: stored, widened}}
// expected-error @below {{failed to parse CPU_ContractionPlanAttr parameter 'operands'}}
#plan = #cpu.contraction<vpmaddwd, tile = 4 x 1, rows = 48, sums = vectors, operands = wide>

// -----

// expected-error @below {{expected sums in vectors with fma, as tile registers have no products of f32}}
#plan = #cpu.attention<fma, tile = 6 x 4, sums = tiles>

// -----

// expected-error @below {{expected 0 to 1048576 bytes of stack, but got 1048577}}
#plan = #cpu.rows<stack = 1048577>

// -----

// expected-error @below {{expected ::tq::cpu::DotKind to be one of: fma, vpdpbusd,}}
// expected-error @below {{failed to parse CPU_AttentionPlanAttr parameter 'dot'}}
#plan = #cpu.attention<mmx, tile = 6 x 4, sums = vectors>
