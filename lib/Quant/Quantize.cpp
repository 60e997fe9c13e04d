//===- Quantize.cpp - Scales, zero points and quantized rows --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Quantize.h"
#include "tq/Quant/Rounding.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace tq::quant {

/// A scale below the smallest normal number has no finite, exact enough
/// inverse; such a row is as good as zero.
static float usableScale(float scale) { return scale < FLT_MIN ? 1.0f : scale; }

static float largestFiniteMagnitude(std::span<const float> w) {
  float largest = 0.0f;
  for (float v : w) {
    float a = std::fabs(v);
    largest = a > largest && a <= FLT_MAX ? a : largest;
  }
  return largest;
}

static int8_t quantizeWeight(float w, float inverse) {
  if (std::isnan(w))
    return 0;
  if (std::isinf(w))
    return w > 0 ? 127 : -127;
  return static_cast<int8_t>(clampInt(roundProduct(w, inverse), -127, 127));
}

float quantizeWeightRow(std::span<const float> w, int8_t *q) {
  float scale = usableScale(largestFiniteMagnitude(w) / 127.0f);
  float inverse = 1.0f / scale;
  for (size_t i = 0; i < w.size(); ++i)
    q[i] = quantizeWeight(w[i], inverse);
  return scale;
}

void quantizeWeights(const float *w, int64_t rows, int64_t columns, int8_t *q,
                     float *scales) {
  for (int64_t r = 0; r < rows; ++r)
    scales[r] = quantizeWeightRow(
        {w + r * columns, static_cast<size_t>(columns)}, q + r * columns);
}

/// The range of a row, widened to contain 0, from integer comparisons of the
/// bits: as s32 every positive float is above 0 and every negative one below
/// it; as u32 the negative floats come last, the most negative one at the end.
/// So both are exact in any order, and NaN ends up in one of them.
static void rowRange(std::span<const float> x, float &low, float &high) {
  int32_t highest = 0;
  uint32_t lowest = 0x80000000u;
  for (float v : x) {
    highest = std::max(highest, floatBits(v));
    lowest = std::max(lowest, static_cast<uint32_t>(floatBits(v)));
  }
  high = bitsFloat(highest);
  low = bitsFloat(static_cast<int32_t>(lowest));
}

static QuantParams chooseParams(float low, float scale) {
  scale = usableScale(scale);
  int32_t zeroPoint = roundProduct(-low, 1.0f / scale);
  return {scale, clampInt(zeroPoint, 0, 255)};
}

QuantParams chooseRowU8(std::span<const float> x) {
  float low, high;
  rowRange(x, low, high);
  return chooseParams(low, (high - low) / 255.0f);
}

static float limitToFinite(float x) {
  return std::isnan(x) ? 0.0f : std::clamp(x, -FLT_MAX, FLT_MAX);
}

QuantParams chooseParamsU8(Range range) {
  float low = std::min(0.0f, limitToFinite(range.low));
  float high = std::max(0.0f, limitToFinite(range.high));
  float length = high - low;
  if (std::isinf(length))
    return chooseParams(low, high / 255.0f - low / 255.0f);
  return chooseParams(low, length / 255.0f);
}

float chooseScaleS8(float amax) {
  return usableScale(std::fabs(limitToFinite(amax)) / 127.0f);
}

QuantParams quantizeRowU8(std::span<const float> x, uint8_t *q) {
  QuantParams params = chooseRowU8(x);
  float inverse = 1.0f / params.scale;
  for (size_t i = 0; i < x.size(); ++i) {
    int32_t v = wrapAdd(roundProduct(x[i], inverse), params.zeroPoint);
    q[i] = static_cast<uint8_t>(clampInt(v, 0, 255));
  }
  return params;
}

void quantizeRowsU8(const float *x, int64_t rows, int64_t columns, uint8_t *q,
                    float *scales, int32_t *zeroPoints) {
  for (int64_t r = 0; r < rows; ++r) {
    QuantParams params = quantizeRowU8(
        {x + r * columns, static_cast<size_t>(columns)}, q + r * columns);
    scales[r] = params.scale;
    zeroPoints[r] = params.zeroPoint;
  }
}

/// The integer of a sum with the magic number.
///
/// Clamps before the integer is taken out: unlike a row's own values, these may
/// lie far outside the range, where the magic sum is no longer an integer.
static int32_t clampMagic(float v, int32_t low, int32_t high) {
  float lowest = kRoundMagic + static_cast<float>(low);
  float highest = kRoundMagic + static_cast<float>(high);
  v = v > lowest ? v : lowest;
  v = v < highest ? v : highest;
  return roundedBits(v);
}

int32_t quantizeClamped(float x, float inverse, int32_t zeroPoint, int32_t low,
                        int32_t high) {
  float product = x * inverse; // rounded: no fma
  return clampMagic(product + kRoundMagic, low - zeroPoint, high - zeroPoint) +
         zeroPoint;
}

int32_t quantizeCoarse(float x, float inverse, int32_t zeroPoint, int32_t low,
                       int32_t high) {
  // The second sum is exact, as the zero point is an integer.
  return clampMagic(
      std::fma(x, inverse, kRoundMagic + static_cast<float>(zeroPoint)), low,
      high);
}

void quantizeU8(std::span<const float> x, QuantParams params, uint8_t *q) {
  float inverse = 1.0f / params.scale;
  for (size_t i = 0; i < x.size(); ++i)
    q[i] = static_cast<uint8_t>(
        quantizeCoarse(x[i], inverse, params.zeroPoint, 0, 255));
}

void quantizeRowsU8(std::span<const float> x, std::span<const float> inverses,
                    std::span<const int32_t> zeroPoints, uint8_t *q) {
  for (size_t i = 0; i < x.size(); ++i)
    q[i] = static_cast<uint8_t>(
        quantizeCoarse(x[i], inverses[i % inverses.size()],
                       zeroPoints[i % zeroPoints.size()], 0, 255));
}

void quantizeRowsS8(std::span<const float> x, std::span<const float> inverses,
                    int8_t *q) {
  for (size_t i = 0; i < x.size(); ++i)
    q[i] = static_cast<int8_t>(
        quantizeCoarse(x[i], inverses[i % inverses.size()], 0, -127, 127));
}

void quantizeS8(std::span<const float> x, QuantParams params, int8_t *q) {
  float inverse = 1.0f / params.scale;
  for (size_t i = 0; i < x.size(); ++i)
    q[i] = static_cast<int8_t>(
        quantizeCoarse(x[i], inverse, params.zeroPoint, -128, 127));
}

void dequantizeU8(std::span<const uint8_t> q, QuantParams params, float *x) {
  for (size_t i = 0; i < q.size(); ++i)
    x[i] = static_cast<float>(q[i] - params.zeroPoint) * params.scale;
}

void dequantizeS8(std::span<const int8_t> q, QuantParams params, float *x) {
  for (size_t i = 0; i < q.size(); ++i)
    x[i] = static_cast<float>(q[i] - params.zeroPoint) * params.scale;
}

} // namespace tq::quant
