//===- ContractionKernel.h - Write kernels of linear layers -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_CONTRACTIONKERNEL_H
#define TQ_LIB_CODEGEN_CPU_CONTRACTIONKERNEL_H

#include "DotProduct.h"
#include "KernelGenerator.h"
#include "LaneEvaluator.h"
#include "MatrixTiles.h"

namespace tq::cpu {

/// Vectors of sums of a row of an item: as many packed panels.
constexpr int64_t kPanelVectors = kPanel / kPackedOutputs;

/// Sums that are in registers at the same time: some rows by some vectors of an
/// item's panel.
struct OutputTile {
  mlir::Value panel, firstVector;
  int64_t vectors;
  int64_t columns; ///< outputs that exist, from the first vector on
  llvm::SmallVector<mlir::Value> rows;
  /// Packed panels to prefetch meanwhile.
  llvm::SmallVector<mlir::Value> prefetched;
};

/// What a contraction has around its products, wherever their sums are: items,
/// operands, where sums start, the epilogue. A work item is one panel of 64
/// outputs for a block of rows: the panel stays in the cache while the rows
/// stream by.
class ContractionWriter {
public:
  ContractionWriter(Kernel &kernel, const ContractionPattern &pattern,
                    ContractionPlanAttr plan);

  void write();

  /// Blocks of rows that are items of their own.
  mlir::Value countBlocks(mlir::ImplicitLocOpBuilder &builder,
                          mlir::Value rows);
  /// Emits for a panel with all its columns, and for the last with those that
  /// exist.
  void forColumns(mlir::Value panel,
                  llvm::function_ref<void(int64_t columns)> emit);

  /// Initial sums, row by row.
  llvm::SmallVector<mlir::Value> emitInit(const OutputTile &out);
  /// What is done with the sums, row by row. So many `chains` of dependent
  /// operations, one a vector, are interleaved.
  void emitEpilogue(const OutputTile &out, mlir::ValueRange sums,
                    int64_t chains);
  /// The same of rows [first, last) of a panel, some at a time, where
  /// `load(row, vector)` gives sums without their initial value. Of rows that
  /// are no multiple, the last is done more than once.
  void
  emitEpilogues(mlir::Value panel, int64_t columns, mlir::Value first,
                mlir::Value last, int64_t rows, int64_t chains,
                llvm::function_ref<mlir::Value(mlir::Value, int64_t)> load);

  mlir::Value index(int64_t value) { return indexConstant(builder, value); }
  mlir::Value countRows();
  /// The packed panel with the outputs of a vector of an item's panel.
  mlir::Value getPacked(mlir::Value panel, mlir::Value vector);
  mlir::Value getPacked(const OutputTile &out, int64_t vector);
  /// The i32 with `count` bytes of a group of inputs, zeros behind.
  mlir::Value loadGroup(mlir::Value row, mlir::Value group, int64_t count);
  /// Fetches a line of weights; one that does not exist is ignored.
  void prefetch(mlir::Value packed, mlir::Value group, unsigned locality);

  const ContractionPattern &pattern;
  const ContractionPlanAttr plan;
  mlir::ImplicitLocOpBuilder builder;
  std::unique_ptr<LaneEvaluator> evaluator;
  mlir::Value inputMemref;  ///< [rows, K]
  mlir::Value weightMemref; ///< [N/16, groups, 16 * group]
  mlir::Value workspace;    ///< where operands are widened, else null

private:
  void emitSizes();
  mlir::Value collapseRows(mlir::Value memref);
  void bindArguments();
  LanePoint getPoint(const OutputTile &out, mlir::Value row, int64_t vector);
  void emitEpilogue(const OutputTile &out, int64_t row, int64_t vector,
                    mlir::Value sum);

  Kernel &kernel;
};

/// Products of 16 bits, of copies of inputs and weights in the scratch of a
/// thread. An item goes through its inputs block by block, so that copies stay
/// in near caches, and sums are in scratch from block to block.
class WidenedOperands {
public:
  explicit WidenedOperands(ContractionWriter &writer);

  /// Bytes of scratch of a call with `rows` rows.
  mlir::Value countBytes(mlir::ImplicitLocOpBuilder &sizes, mlir::Value rows);
  /// Emits for each block of inputs, of which it first copies rows
  /// [first, last).
  void forBlocks(mlir::Value first, mlir::Value last,
                 llvm::function_ref<void()> emit);
  /// Copies the block's weights of some vectors.
  void widenWeights(const OutputTile &out);
  /// Adds the block's products to the sums of a tile.
  void emitProducts(const OutputTile &out);
  /// What is done with the sums of a panel, behind the last block.
  void emitEpilogue(mlir::Value panel, int64_t columns);

private:
  // In words: scratch is sums, weights, inputs.
  int64_t getSumWords() const { return writer.plan.getRows() * kPanel; }
  int64_t getWeightWords() const {
    return writer.plan.getTileVectors() * 2 * blockGroups * kLanes;
  }
  int64_t getRowWords() const;
  mlir::Value getSumPlace(mlir::Value row, mlir::Value vector);
  mlir::Value getWeightPlace(int64_t vector, mlir::Value step);
  mlir::Value getInputPlace(mlir::Value row);

  mlir::Value index(int64_t value) { return writer.index(value); }
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t b);
  void forEach(mlir::Value begin, mlir::Value end, int64_t step,
               llvm::function_ref<void(mlir::Value)> emit);
  mlir::Value loadVector(mlir::Type type, mlir::Value place);
  void storeVector(mlir::Value vector, mlir::Value place);
  void clearSums();
  void widenRow(mlir::Value row);
  void widenVector(mlir::Value row, mlir::Value group, mlir::Value place);
  void widenGroup(mlir::Value word, mlir::Value place);
  llvm::SmallVector<mlir::Value>
  emitStep(const OutputTile &out, mlir::Value step, mlir::ValueRange sums);

  ContractionWriter &writer;
  mlir::ImplicitLocOpBuilder &builder;
  const int64_t groups, blockGroups; ///< of all inputs, at most of a block
  mlir::Value firstRow, lastRow;     ///< of the item
  mlir::Value firstGroup, count;     ///< of the block
};

/// Items whose sums are in vectors, from the initial value to the end of the
/// epilogue.
class VectorContraction {
public:
  explicit VectorContraction(ContractionWriter &writer)
      : writer(writer), builder(writer.builder), plan(writer.plan) {}

  void emitItem(mlir::Value item);

private:
  /// Rows that whole tiles leave over: [begin, middle) and [middle, last), each
  /// one tile; the second may be empty.
  struct Rest {
    mlir::Value begin, middle;
    mlir::Value upperRows, lowerRows;
  };

  mlir::Value index(int64_t value) { return writer.index(value); }
  void emitWidened(mlir::Value panel, mlir::Value first, mlir::Value last);
  void emitPanel(mlir::Value panel, int64_t columns, mlir::Value first,
                 mlir::Value last);
  void emitRowTiles(mlir::Value panel, mlir::Value firstVector, int64_t vectors,
                    int64_t columns, mlir::Value first, mlir::Value last);
  Rest splitRest(mlir::Value first, mlir::Value last);
  /// In rows: half of the largest rest, which is one row more than a tile.
  int64_t getLargestRestTile() const { return plan.getTileRows() / 2 + 1; }
  void emitTiles(OutputTile out, mlir::Value begin, mlir::Value end,
                 int64_t size, mlir::Value first, mlir::Value firstNumber);
  bool isWeightFar() const;
  llvm::SmallVector<mlir::Value> getPrefetched(const OutputTile &out,
                                               mlir::Value number);
  mlir::Value getNextPanel(const OutputTile &out, mlir::Value vector);
  llvm::SmallVector<mlir::Value> emitProducts(const OutputTile &out,
                                              mlir::ValueRange init);
  llvm::SmallVector<mlir::Value> emitStep(const OutputTile &out,
                                          mlir::Value group, int64_t inputs,
                                          mlir::ValueRange sums);
  void emitPrefetches(const OutputTile &out, mlir::Value group);
  mlir::Value load(mlir::Value row, mlir::Value group, int64_t count);

  ContractionWriter &writer;
  mlir::ImplicitLocOpBuilder &builder;
  const ContractionPlanAttr plan;
  std::optional<WidenedOperands>
      widened; ///< while it is copies that tiles read
};

/// Items of two tiles of rows, whose products are in tile registers. They go
/// through a small buffer in the first cache to the epilogue.
class MatrixContraction {
public:
  /// Emits what all items of a call share.
  explicit MatrixContraction(ContractionWriter &writer);

  void emitItem(mlir::Value item);
  /// Emits what comes behind all items.
  void finish() { tiles.release(); }

private:
  mlir::Value index(int64_t value) { return writer.index(value); }
  void emitSums(mlir::Value panel, int64_t columns, mlir::Value first,
                mlir::Value last);
  std::pair<mlir::Value, mlir::Value> getPrefetched(mlir::Value panel,
                                                    mlir::Value row);
  void emitProducts(const OutputTile &out, mlir::Value prefetchEnd);
  void emitPrefetches(const OutputTile &out, mlir::Value group,
                      mlir::Value end);
  void emitEpilogue(mlir::Value panel, int64_t columns, mlir::Value first,
                    mlir::Value last, mlir::Value firstSums);
  ContractionWriter &writer;
  mlir::ImplicitLocOpBuilder &builder;
  MatrixTiles tiles;
  mlir::Value sums; ///< of an item, [rows, 64]
};

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_CONTRACTIONKERNEL_H
