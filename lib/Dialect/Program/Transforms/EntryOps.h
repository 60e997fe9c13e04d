//===- EntryOps.h - What may stand in an entry ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_ENTRYOPS_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_ENTRYOPS_H

#include "tq/Dialect/Program/IR/Program.h"

namespace tq::program {

/// Emits an error for an op that has no place in a kernel or a schedule.
mlir::LogicalResult checkEntryOps(mlir::func::FuncOp entry);

/// Whether an op stays in the schedule once kernels are formed: it sizes,
/// allocates, views, calls, or reads a weight or a state.
bool isScheduled(mlir::Operation *op);

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_ENTRYOPS_H
