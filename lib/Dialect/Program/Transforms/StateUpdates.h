//===- StateUpdates.h - Ops that write into states --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_STATEUPDATES_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_STATEUPDATES_H

#include "tq/Dialect/Program/IR/Program.h"

namespace tq::program {

/// Which ops of an entry make in a state's memory what it is after the run: its
/// value is stored in the state and in no other, their destination is what the
/// state was, and nothing else reads that, but for the element at work.
class StateUpdates {
public:
  explicit StateUpdates(mlir::Block &block);

  /// Copies what is stored otherwise when all else is done. Nothing reads what
  /// was there any more then but other states, for which it is put aside.
  void copyOthers();

  /// The state that the op that gives `value` writes into; null: none.
  GetStateOp lookup(mlir::Value value) const;
  /// Whether the destination is a state that the op writes into.
  bool contains(mlir::OpOperand &init) const;

private:
  mlir::Block &block;
  llvm::DenseMap<mlir::Value, GetStateOp> updates;
};

/// Copies `value` into new memory.
mlir::Value copyToNew(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value);

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_STATEUPDATES_H
