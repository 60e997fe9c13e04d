//===- ScheduleAnalysis.h - Buffers and tables of a schedule ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_COMMON_SCHEDULEANALYSIS_H
#define TQ_LIB_CODEGEN_COMMON_SCHEDULEANALYSIS_H

#include "RowGroups.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace tq {

/// Operations of a kernel: `factor` times the sizes of some operands'
/// dimensions.
struct OpCount {
  int64_t factor;
  llvm::SmallVector<std::pair<unsigned, unsigned>>
      sizes; // (operand, dimension)
};

struct ScheduledCall {
  llvm::StringRef getKernel() const {
    return mlir::func::CallOp(op).getCallee();
  }

  mlir::func::CallOp op;
  int64_t id = 0;             ///< index into the program's calls
  int64_t workspaceSlot = -1; ///< where its scratch is, or -1
  llvm::SmallVector<OpCount> counts;
  llvm::SmallVector<unsigned> streamed; ///< operands that are not only gathered
};

/// A part of the arena, and what takes turns in it.
struct Slot {
  llvm::SmallVector<mlir::Value> buffers; ///< tensor.empty
  /// Those that hold a block of rows of each thread, and their groups.
  llvm::SmallVector<std::pair<mlir::Value, size_t>> blocks;
  llvm::SmallVector<mlir::func::CallOp> workspaces;
};

struct Schedule {
  llvm::ArrayRef<ScheduledCall> getCalls(const RowGroup &group) const {
    return llvm::ArrayRef(calls).slice(group.first,
                                       group.last - group.first + 1);
  }

  llvm::SmallVector<ScheduledCall> calls;
  llvm::SmallVector<RowGroup> groups; ///< in the order of the calls
  llvm::SmallVector<Slot> slots;
  /// Buffers that are outputs of the program: tensor.empty -> output.
  llvm::SmallVector<std::pair<mlir::Value, int64_t>> outputs;
  /// What `plan` evaluates before it gives the arena's bytes.
  llvm::SmallVector<mlir::cf::AssertOp> checks;
  llvm::StringMap<int64_t> weightOffsets;
  int64_t weightBytes = 0; ///< of all, with the gaps between them
  int64_t maxArgumentWords = 1;
  mlir::DictionaryAttr program; ///< `tq.program`
};

/// Plans the arena, gives the weights their offsets and builds the program's
/// tables. Fails with an error at what a schedule may not hold.
mlir::LogicalResult analyzeSchedule(mlir::func::FuncOp main,
                                    Schedule &schedule);

/// The dimensions of a view of a tensor with dimensions `source`.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
emitViewDims(mlir::ImplicitLocOpBuilder &builder, mlir::Operation &op,
             llvm::ArrayRef<mlir::Value> source,
             const mlir::IRMapping &indices);

/// The buffer that a tensor is in: through views and kernel calls.
mlir::Value getRoot(mlir::Value tensor);

/// The operand of a kernel call that the result is written to.
mlir::Value getCallDestination(mlir::OpResult result);

} // namespace tq

#endif // TQ_LIB_CODEGEN_COMMON_SCHEDULEANALYSIS_H
