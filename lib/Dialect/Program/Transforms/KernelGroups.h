//===- KernelGroups.h - Which ops share a kernel ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELGROUPS_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELGROUPS_H

#include "StateUpdates.h"
#include "tq/Dialect/Program/Analysis/ResultDims.h"
#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/SetVector.h"

#include <deque>

namespace tq::program {

/// Ops that become one kernel.
struct KernelGroup {
  enum class Kind { Contraction, Rows, Single };
  Kind kind;
  llvm::SmallVector<mlir::Operation *> ops; ///< in the order of the block
};

/// Whether a kernel computes the op's results: tensors that are neither views
/// nor made at compile time.
bool needsKernel(mlir::Operation *op);

/// Partitions the tensor ops of a block into kernels such that the kernels can
/// be run one after the other.
class KernelGroups {
public:
  /// Ops that stay in the schedule belong to no group, and neither do ops that
  /// are cheap enough to be copied into every kernel that uses them.
  KernelGroups(mlir::Block &block, const StateUpdates &updates, DimsOf dimsOf);

  KernelGroup *lookup(mlir::Operation *op) const { return groupOf.lookup(op); }

  /// Whether `user` takes a copy of `op` into its kernel: a fill it
  /// accumulates on, positions it looks up, a slice that attention reads.
  bool copiesProducer(mlir::Operation *user, mlir::Operation *op) const;

  /// Whether the op is a slice of the first tokens of keys or values.
  bool isPrefix(mlir::Operation *op) const { return prefixSlices.contains(op); }

  const StateUpdates &getUpdates() const { return updates; }

  /// Whether kernels hold all that there is of `op`.
  bool isCopied(mlir::Operation *op) const { return copied.contains(op); }

private:
  bool readsPrefix(AttentionOpInterface attention,
                   mlir::Operation *slice) const;
  bool isCopiedByAllUsers(mlir::Operation *op) const;
  void assign(mlir::Operation *op);
  KernelGroup *create(KernelGroup::Kind kind, mlir::Operation *op);
  KernelGroup *findContraction(mlir::Operation *op);
  llvm::SetVector<KernelGroup *> findRowGroups(mlir::Operation *op);
  /// Whether a value leaves the groups and comes back to them or to `op`.
  bool wouldCycle(llvm::ArrayRef<KernelGroup *> merged, mlir::Operation *op);
  void merge(llvm::ArrayRef<KernelGroup *> merged, mlir::Operation *op);

  const StateUpdates &updates;
  std::deque<KernelGroup> groups;
  llvm::DenseMap<mlir::Operation *, KernelGroup *> groupOf;
  /// Slices of all rows: only the last dimension is cut.
  llvm::DenseSet<mlir::Operation *> columnSlices;
  /// The same of the first tokens, [batch, tokens, columns].
  llvm::DenseSet<mlir::Operation *> prefixSlices;
  llvm::DenseSet<mlir::Operation *> copied;
};

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_KERNELGROUPS_H
