//===- VectorContraction.cpp - Contractions in vector registers -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq::cpu;

/// Steps that a line of float weights is fetched into the first cache ahead.
static constexpr int64_t kStepsAhead = 4;
/// Larger weights are not in the second cache when they are read again.
static constexpr int64_t kFarBytes = 1 << 20;

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void VectorContraction::emitItem(Value item) {
  Value rows = writer.countRows();
  Value blocks = writer.countBlocks(builder, rows);
  Value block = index(plan.getRows());
  Value panel = arith::DivUIOp::create(builder, item, blocks);
  Value first = arith::MulIOp::create(
      builder, arith::RemUIOp::create(builder, item, blocks), block);
  Value last =
      minIndex(builder, rows, arith::AddIOp::create(builder, first, block));
  if (plan.isWidened())
    return emitWidened(panel, first, last);
  writer.forColumns(
      panel, [&](int64_t columns) { emitPanel(panel, columns, first, last); });
}

/// Copies of weights that one or two tiles read are not worth while.
void VectorContraction::emitWidened(Value panel, Value first, Value last) {
  Value isFew =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::ule,
                            arith::SubIOp::create(builder, last, first),
                            index(2 * plan.getTileRows()));
  auto branch = scf::IfOp::create(builder, isFew, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  writer.forColumns(
      panel, [&](int64_t columns) { emitPanel(panel, columns, first, last); });
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  widened.emplace(writer);
  writer.forColumns(panel, [&](int64_t columns) {
    widened->forBlocks(first, last,
                       [&] { emitPanel(panel, columns, first, last); });
    widened->emitEpilogue(panel, columns);
  });
  widened.reset();
}

/// `columns` outputs of a panel, as many vectors at a time as the tile has.
void VectorContraction::emitPanel(Value panel, int64_t columns, Value first,
                                  Value last) {
  int64_t most = plan.getTileVectors();
  int64_t vectors = (columns + kLanes - 1) / kLanes;
  int64_t whole = vectors - vectors % most;
  bool isPartial = columns % kLanes != 0;
  if (isPartial && whole == vectors)
    whole -= most; // the last tile has masked lanes
  if (whole > 0 && whole <= most) {
    emitRowTiles(panel, index(0), whole, whole * kLanes, first, last);
  } else if (whole > 0) {
    auto loop =
        scf::ForOp::create(builder, index(0), index(whole), index(most));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop.getBody()->getTerminator());
    emitRowTiles(panel, loop.getInductionVar(), most, most * kLanes, first,
                 last);
  }
  if (whole != vectors)
    emitRowTiles(panel, index(whole), vectors - whole, columns - whole * kLanes,
                 first, last);
}

/// One of two values, by comparing `value` with a constant.
static Value selectWhere(ImplicitLocOpBuilder &builder,
                         arith::CmpIPredicate predicate, Value value,
                         int64_t bound, Value ifTrue, Value ifFalse) {
  Value holds = arith::CmpIOp::create(builder, predicate, value,
                                      indexConstant(builder, bound));
  return arith::SelectOp::create(builder, holds, ifTrue, ifFalse);
}

/// Whole tiles of rows, then the rest in one smaller tile or in two halves.
void VectorContraction::emitRowTiles(Value panel, Value firstVector,
                                     int64_t vectors, int64_t columns,
                                     Value first, Value last) {
  using arith::CmpIPredicate;
  OutputTile out{panel, firstVector, vectors, columns, {}, {}};
  if (widened)
    widened->widenWeights(out);
  Rest rest = splitRest(first, last);
  Value tileRows = index(plan.getTileRows());
  Value zero = index(0);
  emitTiles(out, first, rest.begin, plan.getTileRows(), zero, zero);
  Value whole = arith::DivUIOp::create(builder, rest.begin, tileRows);
  for (int64_t size = 1; size <= getLargestRestTile(); ++size) {
    Value begin = selectWhere(builder, CmpIPredicate::eq, rest.upperRows, size,
                              rest.begin, rest.middle);
    Value end = selectWhere(builder, CmpIPredicate::eq, rest.lowerRows, size,
                            last, rest.middle);
    emitTiles(out, begin, end, size, rest.begin, whole);
  }
}

/// A tile of one row has few sums that do not wait for each other, so one row
/// left over takes the last whole tile into the rest.
VectorContraction::Rest VectorContraction::splitRest(Value first, Value last) {
  auto subtract = [&](Value a, Value b) -> Value {
    return arith::SubIOp::create(builder, a, b);
  };
  using arith::CmpIPredicate;
  int64_t tileRows = plan.getTileRows();
  Value zero = index(0), one = index(1);
  Value count = subtract(last, first);
  Value rest = arith::RemUIOp::create(builder, count, index(tileRows));
  Value joined = selectWhere(builder, CmpIPredicate::ugt, count, tileRows,
                             index(tileRows + 1), one);
  rest = selectWhere(builder, CmpIPredicate::eq, rest, 1, joined, rest);
  Value lower =
      selectWhere(builder, CmpIPredicate::ugt, rest, getLargestRestTile(),
                  arith::ShRUIOp::create(builder, rest, one), zero);
  return {subtract(last, rest), subtract(last, lower), subtract(rest, lower),
          lower};
}

/// Tiles of `size` rows each from `begin` to `end`, numbered as from row
/// `first` on. Those of one row have no time to prefetch.
void VectorContraction::emitTiles(OutputTile out, Value begin, Value end,
                                  int64_t size, Value first,
                                  Value firstNumber) {
  auto loop = scf::ForOp::create(builder, begin, end, index(size));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value row = loop.getInductionVar();
  for (int64_t r = 0; r < size; ++r)
    out.rows.push_back(arith::AddIOp::create(builder, row, index(r)));
  if (size == plan.getTileRows() || (isWeightFar() && size > 1)) {
    Value before = arith::SubIOp::create(builder, row, first);
    Value number = arith::DivUIOp::create(builder, before, index(size));
    out.prefetched =
        getPrefetched(out, arith::AddIOp::create(builder, firstNumber, number));
  }
  if (widened)
    return widened->emitProducts(out);
  SmallVector<Value> init = writer.emitInit(out);
  writer.emitEpilogue(out, emitProducts(out, init), /*chains=*/1);
}

/// Whether the weight comes from memory in every run, being larger than the
/// second cache.
bool VectorContraction::isWeightFar() const {
  auto type = cast<ShapedType>(writer.pattern.weight.getType());
  return writer.pattern.outputs * writer.pattern.inputs *
             type.getElementTypeBitWidth() / 8 >
         kFarBytes;
}

/// The first tiles prefetch packed panels of the next outputs, one each, so
/// that what is far is read all the time. All others prefetch what is in the
/// cache, so that the loop has no branch.
SmallVector<Value> VectorContraction::getPrefetched(const OutputTile &out,
                                                    Value number) {
  if (!isWeightFar())
    return {getNextPanel(out, number)};
  // Two each where there are too few tiles; with one alone it does not pay.
  auto whereRows = [&](int64_t tiles, Value atMost, Value more) {
    return selectWhere(builder, arith::CmpIPredicate::ule, writer.countRows(),
                       tiles * plan.getTileRows(), atMost, more);
  };
  constexpr int64_t few = kPanelVectors - 1;
  Value none = index(kPanelVectors);
  Value first = arith::MulIOp::create(builder, number,
                                      whereRows(few, index(2), index(1)));
  first = whereRows(1, none, first);
  Value second =
      whereRows(few, arith::AddIOp::create(builder, first, index(1)), none);
  return {getNextPanel(out, first), getNextPanel(out, second)};
}

/// The packed panel with vector `vector` of the next outputs; the first at work
/// if the tile has not so many.
Value VectorContraction::getNextPanel(const OutputTile &out, Value vector) {
  Value exists = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult,
                                       vector, index(out.vectors));
  Value next =
      writer.getPacked(arith::AddIOp::create(builder, out.panel, index(1)),
                       arith::AddIOp::create(builder, out.firstVector, vector));
  int64_t packed =
      (writer.pattern.outputs + kPackedOutputs - 1) / kPackedOutputs;
  return arith::SelectOp::create(builder, exists,
                                 minIndex(builder, next, index(packed - 1)),
                                 writer.getPacked(out.panel, out.firstVector));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

SmallVector<Value> VectorContraction::emitProducts(const OutputTile &out,
                                                   ValueRange init) {
  int64_t group = getGroupSize(plan.getDot());
  int64_t whole = writer.pattern.inputs / group;
  int64_t rest = writer.pattern.inputs % group;
  SmallVector<Value> sums(init);
  if (whole > 0) {
    auto loop =
        scf::ForOp::create(builder, index(0), index(whole), index(1), sums);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    if (!out.prefetched.empty())
      emitPrefetches(out, loop.getInductionVar());
    SmallVector<Value> next =
        emitStep(out, loop.getInductionVar(), group, loop.getRegionIterArgs());
    scf::YieldOp::create(builder, next);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }
  if (rest > 0)
    sums = emitStep(out, index(whole), rest, sums);
  return sums;
}

/// A line of each panel to come, into the second cache, since those at work
/// fill the first. Panels of floats do not fit there, so that lines are also
/// fetched from the second to the first a few steps ahead.
void VectorContraction::emitPrefetches(const OutputTile &out, Value group) {
  for (Value panel : out.prefetched)
    writer.prefetch(panel, group, /*locality=*/2);
  if (writer.pattern.isInteger)
    return;
  Value ahead = arith::AddIOp::create(builder, group, index(kStepsAhead));
  for (int64_t v = 0; v < out.vectors; ++v)
    writer.prefetch(writer.getPacked(out, v), ahead, /*locality=*/3);
}

/// Adds the products of a group of inputs, of which `inputs` exist.
SmallVector<Value> VectorContraction::emitStep(const OutputTile &out,
                                               Value group, int64_t inputs,
                                               ValueRange sums) {
  DotKind dot = plan.getDot();
  auto weights = cast<MemRefType>(writer.weightMemref.getType());
  auto type =
      VectorType::get({kLanes * getGroupSize(dot)}, weights.getElementType());
  SmallVector<Value> loaded;
  for (int64_t v = 0; v < out.vectors; ++v)
    loaded.push_back(vector::LoadOp::create(
        builder, type, writer.weightMemref,
        ValueRange{writer.getPacked(out, v), group, index(0)}));
  SmallVector<DotWeights> prepared;
  for (Value weight : loaded)
    prepared.push_back(prepareWeights(builder, dot, weight));
  SmallVector<Value> next;
  for (Value row : out.rows) {
    DotInputs input = prepareInputs(builder, dot, load(row, group, inputs));
    for (const DotWeights &weight : prepared)
      next.push_back(emitDot(builder, dot, sums[next.size()], input, weight));
  }
  return next;
}

/// The f32 of a group, or the i32 with `count` of its bytes, zeros behind.
Value VectorContraction::load(Value row, Value group, int64_t count) {
  if (writer.pattern.isInteger)
    return writer.loadGroup(row, group, count);
  return memref::LoadOp::create(builder, writer.inputMemref,
                                ValueRange{row, group});
}
