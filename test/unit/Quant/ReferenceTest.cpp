//===- ReferenceTest.cpp - Scalar kernels against double precision --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Reference.h"
#include "tq/Quant/Math.h"
#include "tq/Quant/Pack.h"
#include "tq/Quant/Quantize.h"
#include "tq/Quant/Smoothing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace tq::quant;

namespace {

std::vector<float> randomFloats(size_t count, unsigned seed,
                                float scale = 1.0f) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(count);
  for (float &v : values)
    v = normal(engine);
  return values;
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

struct PackCase {
  int64_t n, k;
  PanelLayout layout;
};

const PackCase kPackCases[] = {
    {64, 4, {64, 4}},  {1, 1, {64, 4}},   {65, 5, {64, 4}},  {63, 7, {64, 4}},
    {130, 9, {32, 4}}, {17, 33, {16, 1}}, {48, 80, {64, 1}}, {5, 3, {3, 2}},
};

template <typename T>
void expectPackingRoundTrip(const PackCase &c) {
  std::vector<T> w(c.n * c.k), back(c.n * c.k);
  for (size_t i = 0; i < w.size(); ++i)
    w[i] = static_cast<T>(static_cast<int>(i % 251) - 125);
  std::vector<T> packed(c.layout.elements(c.n, c.k), T(77));
  packWeights(w.data(), c.n, c.k, c.layout, packed.data());
  unpackWeights(packed.data(), c.n, c.k, c.layout, back.data());
  EXPECT_EQ(w, back);
  double sum = 0, packedSum = 0;
  for (T v : w)
    sum += v;
  for (T v : packed)
    packedSum += v;
  EXPECT_EQ(sum, packedSum) << "padding is not zero";
}

TEST(Pack, roundTripWithTails) {
  for (const PackCase &c : kPackCases) {
    expectPackingRoundTrip<int8_t>(c);
    expectPackingRoundTrip<float>(c);
  }
}

TEST(Pack, orderIsPanelGroupChannelK) {
  PanelLayout layout{2, 2};
  const int8_t w[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; // [3, 3]
  std::vector<int8_t> packed(layout.elements(3, 3));
  packWeights(w, 3, 3, layout, packed.data());
  EXPECT_EQ(packed, (std::vector<int8_t>{1, 2, 4, 5, 3, 0, 6, 0, //
                                         7, 8, 0, 0, 9, 0, 0, 0}));
}

TEST(Pack, columnSumsAreSumsOfChannels) {
  const int8_t w[] = {1, -2, 3, 127, 127, 127};
  int32_t sums[2];
  columnSums(w, 2, 3, sums);
  EXPECT_EQ(sums[0], 2);
  EXPECT_EQ(sums[1], 381);
}

//===----------------------------------------------------------------------===//
// Linear
//===----------------------------------------------------------------------===//

struct Shape {
  int64_t m, n, k;
};

class LinearShapes : public testing::TestWithParam<Shape> {};

/// y of the quantized linear from its definition, (q - z) * s * w * s_w, in
/// double.
double definedQuantized(const QuantizedRows &x, const QuantizedWeight &w,
                        int64_t m, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < w.k; ++i)
    sum += (x.values[m * w.k + i] - x.zeroPoints[m]) *
           static_cast<double>(w.values[n * w.k + i]);
  return sum * x.scales[m] * w.scales[n];
}

struct QuantizedData {
  std::vector<uint8_t> x;
  std::vector<float> xScales;
  std::vector<int32_t> zeroPoints;
  std::vector<int8_t> w;
  std::vector<float> wScales;
  std::vector<int32_t> sums;

  explicit QuantizedData(Shape s)
      : x(s.m * s.k), xScales(s.m), zeroPoints(s.m), w(s.n * s.k), wScales(s.n),
        sums(s.n) {
    quantizeRowsU8(randomFloats(x.size(), 1).data(), s.m, s.k, x.data(),
                   xScales.data(), zeroPoints.data());
    quantizeWeights(randomFloats(w.size(), 2, 0.05f).data(), s.n, s.k, w.data(),
                    wScales.data());
    columnSums(w.data(), s.n, s.k, sums.data());
  }
  QuantizedRows rows(int64_t m) const {
    return {x.data(), xScales.data(), zeroPoints.data(), m};
  }
  QuantizedWeight weight(int64_t n, int64_t k) const {
    return {w.data(), wScales.data(), sums.data(), n, k};
  }
};

TEST_P(LinearShapes, quantizedMatchesItsDefinition) {
  Shape s = GetParam();
  QuantizedData data(s);
  std::vector<float> bias = randomFloats(s.n, 3);
  std::vector<float> residual = randomFloats(s.m * s.n, 4);
  std::vector<float> y(s.m * s.n), plain(s.m * s.n);
  QuantizedRows rows = data.rows(s.m);
  QuantizedWeight weight = data.weight(s.n, s.k);
  quantizedLinear(rows, weight, {}, plain.data());
  quantizedLinear(rows, weight,
                  {bias.data(), Activation::Gelu, residual.data()}, y.data());
  for (int64_t i = 0; i < s.m * s.n; ++i) {
    double exact = definedQuantized(rows, weight, i / s.n, i % s.n);
    EXPECT_NEAR(plain[i], exact, 1e-6 * (1 + std::fabs(exact)));
    double v = exact + bias[i % s.n];
    double gelu = 0.5 * v * std::erfc(-v * M_SQRT1_2);
    EXPECT_NEAR(y[i], gelu + residual[i], 2e-6 * (1 + std::fabs(v)));
  }
}

TEST_P(LinearShapes, floatMatchesDouble) {
  Shape s = GetParam();
  std::vector<float> x = randomFloats(s.m * s.k, 1);
  std::vector<float> w = randomFloats(s.n * s.k, 2, 0.05f);
  std::vector<float> bias = randomFloats(s.n, 3);
  std::vector<float> y(s.m * s.n);
  floatLinear(x.data(), w.data(), s.m, s.n, s.k, {bias.data()}, y.data());
  for (int64_t i = 0; i < s.m * s.n; ++i) {
    double sum = bias[i % s.n];
    for (int64_t j = 0; j < s.k; ++j)
      sum += static_cast<double>(x[i / s.n * s.k + j]) * w[i % s.n * s.k + j];
    EXPECT_NEAR(y[i], sum, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Tails, LinearShapes,
                         testing::Values(Shape{1, 1, 1}, Shape{3, 65, 7},
                                         Shape{5, 17, 130}, Shape{2, 9, 768}));

/// With an integer result below 2^24 nothing is rounded, whatever the zero
/// point.
TEST(Linear, zeroPointIsExact) {
  for (int32_t zeroPoint : {0, 1, 127, 128, 200, 255}) {
    const uint8_t x[] = {0, 255, 17, 128, 3};
    const int8_t w[] = {-127, 127, 5, -1, 90};
    const float one = 1.0f;
    int32_t sum, exact = 0;
    columnSums(w, 1, 5, &sum);
    for (int i = 0; i < 5; ++i)
      exact += (x[i] - zeroPoint) * w[i];
    float y;
    quantizedLinear({x, &one, &zeroPoint, 1}, {w, &one, &sum, 1, 5}, {}, &y);
    EXPECT_EQ(y, static_cast<float>(exact));
  }
}

/// The longest row of extremes still fits into s32.
TEST(Linear, longestRowDoesNotOverflow) {
  std::vector<uint8_t> x(kMaxQuantizedK, 0);
  std::vector<int8_t> w(kMaxQuantizedK, 127);
  const float one = 1.0f;
  const int32_t zeroPoint = 128;
  int32_t sum;
  columnSums(w.data(), 1, kMaxQuantizedK, &sum);
  float y;
  quantizedLinear({x.data(), &one, &zeroPoint, 1},
                  {w.data(), &one, &sum, 1, kMaxQuantizedK}, {}, &y);
  EXPECT_EQ(y, static_cast<float>(-128.0 * 127.0 * kMaxQuantizedK));
}

TEST(Linear, rowsThatAreNotFiniteGiveNothingFinite) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  float inf = std::numeric_limits<float>::infinity();
  for (float bad : {nan, -nan, inf, -inf}) {
    const float x[] = {1.0f, bad, -2.0f};
    const int8_t w[] = {1, 0, 3};
    const float one = 1.0f;
    int32_t sum;
    columnSums(w, 1, 3, &sum);
    uint8_t q[3];
    QuantParams params = quantizeRowU8(x, q);
    float y;
    quantizedLinear({q, &params.scale, &params.zeroPoint, 1},
                    {w, &one, &sum, 1, 3}, {}, &y);
    EXPECT_FALSE(std::isfinite(y));
  }
}

/// Rows with one scale and one zero point, from the definition in double.
TEST_P(LinearShapes, staticMatchesItsDefinition) {
  Shape s = GetParam();
  QuantizedData data(s);
  const QuantParams params = {0.03f, 117};
  std::vector<float> bias = randomFloats(s.n, 3), scales(s.n);
  std::vector<float> residual = randomFloats(s.m * s.n, 4);
  std::vector<int32_t> starts(s.n);
  zeroPointSums(data.w.data(), s.n, s.k, {&params.zeroPoint, 1}, starts.data());
  for (int64_t n = 0; n < s.n; ++n)
    scales[n] = data.wScales[n] * params.scale;
  StaticWeight weight = {data.w.data(), starts.data(), scales.data(), s.n, s.k};
  std::vector<float> y(s.m * s.n), plain(s.m * s.n);
  staticLinear(data.x.data(), s.m, weight, {}, plain.data());
  staticLinear(data.x.data(), s.m, weight,
               {bias.data(), Activation::Relu, residual.data()}, y.data());
  for (int64_t i = 0; i < s.m * s.n; ++i) {
    int64_t m = i / s.n, n = i % s.n;
    double sum = 0;
    for (int64_t j = 0; j < s.k; ++j)
      sum += static_cast<double>(data.x[m * s.k + j] - params.zeroPoint) *
             data.w[n * s.k + j];
    double exact = sum * data.wScales[n] * params.scale;
    EXPECT_NEAR(plain[i], exact, 1e-6 * (1 + std::fabs(exact)));
    EXPECT_NEAR(y[i], std::max(0.0, exact + bias[n]) + residual[i],
                2e-6 * (1 + std::fabs(exact)));
  }
}

/// One fma, whose product is not rounded.
TEST(Linear, staticRoundsOnce) {
  const uint8_t x = 255;
  const int8_t w = 127;
  const int32_t start = -1;
  const float scale = 1.0f + 0x1p-23f, bias = -32384.0f;
  float y;
  staticLinear(&x, 1, {&w, &start, &scale, 1, 1}, {&bias}, &y);
  EXPECT_EQ(y, 32384 * 0x1p-23f);
  staticLinear(&x, 1, {&w, &start, &scale, 1, 1}, {}, &y);
  EXPECT_EQ(y, 32384.0f * scale);
}

/// Sums may wrap on the way, as the result fits.
TEST(Linear, longestStaticRowDoesNotOverflow) {
  for (int8_t w : {int8_t(127), int8_t(-127)})
    for (int32_t zeroPoint : {0, 255}) {
      std::vector<int8_t> weight(kMaxStaticK, w);
      std::vector<uint8_t> x(kMaxStaticK, uint8_t(255 - zeroPoint));
      const float one = 1.0f;
      int32_t start;
      zeroPointSums(weight.data(), 1, kMaxStaticK, {&zeroPoint, 1}, &start);
      float y;
      staticLinear(x.data(), 1, {weight.data(), &start, &one, 1, kMaxStaticK},
                   {}, &y);
      int64_t exact = int64_t(255 - 2 * zeroPoint) * w * kMaxStaticK;
      EXPECT_EQ(y, static_cast<float>(exact));
    }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

TEST(RowSum, agreesWithANaiveSumForEveryLength) {
  for (size_t count = 0; count <= 200; ++count) {
    std::vector<float> x = randomFloats(count, static_cast<unsigned>(count));
    double sum = 0, squares = 0;
    for (float v : x) {
      sum += v;
      squares += static_cast<double>(v) * v;
    }
    EXPECT_NEAR(rowSum(x), sum, 1e-5);
    EXPECT_NEAR(rowSumOfSquares(x), squares, 1e-5 * (1 + squares));
  }
}

/// 1 + 2^-24 rounds to 1, 2^-24 + 2^-24 + 1 does not: lanes i and i + 32 meet
/// first.
TEST(RowSum, followsTheCanonicalTree) {
  std::vector<float> x(64, 0.0f);
  x[0] = 1.0f, x[1] = 0x1p-24f, x[33] = 0x1p-24f;
  EXPECT_EQ(rowSum(x), 1.0f + 0x1p-23f);
  x[33] = 0.0f, x[2] = 0x1p-24f;
  EXPECT_EQ(rowSum(x), 1.0f);
  std::vector<float> longer(129,
                            0.0f); // lane 0 takes elements 0, 64, 128 in order
  longer[0] = 0x1p-24f, longer[64] = 0x1p-24f, longer[128] = 1.0f;
  EXPECT_EQ(rowSum(longer), 1.0f + 0x1p-23f);
  longer[0] = 1.0f, longer[128] = 0x1p-24f;
  EXPECT_EQ(rowSum(longer), 1.0f);
}

TEST(LayerNorm, matchesDouble) {
  for (size_t count : {1u, 7u, 48u, 64u, 384u, 769u}) {
    std::vector<float> x = randomFloats(count, 1),
                       gamma = randomFloats(count, 2),
                       beta = randomFloats(count, 3), y(count), r(count);
    layerNorm(x, gamma.data(), beta.data(), 1e-12f, y.data());
    rmsNorm(x, gamma.data(), 1e-6f, r.data());
    double mean = std::accumulate(x.begin(), x.end(), 0.0) / count;
    double variance = 0, square = 0;
    for (float v : x) {
      variance += (v - mean) * (v - mean) / count;
      square += static_cast<double>(v) * v / count;
    }
    for (size_t i = 0; i < count; ++i) {
      double expected =
          (x[i] - mean) / std::sqrt(variance + 1e-12) * gamma[i] + beta[i];
      EXPECT_NEAR(y[i], expected, 3e-6);
      EXPECT_NEAR(r[i], x[i] / std::sqrt(square + 1e-6) * gamma[i], 3e-6);
    }
  }
}

TEST(Softmax, matchesDoubleAndSumsToOne) {
  for (size_t count : {1u, 5u, 64u, 131u}) {
    std::vector<float> x = randomFloats(count, 4, 5.0f), y(count);
    softmax(x, y.data());
    double sum = 0, total = 0;
    for (float v : x)
      sum += std::exp(static_cast<double>(v));
    for (size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(y[i], std::exp(static_cast<double>(x[i])) / sum, 1e-6);
      total += y[i];
    }
    EXPECT_NEAR(total, 1.0, 1e-6);
  }
}

TEST(Softmax, hugeDifferencesGiveExactZeros) {
  const float x[] = {0.0f, -1000.0f, -1e30f};
  float y[3];
  softmax(x, y);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[2], 0.0f);
}

TEST(L2Normalize, hasLengthOneAndKeepsZero) {
  std::vector<float> x = randomFloats(384, 5), y(384);
  l2Normalize(x, y.data());
  EXPECT_NEAR(rowSumOfSquares(y), 1.0f, 1e-6f);
  EXPECT_NEAR(y[7] * std::sqrt(rowSumOfSquares(x)), x[7], 1e-6f);
  std::vector<float> zero(3, 0.0f);
  l2Normalize(zero, y.data());
  EXPECT_EQ(y[0], 0.0f);
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// A quarter turn of each pair, then angles of each column's own.
TEST(RotaryEmbedding, byHand) {
  const float x[] = {1, 2, 3, 4}, zeros[] = {0, 0, 0, 0}, ones[] = {1, 1, 1, 1};
  float y[4];
  rotaryEmbedding(x, zeros, ones, /*interleaved=*/false, y);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{-3, -4, 1, 2}));
  rotaryEmbedding(x, zeros, ones, /*interleaved=*/true, y);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{-2, 1, -4, 3}));
  const float cos[] = {1, 2, 3, 4}, sin[] = {10, 20, 30, 40};
  rotaryEmbedding(x, cos, sin, /*interleaved=*/false, y);
  EXPECT_EQ(std::vector<float>(y, y + 4),
            (std::vector<float>{1 - 30, 4 - 80, 9 + 30, 16 + 80}));
}

struct AttentionCase {
  AttentionShape shape;
  bool masked;
};

bool isVisible(const AttentionCase &c, const std::vector<int64_t> &mask,
               int64_t b, int64_t i, int64_t j) {
  const AttentionShape &s = c.shape;
  int64_t place = i + s.keys - s.queries;
  return (!c.masked || mask[b * s.keys + j]) && (!s.causal || j <= place) &&
         (s.window == 0 || std::abs(j - place) < s.window);
}

/// One output value of attention, in double.
double definedAttention(const AttentionCase &c, const std::vector<float> &q,
                        const std::vector<float> &k,
                        const std::vector<float> &v,
                        const std::vector<int64_t> &mask, int64_t b, int64_t i,
                        int64_t h, int64_t d) {
  const AttentionShape &s = c.shape;
  int64_t kv = h / (s.heads / s.kvHeads);
  double sum = 0, total = 0;
  for (int64_t j = 0; j < s.keys; ++j) {
    if (!isVisible(c, mask, b, i, j))
      continue;
    double score = 0;
    const float *row = &k[((b * s.keys + j) * s.kvHeads + kv) * s.dim];
    for (int64_t e = 0; e < s.dim; ++e)
      score += static_cast<double>(
                   q[((b * s.queries + i) * s.heads + h) * s.dim + e]) *
               row[e];
    double p = std::exp(score * 0.3);
    sum += p;
    total += p * v[((b * s.keys + j) * s.kvHeads + kv) * s.dim + d];
  }
  return sum == 0 ? 0 : total / sum;
}

const AttentionCase kAttentionCases[] = {
    {{2, 5, 5, 3, 3, 7}, true},
    {{1, 1, 1, 1, 1, 1}, false},
    {{2, 4, 9, 4, 2, 8, /*causal=*/true}, true},
    {{1, 7, 3, 2, 1, 5, /*causal=*/true}, false},
    {{3, 2, 70, 2, 2, 12}, true},
    {{2, 9, 9, 2, 2, 8, /*causal=*/true, /*window=*/3}, true},
    {{1, 7, 12, 2, 1, 5, /*causal=*/false, /*window=*/4}, true},
    {{1, 9, 4, 1, 1, 6, /*causal=*/false, /*window=*/1}, false},
};

struct AttentionOperands {
  std::vector<float> q, k, v;
  std::vector<int64_t> mask;
};

/// Every third key is masked.
AttentionOperands makeOperands(const AttentionShape &s) {
  AttentionOperands result{
      randomFloats(s.batch * s.queries * s.heads * s.dim, 1),
      randomFloats(s.batch * s.keys * s.kvHeads * s.dim, 2),
      randomFloats(s.batch * s.keys * s.kvHeads * s.dim, 3),
      std::vector<int64_t>(s.batch * s.keys, 1)};
  for (size_t i = 0; i < result.mask.size(); i += 3)
    result.mask[i] = 0;
  return result;
}

TEST(Attention, matchesDouble) {
  for (const AttentionCase &c : kAttentionCases) {
    const AttentionShape &s = c.shape;
    auto [q, k, v, mask] = makeOperands(s);
    std::vector<float> out(q.size());
    attention(q.data(), k.data(), v.data(), c.masked ? mask.data() : nullptr, s,
              0.3f, out.data());
    size_t at = 0;
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t i = 0; i < s.queries; ++i)
        for (int64_t h = 0; h < s.heads; ++h)
          for (int64_t d = 0; d < s.dim; ++d)
            EXPECT_NEAR(out[at++],
                        definedAttention(c, q, k, v, mask, b, i, h, d), 3e-6);
  }
}

/// Padding at the end, three of eight tokens of 12 numbers, changes no bit of
/// what `compute` gives for the tokens before it.
void expectPaddingChangesNothing(decltype(attention) compute,
                                 const std::vector<float> &q,
                                 const std::vector<float> &k,
                                 const std::vector<float> &v) {
  AttentionShape alone{1, 5, 5, 2, 2, 6}, padded{1, 8, 8, 2, 2, 6};
  const int64_t mask[] = {1, 1, 1, 1, 1, 0, 0, 0};
  std::vector<float> a(5 * 12), b(8 * 12);
  compute(q.data(), k.data(), v.data(), nullptr, alone, 0.4f, a.data());
  compute(q.data(), k.data(), v.data(), mask, padded, 0.4f, b.data());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(floatBits(a[i]), floatBits(b[i]));
}

/// The same, whatever stands in the padding: it has no part in any scale.
void expectWildPaddingChangesNothing(decltype(attention) compute) {
  auto k = randomFloats(8 * 12, 2), v = randomFloats(8 * 12, 3);
  std::fill(v.begin() + 5 * 12, v.end(), 1e30f);
  std::fill(k.begin() + 6 * 12, k.end(), std::nanf(""));
  expectPaddingChangesNothing(compute, randomFloats(8 * 12, 1), k, v);
}

void expectZerosForQueryThatSeesNothing(decltype(attention) compute) {
  AttentionShape shape{1, 2, 3, 1, 1, 4};
  auto q = randomFloats(8, 1), k = randomFloats(12, 2), v = randomFloats(12, 3);
  const int64_t mask[] = {0, 0, 0};
  std::vector<float> out(8, 5.0f);
  compute(q.data(), k.data(), v.data(), mask, shape, 1.0f, out.data());
  EXPECT_EQ(out, std::vector<float>(8, 0.0f));
}

TEST(Attention, paddedBatchGivesTheSameBits) {
  expectPaddingChangesNothing(attention, randomFloats(8 * 12, 1),
                              randomFloats(8 * 12, 2), randomFloats(8 * 12, 3));
}

TEST(Attention, queryThatSeesNothingGivesZeros) {
  expectZerosForQueryThatSeesNothing(attention);
}

/// Relative to the largest value: errors of rounding to eight bits.
void expectCloseToDouble(decltype(attention) compute) {
  for (const AttentionCase &c : kAttentionCases) {
    const AttentionShape &s = c.shape;
    auto [q, k, v, mask] = makeOperands(s);
    float largest = 0.0f;
    for (float x : v)
      largest = std::max(largest, std::fabs(x));
    std::vector<float> out(q.size());
    compute(q.data(), k.data(), v.data(), c.masked ? mask.data() : nullptr, s,
            0.3f, out.data());
    size_t at = 0;
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t i = 0; i < s.queries; ++i)
        for (int64_t h = 0; h < s.heads; ++h)
          for (int64_t d = 0; d < s.dim; ++d)
            EXPECT_NEAR(out[at++],
                        definedAttention(c, q, k, v, mask, b, i, h, d),
                        0.02 * largest);
  }
}

TEST(IntegerAttention, isCloseToDouble) {
  expectCloseToDouble(integerAttention);
}

TEST(IntegerAttention, paddedBatchGivesTheSameBits) {
  expectWildPaddingChangesNothing(integerAttention);
}

TEST(IntegerAttention, queryThatSeesNothingGivesZeros) {
  expectZerosForQueryThatSeesNothing(integerAttention);
}

/// Zero rows have scale 1: all keys weigh the same.
TEST(IntegerAttention, zeroQueryGivesTheMean) {
  AttentionShape shape{1, 1, 4, 1, 1, 2};
  const float q[] = {0.0f, -0.0f}, k[] = {1, 2, 0, 0, -3, 4, 5, 6},
              v[] = {127, 0, 1, 0, 2, 0, 2, 0};
  float out[2];
  integerAttention(q, k, v, nullptr, shape, 1.0f, out);
  EXPECT_NEAR(out[0], 33.0f, 1e-5f);
  EXPECT_EQ(out[1], 0.0f);
}

/// NaN and infinity show: in a query in its row, in a key everywhere, in a
/// value in its channel.
TEST(IntegerAttention, whatIsNotFiniteShows) {
  AttentionShape shape{1, 2, 3, 1, 1, 2};
  const float infinity = std::numeric_limits<float>::infinity();
  for (float bad : {std::nanf(""), infinity, -infinity}) {
    std::vector<float> q = {1, 2, 3, 4}, k = {1, 2, 3, 4, 5, 6}, v = k, out(4);
    auto run = [&] {
      integerAttention(q.data(), k.data(), v.data(), nullptr, shape, 1.0f,
                       out.data());
    };
    q[0] = bad;
    run();
    EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1]));
    EXPECT_TRUE(std::isfinite(out[2]) && std::isfinite(out[3]));
    q[0] = 1;
    k[3] = bad;
    run();
    for (float x : out)
      EXPECT_TRUE(std::isnan(x));
    k[3] = 1;
    v[1] = bad;
    run();
    EXPECT_TRUE(std::isfinite(out[0]) && std::isnan(out[1]));
  }
}

/// staticAttention of what is quantized with the range [-3.5, 3.5].
void attendStatically(const float *q, const float *k, const float *v,
                      const int64_t *mask, const AttentionShape &s, float scale,
                      float *out) {
  auto quantize = [&](const float *x, int64_t tokens, int64_t columns) {
    std::vector<int8_t> values(s.batch * tokens * columns);
    const float inverse = 127.0f / 3.5f;
    quantizeRowsS8({x, values.size()}, {&inverse, 1}, values.data());
    return values;
  };
  const float step = 3.5f / 127.0f;
  std::vector<float> scores(s.heads, step * step * scale),
      valueScales(s.kvHeads * s.dim, step);
  staticAttention(quantize(q, s.queries, s.heads * s.dim).data(),
                  quantize(k, s.keys, s.kvHeads * s.dim).data(),
                  quantize(v, s.keys, s.kvHeads * s.dim).data(), mask, s,
                  scores.data(), valueScales.data(), out);
}

TEST(StaticAttention, isCloseToDouble) {
  expectCloseToDouble(attendStatically);
}

TEST(StaticAttention, paddedBatchGivesTheSameBits) {
  expectWildPaddingChangesNothing(attendStatically);
}

TEST(StaticAttention, queryThatSeesNothingGivesZeros) {
  expectZerosForQueryThatSeesNothing(attendStatically);
}

/// One head of two numbers, by hand: exp(-127 * 0.01) * 255 is 71.6.
TEST(StaticAttention, byHand) {
  const int8_t q[] = {1, 0}, k[] = {127, 5, 0, 7}, v[] = {100, -100, 10, 20};
  const float scoreScale = 0.01f, valueScales[] = {1.0f, 0.5f};
  float out[2];
  staticAttention(q, k, v, nullptr, {1, 1, 2, 1, 1, 2}, &scoreScale,
                  valueScales, out);
  EXPECT_FLOAT_EQ(out[0], (255 * 100 + 72 * 10) / 327.0f);
  EXPECT_FLOAT_EQ(out[1], (255 * -100 + 72 * 20) * 0.5f / 327.0f);
}

//===----------------------------------------------------------------------===//
// Pooling, embedding, activations
//===----------------------------------------------------------------------===//

TEST(Pool, meanCountsOnlyWhatTheMaskShows) {
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; // [2, 3, 2]
  const int64_t mask[] = {1, 0, 1, 0, 0, 0};
  float y[4];
  meanPool(x, mask, 2, 3, 2, y);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{3, 4, 0, 0}));
  meanPool(x, nullptr, 2, 3, 2, y);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{3, 4, 9, 10}));
  firstPool(x, 2, 3, 2, y);
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{1, 2, 7, 8}));
}

using Pool = void (*)(const float *, const int64_t *, int64_t, int64_t, int64_t,
                      float *);

/// Pools x [3, 4, 1], of which the last sequence shows nothing.
static std::vector<float> poolThree(Pool pool) {
  const float x[] = {8, 3, 5, 9, 4, 4, 1, 1, 7, 7, 7, 7};
  const int64_t mask[] = {0, 1, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0};
  std::vector<float> y(3, -1.0f);
  pool(x, mask, 3, 4, 1, y.data());
  return y;
}

TEST(Pool, seesOnlyWhatTheMaskShows) {
  using Floats = std::vector<float>;
  float root = std::sqrt(2.0f);
  constexpr float least = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(poolThree(meanPool), (Floats{4, 2.5, 0}));
  EXPECT_EQ(poolThree(meanSqrtLenPool), (Floats{8 / root, 5 / root, 0}));
  EXPECT_EQ(poolThree(weightedMeanPool), (Floats{13 / 3.0f, 7 / 4.0f, 0}));
  EXPECT_EQ(poolThree(maxPool), (Floats{5, 4, least}));
  EXPECT_EQ(poolThree(lastPool), (Floats{5, 1, 0}));
}

TEST(Pool, maxKeepsNaN) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const float x[] = {1, nan, 2, nan, 2, 3}, hidden[] = {nan, 2};
  const int64_t mask[] = {0, 1};
  float y[2];
  maxPool(x, nullptr, 2, 3, 1, y);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));
  maxPool(hidden, mask, 1, 2, 1, y);
  EXPECT_EQ(y[0], 2);
}

TEST(Embedding, looksUpRowsAndReportsTheFirstBadId) {
  const float table[] = {1, 2, 3, 4, 5, 6};
  const int8_t quantized[] = {-127, 3, 0, 127, 1, 1};
  const float scales[] = {0.5f, 2.0f, 1.0f};
  const int64_t ids[] = {2, 0, 1}, high[] = {0, 3}, low[] = {-1, 5};
  float y[6];
  EXPECT_EQ(embedding(ids, table, 3, 2, y), -1);
  EXPECT_EQ(std::vector<float>(y, y + 6),
            (std::vector<float>{5, 6, 1, 2, 3, 4}));
  EXPECT_EQ(embedding(ids, quantized, scales, 3, 2, y), -1);
  EXPECT_EQ(std::vector<float>(y, y + 6),
            (std::vector<float>{1, 1, -63.5f, 1.5f, 0, 254}));
  EXPECT_EQ(embedding(high, table, 3, 2, y), 1);
  EXPECT_EQ(embedding(low, quantized, scales, 3, 2, y), 0);
}

TEST(Activation, isTheFunctionOfItsName) {
  const std::pair<Activation, float> cases[] = {
      {Activation::None, -0.7f},
      {Activation::Relu, relu(-0.7f)},
      {Activation::Gelu, gelu(-0.7f)},
      {Activation::GeluTanh, geluTanh(-0.7f)},
      {Activation::Silu, silu(-0.7f)},
      {Activation::Tanh, tq::quant::tanh(-0.7f)},
      {Activation::Sigmoid, sigmoid(-0.7f)},
      {Activation::QuickGelu, quickGelu(-0.7f)}};
  for (auto [activation, expected] : cases)
    EXPECT_EQ(activate(activation, -0.7f), expected);
}

} // namespace
