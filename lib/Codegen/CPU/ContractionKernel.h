//===- ContractionKernel.h - Generate kernels of linear layers --*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_CONTRACTIONKERNEL_H
#define TQ_LIB_CODEGEN_CPU_CONTRACTIONKERNEL_H

#include "KernelGenerator.h"
#include "LaneEvaluator.h"
#include "MatrixTiles.h"

namespace tq::cpu {

/// Rows of a work item: a multiple of every tile's.
constexpr int64_t kRowBlock = 48;
/// Rows of a work item with matrix tiles: two of them.
constexpr int64_t kMatrixRowBlock = 2 * kTileRows;

/// Steps that a line of float weights is fetched into the first cache ahead.
constexpr int64_t kStepsAhead = 4;

/// Vectors of sums of a row of an item: as many packed panels.
constexpr int64_t kPanelVectors = kPanel / kPackedOutputs;

/// What the tile registers hold: four tiles of sums, inputs of two tiles of
/// rows, weights.
constexpr int64_t kInputTile = 4, kWeightTile = 6;

/// Sums that are in registers at the same time: some rows by some vectors of an
/// item's panel.
struct OutputTile {
  mlir::Value panel, firstVector;
  int64_t vectors;
  int64_t columns; ///< outputs that exist, from the first vector on
  llvm::SmallVector<mlir::Value> rows;
  /// A packed panel to prefetch meanwhile; null: none.
  mlir::Value prefetched;
};

/// Rows that whole tiles leave over: [begin, middle) and [middle, last), each
/// one tile; the second may be empty.
struct RowRest {
  mlir::Value begin, middle;
  mlir::Value upperRows, lowerRows;
};

/// Emits a kernel with one contraction and its epilogue; the analysis and the
/// vector kernels are in ContractionKernel.cpp, those with matrix tiles in
/// MatrixContraction.cpp.
class ContractionKernelGenerator {
public:
  explicit ContractionKernelGenerator(Kernel &kernel)
      : kernel(kernel),
        builder(kernel.source.getLoc(), kernel.source.getContext()) {}

  mlir::LogicalResult generate();

private:
  // Analysis.
  mlir::LogicalResult analyze();
  mlir::LogicalResult analyzeContraction(mlir::linalg::GenericOp op);
  mlir::LogicalResult checkElementwise(mlir::linalg::GenericOp op);

  std::string describePlan() const;

  // Work items.
  void emitCount();
  mlir::Value collapseRows(mlir::Value memref, unsigned rank);
  void bindArguments();

  /// Whether the inputs of an output come in whole tiles.
  bool usesMatrixTiles() const {
    return kernel.isa.hasMatrixTiles && isInteger && inputs % kTileBytes == 0;
  }
  mlir::Value countBlocks(mlir::ImplicitLocOpBuilder &builder,
                          mlir::Value rows);
  mlir::LogicalResult emitItem(mlir::Value item);
  mlir::LogicalResult emitVectorItem(mlir::Value item);
  mlir::LogicalResult
  forColumns(mlir::Value panel,
             llvm::function_ref<mlir::LogicalResult(int64_t columns)> emit);

  // Items with matrix tiles.
  mlir::LogicalResult emitMatrixItem(mlir::Value item);
  void emitMatrixSums(mlir::Value panel, int64_t columns, mlir::Value first,
                      mlir::Value last);
  std::pair<mlir::Value, mlir::Value> getMatrixPrefetched(mlir::Value panel,
                                                          mlir::Value row);
  void emitMatrixStep(const OutputTile &out, mlir::Value prefetchEnd);
  void emitMatrixPrefetch(const OutputTile &out, mlir::Value group,
                          mlir::Value end);
  mlir::LogicalResult emitMatrixEpilogue(mlir::Value panel, int64_t columns,
                                         mlir::Value first, mlir::Value last,
                                         mlir::Value firstSums);
  bool dependsOnRows(mlir::Value value);

  // Items with vectors: a panel, its tiles of rows, one tile.
  mlir::LogicalResult emitPanel(mlir::Value panel, int64_t columns,
                                mlir::Value first, mlir::Value last);
  mlir::LogicalResult emitRowTiles(mlir::Value panel, mlir::Value firstVector,
                                   int64_t vectors, int64_t columns,
                                   mlir::Value first, mlir::Value last);
  RowRest splitRest(mlir::Value first, mlir::Value last);
  /// In rows: half of the largest rest, which is one row more than a tile.
  int64_t getLargestRestTile() const { return tile.rows / 2 + 1; }
  mlir::LogicalResult emitTiles(OutputTile out, mlir::Value begin,
                                mlir::Value end, int64_t size);
  mlir::Value getPrefetched(mlir::Value panel, mlir::Value firstVector,
                            int64_t vectors, mlir::Value row, int64_t size);
  mlir::LogicalResult emitTile(const OutputTile &out);
  LanePoint getPoint(const OutputTile &out, mlir::Value row, int64_t vector);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  emitInit(const OutputTile &out);
  mlir::Value getPacked(mlir::Value panel, mlir::Value vector);
  mlir::Value getPacked(const OutputTile &out, int64_t vector);
  llvm::SmallVector<mlir::Value> emitContraction(const OutputTile &out,
                                                 mlir::ValueRange init);
  llvm::SmallVector<mlir::Value> emitStep(const OutputTile &out,
                                          mlir::Value group, int64_t inputs,
                                          mlir::ValueRange sums);
  void emitPrefetches(const OutputTile &out, mlir::Value group);
  void prefetch(mlir::Value packed, mlir::Value group, unsigned locality);
  mlir::Value loadInputs(mlir::Value row, mlir::Value group, int64_t count);
  mlir::LogicalResult emitEpilogue(const OutputTile &out, mlir::ValueRange sums,
                                   int64_t chains);
  mlir::LogicalResult emitEpilogue(const OutputTile &out, int64_t row,
                                   int64_t vector, mlir::Value sum);

  Kernel &kernel;
  mlir::ImplicitLocOpBuilder builder;
  std::unique_ptr<LaneEvaluator> evaluator;
  mlir::linalg::GenericOp contraction;
  llvm::SmallVector<mlir::linalg::GenericOp> epilogue;
  unsigned rowRank = 0;
  bool isInteger = false;
  int64_t outputs = 0, inputs = 0;
  mlir::BlockArgument inputArgument, weightArgument;
  mlir::Value inputMemref;  ///< [rows, K]
  mlir::Value weightMemref; ///< [N/16, groups, 16 * group]
  Tile tile{};
  std::optional<MatrixTiles> tiles;
  mlir::Value tileSums; ///< of an item, [rows, 64]
};

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_CONTRACTIONKERNEL_H
