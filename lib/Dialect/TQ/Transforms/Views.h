//===- Views.h - Tensors seen in another order ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_VIEWS_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_VIEWS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tq {

/// The type of a value that is a ranked tensor.
inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

/// `value` with its dimensions in `order`, a permutation: the value itself
/// where nothing moves. Permutations in front of it are composed.
mlir::Value permute(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value value, llvm::ArrayRef<int64_t> order);

} // namespace tq

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_VIEWS_H
