//===- Half.h - Exact conversions from f16 and bf16 -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_HALF_H
#define TQ_QUANT_HALF_H

#include <bit>
#include <cstdint>

namespace tq::quant {

/// The f32 with the value of the IEEE binary16 `h`; NaN keeps sign and payload.
inline float halfToFloat(uint16_t h) {
  uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  uint32_t exponent = (h >> 10) & 0x1Fu;
  uint32_t mantissa = h & 0x3FFu;
  if (exponent == 0) { // zero and subnormals: mantissa * 2^-24, exact in f32
    float v = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(v));
  }
  uint32_t wide = exponent == 0x1F ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

/// The f32 with the value of the bfloat16 `b`.
inline float bfloat16ToFloat(uint16_t b) {
  return std::bit_cast<float>(static_cast<uint32_t>(b) << 16);
}

/// The binary16 next to `f`, ties to even; too large values become infinity.
uint16_t floatToHalf(float f);

/// The bfloat16 next to `f`, ties to even.
uint16_t floatToBfloat16(float f);

} // namespace tq::quant

#endif // TQ_QUANT_HALF_H
