//===- KernelAbi.h - What schedules and kernels agree on -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_COMMON_KERNELABI_H
#define TQ_CODEGEN_COMMON_KERNELABI_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tq {

/// Marks a function as a kernel.
constexpr llvm::StringLiteral kKernelAttr = "tq.kernel";
/// A kernel that takes scratch memory after its tensors.
constexpr llvm::StringLiteral kWorkspaceAttr = "tq.workspace";

/// Functions that belong to kernel NAME.
constexpr llvm::StringLiteral kBodySuffix = ".body";
constexpr llvm::StringLiteral kCountSuffix = ".count";
constexpr llvm::StringLiteral kWorkspaceSuffix = ".workspace";

/// Number of dynamic dimensions of the arguments of a kernel on tensors.
inline unsigned countDynamicDims(mlir::TypeRange types) {
  unsigned count = 0;
  for (mlir::Type type : types)
    if (auto shaped = llvm::dyn_cast<mlir::ShapedType>(type))
      count += shaped.getNumDynamicDims();
  return count;
}

/// The function `name`, declared with `type` where it does not exist.
mlir::func::FuncOp getOrDeclare(mlir::ModuleOp module, llvm::StringRef name,
                                mlir::FunctionType type);

/// (dynamic dims: index...) -> index.
mlir::FunctionType getSizeFunctionType(mlir::MLIRContext *context,
                                       unsigned dynamicDims);

} // namespace tq

#endif // TQ_CODEGEN_COMMON_KERNELABI_H
