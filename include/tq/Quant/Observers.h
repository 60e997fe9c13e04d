//===- Observers.h - Ranges from statistics ---------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which range of an activation its static parameters cover. Formulas:
// docs/Quantization.md.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_OBSERVERS_H
#define TQ_QUANT_OBSERVERS_H

#include "tq/Quant/Quantize.h"
#include "tq/Quant/Statistics.h"

#include <optional>
#include <string_view>
#include <utility>

namespace tq::quant {

/// How a range is chosen. Percentile and Entropy cut off rare peaks, which
/// transformers need: CLS and BOS positions carry them.
enum class Observer {
  MinMax,        ///< all that was seen
  MovingAverage, ///< moving averages of the range of a batch
  Percentile,    ///< all but the outermost values
  Entropy,       ///< the least Kullback-Leibler divergence
  Mse            ///< the least mean squared error
};

inline constexpr std::pair<std::string_view, Observer> kObserverNames[] = {
    {"minmax", Observer::MinMax},
    {"moving-average", Observer::MovingAverage},
    {"percentile", Observer::Percentile},
    {"entropy", Observer::Entropy},
    {"mse", Observer::Mse},
};

std::optional<Observer> parseObserver(std::string_view name);
std::string_view getObserverName(Observer observer);

struct ObserverOptions {
  Observer observer = Observer::MinMax;
  /// How much of the values Percentile keeps; limited to [0, 100].
  double percentile = 99.99;
};

/// The range that quantized values shall cover. It contains 0 and is finite;
/// symmetric, it is [-high, high], and the integers are s8. Without any value
/// it is [0, 0].
Range chooseRange(const TensorStatistics &statistics,
                  const ObserverOptions &options, bool isSymmetric);

/// By how much a range that was seen in so many rows is widened, since rows to
/// come will leave it: 1 + 192 / rows, at most 2. An empirical rule:
/// docs/Quantization.md has what it gains.
float getHeadroom(int64_t rows);

} // namespace tq::quant

#endif // TQ_QUANT_OBSERVERS_H
