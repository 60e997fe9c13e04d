//===- Pack.h - Layouts of weights for the kernels --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linear weight [N, K] is stored in panels of `width` output channels; inside
// a panel, groups of `group` consecutive k of each channel lie side by side:
//
//   packed[ceil(N / width)][ceil(K / group)][width][group]
//
// so that a kernel reads memory in order. What lies beyond N or K is 0. s8:
// group 4 (one dot-product operand). f32: group 1, that is [ceil(N /
// width)][K][width].
//
//===----------------------------------------------------------------------===//

#ifndef TQ_QUANT_PACK_H
#define TQ_QUANT_PACK_H

#include <cstdint>

namespace tq::quant {

struct PanelLayout {
  int64_t width = 16;
  int64_t group = 4;

  /// Number of panels for `n` channels, and of groups for `k` inputs.
  int64_t panels(int64_t n) const { return (n + width - 1) / width; }
  int64_t groups(int64_t k) const { return (k + group - 1) / group; }

  /// Number of elements that [n, k] takes when packed.
  int64_t elements(int64_t n, int64_t k) const {
    return panels(n) * groups(k) * width * group;
  }

  /// Where element [n, k] of a weight with `inputs` columns is.
  int64_t offset(int64_t n, int64_t k, int64_t inputs) const {
    int64_t cell = (n / width * groups(inputs) + k / group) * width + n % width;
    return cell * group + k % group;
  }
};

/// Packs `w` [n, k] into `layout.elements(n, k)` elements, padding with 0.
void packWeights(const int8_t *w, int64_t n, int64_t k, PanelLayout layout,
                 int8_t *packed);
void packWeights(const float *w, int64_t n, int64_t k, PanelLayout layout,
                 float *packed);

/// The inverse of packWeights.
void unpackWeights(const int8_t *packed, int64_t n, int64_t k,
                   PanelLayout layout, int8_t *w);
void unpackWeights(const float *packed, int64_t n, int64_t k,
                   PanelLayout layout, float *w);

/// sums[i] = sum over k of w[i][k], for `w` [n, k].
void columnSums(const int8_t *w, int64_t n, int64_t k, int32_t *sums);

} // namespace tq::quant

#endif // TQ_QUANT_PACK_H
