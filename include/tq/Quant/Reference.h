//===- Reference.h - Scalar kernels that define every result ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each kernel computes, bit for bit: the order of every sum and where fma
// is used. Generated code is checked against these. All tensors are dense,
// row-major.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_REFERENCE_H
#define TQ_QUANT_REFERENCE_H

#include <cstdint>
#include <span>

namespace tq::quant {

enum class Activation {
  None,
  Relu,
  Gelu,
  GeluTanh,
  Silu,
  Tanh,
  Sigmoid,
  QuickGelu
};

/// The activation function of one value.
float activate(Activation activation, float x);

/// What a linear does after its sum: + bias[n], activation, + residual[m][n].
/// Null pointers are left out.
struct Epilogue {
  const float *bias = nullptr;
  Activation activation = Activation::None;
  const float *residual = nullptr;
  /// Whether GELU may be as inexact as 8 bits allow.
  bool coarse = false;
};

/// A weight [n, k] in s8 with its scales and the sums of its rows.
struct QuantizedWeight {
  const int8_t *values = nullptr;
  const float *scales = nullptr;
  const int32_t *sums = nullptr;
  int64_t n = 0;
  int64_t k = 0;
};

/// u8 rows [m, k], each with scale and zero point.
struct QuantizedRows {
  const uint8_t *values = nullptr;
  const float *scales = nullptr;
  const int32_t *zeroPoints = nullptr;
  int64_t m = 0;
};

/// Largest K whose exact sum of (x - 128) * w always fits into s32:
/// floor(2^31 / (128 * 127)).
inline constexpr int64_t kMaxQuantizedK = 132104;

/// Largest K whose exact sum of (x - z) * w always fits into s32, whatever the
/// zero point z: floor(2^31 / (255 * 127)).
inline constexpr int64_t kMaxStaticK = 66311;

/// y [m, n] = x * w^T with exact integer products, then the epilogue.
void quantizedLinear(const QuantizedRows &x, const QuantizedWeight &w,
                     const Epilogue &epilogue, float *y);

/// A weight [n, k] in s8 for rows of u8 that share one scale and one zero
/// point: where the sums start, and what they are multiplied with.
struct StaticWeight {
  const int8_t *values = nullptr;
  const int32_t *starts = nullptr;
  const float *scales = nullptr;
  int64_t n = 0;
  int64_t k = 0;
};

/// The same for u8 rows x [m, k] with parameters known at compile time.
void staticLinear(const uint8_t *x, int64_t m, const StaticWeight &w,
                  const Epilogue &epilogue, float *y);

/// y [m, n] = x [m, k] * w^T [n, k], then the epilogue.
void floatLinear(const float *x, const float *w, int64_t m, int64_t n,
                 int64_t k, const Epilogue &epilogue, float *y);

/// Sums in the canonical order: 64 partial sums (element i goes to i mod 64),
/// then a tree of halves. The second sums products, the third takes a mean off
/// first: sum of (x - mean)^2.
float rowSum(std::span<const float> x);
float rowSumOfSquares(std::span<const float> x);
float rowSumOfSquaredDeviations(std::span<const float> x, float mean);

/// (x - mean) / sqrt(variance + eps) * gamma + beta.
void layerNorm(std::span<const float> x, const float *gamma, const float *beta,
               float eps, float *y);

/// x / sqrt(mean of squares + eps) * gamma.
void rmsNorm(std::span<const float> x, const float *gamma, float eps, float *y);

/// e^(x - max) / sum.
void softmax(std::span<const float> x, float *y);

/// x / max(|x|, 1e-12).
void l2Normalize(std::span<const float> x, float *y);

/// x * cos + rotated * sin, each [size], of pairs of x whose first one gets the
/// negated second one: half of the row apart or, `interleaved`, neighbours.
void rotaryEmbedding(std::span<const float> x, const float *cos,
                     const float *sin, bool interleaved, float *y);

/// q [batch, queries, heads * dim], k and v [batch, keys, kvHeads * dim], out
/// like q. Query head h uses key/value head h / (heads / kvHeads). `mask`
/// [batch, keys], or null, is 0 for keys that do not count. A query that sees
/// no key gets zeros.
struct AttentionShape {
  int64_t batch = 1;
  int64_t queries = 0;
  int64_t keys = 0;
  int64_t heads = 1;
  int64_t kvHeads = 1;
  int64_t dim = 0;
  bool causal = false; ///< no key behind the query's own place
  int64_t window = 0;  ///< only keys less than so far away; 0: all

  /// Whether a query sees a key that counts; the last query is at the last key.
  bool shows(int64_t query, int64_t key) const {
    int64_t ahead = key - (query + keys - queries);
    return !(causal && ahead > 0) &&
           !(window != 0 && (ahead >= window || ahead <= -window));
  }
};
void attention(const float *q, const float *k, const float *v,
               const int64_t *mask, const AttentionShape &shape, float scale,
               float *out);

/// The same with both products in integers: query (times scale) and key s8 per
/// token and head, weights u8, value s8 per channel over the keys that `mask`
/// shows. At most kMaxIntegerKeys keys: the sums are exact in s32.
inline constexpr int64_t kMaxIntegerKeys = 66311;
void integerAttention(const float *q, const float *k, const float *v,
                      const int64_t *mask, const AttentionShape &shape,
                      float scale, float *out);

/// The same of s8 q, k and v: `scoreScales` [heads] of the integer scores,
/// `valueScales` [kvHeads * dim] of v. At most kMaxIntegerKeys keys.
void staticAttention(const int8_t *q, const int8_t *k, const int8_t *v,
                     const int64_t *mask, const AttentionShape &shape,
                     const float *scoreScales, const float *valueScales,
                     float *out);

/// y [batch, width]: mean over the positions of x [batch, positions, width]
/// whose `mask` [batch, positions] is not 0 (null: all); zeros if there is
/// none.
void meanPool(const float *x, const int64_t *mask, int64_t batch,
              int64_t positions, int64_t width, float *y);

/// As meanPool, with the square root of the number of positions as divisor.
void meanSqrtLenPool(const float *x, const int64_t *mask, int64_t batch,
                     int64_t positions, int64_t width, float *y);

/// As meanPool, where the first visible position weighs 1 and each position 1
/// more than the one before it.
void weightedMeanPool(const float *x, const int64_t *mask, int64_t batch,
                      int64_t positions, int64_t width, float *y);

/// The largest of the visible positions, NaN if there is one; minus infinity if
/// there is no position.
void maxPool(const float *x, const int64_t *mask, int64_t batch,
             int64_t positions, int64_t width, float *y);

/// The last of the visible positions; zeros if there is none.
void lastPool(const float *x, const int64_t *mask, int64_t batch,
              int64_t positions, int64_t width, float *y);

/// y [batch, width]: the first position of x [batch, positions, width].
void firstPool(const float *x, int64_t batch, int64_t positions, int64_t width,
               float *y);

/// y [count, width] = rows `ids` of a table [rows, width]; returns the index of
/// the first id outside [0, rows), or -1 if all are inside.
int64_t embedding(std::span<const int64_t> ids, const float *table,
                  int64_t rows, int64_t width, float *y);
int64_t embedding(std::span<const int64_t> ids, const int8_t *table,
                  const float *scales, int64_t rows, int64_t width, float *y);

} // namespace tq::quant

#endif // TQ_QUANT_REFERENCE_H
