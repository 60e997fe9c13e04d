//===- ResultDims.h - Sizes of the results of an op -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_ANALYSIS_RESULTDIMS_H
#define TQ_DIALECT_PROGRAM_ANALYSIS_RESULTDIMS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tq::program {

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

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_ANALYSIS_RESULTDIMS_H
