//===- KernelLowering.h - The body of one kernel in linalg ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CONVERSION_TQTOLINALG_KERNELLOWERING_H
#define TQ_LIB_CONVERSION_TQTOLINALG_KERNELLOWERING_H

#include "tq/Dialect/Program/Analysis/ResultDims.h"
#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

#include <functional>

namespace tq {

using program::Dims;

/// The type with its storage type in place of a quantized element type.
mlir::Type toStorageType(mlir::Type type);

/// One element of a tensor at a point of an iteration space, as a function of
/// elements of other tensors: what one `linalg.generic` computes.
struct ElementExpr {
  struct Leaf {
    mlir::Value tensor;
    mlir::AffineMap map; ///< from the iteration space to the tensor's indices
  };
  using Body = std::function<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                         mlir::ValueRange)>;

  llvm::SmallVector<Leaf> leaves;
  Body body; ///< takes one element of each leaf

  /// The expression of several others, which share the iteration space.
  static ElementExpr combine(llvm::ArrayRef<ElementExpr> parts, Body body);
};

/// Lowers the ops of a kernel one by one. An elementwise result that one other
/// elementwise op uses stays an expression and becomes part of that op's
/// `linalg.generic`; every other result is written to a tensor: the out
/// argument where the kernel returns it, a temporary otherwise.
class KernelLowering {
public:
  explicit KernelLowering(mlir::func::FuncOp kernel);

  mlir::LogicalResult run();

  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::func::FuncOp getKernel() { return kernel; }
  mlir::IRMapping &getMapping() { return mapping; }

  /// The new value of an old one.
  mlir::Value lookup(mlir::Value old) { return mapping.lookup(old); }
  Dims dimsOf(mlir::Value old);

  /// Element of an operand in a space of `map.getNumDims()` dimensions.
  ElementExpr read(mlir::Value old, mlir::AffineMap map);

  /// Sets what an old result is.
  void define(mlir::OpResult old, ElementExpr expr);
  void define(mlir::OpResult old, mlir::Value value);

  /// Where an old result has to be written: an out argument or a temporary.
  mlir::Value destination(mlir::OpResult old);
  mlir::Value temporary(mlir::Location loc, const Dims &dims,
                        mlir::Type element);
  /// Whether the old result stays an expression.
  bool isDeferred(mlir::OpResult old);

  /// Writes an expression to every element of `destination`.
  mlir::Value write(mlir::Location loc, const ElementExpr &expr,
                    mlir::Value destination);
  /// Every element of `source` to the same place of `destination`.
  mlir::Value copy(mlir::Location loc, mlir::Value source,
                   mlir::Value destination);
  mlir::Value fill(mlir::Location loc, mlir::TypedAttr value,
                   mlir::Value destination);

private:
  mlir::LogicalResult lower(mlir::Operation *op);
  mlir::FailureOr<Dims> reify(mlir::OpResult old);
  void finish(mlir::func::ReturnOp op);

  mlir::func::FuncOp kernel;
  mlir::OpBuilder builder;
  mlir::Block *oldBlock;
  mlir::IRMapping mapping;
  llvm::DenseMap<mlir::Value, ElementExpr> deferred;
};

/// Maps of the operands of a row-wise op over rows [..., n]: the element at the
/// same place, the row's number, and the column's.
mlir::AffineMap elementMap(mlir::MLIRContext *context, unsigned rank);
mlir::AffineMap rowMap(mlir::MLIRContext *context, unsigned rank);
mlir::AffineMap columnMap(mlir::MLIRContext *context, unsigned rank);

unsigned rankOf(mlir::Value value);

/// Lowerings by family; each sets what the op's results are, or emits an error.
mlir::LogicalResult lowerContraction(KernelLowering &lowering,
                                     mlir::Operation *op);
mlir::LogicalResult lowerElementwise(KernelLowering &lowering,
                                     mlir::Operation *op);
mlir::LogicalResult lowerRotaryEmbedding(KernelLowering &lowering,
                                         mlir::Operation *op);
mlir::LogicalResult lowerLookup(KernelLowering &lowering, mlir::Operation *op);
mlir::LogicalResult lowerRows(KernelLowering &lowering, mlir::Operation *op);
mlir::LogicalResult lowerQuantization(KernelLowering &lowering,
                                      mlir::Operation *op);
mlir::LogicalResult lowerTensorOp(KernelLowering &lowering,
                                  mlir::Operation *op);
mlir::LogicalResult lowerLinalgOp(KernelLowering &lowering,
                                  mlir::Operation *op);

/// Sum over k of weight[n, k], written to `destination`.
mlir::Value buildColumnSums(KernelLowering &lowering, mlir::Location loc,
                            mlir::Value weight, mlir::Value destination);

/// Reduces the last dimension of `source` into `init`.
mlir::Value buildRowReduction(
    KernelLowering &lowering, mlir::Location loc, const ElementExpr &source,
    mlir::Value like, mlir::Value init,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value, mlir::Value)>
        step);

} // namespace tq

#endif // TQ_LIB_CONVERSION_TQTOLINALG_KERNELLOWERING_H
