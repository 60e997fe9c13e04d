//===- KernelBuilder.h - One group of ops as a function ---------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELBUILDER_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELBUILDER_H

#include "KernelGroups.h"

#include "mlir/IR/IRMapping.h"

namespace tq::program {

/// A group of ops as a function of its own.
struct OutlinedKernel {
  mlir::func::FuncOp definition; ///< not yet in a kernel
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> results; ///< of the group's ops
};

/// Builds the function of one group.
class KernelBuilder {
public:
  KernelBuilder(const KernelGroups &groups, const KernelGroup &group);

  /// Values outside of the group that its kernel needs, in a fixed order.
  llvm::ArrayRef<mlir::Value> getInputs() const { return inputs.getArrayRef(); }
  /// Values of the group that others use.
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }

  /// Builds the function; `columnSums` pairs quantized weights among the
  /// inputs with their column sums, which become inputs as well.
  OutlinedKernel
  build(llvm::ArrayRef<std::pair<mlir::Value, mlir::Value>> columnSums);

private:
  void collectResults();
  void collectInputs(mlir::Operation *op);
  void collectInput(mlir::Value value);
  void createFunction(
      llvm::ArrayRef<std::pair<mlir::Value, mlir::Value>> columnSums);
  mlir::Value getPrefixSize(mlir::Operation *op) const;
  void cloneScalars(mlir::Value value);
  void cloneCopied(mlir::Operation *op);
  void cloneOp(mlir::Operation *op);
  /// Points the destinations of a cloned op to the out arguments.
  void redirectInits(mlir::Operation *op, mlir::Operation *clone);
  mlir::Value outArgument(mlir::Value result);

  const KernelGroups &groups;
  const KernelGroup &group;
  llvm::DenseSet<mlir::Operation *> inside;
  llvm::SmallVector<mlir::Operation *> copied;
  llvm::SetVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> results;
  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  mlir::IRMapping mapping;
};

/// Whether a scalar op is computed in the kernels that use it: constants, and
/// what depends on elements of tensors.
bool isScalarOfKernel(mlir::Value value);

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELBUILDER_H
