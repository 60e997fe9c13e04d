//===- DimTable.h - Sizes of all tensors of a function ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_DIMTABLE_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_DIMTABLE_H

#include "tq/Dialect/Program/Analysis/ResultDims.h"
#include "tq/Dialect/Program/IR/Program.h"

namespace tq::program {

/// The sizes of every tensor in a function of one block, in terms of the sizes
/// of its arguments and of states. Dimensions of one name share one value.
class DimTable {
public:
  explicit DimTable(mlir::func::FuncOp function)
      : function(function), builder(function.getContext()) {}

  /// Fills the table and replaces each `tensor.dim` by what it says. Emits an
  /// error for results whose shape follows from nothing.
  mlir::LogicalResult compute();

  Dims lookup(mlir::Value value) const { return table.lookup(value); }

private:
  void addArguments();
  void addNamed(mlir::Value tensor,
                llvm::function_ref<mlir::StringAttr(unsigned dim)> getName);
  mlir::LogicalResult addResult(mlir::OpResult result);
  /// What the table says instead of a `tensor.dim`; other sizes stay.
  mlir::OpFoldResult resolve(mlir::OpFoldResult size) const;
  void replaceDimOps();

  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  llvm::DenseMap<mlir::Value, Dims> table;
  llvm::DenseMap<mlir::StringAttr, mlir::Value> symbols; ///< sizes with a name
};

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_DIMTABLE_H
