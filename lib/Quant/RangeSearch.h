//===- RangeSearch.h - Ranges from a histogram ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_QUANT_RANGESEARCH_H
#define TQ_LIB_QUANT_RANGESEARCH_H

#include "tq/Quant/Observers.h"

#include <vector>

namespace tq::quant {

/// A histogram whose range contains 0, at most kBins cells of a grid through
/// 0; of magnitudes, if symmetric, beginning at 0. A position in the grid is a
/// value divided by the width. The values of a cell count as spread evenly
/// over it.
struct Cells {
  Cells(Histogram histogram, bool isSymmetric);

  int64_t size() const { return static_cast<int64_t>(counts.size()); }

  /// The edge on the left of cell i, as a position; the outermost edges are
  /// the smallest and the largest value.
  double getEdge(int64_t i) const;

  /// The range between two positions.
  Range getRange(double begin, double end) const;

  std::vector<double> counts;
  double total = 0.0;
  double width;
  int64_t zero; ///< the cell that begins at 0, and holds it
  double low;   ///< the smallest position
  double high;  ///< the largest position
  bool isSymmetric;
};

Range findPercentile(const Cells &cells, double percentile);
Range findLeastEntropy(const Cells &cells);
Range findLeastError(const Cells &cells);

} // namespace tq::quant

#endif // TQ_LIB_QUANT_RANGESEARCH_H
