//===- StatisticsTest.cpp - What is known of an activation ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <limits>
#include <random>

using namespace tq::quant;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TensorStatistics statisticsOf(const std::vector<float> &values,
                              int64_t channels = 1) {
  StatisticsCollector collector(channels);
  collector.addBatch(values.data(),
                     static_cast<int64_t>(values.size()) / channels, nullptr);
  return collector.getStatistics();
}

TEST(Statistics, nothingSeen) {
  StatisticsCollector collector(3);
  collector.addBatch(nullptr, 0, nullptr);
  TensorStatistics statistics = collector.getStatistics();
  EXPECT_EQ(statistics.rows, 0);
  EXPECT_EQ(statistics.nonFinite, 0);
  EXPECT_EQ(statistics.low, std::vector<float>(3));
  EXPECT_EQ(statistics.high, std::vector<float>(3));
  EXPECT_EQ(statistics.mean, std::vector<float>(3));
  EXPECT_EQ(statistics.averageLow, 0.0f);
  EXPECT_EQ(statistics.histogram.getTotal(), 0u);
}

TEST(Statistics, ofEachChannel) {
  TensorStatistics statistics =
      statisticsOf({1.0f, -2.0f, 5.0f, 3.0f, -4.0f, 5.0f}, 3);
  EXPECT_EQ(statistics.rows, 2);
  EXPECT_EQ(statistics.low, (std::vector{1.0f, -4.0f, 5.0f}));
  EXPECT_EQ(statistics.high, (std::vector{3.0f, -2.0f, 5.0f}));
  EXPECT_EQ(statistics.mean, (std::vector{2.0f, -3.0f, 5.0f}));
  EXPECT_EQ(statistics.histogram.getLow(), -4.0f);
  EXPECT_EQ(statistics.histogram.getHigh(), 5.0f);
  EXPECT_EQ(statistics.histogram.getTotal(), 6u);
}

TEST(Statistics, oneRow) {
  TensorStatistics statistics = statisticsOf({7.0f, 8.0f}, 2);
  EXPECT_EQ(statistics.rows, 1);
  EXPECT_EQ(statistics.low, statistics.high);
  EXPECT_EQ(statistics.mean, statistics.high);
}

/// The first batch begins the averages, each further one counts a hundredth.
TEST(Statistics, movingAverages) {
  StatisticsCollector collector(2);
  const float first[] = {-1.0f, 1.0f, 0.0f, 2.0f};
  const float second[] = {-3.0f, 10.0f};
  collector.addBatch(first, 2, nullptr);
  EXPECT_EQ(collector.getStatistics().averageLow, -1.0f);
  EXPECT_EQ(collector.getStatistics().averageHigh, 2.0f);
  collector.addBatch(nullptr, 0, nullptr);
  collector.addBatch(second, 1, nullptr);
  EXPECT_EQ(collector.getStatistics().averageLow, -1.02f);
  EXPECT_EQ(collector.getStatistics().averageHigh, 2.08f);
}

TEST(Statistics, paddingIsLeftOut) {
  const float values[] = {1.0f, 2.0f, 99.0f, kNaN, 3.0f, 4.0f, -99.0f, kInf};
  const uint8_t observed[] = {1, 0, 1, 0};
  StatisticsCollector collector(2);
  collector.addBatch(values, 4, observed);
  TensorStatistics statistics = collector.getStatistics();
  EXPECT_EQ(statistics.rows, 2);
  EXPECT_EQ(statistics.nonFinite, 0);
  EXPECT_EQ(statistics.low, (std::vector{1.0f, 2.0f}));
  EXPECT_EQ(statistics.high, (std::vector{3.0f, 4.0f}));
  EXPECT_EQ(statistics.averageHigh, 4.0f);
  EXPECT_EQ(statistics.histogram.getTotal(), 4u);
  StatisticsCollector all(2);
  all.addBatch(values, 4, nullptr);
  EXPECT_EQ(all.getStatistics().rows, 4);
  EXPECT_EQ(all.getStatistics().nonFinite, 2);
  EXPECT_EQ(all.getStatistics().low, (std::vector{-99.0f, 2.0f}));
}

TEST(Statistics, batchOfPaddingIsNoBatch) {
  const float values[] = {5.0f, 6.0f};
  const uint8_t none[] = {0, 0};
  StatisticsCollector collector(1);
  collector.addBatch(values, 2, none);
  EXPECT_EQ(collector.getStatistics().rows, 0);
  collector.addBatch(values, 1, nullptr);
  EXPECT_EQ(collector.getStatistics().averageHigh, 5.0f);
}

TEST(Statistics, nonFiniteValuesAreCountedAndLeftOut) {
  TensorStatistics statistics =
      statisticsOf({kNaN, 1.0f, kInf, 2.0f, -kInf, kNaN, 4.0f, 4.0f, kNaN}, 3);
  EXPECT_EQ(statistics.rows, 3);
  EXPECT_EQ(statistics.nonFinite, 5);
  EXPECT_EQ(statistics.low, (std::vector{2.0f, 1.0f, 0.0f}));
  EXPECT_EQ(statistics.high, (std::vector{4.0f, 4.0f, 0.0f}));
  EXPECT_EQ(statistics.mean, (std::vector{3.0f, 2.5f, 0.0f}));
  EXPECT_EQ(statistics.averageLow, 1.0f);
  EXPECT_EQ(statistics.averageHigh, 4.0f);
  EXPECT_EQ(statistics.histogram.getTotal(), 4u);
}

TEST(Statistics, hugeValuesDoNotOverflow) {
  TensorStatistics statistics =
      statisticsOf({FLT_MAX, -FLT_MAX, FLT_MAX, -FLT_MAX}, 2);
  EXPECT_EQ(statistics.mean, (std::vector{FLT_MAX, -FLT_MAX}));
  StatisticsCollector collector(1);
  const float values[] = {FLT_MAX, -FLT_MAX};
  collector.addBatch(values, 1, nullptr);
  collector.addBatch(values + 1, 1, nullptr);
  EXPECT_FLOAT_EQ(collector.getStatistics().averageHigh, 0.98f * FLT_MAX);
}

TEST(Statistics, orderOfRowsDoesNotMatter) {
  std::mt19937 engine(9);
  std::normal_distribution<float> normal;
  std::vector<float> values(6000);
  for (float &v : values)
    v = normal(engine);
  TensorStatistics expected = statisticsOf(values);
  std::ranges::shuffle(values, engine);
  TensorStatistics shuffled = statisticsOf(values);
  EXPECT_EQ(shuffled.low, expected.low);
  EXPECT_EQ(shuffled.high, expected.high);
  EXPECT_EQ(shuffled.averageLow, expected.averageLow);
}

} // namespace
