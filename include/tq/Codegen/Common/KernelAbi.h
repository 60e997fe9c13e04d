//===- KernelAbi.h - What schedules and kernels agree on --------*- C++ -*-===//
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

/// Marks a function as a kernel: NAME, on tensors, says what is computed.
constexpr llvm::StringLiteral kKernelAttr = "tq.kernel";
/// Marks NAME.code.
constexpr llvm::StringLiteral kKernelCodeAttr = "tq.kernel_code";
/// Marks the argument of NAME.code that is scratch memory of one thread.
constexpr llvm::StringLiteral kWorkspaceAttr = "tq.workspace";

/// Functions that belong to kernel NAME.
/// How it is computed: on memrefs in identity layout, without results.
constexpr llvm::StringLiteral kCodeSuffix = ".code";
/// NAME.code in the runtime's calling convention.
constexpr llvm::StringLiteral kBodySuffix = ".body";
/// (sizes...) -> number of work items.
constexpr llvm::StringLiteral kCountSuffix = ".count";
/// (sizes...) -> bytes of scratch of one thread, a multiple of a cache line.
constexpr llvm::StringLiteral kWorkspaceSuffix = ".workspace";

/// What starts a buffer: a cache line.
constexpr int64_t kBufferAlignment = 64;

/// Number of sizes of a kernel's arguments: dynamic dimensions and indices.
inline unsigned countSizes(mlir::TypeRange types) {
  unsigned count = 0;
  for (mlir::Type type : types)
    if (auto shaped = llvm::dyn_cast<mlir::ShapedType>(type))
      count += shaped.getNumDynamicDims();
    else
      count += type.isIndex();
  return count;
}

/// The function of kernel `name` with this suffix, if it exists.
mlir::func::FuncOp lookupPart(mlir::ModuleOp module, llvm::StringRef name,
                              llvm::StringRef suffix);

/// The function `name`, declared with `type` where it does not exist.
mlir::func::FuncOp getOrDeclare(mlir::ModuleOp module, llvm::StringRef name,
                                mlir::FunctionType type);

/// (sizes: index...) -> index.
mlir::FunctionType getSizeFunctionType(mlir::MLIRContext *context,
                                       unsigned sizes);

/// `bytes`, rounded up to what a buffer takes.
mlir::Value roundToBuffer(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value bytes);

} // namespace tq

#endif // TQ_CODEGEN_COMMON_KERNELABI_H
