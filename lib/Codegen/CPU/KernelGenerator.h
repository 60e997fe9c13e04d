//===- KernelGenerator.h - Common parts of kernel generators ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H
#define TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H

#include "tq/Codegen/CPU/Isa.h"
#include "tq/Codegen/Common/KernelPatterns.h"
#include "tq/Dialect/CPU/IR/CPU.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// A variant of a kernel, under construction beside the definition that says
/// what it computes.
struct Kernel {
  mlir::func::FuncOp source; ///< the definition
  program::VariantOp variant;
  /// The memref, or the number, of each argument of `source`.
  llvm::SmallVector<mlir::Value> memrefs = {};
  mlir::Value begin = {}, end = {}; ///< work items

  mlir::Block *getCode() { return &variant.getCode().front(); }
  /// Adds scratch of this thread to the code's arguments: memref<?xf32>.
  mlir::Value addWorkspace();
  /// Reads a weight [N, K] in panels, instead of row by row.
  void pack(unsigned argument, int64_t panel, int64_t group);
};

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

// The generators: each writes a variant of a kernel that is as its pattern
// says, in the way that the plan says.

void writeContraction(Kernel &kernel, const ContractionPattern &pattern,
                      ContractionPlanAttr plan);
void writeRows(Kernel &kernel, const RowsPattern &pattern, RowsPlanAttr plan);
void writeAttention(Kernel &kernel, const AttentionPattern &pattern,
                    AttentionPlanAttr plan);

/// min(a, b) of indices.
mlir::Value minIndex(mlir::ImplicitLocOpBuilder &builder, mlir::Value a,
                     mlir::Value b);
mlir::Value indexConstant(mlir::ImplicitLocOpBuilder &builder, int64_t value);

/// Puts one operation of each chain after the other. The chains follow each
/// other in a block, and may use what chains in front of them define.
void interleave(llvm::ArrayRef<llvm::SmallVector<mlir::Operation *>> chains);

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_KERNELGENERATOR_H
