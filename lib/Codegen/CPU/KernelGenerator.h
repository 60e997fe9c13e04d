//===- KernelGenerator.h - Common parts of kernel generators ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H
#define TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H

#include "tq/Codegen/CPU/Isa.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// The code of a kernel, under construction beside the kernel on tensors that
/// says what it computes. Its function is
///
///     @NAME.code(memrefs..., [workspace], %begin: index, %end: index)
///
/// and runs work items [begin, end); `@NAME.count(dynamic dims...)` gives their
/// number, `@NAME.workspace(dynamic dims...)` the bytes of scratch of a thread,
/// where there are any. The dynamic dims are those of all memrefs in order.
struct Kernel {
  mlir::func::FuncOp source;   ///< on tensors, in destination style
  mlir::func::FuncOp function; ///< NAME.code
  const Isa &isa;
  /// The memref of each argument of `source`.
  llvm::SmallVector<mlir::Value> memrefs;
  mlir::Value begin, end;
  /// How the generator did it, for people: "vpdpbusd, tiles of 6 x 64".
  std::string plan = {};

  /// Adds scratch of this thread to the arguments: memref<?xf32>.
  mlir::Value addWorkspace();
};

/// The argument of `kernel` that `value`, a result in destination style, is
/// written to; null for a temporary.
mlir::BlockArgument getDestination(mlir::Value value);

/// Whether loop i of one op has as many iterations as loop i of every other:
/// a size is known, or follows from the tensors that the ops share. Loops that
/// only some ops have are compared among those.
bool haveEqualExtents(llvm::ArrayRef<mlir::linalg::GenericOp> ops);

/// Emits a function of the sizes of the arguments: NAME.count, NAME.workspace.
class CountBuilder {
public:
  CountBuilder(Kernel &kernel, llvm::StringRef suffix);
  /// Size of a dimension of an argument of the kernel.
  mlir::Value dim(unsigned argument, unsigned dimension);
  void finish(mlir::Value result);
  mlir::ImplicitLocOpBuilder builder;

private:
  Kernel &kernel;
  mlir::func::FuncOp function;
};

// The generators. Each fails, having written only functions of the kernel, on
// one that is not of its kind.

/// Element by element and reductions along the last dimension.
mlir::LogicalResult generateRowKernel(Kernel &kernel);
/// A contraction with a weight, and its epilogue.
mlir::LogicalResult generateContractionKernel(Kernel &kernel);
/// tq.attention with the slices that feed it.
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
