//===- Analysis.h - What the lower phase knows of single ops ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CONVERSION_TQTOLINALG_ANALYSIS_H
#define TQ_LIB_CONVERSION_TQTOLINALG_ANALYSIS_H

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Builders.h"

namespace tq {

/// Sizes of a value, one a dimension.
using Dims = llvm::SmallVector<mlir::OpFoldResult>;
using DimsOf = llvm::function_ref<Dims(mlir::Value)>;

/// The sizes of a result, from those of the operands. Ops that it needs are
/// created with `builder`. Fails for ops that say nothing of their shape.
mlir::FailureOr<Dims> reifyResultDims(mlir::OpBuilder &builder,
                                      mlir::OpResult result, DimsOf dimsOf);

/// What the op computes of the sizes of a result, where its type may say more.
mlir::FailureOr<Dims> reifyComputedDims(mlir::OpBuilder &builder,
                                        mlir::OpResult result, DimsOf dimsOf);

/// Computes each element of its first result from the elements at the same
/// place (or row, or column) of its operands.
bool isElementwise(mlir::Operation *op);

/// A contraction over the last dimension of its first operand.
bool isContraction(mlir::Operation *op);

/// Numbers tokens by their place alone; free to compute again.
bool isPlainPositionIds(mlir::Operation *op);

/// The name given to the op's location, or an empty string.
llvm::StringRef getLayerName(mlir::Location loc);

/// Emits an error for an op that has no place in a kernel or a schedule.
mlir::LogicalResult checkOps(mlir::func::FuncOp schedule);

} // namespace tq

#endif // TQ_LIB_CONVERSION_TQTOLINALG_ANALYSIS_H
