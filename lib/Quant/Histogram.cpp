//===- Histogram.cpp - Counts of values, in fixed memory ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Histogram.h"
#include "tq/Quant/Rounding.h"

#include <algorithm>
#include <array>

namespace tq::quant {

/// Numbers of bins in the grid stay exact in f32.
static constexpr double kMaxNumber = 0x1p24;

/// Values that are handled at a time.
static constexpr size_t kBlock = 1024;

static double getNumber(double value, int exponent) {
  return std::floor(std::ldexp(value, -exponent));
}

double Histogram::getWidth() const { return std::ldexp(1.0, exponent); }

std::span<const uint64_t> Histogram::getCounts() const {
  double last = getNumber(getHigh(), exponent);
  return std::span(counts).first(static_cast<int64_t>(last) - first + 1);
}

bool Histogram::fits(int candidate, double newLow, double newHigh) const {
  double lowest = getNumber(newLow, candidate);
  double highest = getNumber(newHigh, candidate);
  return lowest >= -kMaxNumber && highest <= kMaxNumber &&
         highest - lowest < kBins;
}

std::optional<Histogram> Histogram::restore(float low, float high,
                                            int64_t first, double width,
                                            std::span<const uint64_t> counts) {
  Histogram result;
  if (!(low <= high) || !std::isfinite(low) || !std::isfinite(high) ||
      !std::isnormal(width) || counts.size() > kBins)
    return std::nullopt;
  result.low = low + 0.0f;
  result.high = high + 0.0f;
  result.first = first;
  result.exponent = std::ilogb(width);
  if (result.getWidth() != width || result.exponent < kMinExponent ||
      !result.fits(result.exponent, low, high) ||
      static_cast<double>(first) != getNumber(result.low, result.exponent) ||
      result.getCounts().size() != counts.size())
    return std::nullopt;
  std::ranges::copy(counts, result.counts.begin());
  for (uint64_t count : counts)
    if (__builtin_add_overflow(result.total, count, &result.total))
      return std::nullopt;
  return result;
}

void Histogram::extend(float newLow, float newHigh) {
  if (newLow >= low && newHigh <= high)
    return;
  // Adding 0 turns -0 into 0.
  low = std::min(low, newLow) + 0.0f;
  high = std::max(high, newHigh) + 0.0f;
  int before = exponent;
  while (!fits(exponent, low, high))
    ++exponent;
  int64_t newFirst = static_cast<int64_t>(getNumber(low, exponent));
  if (total > 0) {
    int doublings = std::min(exponent - before, 62);
    std::vector<uint64_t> merged(kBins);
    for (int64_t i = 0; i < kBins; ++i)
      if (counts[i] > 0)
        merged[((first + i) >> doublings) - newFirst] += counts[i];
    counts = std::move(merged);
  }
  first = newFirst;
}

/// Counts finite values that the bins have room for.
void Histogram::count(std::span<const float> values) {
  float width = static_cast<float>(getWidth()), inverse = 1.0f / width;
  int32_t offset = static_cast<int32_t>(first);
  std::array<int32_t, kBlock> bins;
  for (size_t i = 0; i < values.size(); ++i) {
    // The quotient is exact but for underflow, which loses the sign of what
    // lies next to 0: hence the comparison with the edge itself.
    int32_t number = static_cast<int32_t>(values[i] * inverse);
    bool isBelow = values[i] < static_cast<float>(number) * width;
    bins[i] = number - isBelow - offset;
  }
  for (size_t i = 0; i < values.size(); ++i)
    ++counts[bins[i]];
  total += values.size();
}

void Histogram::addFinite(std::span<const float> values) {
  if (values.empty())
    return;
  // Lanes that do not wait for each other.
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> lowest, highest;
  lowest.fill(values[0]);
  highest.fill(values[0]);
  size_t whole = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lowest[lane] = std::min(lowest[lane], values[i + lane]);
      highest[lane] = std::max(highest[lane], values[i + lane]);
    }
  for (float v : values.subspan(whole)) {
    lowest[0] = std::min(lowest[0], v);
    highest[0] = std::max(highest[0], v);
  }
  extend(std::ranges::min(lowest), std::ranges::max(highest));
  count(values);
}

void Histogram::add(std::span<const float> values) {
  std::array<float, kBlock> finite;
  while (!values.empty()) {
    std::span<const float> block =
        values.first(std::min(values.size(), kBlock));
    values = values.subspan(block.size());
    bool isFinite = true;
    for (float v : block)
      isFinite &= std::isfinite(v);
    if (!isFinite) {
      size_t count = 0;
      for (float v : block)
        if (std::isfinite(v))
          finite[count++] = v;
      block = std::span(finite).first(count);
    }
    addFinite(block);
  }
}

} // namespace tq::quant
