//===- Polynomials.h - Coefficients of tq's math functions ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One set of numbers for the scalar reference (Math.h) and for the code that
// the compiler emits: a result has the same bits because the same coefficients
// go through the same fma in the same order. Coefficients ascend: c[0] + c[1]*x
// + ... docs/Quantization.md says how each function uses them and how exact it
// is.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_POLYNOMIALS_H
#define TQ_QUANT_POLYNOMIALS_H

namespace tq::quant {

/// 1.5 * 2^23. Adding it to |v| < 2^22 leaves rne(v) in the low mantissa bits.
inline constexpr float kRoundMagic = 12582912.0f;
inline constexpr int kRoundMagicBits = 0x4B400000;

/// log2(e), and what is left of it after rounding to f32.
inline constexpr float kLog2E = 1.44269504f;
inline constexpr float kLog2ELow = 1.92596303e-8f;

/// 2^f on [-0.5, 0.5]. c[0] is exactly 1: clamped arguments give exactly 0.
inline constexpr float kExp2Poly[7] = {
    1.0f,           0.693147182f,   0.240225941f,   0.0555036627f,
    0.00962544512f, 0.00133879273f, 0.000133325128f};
/// Below it the result is 0; at or above kExp2Max it is infinity.
inline constexpr float kExp2Min = -127.0f;
inline constexpr float kExp2Max = 128.0f;

/// 255 * 2^f on [-0.5, 0.5], for weights of attention in u8. c[0] is exactly
/// 255: the largest weight.
inline constexpr float kWeightPoly[4] = {255.0f, 176.787140f, 61.7638054f,
                                         14.0272779f};
/// Below it the weight is 0.
inline constexpr float kWeightMin = -16.0f;

/// 2^f on [-0.5, 0.5], for weights of attention in bf16: a relative error of
/// 1e-4, a twentieth of what rounding adds.
inline constexpr float kExp2CoarsePoly[4] = {1.0f, 0.693282902f, 0.242211f,
                                             0.0550089329f};

/// e^x is 0 below kExpMin (the result would be subnormal) and infinity above
/// kExpMax.
inline constexpr float kExpMin = -87.3365479f;
inline constexpr float kExpMax = 88.7228317f;

/// log2(erfc(a / sqrt(2))) / a on [0, 5.6], fitted for GELU.
inline constexpr float kGeluPoly[6] = {-1.15114713f,     -0.458915412f,
                                       -0.0532387421f,   0.00797795132f,
                                       -0.000740065821f, 2.9951505e-5f};
inline constexpr float kGeluMax = 5.6f;

/// The coarse GELU takes erfc(a / sqrt(2)) / 2 on [0, kGeluCoarseMax] as a
/// polynomial of degree 32 made of few operations: p = P2(a) with these
/// coefficients, then p = p * p + s for each s of kGeluCoarseSquares.
///
/// All seven numbers were fitted together for the least max |a * error|, with
/// the value at the bound fixed to 0: Newton steps in double, each a linear
/// program, started from a least-squares fit to the function's 16th root with
/// all s = 0 and from points around it, for many bounds. Then they were rounded
/// to f32. The bound and, by less than a millionth, the third square are moved
/// so that p has 12 significant bits there: the last one is exactly -p * p, and
/// the result at the bound exactly 0.
inline constexpr float kGeluCoarsePoly[3] = {1.0105921f, -0.0477289818f,
                                             -0.0201949086f};
inline constexpr float kGeluCoarseSquares[4] = {
    -0.170778617f, 0.121134065f, -0.00669693854f, -6.36250625e-5f};
inline constexpr float kGeluCoarseMax = 4.38276434f;

/// The same for GELU's tanh form.
inline constexpr float kGeluTanhCoarsePoly[3] = {1.01654184f, -0.0477863625f,
                                                 -0.0198121965f};
inline constexpr float kGeluTanhCoarseSquares[4] = {
    -0.189876199f, 0.138034344f, -0.0149528636f, -1.70205349e-5f};
inline constexpr float kGeluTanhCoarseMax = 4.29176712f;

/// GELU's tanh form is x / (1 + 2^(x * (c[0] + c[1] * x^2))), with
/// c[0] = -2 * sqrt(2/pi) * log2(e) and c[1] = 0.044715 * c[0].
inline constexpr float kGeluTanhPoly[2] = {-2.30220819f, -0.102943240f};

/// The sigmoid form of GELU is x / (1 + e^(c x)) with this c.
inline constexpr float kQuickGeluFactor = -1.702f;

/// log2(erfc(a)) / a on [0, 4].
inline constexpr float kErfPoly[7] = {
    -1.62791371f,    -0.918328643f,    -0.148963660f,  0.0294525009f,
    -0.00230222847f, -0.000461575779f, 0.000100221325f};
inline constexpr float kErfMax = 4.0f;

/// (tanh(x) / x - 1) / x^2 in z = x^2, for |x| < kTanhSmall.
inline constexpr float kTanhPoly[5] = {-0.333332837f, 0.133314908f,
                                       -0.0537434891f, 0.0206505526f,
                                       -0.00571700418f};
inline constexpr float kTanhSmall = 0.625f;

/// 1.5 * 2^52, which leaves rne(v) in the low mantissa bits of an f64 for
/// |v| < 2^51, as kRoundMagic does.
inline constexpr double kRoundMagicF64 = 6755399441055744.0;

/// Angles are reduced by multiples of pi/2 in f64: 2/pi, and pi/2 in two parts.
/// An fma with the first part has no rounding error, as the difference it
/// leaves is small.
inline constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
inline constexpr double kHalfPi = 0x1.921fb54442d18p0;
inline constexpr double kHalfPiLow = 0x1.1a62633145c07p-54;
/// Angles beyond it are taken for it: up to here 2/pi is exact enough for the
/// nearest multiple, and what is left at most 2^-12 larger than pi/4.
inline constexpr float kAngleMax = 0x1p40f;

/// (sin(r) / r - 1) / r^2 and cos(r), both in z = r^2, on that range: Remez
/// exchange with 50 digits for the least relative error of sin(r) and cos(r),
/// the cosine's constant fixed to 1. Then one coefficient after the other, from
/// the first on, was rounded to f32 and the rest fitted again. That leaves
/// relative errors of 4.0e-9 and 1.2e-10.
inline constexpr float kSinPoly[3] = {-0.166666552f, 0.00833218917f,
                                      -0.000195182773f};
inline constexpr float kCosPoly[5] = {1.0f, -0.5f, 0.0416666456f,
                                      -0.00138873095f, 2.44323273e-05f};

/// ln(2). The products are exact in an fma, so its rounding error, 2^-28 of it,
/// is small enough: with a second part the largest errors are the same.
inline constexpr float kLn2 = 0.693147182f;
/// The f32 nearest to sqrt(1/2), as its bits.
inline constexpr int kSqrtHalfBits = 0x3F3504F3;

/// (log(1 + f) - f) / f^2 on [sqrt(1/2) - 1, sqrt(2) - 1]: Remez exchange with
/// 50 digits for the least relative error of log(1 + f), 4.1e-9. Then the
/// coefficients were rounded to f32 and moved by random steps of a few units in
/// the last place while that made the error smaller: 4.3e-9.
inline constexpr float kLogPoly[9] = {
    -0.499999881f, 0.333333254f,  -0.250015855f, 0.200019777f,  -0.166090965f,
    0.141818643f,  -0.132430151f, 0.129044712f,  -0.0762179270f};

} // namespace tq::quant

#endif // TQ_QUANT_POLYNOMIALS_H
