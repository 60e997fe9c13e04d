//===- MatrixContraction.cpp - Contractions in tile registers -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 16 groups of a packed panel are a tile.
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

/// What the tile registers hold: four tiles of sums, inputs of two tiles of
/// rows, weights.
static constexpr int64_t kInputTile = 4, kWeightTile = 6;

/// Rows whose epilogues are interleaved: their vectors are as many chains of
/// operations as keep the ports busy.
static constexpr int64_t kEpilogueRows = 2;

static Value allocate(ImplicitLocOpBuilder &builder, MemRefType type) {
  return memref::AllocaOp::create(builder, type, builder.getI64IntegerAttr(64));
}

MatrixContraction::MatrixContraction(ContractionWriter &writer)
    : writer(writer), builder(writer.builder),
      tiles(builder,
            allocate(builder, MemRefType::get({64}, builder.getI8Type()))),
      sums(allocate(builder, MemRefType::get({kMatrixRows, kPanel},
                                             builder.getI32Type()))) {
  // Slow, so once: fewer rows than a tile has are all rows there are.
  tiles.configure(kWeightTile,
                  minIndex(builder, writer.countRows(), index(kTileRows)));
}

/// 32 rows at a time. Those left over are part of the last item: its last 32
/// reach back over rows that are done, so that all tiles have as many rows.
void MatrixContraction::emitItem(Value item) {
  Value rows = writer.countRows();
  Value blocks = writer.countBlocks(builder, rows);
  Value block = index(kMatrixRows);
  Value panel = arith::DivUIOp::create(builder, item, blocks);
  Value place = arith::RemUIOp::create(builder, item, blocks);
  Value first = arith::MulIOp::create(builder, place, block);
  Value next = arith::AddIOp::create(builder, place, index(1));
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
  writer.forColumns(panel, [&](int64_t columns) {
    emitSums(panel, columns, firstSums, end);
    emitEpilogue(panel, columns, start, end, firstSums);
  });
}

/// Sums of rows [first, last), at most 32, without their initial value. More
/// than 16 rows: 2 x 2 tiles for each half of the panel, where the second tile
/// of rows reaches back over the first. Else 1 x 4 tiles of all rows.
void MatrixContraction::emitSums(Value panel, int64_t columns, Value first,
                                 Value last) {
  int64_t all = (columns + kLanes - 1) / kLanes;
  Value count = arith::SubIOp::create(builder, last, first);
  Value tileRows = index(kTileRows);
  Value isTwo = arith::CmpIOp::create(builder, arith::CmpIPredicate::ugt, count,
                                      tileRows);
  auto next = getPrefetched(panel, first);
  auto branch = scf::IfOp::create(builder, isTwo, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  auto emit = [&](Block *block, ArrayRef<Value> rows, int64_t most) {
    builder.setInsertionPoint(block->getTerminator());
    for (int64_t vector = 0; vector < all; vector += most) {
      int64_t vectors = std::min(most, all - vector);
      builder.setInsertionPoint(block->getTerminator());
      for (int64_t i = 0; i < std::ssize(rows) * vectors; ++i)
        tiles.zero(i);
      emitProducts({panel,
                    index(vector),
                    vectors,
                    columns,
                    llvm::to_vector(rows),
                    {next.first}},
                   next.second);
      Value stride = index(4 * kPanel);
      for (auto [r, row] : llvm::enumerate(rows))
        for (int64_t v = 0; v < vectors; ++v)
          tiles.store(r * vectors + v, sums,
                      {arith::SubIOp::create(builder, row, first),
                       index((vector + v) * kLanes)},
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
std::pair<Value, Value> MatrixContraction::getPrefetched(Value panel,
                                                         Value row) {
  Value rows = writer.countRows();
  Value all = index(kPanelVectors);
  Value one = index(1);
  Value blocks = minIndex(builder, writer.countBlocks(builder, rows), all);
  Value block = minIndex(
      builder, arith::DivUIOp::create(builder, row, index(kMatrixRows)),
      blocks);
  Value after =
      minIndex(builder, arith::AddIOp::create(builder, block, one), blocks);
  Value next =
      writer.getPacked(arith::AddIOp::create(builder, panel, one), index(0));
  Value packed =
      index((writer.pattern.outputs + kPackedOutputs - 1) / kPackedOutputs);
  auto place = [&](Value number) {
    Value share = arith::DivUIOp::create(
        builder, arith::MulIOp::create(builder, number, all), blocks);
    return minIndex(builder, arith::AddIOp::create(builder, next, share),
                    packed);
  };
  return {place(block), place(after)};
}

/// Adds the products over all inputs, 64 at a time.
void MatrixContraction::emitProducts(const OutputTile &out, Value prefetchEnd) {
  auto loop = scf::ForOp::create(
      builder, index(0), index(writer.pattern.inputs), index(kTileBytes));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value input = loop.getInductionVar();
  Value group = arith::DivUIOp::create(builder, input, index(kDotGroup));
  for (auto [r, row] : llvm::enumerate(out.rows))
    tiles.load(kInputTile + r, writer.inputMemref, {row, input},
               index(writer.pattern.inputs));
  for (int64_t v = 0; v < out.vectors; ++v) {
    int64_t weight = kWeightTile + v % 2;
    tiles.load(weight, writer.weightMemref,
               {writer.getPacked(out, v), group, index(0)}, index(kTileBytes));
    for (int64_t r = 0; r < std::ssize(out.rows); ++r)
      tiles.dot(r * out.vectors + v, kInputTile + r, weight);
  }
  emitPrefetches(out, group, prefetchEnd);
}

/// A tile of each packed panel, of which each half of the outputs takes half.
void MatrixContraction::emitPrefetches(const OutputTile &out, Value group,
                                       Value end) {
  bool isAll = out.rows.size() == 1;
  int64_t lines = isAll ? kTileRows : kTileRows / 2;
  Value first = group;
  if (!isAll)
    first = arith::AddIOp::create(
        builder, group,
        arith::MulIOp::create(builder, out.firstVector, index(lines / 2)));
  auto loop =
      scf::ForOp::create(builder, out.prefetched.front(), end, index(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  for (int64_t i = 0; i < lines; ++i)
    writer.prefetch(loop.getInductionVar(),
                    arith::AddIOp::create(builder, first, index(i)),
                    /*locality=*/2);
}

/// Of rows [first, last), two at a time; of an odd number the last twice.
void MatrixContraction::emitEpilogue(Value panel, int64_t columns, Value first,
                                     Value last, Value firstSums) {
  auto type = VectorType::get({kLanes}, builder.getI32Type());
  writer.emitEpilogues(
      panel, columns, first, last, kEpilogueRows,
      /*chains=*/kEpilogueRows * kPanelVectors,
      [&](Value row, int64_t v) -> Value {
        Value tileRow = arith::SubIOp::create(builder, row, firstSums);
        return vector::LoadOp::create(builder, type, sums,
                                      ValueRange{tileRow, index(v * kLanes)});
      });
}
