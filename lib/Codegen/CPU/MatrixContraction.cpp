//===- MatrixContraction.cpp - Contractions in tile registers -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of an item go from tile registers through a small buffer in the
// first cache to the epilogue, which is that of the vector kernels. 16 groups
// of a packed panel are a tile.
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq::cpu;

/// Rows whose epilogues are interleaved: their vectors are as many chains of
/// operations as keep the ports busy.
constexpr int64_t kEpilogueRows = 2;

/// 32 rows at a time. Those left over are part of the last item: its last 32
/// reach back over rows that are done, so that all tiles have as many rows.
LogicalResult ContractionKernelGenerator::emitMatrixItem(Value item) {
  Value rows = memref::DimOp::create(builder, inputMemref, 0);
  Value blocks = countBlocks(builder, rows);
  Value block = indexConstant(builder, kMatrixRowBlock);
  Value panel = arith::DivUIOp::create(builder, item, blocks);
  Value place = arith::RemUIOp::create(builder, item, blocks);
  Value first = arith::MulIOp::create(builder, place, block);
  Value next = arith::AddIOp::create(builder, place, indexConstant(builder, 1));
  Value isLast =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, next, blocks);
  Value last = arith::SelectOp::create(
      builder, isLast, rows, arith::AddIOp::create(builder, first, block));
  Value count =
      minIndex(builder, block, arith::SubIOp::create(builder, last, first));
  auto loop = scf::ForOp::create(builder, first, last, block);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value start = loop.getInductionVar();
  Value end =
      minIndex(builder, last, arith::AddIOp::create(builder, start, block));
  Value firstSums = arith::SubIOp::create(builder, end, count);
  return forColumns(panel, [&](int64_t columns) {
    emitMatrixSums(panel, columns, firstSums, end);
    return emitMatrixEpilogue(panel, columns, start, end, firstSums);
  });
}

/// Sums of rows [first, last), at most 32, without their initial value. More
/// than 16 rows: 2 x 2 tiles for each half of the panel, where the second tile
/// of rows reaches back over the first. Else 1 x 4 tiles of all rows.
void ContractionKernelGenerator::emitMatrixSums(Value panel, int64_t columns,
                                                Value first, Value last) {
  int64_t all = (columns + kLanes - 1) / kLanes;
  Value count = arith::SubIOp::create(builder, last, first);
  Value tileRows = indexConstant(builder, kTileRows);
  Value isTwo = arith::CmpIOp::create(builder, arith::CmpIPredicate::ugt, count,
                                      tileRows);
  auto next = getMatrixPrefetched(panel, first);
  auto branch = scf::IfOp::create(builder, isTwo, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  auto emit = [&](Block *block, ArrayRef<Value> rows, int64_t most) {
    builder.setInsertionPoint(block->getTerminator());
    for (int64_t vector = 0; vector < all; vector += most) {
      int64_t vectors = std::min(most, all - vector);
      builder.setInsertionPoint(block->getTerminator());
      for (int64_t i = 0; i < std::ssize(rows) * vectors; ++i)
        tiles->zero(i);
      emitMatrixStep({panel, indexConstant(builder, vector), vectors, columns,
                      llvm::to_vector(rows), next.first},
                     next.second);
      Value stride = indexConstant(builder, 4 * kPanel);
      for (auto [r, row] : llvm::enumerate(rows))
        for (int64_t v = 0; v < vectors; ++v)
          tiles->store(r * vectors + v, tileSums,
                       {arith::SubIOp::create(builder, row, first),
                        indexConstant(builder, (vector + v) * kLanes)},
                       stride);
    }
  };
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  Value second = arith::SubIOp::create(builder, last, tileRows);
  emit(branch.thenBlock(), {first, second}, 2);
  emit(branch.elseBlock(), {first}, 4);
}

/// The packed panels of the next outputs, first and end, that the block from
/// `row` on prefetches: the first four blocks share them, or as many as exist.
std::pair<Value, Value>
ContractionKernelGenerator::getMatrixPrefetched(Value panel, Value row) {
  Value rows = memref::DimOp::create(builder, inputMemref, 0);
  Value all = indexConstant(builder, kPanelVectors);
  Value one = indexConstant(builder, 1);
  Value blocks = minIndex(builder, countBlocks(builder, rows), all);
  Value index =
      minIndex(builder,
               arith::DivUIOp::create(builder, row,
                                      indexConstant(builder, kMatrixRowBlock)),
               blocks);
  Value after =
      minIndex(builder, arith::AddIOp::create(builder, index, one), blocks);
  Value next = getPacked(arith::AddIOp::create(builder, panel, one),
                         indexConstant(builder, 0));
  Value packed =
      indexConstant(builder, (outputs + kPackedOutputs - 1) / kPackedOutputs);
  auto place = [&](Value block) {
    Value share = arith::DivUIOp::create(
        builder, arith::MulIOp::create(builder, block, all), blocks);
    return minIndex(builder, arith::AddIOp::create(builder, next, share),
                    packed);
  };
  return {place(index), place(after)};
}

/// Adds the products over all inputs, 64 at a time.
void ContractionKernelGenerator::emitMatrixStep(const OutputTile &out,
                                                Value prefetchEnd) {
  auto loop = scf::ForOp::create(builder, indexConstant(builder, 0),
                                 indexConstant(builder, inputs),
                                 indexConstant(builder, kTileBytes));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value input = loop.getInductionVar();
  Value group =
      arith::DivUIOp::create(builder, input, indexConstant(builder, kDotGroup));
  for (auto [r, row] : llvm::enumerate(out.rows))
    tiles->load(kInputTile + r, inputMemref, {row, input},
                indexConstant(builder, inputs));
  for (int64_t v = 0; v < out.vectors; ++v) {
    int64_t weight = kWeightTile + v % 2;
    tiles->load(weight, weightMemref,
                {getPacked(out, v), group, indexConstant(builder, 0)},
                indexConstant(builder, kTileBytes));
    for (int64_t r = 0; r < std::ssize(out.rows); ++r)
      tiles->dot(r * out.vectors + v, kInputTile + r, weight);
  }
  emitMatrixPrefetch(out, group, prefetchEnd);
}

/// A tile of each packed panel, of which each half of the outputs takes half.
void ContractionKernelGenerator::emitMatrixPrefetch(const OutputTile &out,
                                                    Value group, Value end) {
  bool isAll = out.rows.size() == 1;
  int64_t lines = isAll ? kTileRows : kTileRows / 2;
  Value first = group;
  if (!isAll)
    first = arith::AddIOp::create(
        builder, group,
        arith::MulIOp::create(builder, out.firstVector,
                              indexConstant(builder, lines / 2)));
  auto loop = scf::ForOp::create(builder, out.prefetched, end,
                                 indexConstant(builder, 1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  for (int64_t i = 0; i < lines; ++i)
    prefetch(loop.getInductionVar(),
             arith::AddIOp::create(builder, first, indexConstant(builder, i)),
             /*locality=*/2);
}

/// Of rows [first, last), two at a time; of an odd number the last twice.
LogicalResult ContractionKernelGenerator::emitMatrixEpilogue(
    Value panel, int64_t columns, Value first, Value last, Value firstSums) {
  OutputTile out{panel,
                 indexConstant(builder, 0),
                 (columns + kLanes - 1) / kLanes,
                 columns,
                 {first},
                 {}};
  bool isSameInRows = !dependsOnRows(contraction.getDpsInits().front());
  FailureOr<SmallVector<Value>> initial = SmallVector<Value>();
  if (isSameInRows)
    initial = emitInit(out);
  auto loop = scf::ForOp::create(builder, first, last,
                                 indexConstant(builder, kEpilogueRows));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value one = indexConstant(builder, 1);
  Value next = arith::AddIOp::create(builder, loop.getInductionVar(), one);
  out.rows = {
      loop.getInductionVar(),
      minIndex(builder, next, arith::SubIOp::create(builder, last, one))};
  if (!isSameInRows)
    initial = emitInit(out);
  if (failed(initial))
    return failure();
  auto type = VectorType::get({kLanes}, builder.getI32Type());
  SmallVector<Value> sums;
  for (Value row : out.rows) {
    Value tileRow = arith::SubIOp::create(builder, row, firstSums);
    for (int64_t v = 0; v < out.vectors; ++v) {
      Value products = vector::LoadOp::create(
          builder, type, tileSums,
          ValueRange{tileRow, indexConstant(builder, v * kLanes)});
      Value start = (*initial)[sums.size() % initial->size()];
      sums.push_back(arith::AddIOp::create(builder, products, start));
    }
  }
  return emitEpilogue(out, sums, /*chains=*/sums.size());
}

/// Whether a value computed in the kernel can differ from row to row.
bool ContractionKernelGenerator::dependsOnRows(Value value) {
  if (value.getDefiningOp<linalg::FillOp>())
    return false;
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.hasIndexSemantics())
    return true;
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    AffineMap map = op.getMatchingIndexingMap(input);
    return usesDim(map, 0);
  });
}
