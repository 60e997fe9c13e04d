//===- Observers.cpp - Ranges from statistics -----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Observers.h"
#include "RangeSearch.h"

#include <algorithm>

namespace tq::quant {

std::optional<Observer> parseObserver(std::string_view name) {
  for (const auto &[known, observer] : kObserverNames)
    if (known == name)
      return observer;
  return std::nullopt;
}

std::string_view getObserverName(Observer observer) {
  for (const auto &[name, known] : kObserverNames)
    if (known == observer)
      return name;
  return {};
}

static Range choose(const TensorStatistics &statistics,
                    const ObserverOptions &options, bool isSymmetric) {
  const Histogram &histogram = statistics.histogram;
  Range all{histogram.getLow(), histogram.getHigh()};
  if (options.observer == Observer::MovingAverage)
    return {statistics.averageLow, statistics.averageHigh};
  if (options.observer == Observer::MinMax || all.low == all.high)
    return all;
  Cells cells(histogram, isSymmetric);
  switch (options.observer) {
  case Observer::Percentile:
    return findPercentile(cells, options.percentile);
  case Observer::Entropy:
    return findLeastEntropy(cells);
  default:
    return findLeastError(cells);
  }
}

Range chooseRange(const TensorStatistics &statistics,
                  const ObserverOptions &options, bool isSymmetric) {
  Range range = choose(statistics, options, isSymmetric);
  range = {std::min(0.0f, range.low), std::max(0.0f, range.high)};
  if (isSymmetric)
    range.high = std::max(-range.low, range.high);
  return isSymmetric ? Range{-range.high, range.high} : range;
}

float getHeadroom(int64_t rows) {
  constexpr double kHeadroomRows = 192;
  return static_cast<float>(
      1 +
      std::min(kHeadroomRows / static_cast<double>(std::max<int64_t>(rows, 1)),
               1.0));
}

} // namespace tq::quant
