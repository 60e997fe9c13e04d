//===- KernelGenerator.h - Common parts of kernel generators ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H
#define TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H

#include "tq/Codegen/CPU/Isa.h"
#include "tq/Dialect/Program/IR/Program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// A variant of a kernel, under construction beside the definition that says
/// what it computes.
struct Kernel {
  mlir::func::FuncOp source; ///< the definition
  program::VariantOp variant;
  const Isa &isa;
  /// The memref, or the number, of each argument of `source`.
  llvm::SmallVector<mlir::Value> memrefs = {};
  mlir::Value begin = {}, end = {}; ///< work items

  mlir::Block *getCode() { return &variant.getCode().front(); }
  /// Adds scratch of this thread to the code's arguments: memref<?xf32>.
  mlir::Value addWorkspace();
  /// Reads a weight [N, K] in panels, instead of row by row.
  void pack(unsigned argument, int64_t panel, int64_t group);
};

/// The argument of `kernel` that `value`, a result in destination style, is
/// written to; null for a temporary.
mlir::BlockArgument getDestination(mlir::Value value);

/// Whether loop i of one op has as many iterations as loop i of every other:
/// a size is known, or follows from the tensors that the ops share. Loops that
/// only some ops have are compared among those.
bool haveEqualExtents(llvm::ArrayRef<mlir::linalg::GenericOp> ops);

/// Emits a region on the sizes of a call: the variant's count, its workspace.
class SizeBuilder {
public:
  SizeBuilder(Kernel &kernel, mlir::Region &region);
  /// Size of a dimension of an argument of the kernel.
  mlir::Value dim(unsigned argument, unsigned dimension);
  /// The argument, an index.
  mlir::Value number(unsigned argument);
  void finish(mlir::Value result);
  mlir::ImplicitLocOpBuilder builder;

private:
  Kernel &kernel;
  mlir::Region &region;
};

// The generators. Each fails, having written only into the variant, on a kernel
// that is not of its kind.

/// Element by element and reductions along the last dimension, on tensors.
mlir::LogicalResult generateRowKernel(Kernel &kernel);
/// A contraction with a weight, and its epilogue, on tensors.
mlir::LogicalResult generateContractionKernel(Kernel &kernel);
/// tq.attention with the slices that feed it; numbers say how many keys there
/// are.
mlir::LogicalResult generateAttentionKernel(Kernel &kernel);

/// min(a, b) of indices.
mlir::Value minIndex(mlir::ImplicitLocOpBuilder &builder, mlir::Value a,
                     mlir::Value b);
mlir::Value indexConstant(mlir::ImplicitLocOpBuilder &builder, int64_t value);

/// Puts one operation of each chain after the other. The chains follow each
/// other in a block, and may use what chains in front of them define.
void interleave(llvm::ArrayRef<llvm::SmallVector<mlir::Operation *>> chains);

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H
