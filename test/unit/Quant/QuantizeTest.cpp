//===- QuantizeTest.cpp - Rounding, half floats, quantized rows -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Quantize.h"
#include "tq/Quant/Half.h"
#include "tq/Quant/Rounding.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <limits>
#include <random>
#include <vector>

using namespace tq::quant;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> randomRow(size_t count, unsigned seed, float scale) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.3f * scale, scale);
  std::vector<float> row(count);
  for (float &v : row)
    v = normal(engine);
  return row;
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

TEST(Rounding, tiesGoToEven) {
  const std::pair<float, int32_t> cases[] = {{0.5f, 0},
                                             {1.5f, 2},
                                             {2.5f, 2},
                                             {3.5f, 4},
                                             {-0.5f, 0},
                                             {-1.5f, -2},
                                             {-2.5f, -2},
                                             {0.4999f, 0},
                                             {0.50001f, 1},
                                             {-3.49f, -3},
                                             {254.5f, 254},
                                             {255.5f, 256},
                                             {4194303.0f, 4194303},
                                             {-4194303.0f, -4194303}};
  for (auto [v, expected] : cases)
    EXPECT_EQ(roundHalfEven(v), expected) << v;
}

TEST(Rounding, agreesWithNearbyint) {
  for (int i = -400000; i <= 400000; ++i) {
    float v = static_cast<float>(i) * 0.0625f;
    ASSERT_EQ(roundHalfEven(v), static_cast<int32_t>(std::nearbyint(v))) << v;
  }
}

/// The product is not rounded before it is rounded to an integer.
TEST(Rounding, productIsRoundedOnce) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> values(-300.0f, 300.0f);
  for (int i = 0; i < 100000; ++i) {
    float x = values(engine), y = values(engine);
    double exact = static_cast<double>(x) * y;
    ASSERT_EQ(roundProduct(x, y), static_cast<int32_t>(std::nearbyint(exact)));
  }
}

//===----------------------------------------------------------------------===//
// f16 and bf16
//===----------------------------------------------------------------------===//

TEST(Half, everyHalfSurvivesTheRoundTrip) {
  for (uint32_t h = 0; h < 0x10000u; ++h)
    ASSERT_EQ(floatToHalf(halfToFloat(static_cast<uint16_t>(h))), h);
}

TEST(Half, everyHalfHasItsValue) {
  for (uint32_t h = 0; h < 0x7C00u; ++h) {
    int exponent = static_cast<int>(h >> 10), mantissa = h & 0x3FF;
    double value = exponent == 0 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(halfToFloat(static_cast<uint16_t>(h)), value);
    ASSERT_EQ(halfToFloat(static_cast<uint16_t>(h | 0x8000u)), -value);
  }
  EXPECT_EQ(halfToFloat(0x7C00), kInf);
  EXPECT_EQ(halfToFloat(0xFC00), -kInf);
  EXPECT_TRUE(std::isnan(halfToFloat(0x7E00)));
}

TEST(Half, everyBfloat16SurvivesTheRoundTrip) {
  for (uint32_t b = 0; b < 0x10000u; ++b) {
    float f = bfloat16ToFloat(static_cast<uint16_t>(b));
    if (!std::isnan(f))
      ASSERT_EQ(floatToBfloat16(f), b);
    else
      ASSERT_TRUE(std::isnan(bfloat16ToFloat(floatToBfloat16(f))));
  }
}

TEST(Half, roundsTiesToEven) {
  EXPECT_EQ(floatToHalf(2049.0f), floatToHalf(2048.0f));
  EXPECT_EQ(floatToHalf(2051.0f), floatToHalf(2052.0f));
  EXPECT_EQ(floatToHalf(65519.996f), 0x7BFF);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7C00);
  EXPECT_EQ(floatToHalf(0x1p-25f), 0x0000);
  EXPECT_EQ(floatToHalf(0x1.8p-24f), 0x0002);
  EXPECT_EQ(floatToHalf(1e30f), 0x7C00);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

TEST(QuantizeWeights, errorIsAtMostHalfAStep) {
  for (float magnitude : {1e-30f, 1e-3f, 1.0f, 1e6f, 1e37f}) {
    std::vector<float> w = randomRow(333, 1, magnitude);
    std::vector<int8_t> q(w.size());
    float scale = quantizeWeightRow(w, q.data());
    int largest = 0;
    for (size_t i = 0; i < w.size(); ++i) {
      EXPECT_LE(std::fabs(w[i] - static_cast<float>(q[i]) * scale),
                0.5001f * scale);
      largest = std::max(largest, std::abs(static_cast<int>(q[i])));
    }
    EXPECT_EQ(largest, 127);
  }
}

struct WeightCase {
  const char *name;
  std::vector<float> w;
  float scale;
  std::vector<int> q;
};

const WeightCase kWeightCases[] = {
    {"zero row", {0.0f, -0.0f, 0.0f}, 1.0f, {0, 0, 0}},
    {"empty row", {}, 1.0f, {}},
    {"subnormal range", {1e-39f, -1e-40f}, 1.0f, {0, 0}},
    {"scale below the normal range", {1e-36f, -1e-36f}, 1.0f, {0, 0}},
    {"ties to even",
     {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f},
     1.0f,
     {127, 0, 2, 2, 0, -2}},
    {"never -128", {-127.0f, 126.6f}, 1.0f, {-127, 127}},
    {"NaN is 0", {kNaN, 127.0f}, 1.0f, {0, 127}},
    {"infinity saturates",
     {kInf, -kInf, 127.0f, 3.0f},
     1.0f,
     {127, -127, 127, 3}},
    {"only NaN", {kNaN, kNaN}, 1.0f, {0, 0}},
};

TEST(QuantizeWeights, specialRows) {
  for (const WeightCase &c : kWeightCases) {
    std::vector<int8_t> q(c.w.size());
    EXPECT_EQ(quantizeWeightRow(c.w, q.data()), c.scale) << c.name;
    EXPECT_EQ(std::vector<int>(q.begin(), q.end()), c.q) << c.name;
  }
}

TEST(QuantizeWeights, everyRowHasItsOwnScale) {
  const float w[] = {1.0f, -2.0f, 127.0f, 0.0f, 0.0f, 254.0f};
  int8_t q[6];
  float scales[3];
  quantizeWeights(w, 3, 2, q, scales);
  EXPECT_EQ(scales[0], 2.0f / 127.0f);
  EXPECT_EQ(scales[1], 1.0f);
  EXPECT_EQ(scales[2], 2.0f);
  EXPECT_EQ(q[1], -127);
  EXPECT_EQ(q[5], 127);
}

//===----------------------------------------------------------------------===//
// Dynamic rows
//===----------------------------------------------------------------------===//

TEST(QuantizeRow, errorIsAtMostOneStepAndZeroIsExact) {
  for (float magnitude : {1e-30f, 1e-3f, 1.0f, 1e6f, 1e36f})
    for (size_t count : {1u, 3u, 64u, 333u}) {
      std::vector<float> x = randomRow(count, 5, magnitude);
      x[count / 2] = 0.0f;
      std::vector<uint8_t> q(count);
      QuantParams params = quantizeRowU8(x, q.data());
      EXPECT_EQ(q[count / 2], params.zeroPoint);
      for (size_t i = 0; i < count; ++i) {
        float back = static_cast<float>(q[i] - params.zeroPoint) * params.scale;
        EXPECT_LE(std::fabs(x[i] - back), 1.0001f * params.scale);
      }
    }
}

struct RowCase {
  const char *name;
  std::vector<float> x;
  float scale;
  int32_t zeroPoint;
  std::vector<int> q;
};

const RowCase kRowCases[] = {
    {"zero row", {0.0f, -0.0f}, 1.0f, 0, {0, 0}},
    {"empty row", {}, 1.0f, 0, {}},
    {"subnormal range", {1e-39f, -1e-39f}, 1.0f, 0, {0, 0}},
    {"positive row contains 0", {255.0f, 17.0f}, 1.0f, 0, {255, 17}},
    {"negative row contains 0", {-255.0f, -17.0f}, 1.0f, 255, {0, 238}},
    {"both signs", {-100.0f, 155.0f, 0.0f}, 1.0f, 100, {0, 255, 100}},
    {"ties to even", {255.0f, 0.5f, 1.5f, 2.5f}, 1.0f, 0, {255, 0, 2, 2}},
    {"256 saturates", {-0.5f, 254.5f, 254.5f}, 1.0f, 0, {0, 254, 254}},
    {"256 saturates, zero point rounds up", {-1.5f, 253.5f}, 1.0f, 2, {0, 255}},
};

TEST(QuantizeRow, specialRows) {
  for (const RowCase &c : kRowCases) {
    std::vector<uint8_t> q(c.x.size());
    QuantParams params = quantizeRowU8(c.x, q.data());
    EXPECT_EQ(params.scale, c.scale) << c.name;
    EXPECT_EQ(params.zeroPoint, c.zeroPoint) << c.name;
    EXPECT_EQ(std::vector<int>(q.begin(), q.end()), c.q) << c.name;
  }
}

/// The range comes from integer comparisons: the order of a row must not
/// matter, and nothing but a scale that is not finite may come out of NaN,
/// infinity or overflow.
TEST(QuantizeRow, rowsThatAreNotFiniteHaveNoFiniteScale) {
  const std::vector<float> rows[] = {
      {1.0f, kNaN},    {1.0f, -kNaN}, {kNaN, -3.0f, 2.0f},
      {kInf, 1.0f},    {-kInf, 1.0f}, {kInf, -kInf},
      {-kNaN},         {kInf, kNaN},  {FLT_MAX, -FLT_MAX},
      {-kNaN, -1e30f},
  };
  for (std::vector<float> row : rows) {
    std::vector<uint8_t> q(row.size());
    QuantParams params = quantizeRowU8(row, q.data());
    EXPECT_FALSE(std::isfinite(params.scale));
    EXPECT_GE(params.zeroPoint, 0);
    EXPECT_LE(params.zeroPoint, 255);
  }
}

TEST(QuantizeRow, rangeDoesNotDependOnTheOrder) {
  std::vector<float> x = randomRow(200, 3, 2.0f);
  QuantParams forward = chooseRowU8(x);
  std::reverse(x.begin(), x.end());
  QuantParams backward = chooseRowU8(x);
  EXPECT_EQ(forward.scale, backward.scale);
  EXPECT_EQ(forward.zeroPoint, backward.zeroPoint);
}

TEST(QuantizeRow, rowsAreIndependent) {
  std::vector<float> x = randomRow(5 * 37, 9, 1.0f);
  std::vector<uint8_t> q(x.size()), one(37);
  float scales[5];
  int32_t zeroPoints[5];
  quantizeRowsU8(x.data(), 5, 37, q.data(), scales, zeroPoints);
  for (size_t r = 0; r < 5; ++r) {
    QuantParams params = quantizeRowU8({x.data() + r * 37, 37}, one.data());
    EXPECT_EQ(params.scale, scales[r]);
    EXPECT_EQ(params.zeroPoint, zeroPoints[r]);
    EXPECT_TRUE(std::equal(one.begin(), one.end(), q.begin() + r * 37));
  }
}

//===----------------------------------------------------------------------===//
// Given parameters
//===----------------------------------------------------------------------===//

TEST(QuantizeStatic, valuesFarOutsideTheRangeSaturate) {
  const float x[] = {0.0f,   1e6f, -1e6f, 3e7f, -3e7f, 1e30f,
                     -1e30f, kInf, -kInf, kNaN, 0.5f,  1.5f};
  uint8_t u[12];
  int8_t s[12];
  quantizeU8(x, {1.0f, 10}, u);
  quantizeS8(x, {1.0f, -3}, s);
  const int expectedU[] = {10, 255, 0, 255, 0, 255, 0, 255, 0, 0, 10, 12};
  const int expectedS[] = {-3,   127, -128, 127,  -128, 127,
                           -128, 127, -128, -128, -2,   -2};
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(u[i], expectedU[i]) << x[i];
    EXPECT_EQ(s[i], expectedS[i]) << x[i];
  }
}

TEST(QuantizeStatic, theProductIsRoundedBeforeTheZeroPointIsAdded) {
  EXPECT_EQ(quantizeClamped(0.5f, 1.0f, 10, 0, 255), 10);
  EXPECT_EQ(quantizeClamped(0.5f, 1.0f, 11, 0, 255), 11);
  EXPECT_EQ(quantizeCoarse(0.5f, 1.0f, 11, 0, 255), 12);
  // In f32 the product is 81.5.
  float x = 1.0992073f, inverse = 1.0f / 0.01348720584064722f;
  EXPECT_EQ(quantizeClamped(x, inverse, -128, -128, 127), -46);
  EXPECT_EQ(quantizeCoarse(x, inverse, -128, -128, 127), -47);
  for (float huge : {3e38f, kInf}) {
    EXPECT_EQ(quantizeClamped(huge, 2.0f, -7, -128, 127), 127);
    EXPECT_EQ(quantizeClamped(-huge, 2.0f, 7, -128, 127), -128);
  }
  EXPECT_EQ(quantizeClamped(kNaN, 1.0f, 3, -128, 127), -128);
}

TEST(QuantizeStatic, everyIntegerSurvivesTheRoundTrip) {
  for (QuantParams params : {QuantParams{0.037f, 131}, QuantParams{1e-20f, 0},
                             QuantParams{3e30f, 255}}) {
    uint8_t q[256], again[256];
    float x[256];
    for (int i = 0; i < 256; ++i)
      q[i] = static_cast<uint8_t>(i);
    dequantizeU8(q, params, x);
    quantizeU8(x, params, again);
    EXPECT_TRUE(std::equal(q, q + 256, again));
  }
  int8_t q[256], again[256];
  float x[256];
  for (int i = 0; i < 256; ++i)
    q[i] = static_cast<int8_t>(i - 128);
  dequantizeS8(q, {0.25f, -7}, x);
  quantizeS8(x, {0.25f, -7}, again);
  EXPECT_TRUE(std::equal(q, q + 256, again));
}

} // namespace
