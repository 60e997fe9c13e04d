//===- TQOpKinds.h - What kinds of ops there are ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQOPKINDS_H
#define TQ_DIALECT_TQ_IR_TQOPKINDS_H

namespace mlir {
class Operation;
} // namespace mlir

namespace tq {

/// Computes each element of its first result from the elements at the same
/// place (or row, or column) of its operands.
bool isElementwise(mlir::Operation *op);

/// A contraction over the last dimension of its first operand.
bool isContraction(mlir::Operation *op);

/// Numbers tokens by their place alone; free to compute again.
bool isPlainPositionIds(mlir::Operation *op);

} // namespace tq

#endif // TQ_DIALECT_TQ_IR_TQOPKINDS_H
