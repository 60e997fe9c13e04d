//===- ReferenceIntegerAttention.cpp - Scalar attention in integers -------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Math.h"
#include "tq/Quant/Reference.h"

#include <algorithm>
#include <cfloat>
#include <limits>
#include <optional>
#include <vector>

namespace tq::quant {

namespace {
/// Integers that share a scale; `stride` apart in memory.
struct Quantized {
  std::vector<int8_t> values;
  float scale = 1.0f;
};

/// One head of one sequence.
struct Head {
  std::vector<Quantized> keys;     ///< [keys]
  std::vector<Quantized> channels; ///< of the values, [dim]
  std::vector<bool> shown;         ///< by the mask
  float poison = 0.0f;             ///< NaN if a key that is shown is not finite
};
} // namespace

/// The bits of the largest magnitude: NaN and infinity are the largest of all,
/// and the order does not matter.
static int32_t largestBits(int32_t largest, float x) {
  return std::max(largest, floatBits(x) & 0x7FFFFFFF);
}

static float scaleOf(int32_t largest) {
  float scale = bitsFloat(largest) / 127.0f;
  return scale < FLT_MIN ? 1.0f : scale;
}

static int8_t quantize(float x, float inverse) {
  return static_cast<int8_t>(clampInt(roundProduct(x, inverse), -127, 127));
}

/// A row of a head, multiplied by `factor` before.
static Quantized quantizeRow(const float *x, int64_t dim, float factor) {
  int32_t largest = 0;
  for (int64_t d = 0; d < dim; ++d)
    largest = largestBits(largest, x[d] * factor);
  Quantized row{std::vector<int8_t>(dim), scaleOf(largest)};
  float inverse = 1.0f / row.scale;
  for (int64_t d = 0; d < dim; ++d)
    row.values[d] = quantize(x[d] * factor, inverse);
  return row;
}

/// A channel of the values: keys that the mask hides have no part in its scale.
static Quantized quantizeChannel(const float *v, int64_t stride,
                                 const std::vector<bool> &shown) {
  int32_t largest = 0;
  for (size_t j = 0; j < shown.size(); ++j)
    if (shown[j])
      largest = largestBits(largest, v[j * stride]);
  Quantized channel{std::vector<int8_t>(shown.size()), scaleOf(largest)};
  float inverse = 1.0f / channel.scale;
  for (size_t j = 0; j < shown.size(); ++j)
    channel.values[j] = quantize(v[j * stride], inverse);
  // An infinite scale would give infinities of any sign.
  channel.scale += channel.scale - channel.scale;
  return channel;
}

static Head prepareHead(const float *k, const float *v, const int64_t *mask,
                        const AttentionShape &shape) {
  Head head;
  int64_t stride = shape.kvHeads * shape.dim;
  for (int64_t j = 0; j < shape.keys; ++j) {
    head.shown.push_back(!mask || mask[j] != 0);
    head.keys.push_back(quantizeRow(k + j * stride, shape.dim, 1.0f));
    float scale = head.keys[j].scale;
    head.poison += head.shown[j] ? scale - scale : 0.0f;
  }
  for (int64_t d = 0; d < shape.dim; ++d)
    head.channels.push_back(quantizeChannel(v + d, stride, head.shown));
  return head;
}

/// Scores of query `place` without its scale; keys that are not visible have
/// the score minus infinity.
static float computeScores(const Quantized &query, const Head &head,
                           const AttentionShape &shape, int64_t place,
                           std::vector<float> &scores) {
  float most = -std::numeric_limits<float>::infinity();
  for (size_t j = 0; j < head.keys.size(); ++j) {
    int32_t dot = 0;
    for (size_t d = 0; d < query.values.size(); ++d)
      dot += query.values[d] * head.keys[j].values[d];
    scores[j] = static_cast<float>(dot) * head.keys[j].scale;
    if (!head.shown[j] || !shape.shows(place, static_cast<int64_t>(j)))
      scores[j] = -std::numeric_limits<float>::infinity();
    most = scores[j] > most ? scores[j] : most;
  }
  return most;
}

static void attendQuery(const Quantized &query, const Head &head,
                        const AttentionShape &shape, int64_t place,
                        float *out) {
  size_t keys = head.keys.size();
  std::vector<float> scores(keys);
  std::vector<int32_t> weights(keys);
  float most = computeScores(query, head, shape, place, scores);
  bool isNone = most == -std::numeric_limits<float>::infinity();
  most = isNone ? 0.0f : most;
  int32_t total = 0;
  for (size_t j = 0; j < keys; ++j) {
    weights[j] = weightU8((scores[j] - most) * query.scale);
    total += weights[j];
  }
  float inverse = isNone ? 0.0f : 1.0f / static_cast<float>(total);
  inverse += (query.scale - query.scale) + head.poison;
  for (size_t d = 0; d < query.values.size(); ++d) {
    int32_t sum = 0;
    for (size_t j = 0; j < keys; ++j)
      sum += weights[j] * head.channels[d].values[j];
    out[d] = static_cast<float>(sum) * head.channels[d].scale * inverse;
  }
}

void integerAttention(const float *q, const float *k, const float *v,
                      const int64_t *mask, const AttentionShape &shape,
                      float scale, float *out) {
  float factor = scale * kLog2E;
  int64_t width = shape.heads * shape.dim, kvWidth = shape.kvHeads * shape.dim;
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads; ++h) {
      int64_t at = b * shape.keys * kvWidth +
                   h / (shape.heads / shape.kvHeads) * shape.dim;
      Head head = prepareHead(k + at, v + at,
                              mask ? mask + b * shape.keys : nullptr, shape);
      for (int64_t i = 0; i < shape.queries; ++i) {
        int64_t row = (b * shape.queries + i) * width + h * shape.dim;
        attendQuery(quantizeRow(q + row, shape.dim, factor), head, shape, i,
                    out + row);
      }
    }
}

//===----------------------------------------------------------------------===//
// With parameters known at compile time
//===----------------------------------------------------------------------===//

namespace {
/// One query of one head: rows of q, k and v, and the scales of the head.
struct StaticQuery {
  const AttentionShape &shape;
  int64_t place; ///< among the queries
  const int8_t *q, *k, *v;
  const int64_t *mask; ///< null: none
  int64_t stride;
  float scoreScale;
  const float *valueScales;
};
} // namespace

/// Of keys that are not visible there is no score.
static std::vector<std::optional<int32_t>>
computeStaticScores(const StaticQuery &query) {
  std::vector<std::optional<int32_t>> scores(query.shape.keys);
  for (int64_t j = 0; j < query.shape.keys; ++j) {
    if ((query.mask && query.mask[j] == 0) ||
        !query.shape.shows(query.place, j))
      continue;
    scores[j] = 0;
    for (int64_t d = 0; d < query.shape.dim; ++d)
      *scores[j] += query.q[d] * query.k[j * query.stride + d];
  }
  return scores;
}

static void attendStaticQuery(const StaticQuery &query, float *out) {
  auto scores = computeStaticScores(query);
  // An empty optional is less than any number.
  std::optional<int32_t> most;
  for (std::optional<int32_t> score : scores)
    most = std::max(most, score);
  float factor = query.scoreScale * kLog2E;
  std::vector<int32_t> weights(query.shape.keys);
  int32_t total = 0;
  for (int64_t j = 0; j < query.shape.keys; ++j) {
    if (scores[j])
      weights[j] = weightU8(static_cast<float>(*scores[j] - *most) * factor);
    total += weights[j];
  }
  float inverse = most ? 1.0f / static_cast<float>(total) : 0.0f;
  for (int64_t d = 0; d < query.shape.dim; ++d) {
    int32_t sum = 0;
    for (int64_t j = 0; j < query.shape.keys; ++j)
      sum += weights[j] * query.v[j * query.stride + d];
    out[d] = static_cast<float>(sum) * query.valueScales[d] * inverse;
  }
}

void staticAttention(const int8_t *q, const int8_t *k, const int8_t *v,
                     const int64_t *mask, const AttentionShape &shape,
                     const float *scoreScales, const float *valueScales,
                     float *out) {
  int64_t width = shape.heads * shape.dim, kvWidth = shape.kvHeads * shape.dim;
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads; ++h) {
      int64_t column = h / (shape.heads / shape.kvHeads) * shape.dim;
      int64_t at = b * shape.keys * kvWidth + column;
      for (int64_t i = 0; i < shape.queries; ++i) {
        int64_t row = (b * shape.queries + i) * width + h * shape.dim;
        attendStaticQuery({shape, i, q + row, k + at, v + at,
                           mask ? mask + b * shape.keys : nullptr, kvWidth,
                           scoreScales[h], valueScales + column},
                          out + row);
      }
    }
}

} // namespace tq::quant
