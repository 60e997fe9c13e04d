//===- RangeSearch.cpp - Ranges from a histogram --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RangeSearch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tq::quant {

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

Cells::Cells(Histogram histogram, bool isSymmetric) : isSymmetric(isSymmetric) {
  histogram.extend(0.0f, 0.0f);
  std::span<const uint64_t> bins = histogram.getCounts();
  int64_t first = histogram.getFirst();
  int64_t last = first + static_cast<int64_t>(bins.size()) - 1;
  width = histogram.getWidth();
  low = histogram.getLow() / width;
  high = histogram.getHigh() / width;
  zero = isSymmetric ? 0 : -first;
  total = static_cast<double>(histogram.getTotal());
  counts.resize(isSymmetric ? std::max(last, -first - 1) + 1 : bins.size());
  for (int64_t number = first; number <= last; ++number) {
    int64_t folded = number < 0 ? -number - 1 : number;
    counts[isSymmetric ? folded : number - first] +=
        static_cast<double>(bins[number - first]);
  }
  if (isSymmetric) {
    high = std::max(-low, high);
    low = 0.0;
  }
}

double Cells::getEdge(int64_t i) const {
  return std::clamp(static_cast<double>(i - zero), low, high);
}

Range Cells::getRange(double begin, double end) const {
  return {static_cast<float>(std::max(begin, low) * width),
          static_cast<float>(std::min(end, high) * width)};
}

//===----------------------------------------------------------------------===//
// Percentile
//===----------------------------------------------------------------------===//

/// The position below which `count` of the values lie.
static double findPosition(const Cells &cells, double count) {
  double before = 0.0;
  for (int64_t i = 0; i < cells.size(); ++i) {
    if (cells.counts[i] > 0.0 && before + cells.counts[i] >= count)
      return static_cast<double>(i - cells.zero) +
             (count - before) / cells.counts[i];
    before += cells.counts[i];
  }
  return cells.high;
}

Range findPercentile(const Cells &cells, double percentile) {
  double part = percentile <= 100.0 ? std::max(percentile, 0.0) : 100.0;
  double cut = (1.0 - part / 100.0) * cells.total;
  if (cells.isSymmetric)
    return cells.getRange(0.0, findPosition(cells, cells.total - cut));
  return cells.getRange(findPosition(cells, cut / 2),
                        findPosition(cells, cells.total - cut / 2));
}

//===----------------------------------------------------------------------===//
// Searches
//===----------------------------------------------------------------------===//

namespace {
/// The cells [begin, end).
struct Candidate {
  int64_t begin;
  int64_t end;
};
} // namespace

/// From the whole range on, moves one end to where the cost is least, then the
/// other, until neither moves. 0 stays inside, and so do `least` cells. Of
/// equal costs that of the wider range wins.
template <typename Cost>
static Range search(const Cells &cells, int64_t least, Cost computeCost) {
  Candidate best{0, cells.size()};
  double bestCost = computeCost(best);
  bool hasMoved = true;
  auto consider = [&](Candidate candidate) {
    double cost = computeCost(candidate);
    if (!(cost < bestCost))
      return;
    best = candidate;
    bestCost = cost;
    hasMoved = true;
  };
  while (std::exchange(hasMoved, false)) {
    int64_t begin = best.begin;
    for (int64_t end = cells.size(); end >= std::max(cells.zero, begin + least);
         --end)
      consider({begin, end});
    int64_t end = best.end;
    for (begin = 0; begin <= std::min(cells.zero, end - least); ++begin)
      consider({begin, end});
  }
  return cells.getRange(cells.getEdge(best.begin), cells.getEdge(best.end));
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

namespace {
/// Sums over the first cells, from which a divergence takes as many steps as
/// there are levels.
class Divergence {
public:
  Divergence(const std::vector<double> &counts, int64_t levels);

  double compute(Candidate candidate) const;

  double getTotal() const { return sums.back(); }

private:
  static double timesLog(double x) { return x > 0.0 ? x * std::log(x) : 0.0; }

  const std::vector<double> &counts;
  int64_t levels;
  std::vector<double> sums, sumsOfLogs;
  std::vector<int64_t> occupied;
};
} // namespace

Divergence::Divergence(const std::vector<double> &counts, int64_t levels)
    : counts(counts), levels(levels), sums(1), sumsOfLogs(1), occupied(1) {
  for (double count : counts) {
    sums.push_back(sums.back() + count);
    sumsOfLogs.push_back(sumsOfLogs.back() + timesLog(count));
    occupied.push_back(occupied.back() + (count > 0.0));
  }
}

double Divergence::compute(Candidate candidate) const {
  /// What a cell counts at least where the quantized distribution is 0.
  constexpr double kFloor = 1e-4;
  auto [begin, end] = candidate;
  double inside = sums[end] - sums[begin];
  if (inside == 0.0)
    return std::numeric_limits<double>::infinity();
  double below = sums[begin], above = sums.back() - sums[end];
  double result = sumsOfLogs[end] - sumsOfLogs[begin] -
                  timesLog(counts[begin]) + timesLog(counts[begin] + below) -
                  timesLog(counts[end - 1]) + timesLog(counts[end - 1] + above);
  for (int64_t level = 0, left = begin; level < levels; ++level) {
    int64_t right = begin + (level + 1) * (end - begin) / levels;
    double quantized = sums[right] - sums[left], exact = quantized;
    int64_t cells = occupied[right] - occupied[left];
    if (level == 0) {
      exact += below;
      cells += below > 0.0 && counts[begin] == 0.0;
    }
    if (level == levels - 1) {
      exact += above;
      cells += above > 0.0 && counts[end - 1] == 0.0;
    }
    if (exact > 0.0)
      result -= exact * std::log(std::max(quantized / cells, kFloor));
    left = right;
  }
  return result / sums.back() - std::log(sums.back()) + std::log(inside);
}

Range findLeastEntropy(const Cells &cells) {
  int64_t levels = cells.isSymmetric ? 128 : 256;
  std::vector<double> counts = cells.counts;
  // The cell of 0 counts at most as much as the larger of its neighbors.
  double neighbor = 0.0;
  if (cells.zero > 0)
    neighbor = counts[cells.zero - 1];
  if (cells.zero + 1 < cells.size())
    neighbor = std::max(neighbor, counts[cells.zero + 1]);
  counts[cells.zero] = std::min(counts[cells.zero], neighbor);
  Divergence divergence(counts, levels);
  if (divergence.getTotal() == 0.0 || cells.size() < levels)
    return cells.getRange(cells.low, cells.high);
  return search(cells, levels, [&](Candidate candidate) {
    return divergence.compute(candidate);
  });
}

//===----------------------------------------------------------------------===//
// Mean squared error
//===----------------------------------------------------------------------===//

namespace {
/// Integers 0 to `largest` that stand for (q - zeroPoint) * scale.
struct Grid {
  double scale;
  double zeroPoint;
  double largest;

  /// The antiderivative of the squared error (t - quantized(t))^2, divided by
  /// scale^3.
  double integrate(double t) const {
    double u = t / scale + zeroPoint;
    // Halfway between two integers both give the same.
    double q = static_cast<int32_t>(std::clamp(u + 0.5, 0.5, largest + 0.5));
    double d = u - q;
    return q / 12.0 + d * d * d / 3.0;
  }
};
} // namespace

static double computeSquaredError(const Cells &cells, Candidate candidate) {
  double begin = cells.getEdge(candidate.begin);
  double end = cells.getEdge(candidate.end);
  if (begin == end)
    return std::numeric_limits<double>::infinity();
  Grid grid{end / 127.0, 0.0, 127.0};
  if (!cells.isSymmetric) {
    double scale = (end - begin) / 255.0;
    grid = {scale, std::nearbyint(-begin / scale), 255.0};
  }
  double error = 0.0;
  for (int64_t i = 0; i < cells.size(); ++i)
    if (cells.counts[i] > 0.0) {
      double left = static_cast<double>(i - cells.zero);
      error +=
          cells.counts[i] * (grid.integrate(left + 1.0) - grid.integrate(left));
    }
  return error * grid.scale * grid.scale * grid.scale;
}

Range findLeastError(const Cells &cells) {
  return search(cells, 1, [&](Candidate candidate) {
    return computeSquaredError(cells, candidate);
  });
}

} // namespace tq::quant
