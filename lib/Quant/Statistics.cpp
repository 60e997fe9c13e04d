//===- Statistics.cpp - What is known of an activation --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tq::quant {

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

StatisticsCollector::StatisticsCollector(int64_t channels)
    : channels(channels), low(channels, kInfinity), high(channels, -kInfinity),
      batchLow(channels, kInfinity), batchHigh(channels, -kInfinity),
      sums(channels), missing(channels) {}

/// Adds a row of finite values to the channels.
void StatisticsCollector::addRow(const float *row) {
  float *lowest = batchLow.data(), *highest = batchHigh.data();
  double *sum = sums.data();
  for (int64_t c = 0; c < channels; ++c) {
    lowest[c] = row[c] < lowest[c] ? row[c] : lowest[c];
    highest[c] = row[c] > highest[c] ? row[c] : highest[c];
    sum[c] += row[c];
  }
}

void StatisticsCollector::addRowWithNonFinite(const float *row) {
  for (int64_t c = 0; c < channels; ++c) {
    if (!std::isfinite(row[c])) {
      ++missing[c];
      ++nonFinite;
      continue;
    }
    batchLow[c] = std::min(batchLow[c], row[c]);
    batchHigh[c] = std::max(batchHigh[c], row[c]);
    sums[c] += row[c];
  }
}

/// Adds the ranges of the batch to those of all, and to the moving averages.
void StatisticsCollector::endBatch() {
  float lowest = kInfinity, highest = -kInfinity;
  for (int64_t c = 0; c < channels; ++c) {
    lowest = std::min(lowest, batchLow[c]);
    highest = std::max(highest, batchHigh[c]);
    // Adding 0 turns -0 into 0.
    low[c] = std::min(low[c], batchLow[c]) + 0.0f;
    high[c] = std::max(high[c], batchHigh[c]) + 0.0f;
  }
  std::ranges::fill(batchLow, kInfinity);
  std::ranges::fill(batchHigh, -kInfinity);
  if (lowest > highest)
    return;
  double weight = hasAverages ? kAveraging : 1.0;
  averageLow += weight * (lowest - averageLow);
  averageHigh += weight * (highest - averageHigh);
  hasAverages = true;
}

void StatisticsCollector::addBatch(const float *values, int64_t count,
                                   const uint8_t *isObserved) {
  int64_t firstOfRun = 0;
  auto endRun = [&](int64_t end) {
    int64_t size = (end - firstOfRun) * channels;
    histogram.add({values + firstOfRun * channels, static_cast<size_t>(size)});
    firstOfRun = end + 1;
  };
  for (int64_t r = 0; r < count; ++r) {
    if (isObserved && !isObserved[r]) {
      endRun(r);
      continue;
    }
    const float *row = values + r * channels;
    bool isFinite = true;
    for (int64_t c = 0; c < channels; ++c)
      isFinite &= std::isfinite(row[c]);
    if (isFinite)
      addRow(row);
    else
      addRowWithNonFinite(row);
    ++rows;
  }
  endRun(count);
  endBatch();
}

TensorStatistics StatisticsCollector::getStatistics() const {
  TensorStatistics result{rows,
                          nonFinite,
                          low,
                          high,
                          std::vector<float>(channels),
                          static_cast<float>(averageLow),
                          static_cast<float>(averageHigh),
                          histogram};
  for (int64_t c = 0; c < channels; ++c) {
    int64_t count = rows - missing[c];
    if (count == 0)
      result.low[c] = result.high[c] = 0.0f;
    else
      result.mean[c] = static_cast<float>(sums[c] / count);
  }
  return result;
}

} // namespace tq::quant
