//===- KernelNames.h - One function for equal kernels -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELNAMES_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELNAMES_H

#include "KernelGroups.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace tq::program {

/// The op that a group is named after: its contraction, attention or norm.
mlir::Operation *findRoot(const KernelGroup &group);

/// What a group says of itself, like `quantized_linear_384x1536_gelu`.
std::string describe(const KernelGroup &group);

/// How a group computes: "int8 dynamic" or "f32".
llvm::StringRef schemeOf(const KernelGroup &group);

/// The kernels of a module, none of which equals another.
class DistinctKernels {
public:
  /// New ones come after `entry`.
  explicit DistinctKernels(mlir::func::FuncOp entry);

  /// The kernel whose definition equals `definition`, which is erased then;
  /// else a new one with it, with a name of its own.
  KernelOp getOrInsert(const KernelGroup &group, mlir::func::FuncOp definition);

private:
  std::string uniqueName(const std::string &base);

  mlir::Operation *last; ///< new kernels come after it
  llvm::StringSet<> names;
  llvm::StringMap<llvm::SmallVector<KernelOp>> kernels;
};

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELNAMES_H
