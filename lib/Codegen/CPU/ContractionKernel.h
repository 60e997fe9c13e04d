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

/// Vectors of sums of a row of an item: as many packed panels.
constexpr int64_t kPanelVectors = kPanel / kPackedOutputs;

/// What the tile registers hold: four tiles of sums, inputs of two tiles of
/// rows, weights.
constexpr int64_t kInputTile = 4, kWeightTile = 6;

/// Emits a kernel with one contraction and its epilogue; the analysis and the
/// vector kernels are in ContractionKernel.cpp, those with matrix tiles in
/// MatrixContraction.cpp.
class ContractionKernelGenerator {
public:
  explicit ContractionKernelGenerator(Kernel &kernel)
      : kernel(kernel),
        builder(kernel.source.getLoc(), kernel.function.getContext()) {}

  mlir::LogicalResult generate();

private:
  // Analysis.
  mlir::LogicalResult analyze();
  mlir::LogicalResult analyzeContraction(mlir::linalg::GenericOp op);
  mlir::LogicalResult checkElementwise(mlir::linalg::GenericOp op);

  // Work items.
  void emitCount();
  mlir::Value collapseRows(mlir::Value memref, unsigned rank);
  void bindArguments();

  /// Whether the inputs of an output come in whole tiles.
  bool usesMatrixTiles() const {
    return kernel.target.hasMatrixTiles && isInteger &&
           inputs % kTileBytes == 0;
  }
  mlir::Value countBlocks(mlir::ImplicitLocOpBuilder &b, mlir::Value rows);
  mlir::LogicalResult emitItem(mlir::Value item);
  mlir::LogicalResult
  forColumns(mlir::Value panel,
             llvm::function_ref<mlir::LogicalResult(int64_t columns)> emit);

  // Items with matrix tiles.
  mlir::LogicalResult emitMatrixItem(mlir::Value item);
  void emitMatrixSums(mlir::Value panel, int64_t columns, mlir::Value first,
                      mlir::Value last);
  void emitMatrixStep(mlir::Value panel, llvm::ArrayRef<mlir::Value> rows,
                      int64_t firstVector, int64_t vectors);
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
  mlir::Value countRestTiles(mlir::Value rest, mlir::Value count,
                             int64_t smaller, int64_t size, int64_t larger);
  mlir::LogicalResult emitTile(mlir::Value panel, mlir::Value firstVector,
                               int64_t vectors, int64_t columns,
                               llvm::ArrayRef<mlir::Value> rows);
  LanePoint getPoint(mlir::Value row, mlir::Value panel,
                     mlir::Value firstVector, int64_t vector, int64_t columns);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  emitInit(mlir::Value panel, mlir::Value firstVector, int64_t vectors,
           int64_t columns, llvm::ArrayRef<mlir::Value> rows);
  mlir::Value getPacked(mlir::Value panel, mlir::Value vector);
  llvm::SmallVector<mlir::Value>
  emitContraction(mlir::Value panel, mlir::Value firstVector, int64_t vectors,
                  llvm::ArrayRef<mlir::Value> rows, mlir::ValueRange init);
  llvm::SmallVector<mlir::Value>
  emitStep(mlir::Value panel, mlir::Value firstVector, int64_t vectors,
           llvm::ArrayRef<mlir::Value> rows, mlir::Value group, int64_t inputs,
           mlir::ValueRange sums);
  mlir::Value loadInputs(mlir::Value row, mlir::Value group, int64_t count);
  mlir::LogicalResult emitEpilogue(mlir::Value panel, mlir::Value firstVector,
                                   int64_t vectors, int64_t columns,
                                   llvm::ArrayRef<mlir::Value> rows,
                                   mlir::ValueRange sums);

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
