//===- LaneOps.h - Ops over rows and lanes ----------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generated kernels go over (rows..., lane): what happens to some lanes of a
// row comes from the bodies of `linalg.generic` ops. Here is what such a body
// has to be like, whoever writes the code.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_COMMON_LANEOPS_H
#define TQ_CODEGEN_COMMON_LANEOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace tq {

/// Whether `map` mentions dimension `dim`.
bool usesDim(mlir::AffineMap map, unsigned dim);

/// Whether the results of `map` are its first dimensions in order.
bool isLeadingIdentity(mlir::AffineMap map);

/// The argument of the kernel that `value`, a result in destination style, is
/// written to; null for a temporary.
mlir::BlockArgument getDestination(mlir::Value value);

/// Whether loop i of one op has as many iterations as loop i of every other:
/// a size is known, or follows from the tensors that the ops share. Loops that
/// only some ops have are compared among those.
bool haveEqualExtents(llvm::ArrayRef<mlir::linalg::GenericOp> ops);

/// Loops of a kernel: `rowRank` of rows, then perhaps one of lanes.
struct LaneSpace {
  unsigned rowRank = 0;
  /// Rows are one loop in the code: an op cannot ask which row it is in.
  bool isCollapsed = false;
};

/// Which lane an index in a body names, seen from the lane that is computed: so
/// many further in a ring of the row's lanes, or the other one of two
/// neighbours.
struct LaneIndex {
  int64_t distance = 0;
  bool isNeighbour = false;
};
std::optional<LaneIndex> matchLaneIndex(mlir::Value index, unsigned rowRank);

/// As many lanes as a target computes at once, or a multiple of that: whole
/// blocks of them are read at another place of a row.
inline constexpr int64_t kLaneBlock = 16;

/// Whether the body of `op`, a loop over rows or over rows and lanes, can be
/// computed for a row, or for some lanes of one at once: what it reads is
/// constant, or an argument of the kernel, or what another op of the kernel
/// computed at the very same place; its ops are elementwise, indices, and reads
/// of arguments that are contiguous along lanes.
bool canComputeLanes(mlir::linalg::GenericOp op, LaneSpace space);

/// The same for reading `tensor` through `map` in an op over lanes.
bool canReadLanes(mlir::Value tensor, mlir::AffineMap map, LaneSpace space);

} // namespace tq

#endif // TQ_CODEGEN_COMMON_LANEOPS_H
