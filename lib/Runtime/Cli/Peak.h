//===- Peak.h - What one core can do at most --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_CLI_PEAK_H
#define TQ_LIB_RUNTIME_CLI_PEAK_H

namespace tq::rt {

/// Operations a second of one core, in 1e9: multiplications and additions of
/// the instructions that a program's kernels are made of, from registers. 0
/// where that cannot be measured.
struct Peak {
  double integer;  ///< u8 x s8 dot products
  double floating; ///< f32 fma
  double bf16;     ///< dot products of bf16, or f32 fma without them
};

/// Measures for some milliseconds. `features` are those the program requires
/// (tq_program_target::required_features), present on this machine.
Peak measurePeak(const char *features);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_CLI_PEAK_H
