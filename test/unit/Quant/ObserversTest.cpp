//===- ObserversTest.cpp - Ranges and their parameters --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Observers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>

using namespace tq::quant;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

constexpr Observer kObservers[] = {Observer::MinMax, Observer::MovingAverage,
                                   Observer::Percentile, Observer::Entropy,
                                   Observer::Mse};

std::vector<float> randomValues(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &v : values)
    v = normal(engine);
  return values;
}

TensorStatistics statisticsOf(const std::vector<float> &values) {
  StatisticsCollector collector(1);
  collector.addBatch(values.data(), static_cast<int64_t>(values.size()),
                     nullptr);
  return collector.getStatistics();
}

Range rangeOf(const std::vector<float> &values, Observer observer,
              bool isSymmetric = false) {
  return chooseRange(statisticsOf(values), {observer}, isSymmetric);
}

/// Mean squared error of the values quantized to u8.
double errorOf(const std::vector<float> &values, Range range) {
  QuantParams params = chooseParamsU8(range);
  std::vector<uint8_t> q(values.size());
  std::vector<float> back(values.size());
  quantizeU8(values, params, q.data());
  dequantizeU8(q, params, back.data());
  double error = 0.0;
  for (size_t i = 0; i < values.size(); ++i)
    error += std::pow(values[i] - back[i], 2.0);
  return error / static_cast<double>(values.size());
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

TEST(Observers, namesAreParsed) {
  for (Observer observer : kObservers)
    EXPECT_EQ(parseObserver(getObserverName(observer)), observer);
  EXPECT_EQ(parseObserver("moving-average"), Observer::MovingAverage);
  for (const char *name : {"", "MinMax", "min-max", "kl", "mse "})
    EXPECT_EQ(parseObserver(name), std::nullopt) << name;
}

TEST(Observers, withoutValuesTheRangeIsZero) {
  for (Observer observer : kObservers)
    for (bool isSymmetric : {false, true})
      for (const std::vector<float> &values :
           {std::vector<float>(), std::vector<float>(50), {kNaN, kInf}}) {
        Range range = rangeOf(values, observer, isSymmetric);
        EXPECT_EQ(range.low, 0.0f);
        EXPECT_EQ(range.high, 0.0f);
      }
}

TEST(Observers, constantsAreKept) {
  for (Observer observer : kObservers)
    for (float v : {5.3f, -5.3f, FLT_MAX, -FLT_MAX, 1e-30f, FLT_TRUE_MIN}) {
      Range range = rangeOf(std::vector<float>(100, v), observer);
      EXPECT_EQ(range.low, std::min(0.0f, v)) << getObserverName(observer);
      EXPECT_EQ(range.high, std::max(0.0f, v)) << getObserverName(observer);
      range = rangeOf(std::vector<float>(100, v), observer, true);
      EXPECT_EQ(range.low, -std::fabs(v));
      EXPECT_EQ(range.high, std::fabs(v));
    }
}

TEST(Observers, orderOfRowsDoesNotMatter) {
  std::vector<float> values = randomValues(6000, 9), shuffled = values;
  std::ranges::shuffle(shuffled, std::mt19937(1));
  for (Observer observer : kObservers) {
    Range range = rangeOf(shuffled, observer);
    EXPECT_EQ(range.low, rangeOf(values, observer).low);
    EXPECT_EQ(range.high, rangeOf(values, observer).high);
  }
}

/// All ranges contain 0, lie in what was seen and are finite, from denormal
/// numbers to the largest.
TEST(Observers, rangesAreInsideOfWhatWasSeen) {
  for (float scale : {FLT_TRUE_MIN, 1e-38f, 1e-20f, 1.0f, 1e20f, FLT_MAX / 8})
    for (float offset : {-100.0f, -2.0f, 0.0f, 2.0f, 100.0f}) {
      std::vector<float> values = randomValues(2000, 4);
      for (float &v : values)
        v = std::clamp((v + offset) * scale, -FLT_MAX, FLT_MAX);
      float low = std::min(0.0f, std::ranges::min(values));
      float high = std::max(0.0f, std::ranges::max(values));
      for (Observer observer : kObservers) {
        Range range = rangeOf(values, observer);
        EXPECT_GE(range.low, low) << getObserverName(observer);
        EXPECT_LE(range.low, 0.0f);
        EXPECT_LE(range.high, high) << getObserverName(observer);
        EXPECT_GE(range.high, 0.0f);
        EXPECT_LT(range.low, range.high) << getObserverName(observer);
        Range symmetric = rangeOf(values, observer, true);
        EXPECT_EQ(symmetric.low, -symmetric.high);
        EXPECT_LE(symmetric.high, std::max(-low, high));
        EXPECT_GT(symmetric.high, 0.0f) << getObserverName(observer);
      }
    }
}

TEST(Observers, minMaxKeepsThePeak) {
  std::vector<float> values = randomValues(20000, 4);
  values[77] = 1000.0f;
  EXPECT_EQ(rangeOf(values, Observer::MinMax).high, 1000.0f);
  EXPECT_EQ(rangeOf(values, Observer::MinMax, true).low, -1000.0f);
  EXPECT_LT(rangeOf(values, Observer::Percentile).high, 10.0f);
}

/// Integers 0 to 999, each a bin of its own.
TEST(Observers, percentileInterpolates) {
  std::vector<float> values(2000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i) - 1000.0f;
  TensorStatistics statistics = statisticsOf(values);
  ASSERT_EQ(statistics.histogram.getWidth(), 1.0);
  auto choose = [&](double percentile, bool isSymmetric = false) {
    return chooseRange(statistics, {Observer::Percentile, percentile},
                       isSymmetric);
  };
  EXPECT_FLOAT_EQ(choose(90).low, -900.0f);
  EXPECT_FLOAT_EQ(choose(90).high, 900.0f);
  EXPECT_FLOAT_EQ(choose(99.95).low, -999.5f);
  EXPECT_FLOAT_EQ(choose(90, true).high, 900.0f);
  for (double most : {100.0, 1e9, std::nan("")}) {
    EXPECT_EQ(choose(most).low, -1000.0f);
    EXPECT_EQ(choose(most).high, 999.0f);
  }
  EXPECT_NEAR(choose(-1).high, 0.0f, 1.0f);
}

TEST(Observers, oneSidedValuesHaveAOneSidedRange) {
  std::vector<float> values = randomValues(20000, 6);
  for (float &v : values)
    v = std::max(v, 0.0f);
  for (Observer observer : kObservers) {
    EXPECT_EQ(rangeOf(values, observer).low, 0.0f);
    EXPECT_GT(rangeOf(values, observer).high, 2.5f);
  }
  for (float &v : values)
    v = -v;
  for (Observer observer : kObservers)
    EXPECT_EQ(rangeOf(values, observer).high, 0.0f);
}

/// Exact zeros, however many, leave the choice as it is without them.
TEST(Observers, entropyIsNotDominatedByZero) {
  std::vector<float> values = randomValues(20000, 6);
  for (float &v : values)
    v = std::fabs(v);
  float expected = rangeOf(values, Observer::Entropy).high;
  values.resize(500000);
  EXPECT_NEAR(rangeOf(values, Observer::Entropy).high, expected, 0.3f);
  EXPECT_GT(expected, 2.5f);
}

/// By the error of the values themselves, of which the histogram knows 11 bits.
TEST(Observers, mseIsNoWorseThanOthers) {
  std::vector<float> normal = randomValues(20000, 8), tails = normal;
  for (float &v : tails)
    v = v * v * v;
  for (const std::vector<float> &values : {normal, tails}) {
    double least = errorOf(values, rangeOf(values, Observer::Mse));
    for (Observer observer : kObservers)
      EXPECT_LE(least, errorOf(values, rangeOf(values, observer)) * 1.03)
          << getObserverName(observer);
  }
}

/// A peak is worth as much as what a finer scale saves with all the others.
TEST(Observers, mseCutsOffAPeakAmongEnoughValues) {
  for (size_t count : {20000, 2000000}) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(i % 2001) / 1000.0f - 1.0f;
    values[77] = 5.0f;
    Range range = rangeOf(values, Observer::Mse);
    double error = errorOf(values, range);
    double all = errorOf(values, rangeOf(values, Observer::MinMax));
    if (count == 20000) {
      EXPECT_GT(range.high, 4.0f);
    } else {
      EXPECT_LT(range.high, 3.0f);
      EXPECT_LT(error, 0.9 * all);
    }
  }
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

TEST(ChooseParams, agreeWithThoseOfARow) {
  std::vector<float> values = randomValues(4000, 2);
  for (size_t i = 0; i + 1 < values.size(); i += 2) {
    float scale = std::ldexp(1.0f, static_cast<int>(i % 250) - 125);
    const float row[] = {values[i] * scale, values[i + 1] * scale};
    QuantParams expected = chooseRowU8(row);
    QuantParams params =
        chooseParamsU8({std::min(row[0], row[1]), std::max(row[0], row[1])});
    EXPECT_EQ(params.scale, expected.scale);
    EXPECT_EQ(params.zeroPoint, expected.zeroPoint);
  }
}

TEST(ChooseParams, ofUsualRanges) {
  QuantParams params = chooseParamsU8({-1.0f, 254.0f});
  EXPECT_EQ(params.scale, 1.0f);
  EXPECT_EQ(params.zeroPoint, 1);
  EXPECT_EQ(chooseParamsU8({2.0f, 255.0f}).zeroPoint, 0);
  EXPECT_EQ(chooseParamsU8({2.0f, 255.0f}).scale, 1.0f);
  EXPECT_EQ(chooseParamsU8({-510.0f, -1.0f}).zeroPoint, 255);
  EXPECT_EQ(chooseScaleS8(254.0f), 2.0f);
}

TEST(ChooseParams, withoutRangeScaleIsOne) {
  for (Range range :
       {Range{0, 0}, Range{-0.0f, 0}, Range{1, -1}, Range{kNaN, kNaN},
        Range{-FLT_MIN, FLT_MIN}, Range{-FLT_TRUE_MIN, 0}}) {
    EXPECT_EQ(chooseParamsU8(range).scale, 1.0f);
    EXPECT_EQ(chooseParamsU8(range).zeroPoint, 0);
  }
  for (float amax : {0.0f, -0.0f, kNaN, FLT_MIN, FLT_TRUE_MIN})
    EXPECT_EQ(chooseScaleS8(amax), 1.0f);
}

TEST(ChooseParams, areAlwaysUsable) {
  const float ends[] = {-kInf, -FLT_MAX, -1.0f,   -FLT_MIN, 0.0f, FLT_TRUE_MIN,
                        1.0f,  1e30f,    FLT_MAX, kInf,     kNaN};
  for (float low : ends)
    for (float high : ends) {
      QuantParams params = chooseParamsU8({low, high});
      EXPECT_TRUE(std::isnormal(params.scale)) << low << " " << high;
      EXPECT_TRUE(std::isfinite(1.0f / params.scale));
      EXPECT_GT(params.scale, 0.0f);
      EXPECT_GE(params.zeroPoint, 0);
      EXPECT_LE(params.zeroPoint, 255);
      EXPECT_TRUE(std::isnormal(chooseScaleS8(high)));
      EXPECT_GT(chooseScaleS8(high), 0.0f);
    }
  EXPECT_EQ(chooseParamsU8({-kInf, kInf}).zeroPoint, 128);
  EXPECT_EQ(chooseScaleS8(-254.0f), 2.0f);
}

TEST(Headroom, shrinksWithTheRows) {
  EXPECT_EQ(getHeadroom(0), 2.0f);
  EXPECT_EQ(getHeadroom(192), 2.0f);
  EXPECT_EQ(getHeadroom(384), 1.5f);
  EXPECT_EQ(getHeadroom(192 * 64), 1.015625f);
}

} // namespace
