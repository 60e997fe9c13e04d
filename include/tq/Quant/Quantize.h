//===- Quantize.h - Scales, zero points and quantized rows ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How numbers become eight-bit integers. Formulas: docs/Quantization.md. A
// stored q stands for (q - zeroPoint) * scale.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_QUANTIZE_H
#define TQ_QUANT_QUANTIZE_H

#include <cstdint>
#include <span>

namespace tq::quant {

struct QuantParams {
  float scale = 1.0f;
  int32_t zeroPoint = 0;
};

struct Range {
  float low = 0.0f;
  float high = 0.0f;
};

/// Quantizes one output channel of a weight, or one row of an embedding table,
/// to s8 in [-127, 127] without a zero point, and returns the scale. The
/// largest finite magnitude becomes +-127; NaN becomes 0 and an infinity +-127.
/// A row whose scale would not be a normal number gets scale 1 and zeros.
float quantizeWeightRow(std::span<const float> w, int8_t *q);

/// Quantizes the `rows` rows of `w` [rows, columns], each with its own scale.
void quantizeWeights(const float *w, int64_t rows, int64_t columns, int8_t *q,
                     float *scales);

/// Scale and zero point of a row of activations: u8, range widened to contain
/// 0. With NaN, an infinity, or a range beyond the largest float, the scale is
/// NaN or infinity, and so nothing computed from the row is finite.
QuantParams chooseRowU8(std::span<const float> x);

/// The same for a row with this range, but the scale always is finite: NaN
/// counts as 0, and infinity as the largest float.
QuantParams chooseParamsU8(Range range);

/// The scale for s8 in [-127, 127] of what has this largest magnitude; finite
/// like that of chooseParamsU8.
float chooseScaleS8(float amax);

/// Quantizes a row of activations to u8 and returns its parameters.
QuantParams quantizeRowU8(std::span<const float> x, uint8_t *q);

/// Quantizes the `rows` rows of `x` [rows, columns], each with its own
/// parameters.
void quantizeRowsU8(const float *x, int64_t rows, int64_t columns, uint8_t *q,
                    float *scales, int32_t *zeroPoints);

/// clamp(roundHalfToEven(fl(x * inverse)) + zeroPoint, low, high), of NaN
/// `low`, as PyTorch and ONNX quantize; the zero point and both ends are in
/// [-255, 255].
int32_t quantizeClamped(float x, float inverse, int32_t zeroPoint, int32_t low,
                        int32_t high);

/// The same with one rounding: clamp(roundHalfToEven(x * inverse + zeroPoint),
/// low, high).
int32_t quantizeCoarse(float x, float inverse, int32_t zeroPoint, int32_t low,
                       int32_t high);

/// Quantizes with given parameters, as quantizeCoarse; what lies outside the
/// range is clamped, NaN becomes the smallest integer.
void quantizeU8(std::span<const float> x, QuantParams params, uint8_t *q);
void quantizeS8(std::span<const float> x, QuantParams params, int8_t *q);

/// The same for rows with inverse scales and zero points for each column, or
/// one for all: clamp(roundHalfToEven(x * inverse + zero point)).
void quantizeRowsU8(std::span<const float> x, std::span<const float> inverses,
                    std::span<const int32_t> zeroPoints, uint8_t *q);

/// The same to s8 in [-127, 127], without a zero point.
void quantizeRowsS8(std::span<const float> x, std::span<const float> inverses,
                    int8_t *q);

/// (q - zeroPoint) * scale.
void dequantizeU8(std::span<const uint8_t> q, QuantParams params, float *x);
void dequantizeS8(std::span<const int8_t> q, QuantParams params, float *x);

} // namespace tq::quant

#endif // TQ_QUANT_QUANTIZE_H
