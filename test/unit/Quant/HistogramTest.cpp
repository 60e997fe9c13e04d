//===- HistogramTest.cpp - Bins that grow with the range ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

using namespace tq::quant;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Histogram histogramOf(std::span<const float> values) {
  Histogram histogram;
  histogram.add(values);
  return histogram;
}

void expectEqual(const Histogram &a, const Histogram &b) {
  EXPECT_EQ(a.getTotal(), b.getTotal());
  EXPECT_EQ(a.getWidth(), b.getWidth());
  EXPECT_EQ(a.getFirst(), b.getFirst());
  EXPECT_EQ(a.getLow(), b.getLow());
  EXPECT_EQ(a.getHigh(), b.getHigh());
  EXPECT_TRUE(std::ranges::equal(a.getCounts(), b.getCounts()));
}

/// Every value is in the bin that its quotient says, and no count is lost.
void expectExact(const Histogram &histogram, std::span<const float> values) {
  std::map<int64_t, uint64_t> expected;
  for (float v : values)
    ++expected[static_cast<int64_t>(std::floor(v / histogram.getWidth()))];
  std::span<const uint64_t> counts = histogram.getCounts();
  ASSERT_LE(static_cast<int64_t>(counts.size()), Histogram::kBins);
  for (size_t i = 0; i < counts.size(); ++i) {
    int64_t number = histogram.getFirst() + static_cast<int64_t>(i);
    auto at = expected.find(number);
    EXPECT_EQ(counts[i], at == expected.end() ? 0 : at->second) << number;
  }
  EXPECT_EQ(histogram.getTotal(), values.size());
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), uint64_t(0)),
            values.size());
}

std::vector<float> heavyTails(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &v : values) {
    v = normal(engine);
    v = v * v * v * v * v;
  }
  return values;
}

TEST(Histogram, emptyHasNothing) {
  Histogram histogram = histogramOf({});
  EXPECT_EQ(histogram.getTotal(), 0u);
  EXPECT_EQ(histogram.getLow(), 0.0f);
  EXPECT_EQ(histogram.getHigh(), 0.0f);
  EXPECT_EQ(histogram.getCounts().size(), 1u);
}

TEST(Histogram, quartersStayExact) {
  const float values[] = {-1.0f, -0.25f, 0.0f, 0.25f, 0.25f, 510.5f};
  Histogram histogram = histogramOf(values);
  EXPECT_EQ(histogram.getWidth(), 0.25);
  EXPECT_EQ(histogram.getFirst(), -4);
  ASSERT_EQ(histogram.getCounts().size(), 2047u);
  EXPECT_EQ(histogram.getCounts()[0], 1u);
  EXPECT_EQ(histogram.getCounts()[3], 1u);
  EXPECT_EQ(histogram.getCounts()[4], 1u);
  EXPECT_EQ(histogram.getCounts()[5], 2u);
  EXPECT_EQ(histogram.getCounts()[2046], 1u);
  expectExact(histogram, values);
}

/// One step more than fits doubles the width.
TEST(Histogram, widthIsTheSmallestThatFits) {
  EXPECT_EQ(histogramOf(std::vector{0.0f, 2047.9f}).getWidth(), 1.0);
  EXPECT_EQ(histogramOf(std::vector{0.0f, 2048.0f}).getWidth(), 2.0);
  EXPECT_EQ(histogramOf(std::vector{-0.1f, 2047.0f}).getWidth(), 2.0);
  EXPECT_EQ(histogramOf(std::vector{-1024.0f, 1023.0f}).getWidth(), 1.0);
}

TEST(Histogram, growthEqualsOneShot) {
  std::vector<float> values = heavyTails(20000, 3);
  Histogram expected = histogramOf(values);
  expectExact(expected, values);
  std::vector<float> ascending = values, descending = values;
  std::ranges::sort(ascending, {}, [](float v) { return std::fabs(v); });
  std::ranges::sort(descending, std::ranges::greater());
  for (const std::vector<float> &order : {values, ascending, descending})
    for (size_t size : {1, 7, 1024, 5000}) {
      Histogram histogram;
      for (size_t i = 0; i < order.size(); i += size)
        histogram.add(
            std::span(order).subspan(i, std::min(size, order.size() - i)));
      expectEqual(histogram, expected);
    }
}

TEST(Histogram, otherValuesHaveAnotherHistogram) {
  std::vector<float> values = heavyTails(1000, 3);
  Histogram histogram = histogramOf(values);
  values[17] += 4 * static_cast<float>(histogram.getWidth());
  EXPECT_FALSE(std::ranges::equal(histogramOf(values).getCounts(),
                                  histogram.getCounts()));
}

TEST(Histogram, equalValuesShareABin) {
  for (float v : {0.0f, -0.0f, 1.0f, -3.14159f, 1e-30f, FLT_MIN, FLT_MAX,
                  -FLT_MAX, FLT_TRUE_MIN, -FLT_TRUE_MIN}) {
    std::vector<float> values(3000, v);
    Histogram histogram = histogramOf(values);
    EXPECT_EQ(histogram.getCounts().size(), 1u) << v;
    EXPECT_EQ(histogram.getLow(), v);
    EXPECT_EQ(histogram.getHigh(), v);
    expectExact(histogram, values);
  }
}

TEST(Histogram, zeroHasOneSign) {
  EXPECT_FALSE(std::signbit(histogramOf(std::vector{-0.0f}).getLow()));
  EXPECT_FALSE(std::signbit(histogramOf(std::vector{0.0f, -0.0f}).getHigh()));
}

TEST(Histogram, tinyAndHugeValues) {
  std::vector<float> values = {-FLT_TRUE_MIN, FLT_TRUE_MIN, -FLT_MIN, FLT_MIN,
                               -1e-36f,       1e-36f,       -1e-20f,  1e-20f,
                               -1.0f,         1.0f,         -1e20f,   1e20f,
                               FLT_MAX,       -FLT_MAX};
  Histogram forwards, backwards;
  for (size_t i = 0; i < values.size(); ++i) {
    forwards.add({&values[i], 1});
    backwards.add({&values[values.size() - 1 - i], 1});
    expectExact(forwards, std::span(values).first(i + 1));
  }
  EXPECT_EQ(forwards.getWidth(), 0x1p118);
  EXPECT_EQ(forwards.getCounts().size(), 2048u);
  expectEqual(forwards, backwards);
}

TEST(Histogram, nonFiniteValuesAreLeftOut) {
  std::vector<float> values = heavyTails(3000, 5), mixed;
  for (float v : values) {
    mixed.push_back(v);
    if (mixed.size() % 5 == 0)
      mixed.insert(mixed.end(), {kNaN, kInf, -kInf});
  }
  expectEqual(histogramOf(mixed), histogramOf(values));
  expectEqual(histogramOf(std::vector{kNaN, kInf}), Histogram());
}

TEST(Histogram, extendingCountsNothing) {
  std::vector<float> values(1000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 1000.0f + 0.001f * static_cast<float>(i);
  Histogram histogram = histogramOf(values);
  EXPECT_LT(histogram.getWidth(), 0.001);
  histogram.extend(0.0f, 0.0f);
  EXPECT_EQ(histogram.getWidth(), 0.5);
  EXPECT_EQ(histogram.getLow(), 0.0f);
  EXPECT_EQ(histogram.getFirst(), 0);
  expectExact(histogram, values);
}

//===----------------------------------------------------------------------===//
// Restoring
//===----------------------------------------------------------------------===//

std::optional<Histogram> restore(const Histogram &histogram) {
  return Histogram::restore(histogram.getLow(), histogram.getHigh(),
                            histogram.getFirst(), histogram.getWidth(),
                            histogram.getCounts());
}

TEST(Histogram, restoredIsTheSame) {
  std::vector<float> values = heavyTails(3000, 5);
  for (const Histogram &histogram :
       {histogramOf(values), histogramOf(std::vector{-2.5f}),
        histogramOf(std::vector{-0.0f, FLT_TRUE_MIN}), Histogram(),
        histogramOf(std::vector{-FLT_MAX, 1.0f, FLT_MAX})}) {
    std::optional<Histogram> restored = restore(histogram);
    ASSERT_TRUE(restored);
    expectEqual(*restored, histogram);
  }
}

TEST(Histogram, restoredGoesOn) {
  std::vector<float> values = heavyTails(3000, 5);
  std::span all(values);
  std::optional<Histogram> restored = restore(histogramOf(all.first(1000)));
  ASSERT_TRUE(restored);
  restored->add(all.subspan(1000));
  expectEqual(*restored, histogramOf(all));
}

TEST(Histogram, restoreTakesNegativeZero) {
  const uint64_t counts[] = {1};
  auto restored = Histogram::restore(-0.0f, -0.0f, 0, 0x1p-120, counts);
  ASSERT_TRUE(restored);
  EXPECT_FALSE(std::signbit(restored->getLow()));
  EXPECT_FALSE(std::signbit(restored->getHigh()));
}

/// Each is one step away from 4 bins of width 1 that begin at -1.
TEST(Histogram, restoreRefusesWhatNoHistogramHas) {
  struct Case {
    const char *what;
    float low, high;
    int64_t first;
    double width;
    std::vector<uint64_t> counts;
  };
  std::vector<uint64_t> four = {1, 0, 2, 1};
  EXPECT_TRUE(Histogram::restore(-1.0f, 2.0f, -1, 1.0, four));
  constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
  for (const Case &c : {
           Case{"range upside down", 2.0f, -1.0f, -1, 1.0, four},
           {"low is NaN", kNaN, 2.0f, -1, 1.0, four},
           {"high is NaN", -1.0f, kNaN, -1, 1.0, four},
           {"low is infinite", -kInf, 2.0f, -1, 1.0, four},
           {"high is infinite", -1.0f, kInf, -1, 1.0, four},
           {"width is 0", -1.0f, 2.0f, -1, 0.0, four},
           {"width is negative", -1.0f, 2.0f, -1, -1.0, four},
           {"width is NaN", -1.0f, 2.0f, -1, double(kNaN), four},
           {"width is infinite", -1.0f, 2.0f, -1, double(kInf), four},
           {"width is no power of two", -1.0f, 2.0f, -1, 1.5, four},
           {"width below the least", 0.0f, 0.0f, 0, 0x1p-121, {1}},
           {"first bin is another", -1.0f, 2.0f, -2, 1.0, four},
           {"first bin is far away", -1.0f, 2.0f, most >> 1, 1.0, four},
           {"too few bins", -1.0f, 2.0f, -1, 1.0, {1, 2, 3}},
           {"too many bins", -1.0f, 2.0f, -1, 1.0, {1, 2, 3, 4, 5}},
           {"no bins", -1.0f, 2.0f, -1, 1.0, {}},
           {"more bins than there are", 0.0f, 2048.0f, 0, 1.0,
            std::vector<uint64_t>(2049, 1)},
           {"numbers beyond f32", 0x1p25f, 0x1p25f, 0x2000000, 1.0, {1}},
           {"counts overflow", -1.0f, 2.0f, -1, 1.0, {most, 0, 0, 1}},
       })
    EXPECT_FALSE(Histogram::restore(c.low, c.high, c.first, c.width, c.counts))
        << c.what;
}

} // namespace
