//===- Pack.cpp - Layouts of weights for the kernels ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Pack.h"

#include <algorithm>

namespace tq::quant {

template <typename T>
static void pack(const T *w, int64_t n, int64_t k, PanelLayout layout,
                 T *packed) {
  std::fill_n(packed, layout.elements(n, k), T(0));
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column)
      packed[layout.offset(row, column, k)] = w[row * k + column];
}

template <typename T>
static void unpack(const T *packed, int64_t n, int64_t k, PanelLayout layout,
                   T *w) {
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column)
      w[row * k + column] = packed[layout.offset(row, column, k)];
}

void packWeights(const int8_t *w, int64_t n, int64_t k, PanelLayout layout,
                 int8_t *packed) {
  pack(w, n, k, layout, packed);
}

void packWeights(const float *w, int64_t n, int64_t k, PanelLayout layout,
                 float *packed) {
  pack(w, n, k, layout, packed);
}

void unpackWeights(const int8_t *packed, int64_t n, int64_t k,
                   PanelLayout layout, int8_t *w) {
  unpack(packed, n, k, layout, w);
}

void unpackWeights(const float *packed, int64_t n, int64_t k,
                   PanelLayout layout, float *w) {
  unpack(packed, n, k, layout, w);
}

void columnSums(const int8_t *w, int64_t n, int64_t k, int32_t *sums) {
  for (int64_t row = 0; row < n; ++row) {
    int32_t sum = 0;
    for (int64_t column = 0; column < k; ++column)
      sum += w[row * k + column];
    sums[row] = sum;
  }
}

} // namespace tq::quant
