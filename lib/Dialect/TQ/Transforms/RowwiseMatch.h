//===- RowwiseMatch.h - Pieces of what is spelled out -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Norms and activations that a module computes step by step, as they are
// matched from their end. A match gives the value that a step is done to, or
// null.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_ROWWISEMATCH_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_ROWWISEMATCH_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace tq {

/// The number that a constant has everywhere.
std::optional<double> getSplat(mlir::Value value);

/// Whether a constant is `number`, as far as f32 tells.
bool isSplat(mlir::Value value, double number);

/// x of x * factor, or of x / (1 / factor).
mlir::Value matchScaled(mlir::Value value, double factor);
/// x of x + number.
mlir::Value matchShifted(mlir::Value value, double number);

/// What one generic op computes from each element of `input`.
struct ElementMap {
  mlir::Value input;
  mlir::Value element; ///< in the body
  mlir::Value result;  ///< in the body
};
std::optional<ElementMap> matchElementMap(mlir::Value value);

/// x of a generic op that applies one `Op` to each element of x.
template <typename Op>
mlir::Value matchMap(mlir::Value value) {
  std::optional<ElementMap> map = matchElementMap(value);
  auto op = map ? map->result.getDefiningOp<Op>() : Op();
  return op && op->getNumOperands() == 1 && op->getOperand(0) == map->element
             ? map->input
             : mlir::Value();
}

/// Whether a reduction begins with zeros.
bool startsAtZero(mlir::linalg::GenericOp op);

/// x of the sum of each row of x, [...], of floats or of integers.
mlir::Value matchRowSum(mlir::Value value);

/// x of the mean of each row of x, [..., 1].
mlir::Value matchRowMean(mlir::Value value);

} // namespace tq

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_ROWWISEMATCH_H
