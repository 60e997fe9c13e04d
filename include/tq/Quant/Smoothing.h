//===- Smoothing.h - What calibration changes of a linear -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of a linear with the weight [n, k] and what calibration knows of its input:
// the lowest and highest value and the mean of each of the k channels.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_SMOOTHING_H
#define TQ_QUANT_SMOOTHING_H

#include "tq/Quant/Quantize.h"

#include <cstdint>
#include <span>

namespace tq::quant {

/// Ranges of columns, or one of all of them.
struct ColumnRanges {
  std::span<const float> low, high;
};

/// Scale of u8 for the widest of the ranges, each widened to contain 0, and a
/// zero point for each that puts its middle into the middle of u8; of one
/// range, those of chooseParamsU8, which says nearly the same. What is not
/// finite is left out, and the scale is finite and not 0.
float chooseActivationU8(ColumnRanges ranges, std::span<int32_t> zeroPoints);

/// Scales of s8 for blocks of equally many columns: the largest magnitude of
/// the columns' ranges (one for all, or one each) / 127, 1 where that is no
/// normal number. What is not finite is left out. `inverses` has 1 / scale for
/// each column.
void chooseActivationS8(ColumnRanges ranges, std::span<float> scales,
                        std::span<float> inverses);

/// result[h] = query[h] * key[h / (heads / kvHeads)] * scale, in double,
/// rounded to float, at most 2^64.
void scoreScales(std::span<const float> query, std::span<const float> key,
                 float scale, std::span<float> result);

/// SmoothQuant: factors[k] = range[k]^alpha / wmax[k]^(1 - alpha), where range
/// is the width of the input channel's, widened to contain 0, and wmax the
/// largest magnitude of the weight's column; 1 where one of them is 0 or the
/// quotient leaves [2^-64, 2^64]. inverses[k] = 1 / factors[k].
void smoothingFactors(const float *weight, int64_t n, ColumnRanges ranges,
                      float alpha, float *factors, float *inverses);

/// keyFactors = sqrt(q / k), queryFactors = 1 / keyFactors, for the largest
/// magnitudes k of a column of the key and q of the columns of the query that
/// it is multiplied with: those of the heads that share a head of the key. 1
/// where one of them is 0 or the quotient leaves [2^-64, 2^64].
void scoreSmoothingFactors(ColumnRanges query, ColumnRanges key,
                           int64_t kvHeads, std::span<float> queryFactors,
                           std::span<float> keyFactors);

/// result[n] = -sum_k zeroPoints[k] * weight[n, k]: where sums of u8 * s8
/// start. One zero point is that of all inputs.
void zeroPointSums(const int8_t *weight, int64_t n, int64_t k,
                   std::span<const int32_t> zeroPoints, int32_t *result);

/// result[n] = bias[n] + sum_k (weight[n, k] - values[n, k] * scales[n]) *
/// mean[k], summed in double; `bias` may be null.
void correctBias(const float *weight, const int8_t *values, const float *scales,
                 std::span<const float> mean, int64_t n, const float *bias,
                 float *result);

} // namespace tq::quant

#endif // TQ_QUANT_SMOOTHING_H
