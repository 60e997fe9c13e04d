//===- ColumnRanges.h - Values observed column by column --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_COLUMNRANGES_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_COLUMNRANGES_H

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {

/// What observes `value` with a range of each column; null if nothing does.
ObserveOp getColumnRanges(mlir::Value value);

/// The same value times a factor of each column, observed with ranges and mean
/// that are scaled as well.
ObserveOp scaleColumns(mlir::OpBuilder &builder, ObserveOp observe,
                       mlir::Value factors);

} // namespace tq

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_COLUMNRANGES_H
