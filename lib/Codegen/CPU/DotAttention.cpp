//===- DotAttention.cpp - Attention by dot products of words --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DotAttention.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tq::cpu;

/// Sums are 2 x 2 tile registers, 0 to 3; then come two tiles of rows and two
/// of keys or channels.
static constexpr int64_t kTilePair = 2;
static constexpr int64_t kRowTile = 4, kColumnTile = 6;

/// Rows whose softmax is computed at the same time, so that one fills the waits
/// of the other. One beyond the last query computes something that nobody
/// reads.
static int64_t getRowsAtOnce(int64_t rowsPerBlock) {
  return rowsPerBlock % 2 == 0 ? 2 : 1;
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

SmallVector<DotAttention::Area *> DotAttention::areas() {
  SmallVector<Area *> all{&queryWords, &rowScales,  &sums,   &keyWords,
                          &keyBiases,  &valueWords, &scores, &weights};
  all.append(moreAreas());
  return all;
}

void DotAttention::planAreas() {
  queryWords.words = rowsPerBlock * queryStride();
  rowScales.words = (rowsPerBlock + kLanes - 1) / kLanes * kLanes;
  sums.words = rowsPerBlock * kPanel;
  keyWords.perPanel = groups() * kPanel;
  keyBiases.perPanel = kPanel;
  valueWords.perPanel = weightStride() * headVectors() * kLanes;
  scores.perPanel = rowsPerBlock * kPanel;
  weights.perPanel = rowsPerBlock * weightStride();
}

std::pair<int64_t, int64_t> DotAttention::countWords() {
  planAreas();
  int64_t words = 0, perPanel = 0;
  for (Area *area : areas()) {
    words += area->words;
    perPanel += area->perPanel;
  }
  return {words, perPanel};
}

void DotAttention::begin() {
  int64_t words = 0, perPanel = 0;
  for (Area *area : areas()) {
    area->start = add(index(words), mul(panels, perPanel));
    words += area->words;
    perPanel += area->perPanel;
  }
  if (!usesTiles)
    return;
  tiles.emplace(builder,
                memref::AllocaOp::create(
                    builder, MemRefType::get({kTileBytes}, builder.getI8Type()),
                    builder.getI64IntegerAttr(kTileBytes)));
  tiles->configure(0, index(kTileRows));
}

void DotAttention::end() {
  if (tiles)
    tiles->release();
}

void DotAttention::storeKeyBias(Value firstKey, Value visible) {
  storeFloats(select(visible, splat(0.0f), negativeInfinity()),
              ofKeys(keyBiases, firstKey));
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void DotAttention::emitRowBlock() {
  rows = minIndex(builder, index(rowsPerBlock),
                  arith::SubIOp::create(builder, queries, firstRow));
  auto forRows = [&](int64_t step, void (DotAttention::*emit)(Value)) {
    forEach(rows, step, {}, [&](Value r, ValueRange) {
      (this->*emit)(r);
      return SmallVector<Value>();
    });
  };
  forRows(1, &DotAttention::packQuery);
  if (usesTiles)
    emitMatrixSums();
  else
    emitSums();
  forRows(getRowsAtOnce(rowsPerBlock), &DotAttention::emitSoftmax);
  emitValues();
}

void DotAttention::emitSums() {
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    for (int64_t first = 0; first < kPanelVectors; first += tile.vectors)
      emitScoreTile(panel, first);
    return SmallVector<Value>();
  });
}

/// Sums of the block's rows with `tile.vectors` vectors of keys.
void DotAttention::emitScoreTile(Value panel, int64_t firstVector) {
  SmallVector<Value> start;
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < tile.vectors; ++v)
      start.push_back(emitStart(
          add(mul(panel, kPanel), index((firstVector + v) * kLanes))));
  auto done =
      forEach(index(groups()), 1, start, [&](Value group, ValueRange carried) {
        SmallVector<Value> next(carried);
        SmallVector<DotWeights> keyGroups;
        for (int64_t v = 0; v < tile.vectors; ++v)
          keyGroups.push_back(prepareWeights(
              builder, dot,
              loadGroups(keyPlace(panel, group, firstVector + v))));
        for (int64_t r = 0; r < rowsPerBlock; ++r) {
          Value word = memref::LoadOp::create(
              builder, workspace,
              add(add(queryWords.start, group), index(r * queryStride())));
          DotInputs inputs = prepareInputs(
              builder, dot,
              arith::BitcastOp::create(builder, builder.getI32Type(), word));
          for (int64_t v = 0; v < tile.vectors; ++v) {
            Value &sum = next[r * tile.vectors + v];
            sum = emitDot(builder, dot, sum, inputs, keyGroups[v]);
          }
        }
        return next;
      });
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < tile.vectors; ++v)
      storeSums(done[r * tile.vectors + v],
                scorePlace(panel, index(r), firstVector + v));
}

/// Both tiles of rows, `stride` words apart.
void DotAttention::loadRowTiles(Value place, int64_t stride) {
  for (int64_t t = 0; t < kTilePair; ++t)
    tiles->load(kRowTile + t, workspace,
                add(place, index(t * kTileRows * stride)), index(4 * stride));
}

/// Sums of some vectors into the rows of a panel that starts at `panel`.
void DotAttention::storeSumTiles(Value panel, int64_t vector, int64_t vectors) {
  for (int64_t t = 0; t < kTilePair; ++t)
    for (int64_t v = 0; v < vectors; ++v)
      tiles->store(
          t * kTilePair + v, workspace,
          add(panel, index(t * kTileRows * kPanel + (vector + v) * kLanes)),
          index(4 * kPanel));
}

void DotAttention::zeroSumTiles() {
  for (int64_t t = 0; t < kTilePair * kTilePair; ++t)
    tiles->zero(t);
}

/// Behind a head's last dimension a tile of keys may have what follows it in
/// the scratch where that cannot be NaN: the queries have zeros there.
void DotAttention::emitMatrixSums() {
  if (chunks() == 1)
    loadRowTiles(queryWords.start, queryStride());
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    for (int64_t first = 0; first < kPanelVectors; first += kTilePair) {
      zeroSumTiles();
      for (int64_t c = 0; c < chunks(); ++c) {
        Value group = index(c * kTileRows);
        if (chunks() > 1)
          loadRowTiles(add(queryWords.start, group), queryStride());
        for (int64_t v = 0; v < kTilePair; ++v) {
          tiles->load(kColumnTile + v, workspace,
                      keyPlace(panel, group, first + v), index(4 * kPanel));
          for (int64_t t = 0; t < kTilePair; ++t)
            multiplyScoreTiles(t * kTilePair + v, kRowTile + t,
                               kColumnTile + v);
        }
      }
      storeSumTiles(scorePlace(panel, index(0), 0), first, kTilePair);
    }
    return SmallVector<Value>();
  });
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

Value DotAttention::emitScores(const Row &row, Value panel, int64_t vector) {
  Value firstKey = add(mul(panel, kPanel), index(vector * kLanes));
  Value place = scorePlace(panel, row.r, vector);
  Value score = emitScore(loadSums(place), firstKey);
  if (row.range)
    score = select(getWithin(firstKey, *row.range), score, negativeInfinity());
  storeFloats(score, place);
  return score;
}

SmallVector<Value> DotAttention::emitLargest(ArrayRef<Row> rows) {
  SmallVector<Value> start(rows.size() * kPanelVectors, lowestScores());
  auto found = forEach(panels, 1, start, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next;
    for (const Row &row : rows)
      for (int64_t v = 0; v < kPanelVectors; ++v)
        next.push_back(
            largerOf(emitScores(row, panel, v), carried[next.size()]));
    return next;
  });
  SmallVector<Value> largest;
  for (size_t i = 0; i < found.size(); i += kPanelVectors)
    largest.push_back(reduce(largerOf(largerOf(found[i], found[i + 2]),
                                      largerOf(found[i + 1], found[i + 3])),
                             [&](Value x, Value y) { return largerOf(x, y); }));
  return largest;
}

Value DotAttention::emitIsNone(Value largest) {
  return arith::CmpFOp::create(
      builder, arith::CmpFPredicate::OEQ, largest,
      constant(-std::numeric_limits<float>::infinity()));
}

/// Stores what each row's sums of values are multiplied by: 0 for a row without
/// a visible key.
void DotAttention::emitSoftmax(Value firstOfRows) {
  SmallVector<Row> group;
  for (int64_t i = 0, e = getRowsAtOnce(rowsPerBlock); i < e; ++i) {
    Value r = add(firstOfRows, index(i)), row = add(firstRow, r);
    prefetchAfter(row);
    group.push_back(
        {r, op.isBanded() ? std::optional(getKeyRange(row)) : std::nullopt});
  }
  SmallVector<Value> largest = emitLargest(group), areNone;
  for (Value &value : largest) {
    areNone.push_back(emitIsNone(value));
    Value zero = arith::ConstantOp::create(
        builder, builder.getZeroAttr(value.getType()));
    value = select(areNone.back(), zero, value);
  }
  SmallVector<Value> totals = emitWeights(group, largest);
  for (auto [row, isNone, total] : llvm::zip(group, areNone, totals)) {
    Value inverse = arith::DivFOp::create(builder, constant(1.0f), total);
    inverse = select(isNone, constant(0.0f), inverse);
    memref::StoreOp::create(builder, emitRowScale(row.r, inverse), workspace,
                            add(rowScales.start, row.r));
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void DotAttention::emitValues() {
  int64_t step = usesTiles ? kTilePair : tile.vectors;
  for (int64_t first = 0; first < headVectors(); first += step) {
    int64_t vectors = std::min(step, headVectors() - first);
    if (usesTiles)
      emitMatrixValues(first, vectors);
    else
      emitValueTile(first, vectors);
    emitResults(first, vectors);
  }
}

/// Scales some vectors of sums.
void DotAttention::emitResults(int64_t firstVector, int64_t vectors) {
  tq::FloatBuilder f(builder, builder.getLoc());
  forEach(rows, 1, {}, [&](Value r, ValueRange) {
    Value scale = broadcast(
        memref::LoadOp::create(builder, workspace, add(rowScales.start, r)));
    for (int64_t v = 0; v < vectors; ++v) {
      int64_t vector = firstVector + v;
      Value sum =
          loadSums(add(sums.start, add(mul(r, kPanel), index(v * kLanes))));
      storeResult(add(firstRow, r), vector,
                  f.mul(emitValue(sum, vector), scale));
    }
    return SmallVector<Value>();
  });
}

void DotAttention::emitValueTile(int64_t firstVector, int64_t vectors) {
  Value zero =
      arith::ConstantOp::create(builder, builder.getZeroAttr(sumType()));
  SmallVector<Value> start(rowsPerBlock * vectors, zero);
  auto addGroup = [&](Value panel, Value group, ValueRange carried) {
    SmallVector<Value> next(carried);
    SmallVector<DotWeights> channels;
    for (int64_t v = 0; v < vectors; ++v)
      channels.push_back(prepareWeights(
          builder, dot, loadGroups(valuePlace(panel, group, firstVector + v))));
    Value first = add(weightPlace(panel, index(0)), group);
    for (int64_t r = 0; r < rowsPerBlock; ++r) {
      Value word = memref::LoadOp::create(
          builder, workspace, add(first, index(r * weightStride())));
      DotInputs inputs = prepareInputs(
          builder, dot,
          arith::BitcastOp::create(builder, builder.getI32Type(), word));
      for (int64_t v = 0; v < vectors; ++v)
        next[r * vectors + v] =
            emitDot(builder, dot, next[r * vectors + v], inputs, channels[v]);
    }
    return next;
  };
  auto done = forEach(panels, 1, start, [&](Value panel, ValueRange carried) {
    return forEach(index(weightStride()), 1, carried,
                   [&](Value group, ValueRange inner) {
                     return addGroup(panel, group, inner);
                   });
  });
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      storeSums(done[r * vectors + v],
                add(sums.start, index(r * kPanel + v * kLanes)));
}

void DotAttention::emitMatrixValues(int64_t firstVector, int64_t vectors) {
  zeroSumTiles();
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    for (int64_t group = 0; group < weightStride(); group += kLanes) {
      loadRowTiles(add(weightPlace(panel, index(0)), index(group)),
                   weightStride());
      for (int64_t v = 0; v < vectors; ++v) {
        tiles->load(kColumnTile + v, workspace,
                    valuePlace(panel, index(group), firstVector + v),
                    index(4 * headVectors() * kLanes));
        for (int64_t t = 0; t < kTilePair; ++t)
          multiplyValueTiles(t * kTilePair + v, kRowTile + t, kColumnTile + v);
      }
    }
    return SmallVector<Value>();
  });
  storeSumTiles(sums.start, 0, vectors);
}
