//===- AttentionKernel.h - Write kernels of attention -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H
#define TQ_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H

#include "KernelGenerator.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace tq::cpu {

/// What attention in every precision shares. A work item is one head of one
/// sequence; it packs keys and values into its scratch, then goes through the
/// queries in blocks of rows. Rows of a block beyond the last query repeat it,
/// keys beyond the last are not visible: no shape needs code of its own.
class AttentionWriter {
public:
  AttentionWriter(Kernel &kernel, const AttentionPattern &pattern,
                  AttentionPlanAttr plan);
  virtual ~AttentionWriter() = default;

  void write();

protected:
  /// An operand of attention: columns of a [batch, token, column] memref.
  struct Operand {
    mlir::Value memref;
    int64_t firstColumn;
  };

  /// Where a work item has its operands.
  struct Head {
    mlir::Value batch, queryColumn, keyColumn, valueColumn, resultColumn;
    mlir::Value number;
    mlir::Value channel; ///< the first one of all that the value has
  };

  // What a precision adds.
  /// 32-bit words of scratch: some, and some for each panel of keys.
  virtual std::pair<int64_t, int64_t> countWords() = 0;
  /// Emits what all items of a call share, before and after them.
  virtual void begin() = 0;
  virtual void end() {}
  virtual void packKeys() = 0;
  virtual void packValues() = 0;
  virtual void emitRowBlock() = 0;

  // Numbers and vectors.
  /// What scores are multiplied by, where the operands are f32.
  float getScale() {
    return mlir::cast<AttentionOp>(*op).getScale().convertToFloat();
  }
  mlir::Value index(int64_t value) { return indexConstant(builder, value); }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return mlir::arith::AddIOp::create(builder, x, y);
  }
  mlir::Value mul(mlir::Value x, int64_t y) {
    return mlir::arith::MulIOp::create(builder, x, index(y));
  }
  mlir::VectorType vectorType() {
    return mlir::VectorType::get({kLanes}, builder.getF32Type());
  }
  mlir::Value splat(float value);
  mlir::Value constant(float value);
  mlir::Value broadcast(mlir::Value scalar) {
    return mlir::vector::BroadcastOp::create(
        builder, mlir::VectorType::get({kLanes}, scalar.getType()), scalar);
  }
  mlir::Value maxOf(mlir::Value x, mlir::Value y);
  /// Halves a vector to one value with `combine`.
  mlir::Value
  reduce(mlir::Value vector,
         llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  /// Halves each of up to 16 vectors to one value with `combine`, a commutative
  /// one, in the tree of `reduce`: the value of the i-th is in lane
  /// `laneOf(i)`. All wait for the latency of one tree, and a division of the
  /// values is one.
  mlir::Value
  reduceAll(llvm::ArrayRef<mlir::Value> vectors,
            llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  static int64_t laneOf(int64_t i);
  /// A vector of one lane's value.
  mlir::Value broadcastLane(mlir::Value vector, int64_t lane);
  /// Makes 16 rows of 16 lanes to columns.
  void transpose(llvm::MutableArrayRef<mlir::Value> block);
  /// Emits a loop from 0 to `count`; `body` takes its variable and what is
  /// carried, and gives what is carried on.
  llvm::SmallVector<mlir::Value>
  forEach(mlir::Value count, int64_t step, mlir::ValueRange carried,
          llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                            mlir::ValueRange)>
              body);

  // Operands.
  /// The first `count` lanes; null: all.
  mlir::Value firstLanes(int64_t count);
  /// Up to 16 of `count` elements at a place of a memref, then zeros.
  mlir::Value loadLanes(mlir::Value memref, mlir::ValueRange place,
                        int64_t count);
  /// Up to 16 of `count` dimensions of a token's head from dimension `first` of
  /// those at `column`, then zeros.
  mlir::Value loadPart(const Operand &operand, mlir::Value token,
                       mlir::Value column, int64_t first, int64_t count);
  /// Vectors of 16 that a head fills, the last one perhaps in part.
  int64_t headVectors() const { return (headSize + kLanes - 1) / kLanes; }
  /// 16 dimensions of a token's head from `column` on, zeros beyond the last.
  mlir::Value loadDims(const Operand &operand, mlir::Value token,
                       mlir::Value column, int64_t vector) {
    int64_t first = vector * kLanes;
    return loadPart(operand, token, column, first, headSize - first);
  }
  /// Writes 16 dimensions of the result of the query in `row`.
  virtual void storeResult(mlir::Value row, int64_t vector, mlir::Value out);
  /// Stores those of 16 elements that a head has.
  void storeLanes(mlir::Value row, int64_t vector, mlir::Value out);
  /// Keys from `first`, null: 0, up to but not including `limit`.
  struct KeyRange {
    mlir::Value first, limit;
  };
  /// All keys, or those near the place of the query in `row`.
  KeyRange getAllKeys() { return {mlir::Value(), keys}; }
  KeyRange getKeyRange(mlir::Value row);
  /// Which of 16 keys are in a range and shown by the mask.
  mlir::Value getVisible(mlir::Value firstKey, const KeyRange &range);
  /// Which of 16 keys are in a range.
  mlir::Value getWithin(mlir::Value firstKey, const KeyRange &range);
  mlir::Value lastOf(mlir::Value count) {
    return mlir::arith::SubIOp::create(builder, count, index(1));
  }
  /// Fetches into the second cache what follows the query in `row`: the query
  /// in its place in the next block, and the query's share of the next item's
  /// keys and values. These are pieces of rows far apart, which the CPU does
  /// not fetch ahead by itself.
  void prefetchAfter(mlir::Value row);

  Kernel &kernel;
  const AttentionPattern &pattern;
  mlir::ImplicitLocOpBuilder builder;
  AttentionOpInterface op;
  const Operand query, key, value;
  const mlir::Value mask, result;
  mlir::Value workspace;
  const int64_t headSize, heads, kvHeads;
  const DotKind dot;
  const Tile tile;
  const bool usesTiles;
  const int64_t rowsPerBlock;
  // Of the call, of the work item, of the block of rows.
  mlir::Value queries, keys, panels, isFar, keysPerQuery;
  Head head, nextHead;
  mlir::Value firstRow;

private:
  /// Which of 16 keys are below `limit`.
  mlir::Value getBelow(mlir::Value firstKey, mlir::Value limit);
  Operand bind(const AttentionPattern::Operand &operand);
  Head getHead(mlir::Value item);
  void prefetch(const Operand &operand, mlir::Value batch, mlir::Value token,
                mlir::Value column);
  void emitCounts();
  /// Whether it is worth while to prefetch.
  mlir::Value emitIsFar();
  void emitItem(mlir::Value item);
};

/// One a precision.
std::unique_ptr<AttentionWriter>
createFloatAttention(Kernel &kernel, const AttentionPattern &pattern,
                     AttentionPlanAttr plan);
std::unique_ptr<AttentionWriter>
createBf16Attention(Kernel &kernel, const AttentionPattern &pattern,
                    AttentionPlanAttr plan);
std::unique_ptr<AttentionWriter>
createDynamicAttention(Kernel &kernel, const AttentionPattern &pattern,
                       AttentionPlanAttr plan);
std::unique_ptr<AttentionWriter>
createStaticAttention(Kernel &kernel, const AttentionPattern &pattern,
                      AttentionPlanAttr plan);

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_ATTENTIONKERNEL_H
