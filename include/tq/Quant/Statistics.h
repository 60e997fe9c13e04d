//===- Statistics.h - What is known of an activation ------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_STATISTICS_H
#define TQ_QUANT_STATISTICS_H

#include "tq/Quant/Histogram.h"

#include <cstdint>
#include <vector>

namespace tq::quant {

/// Of an activation [rows, channels], seen in batches. NaN and infinities are
/// counted and left out of all else; what has no value is 0.
struct TensorStatistics {
  int64_t rows = 0;
  int64_t nonFinite = 0;
  /// Of each channel: the smallest and the largest value, the mean.
  std::vector<float> low, high, mean;
  /// Moving averages of the smallest and the largest value of each batch.
  float averageLow = 0.0f;
  float averageHigh = 0.0f;
  /// Of all values; knows their range, too.
  Histogram histogram;
};

/// Collects statistics in memory that does not grow with the rows.
class StatisticsCollector {
public:
  /// What a batch counts for in the moving averages.
  static constexpr double kAveraging = 0.01;

  explicit StatisticsCollector(int64_t channels);

  /// Adds a batch [count, channels]. Rows whose flag is 0, padding for example,
  /// are left out; `isObserved` may be null.
  void addBatch(const float *rows, int64_t count, const uint8_t *isObserved);

  TensorStatistics getStatistics() const;

private:
  void addRow(const float *row);
  void addRowWithNonFinite(const float *row);
  void endBatch();

  int64_t channels;
  int64_t rows = 0;
  int64_t nonFinite = 0;
  std::vector<float> low, high;           ///< infinite before the first value
  std::vector<float> batchLow, batchHigh; ///< of the current batch
  std::vector<double> sums;
  std::vector<int64_t> missing; ///< non-finite values of each channel
  double averageLow = 0.0, averageHigh = 0.0;
  bool hasAverages = false;
  Histogram histogram;
};

} // namespace tq::quant

#endif // TQ_QUANT_STATISTICS_H
