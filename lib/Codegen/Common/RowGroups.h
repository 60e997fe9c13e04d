//===- RowGroups.h - Calls that go through the rows together ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between two attentions a transformer treats every token by itself: linear
// layers, norms, quantization. Calls of such kernels form a group, and a thread
// takes a block of rows through all of them before it takes the next: what one
// kernel hands to the next stays in the thread's cache, and threads meet once a
// group instead of after every kernel. Rows do not depend on each other, so
// neither do the bits on the blocks.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_COMMON_ROWGROUPS_H
#define TQ_LIB_CODEGEN_COMMON_ROWGROUPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq {

/// Rows of a block at most. Larger ones read the weights less often, but leave
/// the cache themselves.
constexpr int64_t kBlockRows = 256;
/// Rows for each thread from which on blocks pay: each thread reads all weights
/// for its rows. With fewer, the threads share the outputs of each kernel.
constexpr int64_t kLeastBlockRows = 32;
/// The same where the weights come from memory in every run.
constexpr int64_t kLeastBlockRowsFromMemory = 128;
/// Weights that a last cache holds from run to run.
constexpr int64_t kCachedWeightBytes = 32 << 20;
static_assert(kLeastBlockRowsFromMemory <= kBlockRows,
              "without blocks, their buffers hold all rows");
/// What the rows of a block are a multiple of, where there are as many.
constexpr int64_t kBlockRowUnit = 16;

struct ScheduledCall;
class ShapeFormulas;

/// Consecutive calls of row-wise kernels on the same number of rows.
struct RowGroup {
  int64_t first, last;  ///< index of the first call and of the last
  mlir::Value tensor;   ///< an operand whose dynamic dimensions are the rows
  int64_t operands = 0; ///< of all calls
};

/// Words of the arguments of a group's code, beside those for its operands.
constexpr int64_t kGroupWords = 4;
/// Words of the arguments of a group's code, at most.
inline int64_t countGroupWords(const RowGroup &group) {
  return kGroupWords + 2 * group.operands;
}

/// All groups, in the order of the calls.
llvm::SmallVector<RowGroup> findRowGroups(mlir::ModuleOp module,
                                          llvm::ArrayRef<ScheduledCall> calls,
                                          ShapeFormulas &shapes);

/// Bytes of a row of a tensor whose dynamic dimensions are its rows.
int64_t getRowBytes(mlir::Type tensor);

} // namespace tq

#endif // TQ_LIB_CODEGEN_COMMON_ROWGROUPS_H
