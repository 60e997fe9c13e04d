//===- Smoothing.cpp - What calibration changes of a linear ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Smoothing.h"
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

namespace tq::quant {

/// A range widened to contain 0; an end that is not finite is 0.
static Range usableRange(float low, float high) {
  return {std::isfinite(low) ? std::min(low, 0.0f) : 0.0f,
          std::isfinite(high) ? std::max(high, 0.0f) : 0.0f};
}

float chooseActivationU8(ColumnRanges ranges, std::span<int32_t> zeroPoints) {
  if (zeroPoints.size() == 1) {
    QuantParams params =
        chooseParamsU8(usableRange(ranges.low[0], ranges.high[0]));
    zeroPoints[0] = params.zeroPoint;
    return params.scale;
  }
  float scale = 0.0f;
  auto rangeOf = [&](size_t i) {
    return usableRange(ranges.low[i], ranges.high[i]);
  };
  for (size_t i = 0; i < zeroPoints.size(); ++i)
    scale = std::max(scale, rangeOf(i).high / 255.0f - rangeOf(i).low / 255.0f);
  scale = scale < FLT_MIN ? 1.0f : scale;
  for (size_t i = 0; i < zeroPoints.size(); ++i) {
    Range range = rangeOf(i);
    float middle = range.low / 2.0f + range.high / 2.0f;
    zeroPoints[i] = std::clamp(
        static_cast<int32_t>(std::nearbyint(127.5f - middle / scale)), 0, 255);
  }
  return scale;
}

/// Of a range widened to contain 0; 0 if it is not finite.
static double getWidth(float low, float high) {
  if (!std::isfinite(low) || !std::isfinite(high))
    return 0.0;
  return double(std::max(high, 0.0f)) - std::min(low, 0.0f);
}

static float largestMagnitude(float low, float high) {
  float largest = std::max(std::fabs(low), std::fabs(high));
  return std::isfinite(largest) ? largest : 0.0f;
}

void chooseActivationS8(ColumnRanges ranges, std::span<float> scales,
                        std::span<float> inverses) {
  size_t size = inverses.size() / scales.size();
  for (size_t b = 0; b < scales.size(); ++b) {
    float largest = 0.0f;
    for (size_t i = b * size; i < (b + 1) * size; ++i) {
      size_t at = ranges.low.size() == 1 ? 0 : i;
      largest =
          std::max(largest, largestMagnitude(ranges.low[at], ranges.high[at]));
    }
    scales[b] = chooseScaleS8(largest);
    std::fill_n(&inverses[b * size], size, 1.0f / scales[b]);
  }
}

void scoreScales(std::span<const float> query, std::span<const float> key,
                 float scale, std::span<float> result) {
  size_t shared = query.size() / key.size();
  for (size_t h = 0; h < query.size(); ++h) {
    double product = double(query[h]) * key[h / shared] * scale;
    result[h] = static_cast<float>(std::min(product, 0x1p+64));
  }
}

static float smoothingFactor(double input, double weight, double alpha) {
  if (!(input > 0.0 && weight > 0.0))
    return 1.0f;
  double factor = std::pow(input, alpha) / std::pow(weight, 1.0 - alpha);
  return factor >= 0x1p-64 && factor <= 0x1p+64 ? static_cast<float>(factor)
                                                : 1.0f;
}

void smoothingFactors(const float *weight, int64_t n, ColumnRanges ranges,
                      float alpha, float *factors, float *inverses) {
  size_t k = ranges.low.size();
  std::vector<float> largest(k);
  for (int64_t row = 0; row < n; ++row)
    for (size_t i = 0; i < k; ++i) {
      float magnitude = std::fabs(weight[row * k + i]);
      if (magnitude > largest[i] && std::isfinite(magnitude))
        largest[i] = magnitude;
    }
  for (size_t i = 0; i < k; ++i) {
    factors[i] = smoothingFactor(getWidth(ranges.low[i], ranges.high[i]),
                                 largest[i], alpha);
    inverses[i] = 1.0f / factors[i];
  }
}

void scoreSmoothingFactors(ColumnRanges query, ColumnRanges key,
                           int64_t kvHeads, std::span<float> queryFactors,
                           std::span<float> keyFactors) {
  auto dim = static_cast<int64_t>(keyFactors.size()) / kvHeads;
  auto shared = static_cast<int64_t>(queryFactors.size() / keyFactors.size());
  for (int64_t j = 0; j < std::ssize(keyFactors); ++j) {
    int64_t first = j / dim * shared * dim + j % dim;
    float largest = 0.0f;
    for (int64_t i = 0; i < shared; ++i)
      largest =
          std::max(largest, largestMagnitude(query.low[first + i * dim],
                                             query.high[first + i * dim]));
    keyFactors[j] = smoothingFactor(
        largest, largestMagnitude(key.low[j], key.high[j]), 0.5);
    for (int64_t i = 0; i < shared; ++i)
      queryFactors[first + i * dim] = 1.0f / keyFactors[j];
  }
}

void zeroPointSums(const int8_t *weight, int64_t n, int64_t k,
                   std::span<const int32_t> zeroPoints, int32_t *result) {
  bool isOne = zeroPoints.size() == 1;
  for (int64_t row = 0; row < n; ++row) {
    result[row] = 0;
    for (int64_t i = 0; i < k; ++i)
      result[row] -= zeroPoints[isOne ? 0 : i] * weight[row * k + i];
  }
}

void correctBias(const float *weight, const int8_t *values, const float *scales,
                 std::span<const float> mean, int64_t n, const float *bias,
                 float *result) {
  size_t k = mean.size();
  for (int64_t row = 0; row < n; ++row) {
    double sum = bias ? bias[row] : 0.0;
    for (size_t i = 0; i < k; ++i) {
      double error = double(weight[row * k + i]) -
                     double(values[row * k + i]) * double(scales[row]);
      sum += error * double(mean[i]);
    }
    result[row] = static_cast<float>(sum);
  }
}

} // namespace tq::quant
