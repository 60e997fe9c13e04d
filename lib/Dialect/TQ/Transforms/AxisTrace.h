//===- AxisTrace.h - Where the axes of a tensor come from -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_AXISTRACE_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_AXISTRACE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Value.h"

namespace tq {

/// A part of a dimension, or a whole one. Axes of size 1 are left out.
struct Axis {
  /// Of the value that was traced, which dimension it is of; none: the place
  /// `index` along it is taken.
  std::optional<unsigned> dim;
  int64_t size;             ///< or dynamic
  mlir::OpFoldResult known; ///< what getDimSize says of it
  int64_t index = 0;
  /// Of the axes of one dimension, an outer one has the smaller number.
  uint64_t order = 0;
  /// The value repeats along it: the root does not have it.
  bool isRepeated = false;
};

/// A value as a reshape, permutation, repetition or selection of rows of
/// `root`: each dimension of the root as axes, the outermost first.
struct AxisTrace {
  mlir::Value root;
  llvm::SmallVector<llvm::SmallVector<Axis>> dims;
  /// Axes along which the value repeats.
  llvm::SmallVector<Axis> repeated;
};

/// Goes from `value` up through reshapes, permutations, casts, copies that
/// repeat along dimensions, and slices of one row, as far as each says which
/// axes it is about.
AxisTrace traceAxes(mlir::Value value);

/// The same through reshapes, permutations and casts only.
AxisTrace traceViews(mlir::Value value);

/// The size of a dimension, as far as ops that stand there say it: a constant,
/// or a value; else null. Equal ones are equal sizes.
mlir::OpFoldResult getDimSize(mlir::Value tensor, int64_t dim);

/// The source and map of a `linalg.generic` that only copies an operand to
/// where it broadcasts: identity, some dimensions of size 1, some new. Null: it
/// does something else.
mlir::OpOperand *getBroadcastSource(mlir::linalg::GenericOp op);

} // namespace tq

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_AXISTRACE_H
