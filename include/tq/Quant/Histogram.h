//===- Histogram.h - Counts of values, in fixed memory ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bin i counts the values in [(first + i) * width, (first + i + 1) * width),
// where the width is a power of two: the edges lie on a grid through 0, and so
// they all are edges of the grid of half the width, too. Where the range grows
// beyond the bins, the width doubles and pairs of bins add up; no count is ever
// divided. The width is the smallest for which the range fits, which uses more
// than half of the bins, so the histogram depends on the values only, not on
// their order, nor on how they are split into calls.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_HISTOGRAM_H
#define TQ_QUANT_HISTOGRAM_H

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace tq::quant {

class Histogram {
public:
  static constexpr int64_t kBins = 2048;

  /// The histogram with these results of the functions below; none if there is
  /// none.
  static std::optional<Histogram> restore(float low, float high, int64_t first,
                                          double width,
                                          std::span<const uint64_t> counts);

  /// Counts the values; NaN and infinities are left out.
  void add(std::span<const float> values);

  /// Makes room for finite values in [low, high] without counting any.
  void extend(float low, float high);

  /// The number of values counted.
  uint64_t getTotal() const { return total; }

  /// The smallest and the largest value, or what the range was extended to; 0
  /// if there is neither.
  float getLow() const { return low <= high ? low : 0.0f; }
  float getHigh() const { return low <= high ? high : 0.0f; }

  /// The width of a bin.
  double getWidth() const;

  /// Number of the first bin in the grid: bin i begins at (first + i) * width.
  int64_t getFirst() const { return first; }

  /// The bins from that of getLow() to that of getHigh().
  std::span<const uint64_t> getCounts() const;

private:
  bool fits(int candidate, double newLow, double newHigh) const;
  void addFinite(std::span<const float> values);
  void count(std::span<const float> values);

  /// Smaller exponents have no finite inverse in f32, or not by much.
  static constexpr int kMinExponent = -120;

  std::vector<uint64_t> counts = std::vector<uint64_t>(kBins);
  uint64_t total = 0;
  int64_t first = 0;
  int exponent = kMinExponent; ///< of the width
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();
};

} // namespace tq::quant

#endif // TQ_QUANT_HISTOGRAM_H
