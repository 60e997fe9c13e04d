//===- Reference.cpp - Scalar kernels that define every result ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Reference.h"
#include "tq/Quant/Math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tq::quant {

//===----------------------------------------------------------------------===//
// Linear
//===----------------------------------------------------------------------===//

float activate(Activation activation, float x) {
  switch (activation) {
  case Activation::None:
    return x;
  case Activation::Relu:
    return relu(x);
  case Activation::Gelu:
    return gelu(x);
  case Activation::GeluTanh:
    return geluTanh(x);
  case Activation::Silu:
    return silu(x);
  case Activation::Tanh:
    return tanh(x);
  case Activation::Sigmoid:
    return sigmoid(x);
  case Activation::QuickGelu:
    return quickGelu(x);
  }
  return x;
}

static float activateCoarse(Activation activation, float x) {
  if (activation == Activation::Gelu)
    return geluCoarse(x);
  return activation == Activation::GeluTanh ? geluTanhCoarse(x)
                                            : activate(activation, x);
}

static float finish(const Epilogue &epilogue, float y, int64_t index) {
  y = epilogue.coarse ? activateCoarse(epilogue.activation, y)
                      : activate(epilogue.activation, y);
  return epilogue.residual ? y + epilogue.residual[index] : y;
}

/// start + sum of x * w; what wraps on the way wraps back.
static int32_t integerDot(int32_t start, const uint8_t *x, const int8_t *w,
                          int64_t k) {
  auto sum = static_cast<uint32_t>(start);
  for (int64_t i = 0; i < k; ++i)
    sum += static_cast<uint32_t>(static_cast<int32_t>(x[i]) * w[i]);
  return static_cast<int32_t>(sum);
}

/// Sum of (x - 128) * w: stays below 2^24 for longer rows than the sum of x * w
/// would, so that less is lost when it becomes a float.
static int32_t centredDot(const uint8_t *x, const QuantizedWeight &w,
                          int64_t n) {
  return integerDot(-128 * w.sums[n], x, w.values + n * w.k, w.k);
}

void quantizedLinear(const QuantizedRows &x, const QuantizedWeight &w,
                     const Epilogue &epilogue, float *y) {
  for (int64_t m = 0; m < x.m; ++m) {
    float zeroPoint = static_cast<float>(x.zeroPoints[m] - 128);
    for (int64_t n = 0; n < w.n; ++n) {
      float acc = static_cast<float>(centredDot(x.values + m * w.k, w, n));
      float t = std::fma(-zeroPoint, static_cast<float>(w.sums[n]), acc);
      float scale = x.scales[m] * w.scales[n];
      float v =
          epilogue.bias ? std::fma(t, scale, epilogue.bias[n]) : t * scale;
      y[m * w.n + n] = finish(epilogue, v, m * w.n + n);
    }
  }
}

void staticLinear(const uint8_t *x, int64_t m, const StaticWeight &w,
                  const Epilogue &epilogue, float *y) {
  for (int64_t row = 0; row < m; ++row)
    for (int64_t n = 0; n < w.n; ++n) {
      auto acc = static_cast<float>(
          integerDot(w.starts[n], x + row * w.k, w.values + n * w.k, w.k));
      float v = epilogue.bias ? std::fma(acc, w.scales[n], epilogue.bias[n])
                              : acc * w.scales[n];
      y[row * w.n + n] = finish(epilogue, v, row * w.n + n);
    }
}

void floatLinear(const float *x, const float *w, int64_t m, int64_t n,
                 int64_t k, const Epilogue &epilogue, float *y) {
  for (int64_t row = 0; row < m; ++row)
    for (int64_t column = 0; column < n; ++column) {
      float acc = 0.0f;
      for (int64_t i = 0; i < k; ++i)
        acc = std::fma(x[row * k + i], w[column * k + i], acc);
      if (epilogue.bias)
        acc = acc + epilogue.bias[column];
      y[row * n + column] = finish(epilogue, acc, row * n + column);
    }
}

//===----------------------------------------------------------------------===//
// Row sums and what is built from them
//===----------------------------------------------------------------------===//

static constexpr size_t kLanes = 64;

/// Runs `add(partial sum, i)` over the row, each lane on its own, and adds the
/// lanes up in a tree of halves.
template <typename Add>
static float lanewiseSum(size_t count, Add add) {
  float lanes[kLanes] = {};
  for (size_t i = 0; i < count; ++i)
    lanes[i % kLanes] = add(lanes[i % kLanes], i);
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t j = 0; j < half; ++j)
      lanes[j] = lanes[j] + lanes[j + half];
  return lanes[0];
}

float rowSum(std::span<const float> x) {
  return lanewiseSum(x.size(), [&](float p, size_t i) { return p + x[i]; });
}

float rowSumOfSquares(std::span<const float> x) {
  return lanewiseSum(
      x.size(), [&](float p, size_t i) { return std::fma(x[i], x[i], p); });
}

float rowSumOfSquaredDeviations(std::span<const float> x, float mean) {
  return lanewiseSum(x.size(), [&](float p, size_t i) {
    float d = x[i] - mean;
    return std::fma(d, d, p);
  });
}

void layerNorm(std::span<const float> x, const float *gamma, const float *beta,
               float eps, float *y) {
  float count = static_cast<float>(x.size());
  float mean = rowSum(x) / count;
  float variance = rowSumOfSquaredDeviations(x, mean) / count;
  float r = 1.0f / std::sqrt(variance + eps);
  for (size_t i = 0; i < x.size(); ++i) {
    float normalized = (x[i] - mean) * r;
    y[i] = std::fma(normalized, gamma[i], beta[i]);
  }
}

void rmsNorm(std::span<const float> x, const float *gamma, float eps,
             float *y) {
  float meanSquare = rowSumOfSquares(x) / static_cast<float>(x.size());
  float r = 1.0f / std::sqrt(meanSquare + eps);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = (x[i] * r) * gamma[i];
}

static float maximum(std::span<const float> x) {
  float m = -std::numeric_limits<float>::infinity();
  for (float v : x)
    m = v > m ? v : m;
  return m;
}

void softmax(std::span<const float> x, float *y) {
  float m = maximum(x);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = exp2Kernel((x[i] - m) * kLog2E);
  float inverse = 1.0f / rowSum({y, x.size()});
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = y[i] * inverse;
}

void l2Normalize(std::span<const float> x, float *y) {
  float norm = limitBelow(1e-12f, std::sqrt(rowSumOfSquares(x)));
  float inverse = 1.0f / norm;
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = x[i] * inverse;
}

void rotaryEmbedding(std::span<const float> x, const float *cos,
                     const float *sin, bool interleaved, float *y) {
  size_t half = x.size() / 2;
  for (size_t pair = 0; pair < half; ++pair) {
    size_t a = interleaved ? 2 * pair : pair;
    size_t b = interleaved ? a + 1 : a + half;
    float first = x[a] * cos[a], second = x[b] * cos[b];
    y[a] = first + -x[b] * sin[a];
    y[b] = second + x[a] * sin[b];
  }
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {
/// One query of one head: `k` and `v` point at the head's first key, rows of
/// both are `stride` apart, and `visible[j]` says whether key j counts.
struct Query {
  const float *q;
  const float *k;
  const float *v;
  int64_t stride;
  int64_t keys;
  int64_t dim;
  float scale;
  const std::vector<bool> &visible;
};
} // namespace

/// Unnormalized probabilities of the visible keys; the others are exactly 0.
static void keyWeights(const Query &query, std::span<float> p) {
  float m = -std::numeric_limits<float>::infinity();
  for (int64_t j = 0; j < query.keys; ++j) {
    float dot = 0.0f;
    for (int64_t d = 0; d < query.dim; ++d)
      dot = std::fma(query.q[d], query.k[j * query.stride + d], dot);
    p[j] = dot * query.scale;
    if (query.visible[j])
      m = p[j] > m ? p[j] : m;
  }
  for (int64_t j = 0; j < query.keys; ++j)
    p[j] = query.visible[j] ? exp2Kernel((p[j] - m) * kLog2E) : 0.0f;
}

static void attendQuery(const Query &query, std::span<float> p, float *out) {
  bool any = std::ranges::find(query.visible, true) != query.visible.end();
  keyWeights(query, p);
  float inverse = 1.0f / rowSum(p);
  for (int64_t d = 0; d < query.dim; ++d) {
    float sum = 0.0f;
    for (int64_t j = 0; j < query.keys; ++j)
      sum = std::fma(p[j], query.v[j * query.stride + d], sum);
    out[d] = any ? sum * inverse : 0.0f;
  }
}

void attention(const float *q, const float *k, const float *v,
               const int64_t *mask, const AttentionShape &shape, float scale,
               float *out) {
  std::vector<bool> visible(shape.keys);
  std::vector<float> p(shape.keys);
  int64_t stride = shape.kvHeads * shape.dim;
  int64_t headsPerKv = shape.heads / shape.kvHeads;
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t i = 0; i < shape.queries; ++i) {
      for (int64_t j = 0; j < shape.keys; ++j)
        visible[j] =
            (!mask || mask[b * shape.keys + j] != 0) && shape.shows(i, j);
      for (int64_t h = 0; h < shape.heads; ++h) {
        int64_t at = ((b * shape.queries + i) * shape.heads + h) * shape.dim;
        int64_t kvAt = b * shape.keys * stride + h / headsPerKv * shape.dim;
        attendQuery({q + at, k + kvAt, v + kvAt, stride, shape.keys, shape.dim,
                     scale, visible},
                    p, out + at);
      }
    }
}

//===----------------------------------------------------------------------===//
// Pooling and embedding
//===----------------------------------------------------------------------===//

/// Calls `step(distance from the first visible position, element of x, element
/// of y)` for all visible positions in their order, where y starts at `start`,
/// and divides each row of y by `divisor(visible positions)`.
template <typename Step, typename Divisor>
static void pool(const float *x, const int64_t *mask, int64_t batch,
                 int64_t positions, int64_t width, float *y, float start,
                 Step step, Divisor divisor) {
  for (int64_t b = 0; b < batch; ++b) {
    float *row = y + b * width;
    std::fill_n(row, width, start);
    std::vector<int64_t> visible;
    for (int64_t s = 0; s < positions; ++s)
      if (!mask || mask[b * positions + s] != 0)
        visible.push_back(s);
    for (int64_t s : visible)
      for (int64_t d = 0; d < width; ++d)
        step(s - visible.front(), x[(b * positions + s) * width + d], row[d]);
    float by = divisor(visible);
    for (int64_t d = 0; d < width; ++d)
      row[d] /= by;
  }
}

using Positions = std::vector<int64_t>;

static float countOf(const Positions &visible) {
  return static_cast<float>(std::max<size_t>(visible.size(), 1));
}

static void addRow(int64_t, float x, float &y) { y += x; }

void meanPool(const float *x, const int64_t *mask, int64_t batch,
              int64_t positions, int64_t width, float *y) {
  pool(x, mask, batch, positions, width, y, 0.0f, addRow, countOf);
}

void meanSqrtLenPool(const float *x, const int64_t *mask, int64_t batch,
                     int64_t positions, int64_t width, float *y) {
  pool(x, mask, batch, positions, width, y, 0.0f, addRow,
       [](const Positions &visible) { return std::sqrt(countOf(visible)); });
}

void weightedMeanPool(const float *x, const int64_t *mask, int64_t batch,
                      int64_t positions, int64_t width, float *y) {
  pool(
      x, mask, batch, positions, width, y, 0.0f,
      [](int64_t distance, float x, float &y) {
        y = std::fma(x, static_cast<float>(distance + 1), y);
      },
      [](const Positions &visible) {
        int64_t sum = 0;
        for (int64_t s : visible)
          sum += s - visible.front() + 1;
        return static_cast<float>(std::max<int64_t>(sum, 1));
      });
}

static float noDivisor(const Positions &) { return 1.0f; }

void maxPool(const float *x, const int64_t *mask, int64_t batch,
             int64_t positions, int64_t width, float *y) {
  pool(
      x, mask, batch, positions, width, y,
      -std::numeric_limits<float>::infinity(),
      [](int64_t, float x, float &y) { y = x > y || std::isnan(x) ? x : y; },
      noDivisor);
}

void lastPool(const float *x, const int64_t *mask, int64_t batch,
              int64_t positions, int64_t width, float *y) {
  pool(
      x, mask, batch, positions, width, y, 0.0f,
      [](int64_t, float x, float &y) { y = x; }, noDivisor);
}

void firstPool(const float *x, int64_t batch, int64_t positions, int64_t width,
               float *y) {
  for (int64_t b = 0; b < batch; ++b)
    std::copy_n(x + b * positions * width, width, y + b * width);
}

/// Calls `row(id, output row)` for every id, up to the first one outside the
/// table.
template <typename Row>
static int64_t gather(std::span<const int64_t> ids, int64_t rows, int64_t width,
                      float *y, Row row) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= rows)
      return static_cast<int64_t>(i);
    row(ids[i], y + static_cast<int64_t>(i) * width);
  }
  return -1;
}

int64_t embedding(std::span<const int64_t> ids, const float *table,
                  int64_t rows, int64_t width, float *y) {
  return gather(ids, rows, width, y, [&](int64_t id, float *out) {
    std::copy_n(table + id * width, width, out);
  });
}

int64_t embedding(std::span<const int64_t> ids, const int8_t *table,
                  const float *scales, int64_t rows, int64_t width, float *y) {
  return gather(ids, rows, width, y, [&](int64_t id, float *out) {
    for (int64_t d = 0; d < width; ++d)
      out[d] = static_cast<float>(table[id * width + d]) * scales[id];
  });
}

} // namespace tq::quant
