//===- Half.cpp - Exact conversions from f16 and bf16 ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Half.h"

#include <cmath>

namespace tq::quant {

/// v >> shift with the dropped bits rounded half to even.
static uint32_t shiftRightRounded(uint32_t v, uint32_t shift) {
  uint32_t kept = v >> shift;
  uint32_t dropped = v & ((1u << shift) - 1);
  uint32_t half = 1u << (shift - 1);
  return kept + (dropped > half || (dropped == half && (kept & 1)));
}

uint16_t floatToHalf(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) // NaN: the payload's upper bits, never infinity
    return static_cast<uint16_t>(sign | 0x7C00u | (magnitude >> 13 & 0x3FFu) |
                                 ((magnitude >> 13 & 0x3FFu) == 0));
  if (magnitude >= 0x47800000u) // 2^16 and more
    return static_cast<uint16_t>(sign | 0x7C00u);
  if (magnitude < 0x38800000u) { // below 2^-14: a multiple of 2^-24
    float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;
    return static_cast<uint16_t>(sign |
                                 static_cast<uint32_t>(std::nearbyint(scaled)));
  }
  // A carry out of the mantissa moves on into the exponent, up to infinity.
  return static_cast<uint16_t>(
      sign | (shiftRightRounded(magnitude, 13) - ((127 - 15) << 10)));
}

uint16_t floatToBfloat16(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
    return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>(shiftRightRounded(bits, 16));
}

} // namespace tq::quant
