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
  auto forRows = [&](void (DotAttention::*emit)(Value)) {
    forEach(rows, 1, {}, [&](Value r, ValueRange) {
      (this->*emit)(r);
      return SmallVector<Value>();
    });
  };
  forRows(&DotAttention::packQuery);
  if (usesTiles)
    emitMatrixScores();
  else
    emitScores();
  forRows(&DotAttention::emitSoftmax);
  emitValues();
}

void DotAttention::emitScores() {
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
void DotAttention::emitMatrixScores() {
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

Value DotAttention::emitLargest(Value r) {
  Value limit = op.getCausal() ? getLimit(add(firstRow, r)) : Value();
  SmallVector<Value> largest(kPanelVectors, negativeInfinity());
  largest = forEach(panels, 1, largest, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t v = 0; v < kPanelVectors; ++v) {
      Value firstKey = add(mul(panel, kPanel), index(v * kLanes));
      Value place = scorePlace(panel, r, v);
      Value score = emitScore(loadSums(place), firstKey);
      if (limit)
        score = select(getBelow(firstKey, limit), score, negativeInfinity());
      storeFloats(score, place);
      next.push_back(maxOf(score, carried[v]));
    }
    return next;
  });
  return reduce(
      maxOf(maxOf(largest[0], largest[2]), maxOf(largest[1], largest[3])),
      [&](Value x, Value y) { return maxOf(x, y); });
}

Value DotAttention::emitIsNone(Value largest) {
  return arith::CmpFOp::create(
      builder, arith::CmpFPredicate::OEQ, largest,
      constant(-std::numeric_limits<float>::infinity()));
}

/// Stores what the row's sums of values are multiplied by: 0 for a row without
/// a visible key.
void DotAttention::emitSoftmax(Value r) {
  prefetchAfter(add(firstRow, r));
  Value largest = emitLargest(r);
  Value isNone = emitIsNone(largest);
  Value zero = arith::ConstantOp::create(
      builder, builder.getZeroAttr(largest.getType()));
  Value total = emitWeights(r, select(isNone, zero, largest));
  Value inverse = arith::DivFOp::create(builder, constant(1.0f), total);
  inverse = select(isNone, constant(0.0f), inverse);
  memref::StoreOp::create(builder, emitRowScale(r, inverse), workspace,
                          add(rowScales.start, r));
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
