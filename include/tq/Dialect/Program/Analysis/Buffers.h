//===- Buffers.h - Where the tensors of a schedule lie ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_ANALYSIS_BUFFERS_H
#define TQ_DIALECT_PROGRAM_ANALYSIS_BUFFERS_H

#include "tq/Dialect/Program/IR/Program.h"

namespace tq::program {

/// What `program.rows` yields as this result.
mlir::Value getYielded(mlir::OpResult result);

/// The buffer that a tensor is in: through views, kernel calls and
/// `program.rows`.
mlir::Value getRoot(mlir::Value tensor);

/// Whether the root of a tensor is memory that the schedule allocates.
bool isAllocated(mlir::Value tensor);

/// Bytes of a row of a tensor whose dynamic dimensions are its rows.
int64_t getRowBytes(mlir::Type tensor);

/// An operand of `rows` whose dynamic dimensions are its rows.
mlir::Value getRowsTensor(RowsOp rows);

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_ANALYSIS_BUFFERS_H
