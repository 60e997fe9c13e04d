//===- ShapeFormulas.h - Sizes of a schedule as formulas --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_COMMON_SHAPEFORMULAS_H
#define TQ_LIB_CODEGEN_COMMON_SHAPEFORMULAS_H

#include "SizeFormula.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

namespace tq {

/// The sizes of a schedule's tensors in the names of its dimensions.
class ShapeFormulas {
public:
  explicit ShapeFormulas(mlir::func::FuncOp main);

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
  /// What NAME.workspace, `function`, returns for this call.
  SizeFormula getWorkspaceBytes(mlir::func::CallOp call,
                                mlir::func::FuncOp function);

  /// Names of the inputs' dynamic dimensions, in their order.
  llvm::ArrayRef<mlir::StringAttr> getSymbols() const {
    return symbols.getArrayRef();
  }

private:
  llvm::SmallVector<SizeFormula> makeArgumentDims(unsigned argument);
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

  mlir::func::FuncOp main;
  llvm::DenseMap<mlir::Value, SizeFormula> formulas; ///< of index values
  llvm::DenseMap<mlir::Value, llvm::SmallVector<SizeFormula>> shapes;
  llvm::SetVector<mlir::StringAttr> symbols;
  llvm::SmallVector<Symbol> values;
  llvm::StringSet<> usedNames; ///< of symbols of both kinds
};

} // namespace tq

#endif // TQ_LIB_CODEGEN_COMMON_SHAPEFORMULAS_H
