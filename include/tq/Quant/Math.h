//===- Math.h - tq's own exp2, exp, erf, sin, log, gelu, silu ---*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The definition of tq's math functions, one f32 at a time. Generated code
// performs these operations in this order on vectors, so both give the same
// bits on every target. fma is used where it is written and nowhere else.
//
// `limit(bound, x)` always names the bound first: comparisons with NaN are
// false, so NaN passes through.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_MATH_H
#define TQ_QUANT_MATH_H

#include "tq/Quant/Rounding.h"

#include <cstddef>
#include <limits>

namespace tq::quant {

/// c[0] + x * (c[1] + x * (c[2] + ...)), one fma a step.
template <size_t N>
inline float horner(const float (&c)[N], float x) {
  float p = c[N - 1];
  for (size_t i = N - 1; i-- > 0;)
    p = std::fma(p, x, c[i]);
  return p;
}

/// max(bound, x) and min(bound, x); NaN in `x` stays NaN.
inline float limitBelow(float bound, float x) { return bound > x ? bound : x; }
inline float limitAbove(float bound, float x) { return bound < x ? bound : x; }

/// 2^n * p for p near 1, where n is the integer in the low bits of `t`.
inline float scaleByPowerOfTwo(float p, float t) {
  uint32_t n = static_cast<uint32_t>(floatBits(t)) << 23;
  return bitsFloat(wrapAdd(floatBits(p), static_cast<int32_t>(n)));
}

/// 2^x for x < 128, as softmax and GELU use it: -127 and below, and NaN, give
/// 0.
inline float exp2Kernel(float x) {
  x = x > kExp2Min ? x : kExp2Min;
  float t = x + kRoundMagic;
  float f = x - (t - kRoundMagic);
  return scaleByPowerOfTwo(horner(kExp2Poly, f), t);
}

/// round(255 * 2^x) for x <= 0; NaN gives 0.
inline int32_t weightU8(float x) {
  x = x > kWeightMin ? x : kWeightMin;
  float t = x + kRoundMagic;
  float f = x - (t - kRoundMagic);
  return roundHalfEven(scaleByPowerOfTwo(horner(kWeightPoly, f), t));
}

/// 2^x for every x: infinity from 128, 0 up to -127, NaN stays NaN.
inline float exp2(float x) {
  float v = limitAbove(kExp2Max, limitBelow(kExp2Min, x));
  float t = v + kRoundMagic;
  float f = v - (t - kRoundMagic);
  float r = scaleByPowerOfTwo(horner(kExp2Poly, f), t);
  return x == x ? r : x;
}

/// e^x for every x. The fraction of x * log2(e) is taken with two fma, so that
/// large arguments lose nothing.
inline float exp(float x) {
  float v = limitAbove(kExpMax, limitBelow(kExpMin, x));
  float t = std::fma(v, kLog2E, kRoundMagic);
  float f = std::fma(v, kLog2E, -(t - kRoundMagic));
  f = std::fma(v, kLog2ELow, f);
  float r = scaleByPowerOfTwo(horner(kExp2Poly, f), t);
  r = x > kExpMax ? std::numeric_limits<float>::infinity() : r;
  r = x < kExpMin ? 0.0f : r;
  return x == x ? r : x;
}

/// The Gauss error function: sign(x) * (1 - 2^(a * P(a))), a = min(4, |x|).
inline float erf(float x) {
  float a = limitAbove(kErfMax, std::fabs(x));
  float r = 1.0f - exp2(a * horner(kErfPoly, a));
  return std::copysign(r, x);
}

/// Hyperbolic tangent: an odd polynomial near 0, else 1 - 2 / (1 + e^(2|x|)).
inline float tanh(float x) {
  float a = std::fabs(x);
  float z = a * a;
  float small = std::fma(a * z, horner(kTanhPoly, z), a);
  float large = 1.0f - 2.0f / (1.0f + exp(a + a));
  return std::copysign(a < kTanhSmall ? small : large, x);
}

/// 1 / (1 + e^-x).
inline float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

/// x / (1 + e^-x).
inline float silu(float x) { return x / (1.0f + exp(-x)); }

/// x / (1 + e^(-1.702 x)).
inline float quickGelu(float x) {
  return x / (1.0f + exp(kQuickGeluFactor * x));
}

/// max(x, 0); NaN stays NaN.
inline float relu(float x) { return limitBelow(0.0f, x); }

/// x * (1 + erf(x / sqrt(2))) / 2, without a division.
inline float gelu(float x) {
  float a = limitAbove(kGeluMax, std::fabs(x));
  float e = exp2Kernel(a * horner(kGeluPoly, a));
  return std::fma(-0.5f * a, e, x > 0.0f ? x : 0.0f);
}

/// x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2.
inline float geluTanh(float x) {
  float v = x * std::fma(x * x, kGeluTanhPoly[1], kGeluTanhPoly[0]);
  return x / (1.0f + exp2(v));
}

/// max(x, 0) - a * S(a) for a = min(|x|, bound), which both coarse forms are;
/// S(bound) is 0. The minimum is taken of the bits, an integer operation: a NaN
/// becomes the bound there and comes back with max(x, 0).
inline float geluFromSquares(const float (&poly)[3], const float (&squares)[4],
                             float bound, float x) {
  int32_t bits = floatBits(std::fabs(x));
  float a = bitsFloat(bits < floatBits(bound) ? bits : floatBits(bound));
  float p = horner(poly, a);
  for (float s : squares)
    p = std::fma(p, p, s);
  return std::fma(-a, p, limitBelow(0.0f, x));
}

/// GELU where the result is quantized to u8 at once: seven fma, an absolute
/// error of 3.6e-5. Exactly x from the bound on, exactly 0 from its negative
/// down.
inline float geluCoarse(float x) {
  return geluFromSquares(kGeluCoarsePoly, kGeluCoarseSquares, kGeluCoarseMax,
                         x);
}

/// The tanh form, likewise.
inline float geluTanhCoarse(float x) {
  return geluFromSquares(kGeluTanhCoarsePoly, kGeluTanhCoarseSquares,
                         kGeluTanhCoarseMax, x);
}

/// |x| as a multiple of pi/2 and what is left of it, |rest| <= pi/4.
struct ReducedAngle {
  float rest;
  int32_t quarters; ///< modulo 2^32
};

/// f64, because what is left keeps all bits of an f32 there. Times 0, infinity
/// is NaN.
inline ReducedAngle reduceAngle(float x) {
  double a = std::fma(x, 0.0f, limitAbove(kAngleMax, std::fabs(x)));
  double t = std::fma(a, kTwoOverPi, kRoundMagicF64);
  double n = -(t - kRoundMagicF64);
  double rest = std::fma(n, kHalfPiLow, std::fma(n, kHalfPi, a));
  return {static_cast<float>(rest),
          static_cast<int32_t>(std::bit_cast<int64_t>(t))};
}

/// `x` with its sign changed where `bits` have the sign bit.
inline float flipSign(float x, int32_t bits) {
  return bitsFloat(floatBits(x) ^ (bits & INT32_MIN));
}

/// sin(rest + quarters * pi/2). Both polynomials are computed, as vector code
/// has no branches.
inline float sinReduced(ReducedAngle angle) {
  float r = angle.rest;
  float z = r * r;
  float sine = std::fma(r * z, horner(kSinPoly, z), r);
  float cosine = horner(kCosPoly, z);
  float y = (angle.quarters & 1) == 0 ? sine : cosine;
  // Bit 1: the half of the circle below 0.
  return flipSign(y, angle.quarters << 30);
}

/// The sine; NaN for infinities. Beyond 2^40 it is that of 2^40.
inline float sin(float x) {
  return flipSign(sinReduced(reduceAngle(x)), floatBits(x));
}

/// The cosine, likewise.
inline float cos(float x) {
  ReducedAngle angle = reduceAngle(x);
  angle.quarters = wrapAdd(angle.quarters, 1);
  return sinReduced(angle);
}

/// The natural logarithm: e * ln(2) + log(m) for x = 2^e * m with m in
/// [sqrt(1/2), sqrt(2)).
inline float log(float x) {
  constexpr float smallest = std::numeric_limits<float>::min();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  // Subnormal numbers have no exponent of their own.
  float v = smallest > x ? x * 0x1p23f : x;
  int32_t base = smallest > x ? kSqrtHalfBits + (23 << 23) : kSqrtHalfBits;
  int32_t bits = wrapAdd(floatBits(v), -base);
  float e = static_cast<float>(bits >> 23);
  float f = bitsFloat((bits & 0x7FFFFF) + kSqrtHalfBits) - 1.0f;
  float y = std::fma(e, kLn2, std::fma(f * f, horner(kLogPoly, f), f));
  float outside =
      0.0f > x ? std::numeric_limits<float>::quiet_NaN() : -infinity;
  y = x > 0.0f ? y : outside;
  return infinity > x ? y : x;
}

} // namespace tq::quant

#endif // TQ_QUANT_MATH_H
