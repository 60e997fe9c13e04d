//===- Rounding.h - Rounding to nearest, ties to even -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding without a rounding instruction: adding kRoundMagic in f32 makes the
// adder round to an integer, ties to even, and leaves it in the mantissa. The
// same three instructions exist on every target, and the product in front is
// exact.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_ROUNDING_H
#define TQ_QUANT_ROUNDING_H

#include "tq/Quant/Polynomials.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace tq::quant {

/// The bits of `f` as a signed integer, and back.
inline int32_t floatBits(float f) { return std::bit_cast<int32_t>(f); }
inline float bitsFloat(int32_t bits) { return std::bit_cast<float>(bits); }

/// Adds modulo 2^32, as vector units do.
inline int32_t wrapAdd(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) +
                              static_cast<uint32_t>(b));
}

/// Takes the integer out of `kRoundMagic + v`.
inline int32_t roundedBits(float magicSum) {
  return wrapAdd(floatBits(magicSum), -kRoundMagicBits);
}

/// roundHalfToEven(v), for |v| < 2^22.
inline int32_t roundHalfEven(float v) { return roundedBits(v + kRoundMagic); }

/// roundHalfToEven(x * y) of the exact product, for |x * y| < 2^22.
inline int32_t roundProduct(float x, float y) {
  return roundedBits(std::fma(x, y, kRoundMagic));
}

/// `v` limited to [low, high].
inline int32_t clampInt(int32_t v, int32_t low, int32_t high) {
  return v < low ? low : (v > high ? high : v);
}

} // namespace tq::quant

#endif // TQ_QUANT_ROUNDING_H
