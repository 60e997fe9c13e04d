//===- ShapeFormulas.h - Sizes of a schedule as formulas --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_ANALYSIS_SHAPEFORMULAS_H
#define TQ_DIALECT_PROGRAM_ANALYSIS_SHAPEFORMULAS_H

#include "tq/Dialect/Program/Analysis/SizeFormula.h"
#include "tq/Dialect/Program/IR/Program.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

namespace tq::program {

/// The sizes of a schedule's tensors in the names of its dimensions.
class ShapeFormulas {
public:
  /// Dimensions without a name get one of their own: d0_1 is dimension 1 of
  /// argument 0.
  explicit ShapeFormulas(mlir::func::FuncOp entry);
  explicit ShapeFormulas(ScheduleOp schedule);

  llvm::ArrayRef<SizeFormula> getDims(mlir::Value tensor) {
    return shapes[tensor];
  }
  SizeFormula getBytes(mlir::Value tensor);
  /// The product of the dynamic dimensions.
  SizeFormula countRows(mlir::Value tensor);
  /// Whether both are the same, whatever the inputs are.
  bool areEqual(mlir::Value a, mlir::Value b) {
    return getFormula(a) == getFormula(b);
  }
  /// Bytes of a thread's scratch memory in this call of `variant`, which has
  /// some.
  SizeFormula getWorkspaceBytes(CallOp call, VariantOp variant);

  /// Names of the inputs' dynamic dimensions, in their order.
  llvm::ArrayRef<mlir::StringAttr> getSymbols() const {
    return symbols.getArrayRef();
  }

private:
  using DimNames =
      llvm::function_ref<mlir::StringAttr(unsigned argument, unsigned dim)>;
  void run(mlir::Block &block, DimNames names);
  void addArgument(mlir::BlockArgument argument, DimNames names);
  void addState(GetStateOp get);
  void computeDims(mlir::Block &block);
  void computeDims(mlir::Operation &op);
  SizeFormula getFormula(mlir::Value index);
  SizeFormula getSymbol(mlir::Value index,
                        llvm::ArrayRef<SizeFormula> operands);

  /// What is neither a dimension nor a sum or product.
  struct Symbol {
    mlir::Value index;
    llvm::SmallVector<SizeFormula> operands;
    SizeFormula formula;
  };

  llvm::DenseMap<mlir::Value, SizeFormula> formulas; ///< of index values
  llvm::DenseMap<mlir::Value, llvm::SmallVector<SizeFormula>> shapes;
  llvm::SetVector<mlir::StringAttr> symbols;
  llvm::SmallVector<Symbol> values;
  llvm::StringSet<> usedNames; ///< of symbols of both kinds
};

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_ANALYSIS_SHAPEFORMULAS_H
