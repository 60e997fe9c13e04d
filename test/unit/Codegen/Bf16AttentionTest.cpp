//===- Bf16AttentionTest.cpp - Attention in bf16 against doubles ----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference computes in double what is exact there, and rounds to bf16 what
// kernels round. Kernels round sums, too, each ISA in its own way: so a weight
// is one of the bf16 between two bounds, mostly one and the same, and how far
// they are apart bounds the error of the outputs.
//
//===----------------------------------------------------------------------===//

#include "KernelProgram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

using namespace tq::test;

namespace {

using Floats = std::vector<float>;

struct Bf16Case {
  int64_t heads, kvHeads, dim;
  bool mask = false, causal = false;
  Values values = Values::Mixed;
  int64_t window = 0;
};

constexpr float kScale = 0.1375f;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Of an f32, relative: half the distance to its neighbour.
constexpr double kFloatError = 0x1p-24;

/// The nearest bf16, half to even.
double toBf16(double x) {
  if (!std::isfinite(x) || x == 0)
    return x;
  int exponent;
  std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(x, 8 - exponent)), exponent - 8);
}

/// One row of attention: the keys of a head that a query sees.
class Row {
public:
  /// The dot product of query and key, and the sum of its terms' magnitudes.
  void addKey(double sum, double magnitude, int64_t dim, bool visible) {
    const double factor = kScale * 1.44269504;
    scores.push_back(visible ? sum * factor : -kInfinity);
    errors.push_back((dim + 4) * 2 * kFloatError * magnitude * factor);
  }

  /// Weights of the keys; none if the row sees nothing.
  void finish() {
    double largest = *std::ranges::max_element(scores);
    if (largest == -kInfinity)
      return;
    double shiftError = 0;
    for (size_t j = 0; j < scores.size(); ++j)
      if (scores[j] != -kInfinity)
        shiftError = std::max(shiftError, errors[j]);
    for (size_t j = 0; j < scores.size(); ++j) {
      double weight = std::exp2(scores[j] - largest);
      // Rounding the difference, and the polynomial.
      double error = errors[j] + shiftError +
                     kFloatError * std::min(largest - scores[j], 256.0) +
                     1.5e-4;
      low.push_back(toBf16(weight * std::exp2(-error)));
      high.push_back(std::min(1.0, toBf16(weight * std::exp2(error))));
      weights.push_back(toBf16(weight));
      // Very small ones may be flushed to 0.
      if (low.back() < 0x1p-120)
        low.back() = 0;
    }
  }

  /// The mean of a value for each key, and how far it may be off.
  void weigh(const std::vector<double> &values, float &mean,
             float &tolerance) const {
    mean = tolerance = 0;
    if (weights.empty()) {
      // A weight of 0 leaves what is not finite so.
      for (double value : values)
        mean += static_cast<float>(0 * value);
      return;
    }
    double sum = 0, total = 0, magnitude = 0;
    for (size_t j = 0; j < weights.size(); ++j) {
      sum += weights[j] * values[j];
      magnitude += weights[j] * std::fabs(values[j]);
      total += weights[j];
    }
    double spread = 0, leastTotal = 0;
    for (size_t j = 0; j < weights.size(); ++j) {
      spread += (high[j] - low[j]) * std::fabs(values[j] - sum / total);
      leastTotal += low[j];
    }
    double rounding = 2 * kFloatError * (double(weights.size()) + 8);
    mean = static_cast<float>(sum / total);
    tolerance = static_cast<float>(spread / leastTotal +
                                   rounding * magnitude / total + 1e-30);
    // Sums may overflow on the way.
    if (magnitude > std::numeric_limits<float>::max() || leastTotal <= 0)
      tolerance = std::numeric_limits<float>::infinity();
    if (std::isnan(mean) || std::isinf(mean))
      tolerance = 0;
  }

private:
  std::vector<double> scores, errors, weights, low, high;
};

struct Operands {
  std::vector<double> query, key, value;
  const std::vector<int64_t> *mask;
  int64_t batch, queries, keys;
};

std::vector<double> rounded(const Floats &values) {
  std::vector<double> result(values.size());
  std::ranges::transform(values, result.begin(), toBf16);
  return result;
}

/// Whether a key so far ahead of the query is one that it may see.
bool isNear(const Bf16Case &c, int64_t ahead) {
  return (!c.causal || ahead <= 0) &&
         (c.window == 0 || std::abs(ahead) < c.window);
}

void attendRow(const Bf16Case &c, const Operands &x, int64_t b, int64_t h,
               int64_t i, float *means, float *tolerances) {
  int64_t width = c.heads * c.dim, kvWidth = c.kvHeads * c.dim;
  int64_t kvColumn = h / (c.heads / c.kvHeads) * c.dim;
  const double *query =
      x.query.data() + (b * x.queries + i) * width + h * c.dim;
  Row row;
  for (int64_t j = 0; j < x.keys; ++j) {
    const double *key = x.key.data() + (b * x.keys + j) * kvWidth + kvColumn;
    double sum = 0, magnitude = 0;
    for (int64_t d = 0; d < c.dim; ++d) {
      sum += query[d] * key[d];
      magnitude += std::fabs(query[d] * key[d]);
    }
    row.addKey(sum, magnitude, c.dim,
               (!x.mask || (*x.mask)[b * x.keys + j]) &&
                   isNear(c, j - (i + x.keys - x.queries)));
  }
  row.finish();
  for (int64_t d = 0; d < c.dim; ++d) {
    auto first = x.value.begin() + b * x.keys * kvWidth + kvColumn + d;
    std::vector<double> channel;
    for (int64_t j = 0; j < x.keys; ++j)
      channel.push_back(first[j * kvWidth]);
    row.weigh(channel, means[d], tolerances[d]);
  }
}

/// Outputs, or how far they may be off.
Floats attend(const Bf16Case &c, const Operands &x, bool wantsTolerances) {
  int64_t width = c.heads * c.dim;
  Floats means(x.query.size()), tolerances(x.query.size());
  for (int64_t b = 0; b < x.batch; ++b)
    for (int64_t h = 0; h < c.heads; ++h)
      for (int64_t i = 0; i < x.queries; ++i) {
        int64_t at = (b * x.queries + i) * width + h * c.dim;
        attendRow(c, x, b, h, i, means.data() + at, tolerances.data() + at);
      }
  return wantsTolerances ? tolerances : means;
}

/// Queries and keys are `s` and `t` positions.
void addAttention(KernelProgram &program, const Bf16Case &c,
                  const std::string &s, const std::string &t) {
  std::string width = std::to_string(c.heads * c.dim),
              kvWidth = std::to_string(c.kvHeads * c.dim);
  std::string qType = KernelProgram::type({"b", s, width}),
              kvType = KernelProgram::type({"b", t, kvWidth});
  // No infinity in a score: sums overflow each in their own order.
  Values others = c.values == Values::Ties ? Values::Ties : Values::Mixed;
  size_t q = program.input({"b", s, width}, others),
         k = program.input({"b", t, kvWidth}, others),
         v = program.input({"b", t, kvWidth}, c.values);
  size_t mask = c.mask ? program.idInput({"b", t}, 2) : 0;
  auto argument = [](size_t at) { return "%a" + std::to_string(at); };
  std::string name = "attention" + std::to_string(q);
  program.line(
      "%" + name + " = tq.attention " + argument(q) + ", " + argument(k) +
      ", " + argument(v) + (c.mask ? " mask(" + argument(mask) + ")" : "") +
      " {num_heads = " + std::to_string(c.heads) +
      " : i64, num_kv_heads = " + std::to_string(c.kvHeads) +
      " : i64, scale = 0.1375 : f32" + (c.causal ? ", causal" : "") +
      (c.window ? ", window = " + std::to_string(c.window) + " : i64" : "") +
      ", precision = #tq.precision<bf16>} : (" + qType + ", " + kvType + ", " +
      kvType + (c.mask ? ", " + KernelProgram::type({"b", t}, "i64") : "") +
      ") -> " + qType);
  auto reference = [=](bool wantsTolerances) {
    return [=](const RunData &data) {
      Operands x{rounded(data.floats[q]), rounded(data.floats[k]),
                 rounded(data.floats[v]), c.mask ? &data.ids[mask] : nullptr,
                 data.sizes.at("b"),      data.sizes.at(s),
                 data.sizes.at(t)};
      return attend(c, x, wantsTolerances);
    };
  };
  program.output(name, {"b", s, width}, reference(false), reference(true));
}

TEST(Bf16Attention, Self) {
  KernelProgram program("bf16 self attention");
  for (const Bf16Case &c : {Bf16Case{2, 2, 32, true},
                            {3, 3, 5},
                            {1, 1, 1, true},
                            {2, 1, 12, true, true},
                            {4, 2, 36, false, true},
                            {2, 1, 32, true, true},
                            {2, 2, 64, true},
                            {2, 2, 80},
                            {1, 1, 128, true},
                            {1, 1, 34, false, false, Values::Ties}})
    addAttention(program, c, "s", "s");
  program.check(selfAttentionSizes());
}

TEST(Bf16Attention, Cross) {
  KernelProgram program("bf16 cross attention");
  addAttention(program, {2, 2, 16, true, false}, "s", "t");
  addAttention(program, {4, 1, 12, true, true}, "s", "t");
  addAttention(program, {2, 1, 64, true, true}, "s", "t");
  program.check(crossAttentionSizes());
}

TEST(Bf16Attention, Window) {
  KernelProgram self("bf16 self attention in a window"),
      cross("bf16 cross attention in a window");
  for (Bf16Case c : {Bf16Case{2, 2, 32, true, true}, {2, 1, 12, false, true}})
    for (int64_t window : {5, 70}) {
      c.window = window;
      addAttention(self, c, "s", "s");
      c.causal = false;
      addAttention(cross, c, "s", "t");
    }
  self.check(selfAttentionSizes());
  cross.check(crossAttentionSizes());
}

TEST(Bf16Attention, SpecialValues) {
  KernelProgram program("bf16 attention of special values");
  for (int64_t dim : {12, 32, 40})
    addAttention(program, {2, 2, dim, true, dim == 32, Values::Special}, "s",
                 "s");
  program.check({{{"b", 3}, {"s", 1}},
                 {{"b", 3}, {"s", 3}},
                 {{"b", 3}, {"s", 20}},
                 {{"b", 2}, {"s", 70}}});
}

} // namespace
