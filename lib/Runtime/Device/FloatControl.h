//===- FloatControl.h - The floating-point mode of a run --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_DEVICE_FLOATCONTROL_H
#define TQ_LIB_RUNTIME_DEVICE_FLOATCONTROL_H

#include <stdint.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace tq::rt {

/// Results have the same bits in any host program, also in one that flushes
/// denormals or rounds another way: sets the default mode for a scope.
class FloatControl {
public:
#if defined(__x86_64__)
  FloatControl() : saved(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~FloatControl() { _mm_setcsr(saved); }

private:
  unsigned saved;
#elif defined(__aarch64__)
  FloatControl() {
    asm volatile("mrs %0, fpcr" : "=r"(saved));
    asm volatile("msr fpcr, %0" : : "r"(uint64_t(0)));
  }
  ~FloatControl() { asm volatile("msr fpcr, %0" : : "r"(saved)); }

private:
  uint64_t saved;
#endif
};

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_DEVICE_FLOATCONTROL_H
