//===- MaskVisibility.h - Which keys a mask shows ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_MASKVISIBILITY_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_MASKVISIBILITY_H

#include "MaskExpr.h"

#include "mlir/IR/Builders.h"

#include <string>

namespace tq {

/// A mask that shows key k to query q of row b where all of these hold.
struct Visibility {
  /// low <= k - q <= high, where there are such; sums of numbers and sizes.
  mask::Ref low, high;
  /// Also k - q <= bound, or >= bound. False: it is not known which of two
  /// bounds is the tighter one.
  bool limitHigh(const mask::Ref &bound);
  bool limitLow(const mask::Ref &bound);
  /// An element [b, k] of each is not 0; or, `isHidden`, is 0.
  struct Padding {
    mlir::Value tensor; ///< [rows or 1, keys], of i64 or i1
    bool isHidden = false;
  };
  llvm::SmallVector<Padding> paddings;
};

/// Evaluates the program that computes `mask`, which broadcasts to scores
/// [batch, heads, queries, keys], at a symbolic place (b, h, q, k). An additive
/// mask counts as hiding where it adds -1e30 or less, and has to add 0 where it
/// does not. Where it is something else, `reason` says what.
std::optional<Visibility> evaluateMask(mlir::Value mask, std::string &reason);

/// The size of a dimension as a sum of numbers and sizes, or unknown.
mask::Ref evaluateSize(mlir::Value tensor, int64_t dim);

} // namespace tq

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_MASKVISIBILITY_H
