//===- SmoothingTest.cpp - What calibration changes of a linear -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Smoothing.h"
#include "tq/Quant/Reference.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>
#include <vector>

using namespace tq::quant;

namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

void expectParams(const Floats &low, const Floats &high, float scale,
                  const Ints &zeroPoints) {
  Ints found(low.size());
  EXPECT_EQ(chooseActivationU8({low, high}, found), scale);
  EXPECT_EQ(found, zeroPoints);
}

TEST(ActivationU8, scaleIsThatOfTheWidestRange) {
  expectParams({-1.0f, -85.0f, 0.0f}, {63.0f, 170.0f, 255.0f}, 1.0f,
               {96, 85, 0}); // 127.5 - 31 to even
  expectParams({-127.5f}, {127.5f}, 1.0f, {128});
}

TEST(ActivationU8, middlesOfRangesAreInTheMiddle) {
  expectParams({-255.0f, -1.0f, 0.0f}, {0.0f, 0.0f, 1.0f}, 1.0f,
               {255, 128, 127});
}

TEST(ActivationU8, zeroIsInTheRanges) {
  expectParams({10.0f}, {510.0f}, 2.0f, {0});
  expectParams({-510.0f}, {-10.0f}, 2.0f, {255});
  expectParams({-510.0f, 255.0f}, {-10.0f, 510.0f}, 2.0f, {255, 0});
}

TEST(ActivationU8, nothingSeenHasScaleOne) {
  expectParams({}, {}, 1.0f, {});
  expectParams({0.0f}, {0.0f}, 1.0f, {0});
  expectParams({-0.0f, 0.0f}, {-0.0f, 0.0f}, 1.0f, {128, 128});
  expectParams({-FLT_TRUE_MIN, 0.0f}, {FLT_MIN, 0.0f}, 1.0f, {128, 128});
}

TEST(ActivationU8, nonFiniteEndsAreLeftOut) {
  expectParams({kNaN, -kInf, 0.0f}, {255.0f, kNaN, kInf}, 1.0f, {0, 128, 128});
  expectParams({kNaN}, {kNaN}, 1.0f, {0});
  expectParams({-kInf}, {kInf}, 1.0f, {0});
}

TEST(ActivationU8, largestRangeHasAFiniteScale) {
  expectParams({-FLT_MAX, -FLT_MAX}, {FLT_MAX, 0.0f},
               FLT_MAX / 255.0f - -FLT_MAX / 255.0f, {128, 191});
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

TEST(ActivationS8, aScaleForEachBlock) {
  Floats scales(2), inverses(4);
  Floats low = {-127.0f, 0.0f, 0.0f, -1.0f}, high = {1.0f, 63.5f, 254.0f, 2.0f};
  chooseActivationS8({low, high}, scales, inverses);
  EXPECT_EQ(scales, (Floats{1.0f, 2.0f}));
  EXPECT_EQ(inverses, (Floats{1.0f, 1.0f, 0.5f, 0.5f}));
}

TEST(ActivationS8, oneRangeForAll) {
  Floats scales(3), inverses(3);
  Floats low = {-254.0f}, high = {1.0f};
  chooseActivationS8({low, high}, scales, inverses);
  EXPECT_EQ(scales, Floats(3, 2.0f));
  EXPECT_EQ(inverses, Floats(3, 0.5f));
}

TEST(ActivationS8, scalesAreFiniteAndNotZero) {
  Floats scales(3), inverses(3);
  Floats low = {0.0f, kNaN, -kInf}, high = {0.0f, 0.0f, 1.0f};
  chooseActivationS8({low, high}, scales, inverses);
  EXPECT_EQ(scales, Floats(3, 1.0f));
  EXPECT_EQ(inverses, Floats(3, 1.0f));
}

TEST(ScoreScales, headsShareAKey) {
  Floats result(4);
  scoreScales(Floats{1.0f, 2.0f, 3.0f, 4.0f}, Floats{0.5f, 10.0f}, 0.25f,
              result);
  EXPECT_EQ(result, (Floats{0.125f, 0.25f, 7.5f, 10.0f}));
}

TEST(ScoreScales, areFinite) {
  Floats result(1);
  scoreScales(Floats{FLT_MAX}, Floats{FLT_MAX}, 1.0f, result);
  EXPECT_EQ(result[0], 0x1p+64f);
}

/// Two heads of the query, one of the key: the larger column of the query
/// counts.
TEST(ScoreSmoothingFactors, columnsGetOneRange) {
  Floats queryLow = {-1.0f, 0.0f, -4.0f, -2.0f},
         queryHigh = {0.0f, 1.0f, 1.0f, 8.0f}, keyLow = {-16.0f, 0.0f},
         keyHigh = {1.0f, 2.0f}, query(4), key(2);
  scoreSmoothingFactors({queryLow, queryHigh}, {keyLow, keyHigh}, 1, query,
                        key);
  EXPECT_EQ(key, (Floats{0.5f, 2.0f}));
  EXPECT_EQ(query, (Floats{2.0f, 0.5f, 2.0f, 0.5f}));
}

TEST(ScoreSmoothingFactors, headsOfTheKeyAreApart) {
  Floats queryHigh = {4.0f, 1.0f, 9.0f, 1.0f}, keyHigh = {1.0f, 4.0f}, low(4),
         query(4), key(2);
  scoreSmoothingFactors({low, queryHigh}, {low, keyHigh}, 2, query, key);
  EXPECT_EQ(key, (Floats{2.0f, 1.5f}));
  EXPECT_EQ(query, (Floats{0.5f, 0.5f, 1.0f / 1.5f, 1.0f / 1.5f}));
}

TEST(ScoreSmoothingFactors, zerosAreLeftAlone) {
  Floats low(2), queryHigh = {0.0f, 4.0f}, keyHigh = {4.0f, kInf}, query(2),
                 key(2);
  scoreSmoothingFactors({low, queryHigh}, {low, keyHigh}, 1, query, key);
  EXPECT_EQ(key, Floats(2, 1.0f));
  EXPECT_EQ(query, Floats(2, 1.0f));
}

//===----------------------------------------------------------------------===//
// Smoothing
//===----------------------------------------------------------------------===//

struct Factors {
  Factors(const Floats &weight, int64_t n, const Floats &low,
          const Floats &high, float alpha)
      : factors(low.size(), kNaN), inverses(low.size(), kNaN) {
    smoothingFactors(weight.data(), n, {low, high}, alpha, factors.data(),
                     inverses.data());
  }
  Floats factors, inverses;
};

TEST(SmoothingFactors, balanceInputAndWeight) {
  // Largest of the columns: 4, 1.
  Factors half({1.0f, -1.0f, -4.0f, 0.5f}, 2, {-14.0f, 0.0f}, {2.0f, 9.0f},
               0.5f);
  EXPECT_EQ(half.factors, (Floats{2.0f, 3.0f})); // sqrt(16/4), sqrt(9/1)
  EXPECT_EQ(half.inverses, (Floats{0.5f, 1.0f / 3.0f}));
}

TEST(SmoothingFactors, alphaSaysHowMuchMoves) {
  const Floats weight = {4.0f}, low = {-15.0f}, high = {1.0f};
  EXPECT_EQ(Factors(weight, 1, low, high, 0.0f).factors, Floats{0.25f});
  EXPECT_EQ(Factors(weight, 1, low, high, 1.0f).factors, Floats{16.0f});
  EXPECT_NEAR(Factors(weight, 1, low, high, 0.75f).factors[0],
              8.0 / std::sqrt(2.0), 1e-6);
}

TEST(SmoothingFactors, zerosAreLeftAlone) {
  Factors f({1.0f, 0.0f, 0.0f}, 1, {0.0f, -5.0f, 0.0f}, {0.0f, 5.0f, 0.0f},
            0.8f);
  EXPECT_EQ(f.factors, (Floats{1.0f, 1.0f, 1.0f}));
  EXPECT_EQ(f.inverses, (Floats{1.0f, 1.0f, 1.0f}));
}

TEST(SmoothingFactors, nonFiniteWeightsAreLeftOut) {
  Factors f({kNaN, kInf, 4.0f, -kInf, kNaN, kNaN}, 3, {-16.0f, -2.0f},
            {0.0f, 2.0f}, 0.5f);
  EXPECT_EQ(f.factors, (Floats{2.0f, 1.0f}));
}

TEST(SmoothingFactors, nonFiniteRangesAreLeftAlone) {
  Factors f({1.0f, 1.0f, 1.0f}, 1, {kNaN, -kInf, -1.0f}, {kNaN, 1.0f, kInf},
            0.5f);
  EXPECT_EQ(f.factors, (Floats{1.0f, 1.0f, 1.0f}));
}

TEST(SmoothingFactors, farQuotientsAreLeftAlone) {
  // 2^64 is the last that counts.
  EXPECT_EQ(Factors({0x1p-64f}, 1, {-0x1p+64f}, {0.0f}, 0.5f).factors,
            Floats{0x1p+64f});
  EXPECT_EQ(Factors({0x1p-66f}, 1, {-0x1p+64f}, {0.0f}, 0.5f).factors,
            Floats{1.0f});
  EXPECT_EQ(Factors({0x1p+66f}, 1, {-0x1p-64f}, {0.0f}, 0.5f).factors,
            Floats{1.0f});
  for (float input : {FLT_TRUE_MIN, FLT_MIN, 1.0f, FLT_MAX})
    for (float weight : {FLT_TRUE_MIN, FLT_MIN, 1.0f, FLT_MAX}) {
      Factors f({weight}, 1, {-input}, {input}, 0.8f);
      EXPECT_TRUE(std::isnormal(f.factors[0])) << input << " " << weight;
      EXPECT_TRUE(std::isnormal(f.inverses[0])) << input << " " << weight;
    }
}

TEST(SmoothingFactors, weightWithoutRows) {
  EXPECT_EQ(Factors({}, 0, {-1.0f}, {1.0f}, 0.8f).factors, Floats{1.0f});
}

//===----------------------------------------------------------------------===//
// Zero points
//===----------------------------------------------------------------------===//

TEST(ZeroPointSums, byHand) {
  const int8_t weight[] = {1, -2, 3, 127, 127, 127, -127, 0, 0};
  int32_t sums[3];
  zeroPointSums(weight, 3, 3, Ints{10}, sums);
  EXPECT_EQ(sums[0], -20);
  EXPECT_EQ(sums[1], -3810);
  EXPECT_EQ(sums[2], 1270);
  zeroPointSums(weight, 3, 3, Ints{0}, sums);
  EXPECT_EQ(sums[1], 0);
  zeroPointSums(weight, 3, 3, Ints{1, 10, 100}, sums);
  EXPECT_EQ(sums[0], -281);
  EXPECT_EQ(sums[1], -14097);
  EXPECT_EQ(sums[2], 127);
}

TEST(ZeroPointSums, withoutInputsNothingIsTaken) {
  int32_t sums[2] = {7, 7};
  zeroPointSums(nullptr, 2, 0, Ints{255}, sums);
  EXPECT_EQ(sums[0], 0);
  EXPECT_EQ(sums[1], 0);
}

TEST(ZeroPointSums, longestRowFits) {
  for (int8_t w : {int8_t(127), int8_t(-127)}) {
    std::vector<int8_t> weight(kMaxStaticK, w);
    int32_t sum;
    zeroPointSums(weight.data(), 1, kMaxStaticK, Ints{255}, &sum);
    EXPECT_EQ(int64_t(sum), -255 * int64_t(w) * kMaxStaticK);
  }
}

//===----------------------------------------------------------------------===//
// Biases
//===----------------------------------------------------------------------===//

TEST(CorrectBias, byHand) {
  const float weight[] = {1.0f, 2.25f, -0.5f, 4.0f};
  const int8_t values[] = {2, 4, -1, 7};
  const float scales[] = {0.5f, 0.5f}; // errors: 0, 0.25, 0, 0.5
  const float bias[] = {10.0f, -1.0f};
  float result[2];
  correctBias(weight, values, scales, Floats{3.0f, 8.0f}, 2, bias, result);
  EXPECT_EQ(result[0], 12.0f);
  EXPECT_EQ(result[1], 3.0f);
  correctBias(weight, values, scales, Floats{3.0f, 8.0f}, 2, nullptr, result);
  EXPECT_EQ(result[0], 2.0f);
  EXPECT_EQ(result[1], 4.0f);
}

TEST(CorrectBias, meansOfZeroChangeNothing) {
  const float weight[] = {1.3f, -2.7f}, scale = 0.1f, bias = 0.25f;
  const int8_t values[] = {13, -20};
  float result;
  correctBias(weight, values, &scale, Floats{0.0f, 0.0f}, 1, &bias, &result);
  EXPECT_EQ(result, bias);
  correctBias(nullptr, nullptr, &scale, {}, 1, &bias, &result);
  EXPECT_EQ(result, bias);
}

TEST(CorrectBias, outputsKeepTheirMean) {
  constexpr int64_t k = 200;
  Floats weight(k), mean(k);
  for (int64_t i = 0; i < k; ++i) {
    weight[i] = std::sin(static_cast<float>(i));
    mean[i] = std::cos(static_cast<float>(3 * i)) + 1.0f;
  }
  std::vector<int8_t> values(k);
  float scale, bias = 0.5f, corrected;
  quantizeWeights(weight.data(), 1, k, values.data(), &scale);
  correctBias(weight.data(), values.data(), &scale, mean, 1, &bias, &corrected);
  double exact = bias, quantized = corrected;
  for (int64_t i = 0; i < k; ++i) {
    exact += double(weight[i]) * mean[i];
    quantized += double(values[i]) * scale * mean[i];
  }
  EXPECT_NE(corrected, bias);
  EXPECT_NEAR(quantized, exact, 1e-6);
}

/// Bad numbers show.
TEST(CorrectBias, nonFiniteWeightsGiveNothingFinite) {
  const float scale = 1.0f, bias = 0.0f;
  const int8_t values[] = {1};
  for (float bad : {kNaN, kInf, -kInf}) {
    float result;
    correctBias(&bad, values, &scale, Floats{1.0f}, 1, &bias, &result);
    EXPECT_FALSE(std::isfinite(result));
  }
}

} // namespace
