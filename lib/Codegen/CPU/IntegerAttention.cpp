//===- IntegerAttention.cpp - Generate kernels of attention in int8 -------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both products are dot products of four bytes, as in a quantized linear. Keys
// lie as a weight does, [T/64][D/4][64][4]; values as [T/64][16][D][4], where a
// group of four keys is i, i + 16, i + 32 and i + 48 of its panel: so four
// vectors of weights become one of groups without a shuffle.
//
// The sums are exact, so everything that is shared by a row or by a key is
// multiplied once: the scale of a query before the exponential, of a channel
// after all. docs/Quantization.md has the formulas.
//
// Where AMX is there, a block is 32 rows and its sums are made in tile
// registers; only that differs. Rows of a block beyond the last query hold
// whatever was there before.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "DotProduct.h"
#include "MatrixTiles.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cfloat>
#include <limits>
#include <optional>

using namespace mlir;
using namespace tq::cpu;

/// Vectors of keys in a panel: a group of four has one key of each.
static constexpr int64_t kPanelVectors = kPanel / kLanes;
static_assert(kPanelVectors == kDotGroup);

/// Sums are 2 x 2 tile registers, 0 to 3; then come two tiles of rows and two
/// of keys or channels.
static constexpr int64_t kTilePair = 2;
static constexpr int64_t kRowTile = 4, kColumnTile = 6;

namespace {

/// A part of the scratch: some words, then some for each panel.
struct Area {
  int64_t words = 0, perPanel = 0;
  Value start = {};
};

class IntegerAttention : public AttentionGenerator {
public:
  using AttentionGenerator::AttentionGenerator;

private:
  void plan() override;
  StringRef getProductName() const override {
    return usesTiles ? "tdpbssd and tdpbusd" : getDotName(kernel.target.dot);
  }
  std::pair<int64_t, int64_t> countWords() override;
  void begin() override;
  void end() override;
  void packKeys() override;
  void packValues() override;
  void emitRowBlock() override;

  // Packing.
  Value emitKeyVector(Value panel, Value firstKey);
  SmallVector<Value> loadColumns(Value firstKey);
  SmallVector<Value> emitChannelScales();
  Value getShownBits(Value key);
  void quantizeQuery(Value r);

  // A block of rows.
  void emitScores();
  void emitScoreTile(Value panel, int64_t firstVector);
  void emitMatrixScores();
  void loadRowTiles(Value place, int64_t stride);
  void storeSumTiles(Value panel, int64_t vector, int64_t vectors);
  void zeroSumTiles();
  void emitSoftmax(Value r);
  Value emitLargest(Value r);
  Value emitWeights(Value r, Value largest, Value scale);
  void emitValues();
  void emitValueTile(int64_t firstVector, int64_t vectors);
  void emitMatrixValues(int64_t firstVector, int64_t vectors);
  void emitResults(int64_t firstVector, int64_t vectors);

  // Numbers.
  VectorType words() { return VectorType::get({kLanes}, b.getI32Type()); }
  Value intSplat(int32_t value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(words(), value));
  }
  Value toFloats(Value bits) {
    return arith::BitcastOp::create(b, vectorType(), bits);
  }
  Value loadFloats(Value place) {
    return vector::LoadOp::create(b, vectorType(), workspace, place);
  }
  Value loadWords(Value place) {
    return arith::BitcastOp::create(b, words(), loadFloats(place));
  }
  Value loadBytes(Value place) {
    return vector::BitCastOp::create(
        b, VectorType::get({4 * kLanes}, b.getI8Type()), loadWords(place));
  }
  void storeFloats(Value vector, Value place) {
    vector::StoreOp::create(b, vector, workspace, place);
  }
  void storeWords(Value vector, Value place) {
    storeFloats(toFloats(vector), place);
  }
  Value magnitude(Value x) {
    return arith::AndIOp::create(b, tq::FloatBuilder(b, b.getLoc()).bits(x),
                                 intSplat(0x7FFFFFFF));
  }
  Value scaleOf(Value largest);
  Value inverseOf(Value scale) {
    tq::FloatBuilder f(b, b.getLoc());
    return f.div(f.constant(scale.getType(), 1.0f), scale);
  }
  Value packBytes(ArrayRef<Value> group);
  /// 0, or NaN if `x` is not finite.
  Value poisonOf(Value x) { return arith::SubFOp::create(b, x, x); }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, condition, yes, no);
  }
  Value negativeInfinity() {
    return splat(-std::numeric_limits<float>::infinity());
  }

  // Places.
  int64_t groups() const { return (headSize + kDotGroup - 1) / kDotGroup; }
  /// Parts of a head that fill a row of a tile, the last one perhaps in part.
  int64_t chunks() const { return (headSize + kTileBytes - 1) / kTileBytes; }
  int64_t queryStride() const { return chunks() * kTileBytes / kDotGroup; }
  Value keyPlace(Value panel, Value group, int64_t vector) {
    return add(add(keyWords.start, mul(panel, keyWords.perPanel)),
               add(mul(group, kPanel), index(vector * kLanes)));
  }
  Value valuePlace(Value panel, Value group, int64_t vector) {
    return add(add(valueWords.start, mul(panel, valueWords.perPanel)),
               add(mul(group, headVectors() * kLanes), index(vector * kLanes)));
  }
  Value scorePlace(Value panel, Value r, int64_t vector) {
    return add(add(scores.start, mul(panel, scores.perPanel)),
               add(mul(r, kPanel), index(vector * kLanes)));
  }
  Value weightPlace(Value panel, Value r) {
    return add(add(weights.start, mul(panel, weights.perPanel)),
               mul(r, kLanes));
  }
  Value ofKeys(const Area &area, Value firstKey) {
    return add(area.start, firstKey);
  }
  SmallVector<Area *> areas() {
    return {&queryWords, &queryScales, &rowScales, &channelScales,
            &sums,       &keyWords,    &keyStarts, &keyScales,
            &keyBiases,  &valueWords,  &scores,    &weights};
  }

  Tile tile{};
  bool usesTiles = false;
  std::optional<MatrixTiles> tiles;
  Area queryWords;    ///< [rows][D/64][64] bytes
  Area queryScales;   ///< [rows]
  Area rowScales;     ///< [rows], 1 / sum of weights
  Area channelScales; ///< [D]
  Area sums;          ///< [rows][64], of values
  Area keyWords;      ///< [T/64][D/4][64][4] bytes
  Area keyStarts;     ///< [T], what the sums of a key's scores start from
  Area keyScales;     ///< [T]
  Area keyBiases;     ///< [T], 0 or minus infinity
  Area valueWords;    ///< [T/64][16][D][4] bytes
  Area scores;        ///< [T/64][rows][64], first their sums
  Area weights;       ///< [T/64][rows][16][4] bytes
  Value rows;         ///< of the block
  Value keyPoison;    ///< of the item: NaN if a key is not finite
};

} // namespace

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

void IntegerAttention::plan() {
  tile = kernel.target.integerTile;
  usesTiles = kernel.target.hasMatrixTiles;
  rowsPerBlock = usesTiles ? kTilePair * kTileRows : tile.rows;
  queryWords.words = rowsPerBlock * queryStride();
  queryScales.words = rowScales.words =
      (rowsPerBlock + kLanes - 1) / kLanes * kLanes;
  channelScales.words = headVectors() * kLanes;
  sums.words = rowsPerBlock * kPanel;
  keyWords.perPanel = groups() * kPanel;
  keyStarts.perPanel = keyScales.perPanel = keyBiases.perPanel = kPanel;
  valueWords.perPanel = kLanes * headVectors() * kLanes;
  scores.perPanel = rowsPerBlock * kPanel;
  weights.perPanel = rowsPerBlock * kLanes;
}

std::pair<int64_t, int64_t> IntegerAttention::countWords() {
  int64_t words = 0, perPanel = 0;
  for (Area *area : areas()) {
    words += area->words;
    perPanel += area->perPanel;
  }
  return {words, perPanel};
}

void IntegerAttention::begin() {
  int64_t words = 0, perPanel = 0;
  for (Area *area : areas()) {
    area->start = add(index(words), mul(panels, perPanel));
    words += area->words;
    perPanel += area->perPanel;
  }
  if (!usesTiles)
    return;
  tiles.emplace(b, memref::AllocaOp::create(
                       b, MemRefType::get({kTileBytes}, b.getI8Type()),
                       b.getI64IntegerAttr(kTileBytes)));
  tiles->configure(0, index(kTileRows));
}

void IntegerAttention::end() {
  if (tiles)
    tiles->release();
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// Largest magnitude / 127, or 1 where that is no normal number; NaN and
/// infinity stay.
Value IntegerAttention::scaleOf(Value largest) {
  tq::FloatBuilder f(b, b.getLoc());
  Value magnitude = f.fromBits(largest);
  Type type = magnitude.getType();
  Value scale = f.div(magnitude, f.constant(type, 127.0f));
  return f.ifGreater(f.constant(type, FLT_MIN), scale, f.constant(type, 1.0f),
                     scale);
}

/// The low bytes of four vectors as one.
Value IntegerAttention::packBytes(ArrayRef<Value> group) {
  Value packed;
  for (auto [i, value] : llvm::enumerate(group)) {
    Value part = i + 1 == kDotGroup
                     ? value
                     : arith::AndIOp::create(b, value, intSplat(0xFF));
    if (i != 0)
      part = arith::ShLIOp::create(b, part, intSplat(8 * i));
    packed = i == 0 ? part : arith::OrIOp::create(b, packed, part);
  }
  return packed;
}

void IntegerAttention::packKeys() {
  auto poisons =
      forEach(panels, 1, splat(0.0f), [&](Value panel, ValueRange carried) {
        return forEach(index(kPanelVectors), 1, carried,
                       [&](Value vector, ValueRange inner) {
                         Value poison =
                             emitKeyVector(panel, mul(vector, kLanes));
                         return SmallVector<Value>{
                             arith::AddFOp::create(b, inner[0], poison)};
                       });
      });
  keyPoison = reduce(poisons[0], [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, x, y);
  });
}

/// A head's dimensions of 16 keys: one vector a dimension.
SmallVector<Value> IntegerAttention::loadColumns(Value firstKey) {
  SmallVector<Value> columns;
  for (int64_t v = 0; v < headVectors(); ++v) {
    SmallVector<Value> block;
    for (int64_t i = 0; i < kLanes; ++i)
      block.push_back(
          loadDims(key, minIndex(b, add(firstKey, index(i)), lastOf(keys)),
                   keyColumn, v));
    transpose(block);
    columns.append(block);
  }
  return columns;
}

/// 16 keys of a panel into the scratch, and all that belongs to them.
Value IntegerAttention::emitKeyVector(Value panel, Value firstInPanel) {
  Value firstKey = add(mul(panel, kPanel), firstInPanel);
  SmallVector<Value> columns = loadColumns(firstKey);
  Value largest = intSplat(0);
  for (Value column : columns)
    largest = arith::MaxSIOp::create(b, largest, magnitude(column));
  Value scale = scaleOf(largest), inverse = inverseOf(scale);
  tq::FloatBuilder f(b, b.getLoc());
  DotInputs offset = prepareInputs(
      b, kernel.target.dot,
      arith::ConstantOp::create(b, b.getI32IntegerAttr(0x80808080)));
  Value offsets = intSplat(0);
  for (int64_t g = 0; g < groups(); ++g) {
    SmallVector<Value> group;
    for (int64_t i = 0; i < kDotGroup; ++i)
      group.push_back(f.roundProduct(columns[g * kDotGroup + i], inverse));
    Value packed = packBytes(group);
    storeWords(packed, add(keyPlace(panel, index(g), 0), firstInPanel));
    Value bytes = vector::BitCastOp::create(
        b, VectorType::get({4 * kLanes}, b.getI8Type()), packed);
    offsets = emitDot(b, kernel.target.dot, offsets, offset,
                      prepareWeights(b, kernel.target.dot, bytes));
  }
  Value visible = getVisible(firstKey, keys);
  scale = select(visible, scale, splat(0.0f));
  storeFloats(scale, ofKeys(keyScales, firstKey));
  storeFloats(select(visible, splat(0.0f), negativeInfinity()),
              ofKeys(keyBiases, firstKey));
  storeWords(arith::SubIOp::create(b, intSplat(0), offsets),
             ofKeys(keyStarts, firstKey));
  return poisonOf(scale);
}

/// All bits of a magnitude if the mask shows the key, else none.
Value IntegerAttention::getShownBits(Value key) {
  if (!mask)
    return intSplat(0x7FFFFFFF);
  Value flag = memref::LoadOp::create(b, mask, ValueRange{batch, key});
  Value zero = arith::ConstantIntOp::create(b, 0, 64);
  Value isShown =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flag, zero);
  return broadcast(select(isShown,
                          arith::ConstantIntOp::create(b, 0x7FFFFFFF, 32),
                          arith::ConstantIntOp::create(b, 0, 32)));
}

/// Stores the scales of all channels; gives their inverses.
SmallVector<Value> IntegerAttention::emitChannelScales() {
  SmallVector<Value> largest(headVectors(), intSplat(0));
  largest = forEach(keys, 1, largest, [&](Value key, ValueRange carried) {
    Value shown = getShownBits(key);
    SmallVector<Value> next;
    for (int64_t v = 0; v < headVectors(); ++v) {
      Value bits = arith::AndIOp::create(
          b, magnitude(loadDims(value, key, valueColumn, v)), shown);
      next.push_back(arith::MaxSIOp::create(b, carried[v], bits));
    }
    return next;
  });
  SmallVector<Value> inverses;
  for (int64_t v = 0; v < headVectors(); ++v) {
    Value scale = scaleOf(largest[v]);
    inverses.push_back(inverseOf(scale));
    // An infinite scale would give infinities of any sign.
    storeFloats(arith::AddFOp::create(b, scale, poisonOf(scale)),
                add(channelScales.start, index(v * kLanes)));
  }
  return inverses;
}

/// Keys beyond the last repeat it: their weights are 0.
void IntegerAttention::packValues() {
  SmallVector<Value> inverses = emitChannelScales();
  tq::FloatBuilder f(b, b.getLoc());
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kLanes), 1, {}, [&](Value group, ValueRange) {
      SmallVector<Value> tokens;
      for (int64_t i = 0; i < kDotGroup; ++i)
        tokens.push_back(
            minIndex(b, add(mul(panel, kPanel), add(group, index(i * kLanes))),
                     lastOf(keys)));
      for (int64_t v = 0; v < headVectors(); ++v) {
        SmallVector<Value> parts;
        for (Value token : tokens)
          parts.push_back(f.roundProduct(loadDims(value, token, valueColumn, v),
                                         inverses[v]));
        storeWords(packBytes(parts), valuePlace(panel, group, v));
      }
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

/// A query as bytes: s8 for tiles, with zeros to the end of the last, else 128
/// more, since the dot products of vectors take u8.
void IntegerAttention::quantizeQuery(Value r) {
  Value row = add(firstRow, r);
  Value factor = splat(op.getScale().convertToFloat() * tq::quant::kLog2E);
  tq::FloatBuilder f(b, b.getLoc());
  SmallVector<Value> parts;
  Value largest = intSplat(0);
  for (int64_t v = 0; v < headVectors(); ++v) {
    parts.push_back(f.mul(loadDims(query, row, queryColumn, v), factor));
    largest = arith::MaxSIOp::create(b, largest, magnitude(parts[v]));
  }
  largest = reduce(largest, [&](Value x, Value y) -> Value {
    return arith::MaxSIOp::create(b, x, y);
  });
  Value scale = scaleOf(largest), inverse = broadcast(inverseOf(scale));
  memref::StoreOp::create(b, scale, workspace, add(queryScales.start, r));
  parts.resize(chunks() * kPanelVectors, splat(0.0f));
  for (auto [v, part] : llvm::enumerate(parts)) {
    Value rounded = f.roundProduct(part, inverse);
    if (!usesTiles)
      rounded = arith::AddIOp::create(b, rounded, intSplat(128));
    Value bytes = arith::TruncIOp::create(
        b, VectorType::get({kLanes}, b.getI8Type()), rounded);
    Value place = add(queryWords.start, add(mul(r, queryStride()),
                                            index(v * kLanes / kDotGroup)));
    storeFloats(
        vector::BitCastOp::create(
            b, VectorType::get({kLanes / kDotGroup}, b.getF32Type()), bytes),
        place);
  }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void IntegerAttention::emitRowBlock() {
  rows = minIndex(b, index(rowsPerBlock),
                  arith::SubIOp::create(b, queries, firstRow));
  auto forRows = [&](void (IntegerAttention::*emit)(Value)) {
    forEach(rows, 1, {}, [&](Value r, ValueRange) {
      (this->*emit)(r);
      return SmallVector<Value>();
    });
  };
  forRows(&IntegerAttention::quantizeQuery);
  if (usesTiles)
    emitMatrixScores();
  else
    emitScores();
  forRows(&IntegerAttention::emitSoftmax);
  emitValues();
}

void IntegerAttention::emitScores() {
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    for (int64_t first = 0; first < kPanelVectors; first += tile.vectors)
      emitScoreTile(panel, first);
    return SmallVector<Value>();
  });
}

/// Sums of the block's rows with `tile.vectors` vectors of keys.
void IntegerAttention::emitScoreTile(Value panel, int64_t firstVector) {
  DotKind dot = kernel.target.dot;
  SmallVector<Value> start;
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < tile.vectors; ++v)
      start.push_back(
          loadWords(ofKeys(keyStarts, add(mul(panel, kPanel),
                                          index((firstVector + v) * kLanes)))));
  auto done =
      forEach(index(groups()), 1, start, [&](Value group, ValueRange carried) {
        SmallVector<Value> next(carried);
        SmallVector<DotWeights> keyGroups;
        for (int64_t v = 0; v < tile.vectors; ++v)
          keyGroups.push_back(prepareWeights(
              b, dot, loadBytes(keyPlace(panel, group, firstVector + v))));
        for (int64_t r = 0; r < rowsPerBlock; ++r) {
          Value word = memref::LoadOp::create(
              b, workspace,
              add(add(queryWords.start, group), index(r * queryStride())));
          DotInputs inputs = prepareInputs(
              b, dot, arith::BitcastOp::create(b, b.getI32Type(), word));
          for (int64_t v = 0; v < tile.vectors; ++v) {
            Value &sum = next[r * tile.vectors + v];
            sum = emitDot(b, dot, sum, inputs, keyGroups[v]);
          }
        }
        return next;
      });
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < tile.vectors; ++v)
      storeWords(done[r * tile.vectors + v],
                 scorePlace(panel, index(r), firstVector + v));
}

/// Both tiles of rows, `stride` words apart.
void IntegerAttention::loadRowTiles(Value place, int64_t stride) {
  for (int64_t t = 0; t < kTilePair; ++t)
    tiles->load(kRowTile + t, workspace,
                add(place, index(t * kTileRows * stride)), index(4 * stride));
}

/// Sums of some vectors into the rows of a panel that starts at `panel`.
void IntegerAttention::storeSumTiles(Value panel, int64_t vector,
                                     int64_t vectors) {
  for (int64_t t = 0; t < kTilePair; ++t)
    for (int64_t v = 0; v < vectors; ++v)
      tiles->store(
          t * kTilePair + v, workspace,
          add(panel, index(t * kTileRows * kPanel + (vector + v) * kLanes)),
          index(4 * kPanel));
}

void IntegerAttention::zeroSumTiles() {
  for (int64_t t = 0; t < kTilePair * kTilePair; ++t)
    tiles->zero(t);
}

/// Behind a head's last dimension a tile of keys has what follows it in the
/// scratch; the queries have zeros there.
void IntegerAttention::emitMatrixScores() {
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
            tiles->dotSigned(t * kTilePair + v, kRowTile + t, kColumnTile + v);
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

/// Makes scores, without the query's scale, of sums; gives their maximum.
Value IntegerAttention::emitLargest(Value r) {
  Value limit = op.getCausal() ? getLimit(add(firstRow, r)) : Value();
  SmallVector<Value> largest(kPanelVectors, negativeInfinity());
  tq::FloatBuilder f(b, b.getLoc());
  largest = forEach(panels, 1, largest, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t v = 0; v < kPanelVectors; ++v) {
      Value firstKey = add(mul(panel, kPanel), index(v * kLanes));
      Value place = scorePlace(panel, r, v);
      Value score =
          f.fma(arith::SIToFPOp::create(b, vectorType(), loadWords(place)),
                loadFloats(ofKeys(keyScales, firstKey)),
                loadFloats(ofKeys(keyBiases, firstKey)));
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

/// Makes weights of scores, one word a group of keys; gives their sum.
Value IntegerAttention::emitWeights(Value r, Value largest, Value scale) {
  DotKind dot = kernel.target.dot;
  Value shift = broadcast(largest), factor = broadcast(scale);
  Value one = arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get({4 * kLanes}, b.getI8Type()),
                                int8_t(1)));
  DotWeights ones = prepareWeights(b, dot, one);
  tq::FloatBuilder f(b, b.getLoc());
  auto totals =
      forEach(panels, 1, intSplat(0), [&](Value panel, ValueRange carried) {
        SmallVector<Value> group;
        for (int64_t v = 0; v < kPanelVectors; ++v) {
          Value score = loadFloats(scorePlace(panel, r, v));
          group.push_back(tq::buildWeightU8(
              b, b.getLoc(), f.mul(f.sub(score, shift), factor)));
        }
        Value packed = packBytes(group);
        storeWords(packed, weightPlace(panel, r));
        return SmallVector<Value>{
            emitDot(b, dot, carried[0], prepareInputs(b, dot, packed), ones)};
      });
  return reduce(totals[0], [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(b, x, y);
  });
}

/// Stores what the row's sums of values are multiplied by: 0 for a row without
/// a visible key, NaN where the query or a key is not finite.
void IntegerAttention::emitSoftmax(Value r) {
  Value largest = emitLargest(r);
  Value isNone =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, largest,
                            constant(-std::numeric_limits<float>::infinity()));
  Value scale = memref::LoadOp::create(b, workspace, add(queryScales.start, r));
  Value total = emitWeights(r, select(isNone, constant(0.0f), largest), scale);
  Value inverse = arith::DivFOp::create(
      b, constant(1.0f), arith::SIToFPOp::create(b, b.getF32Type(), total));
  inverse = select(isNone, constant(0.0f), inverse);
  Value poison = arith::AddFOp::create(b, poisonOf(scale), keyPoison);
  memref::StoreOp::create(b, arith::AddFOp::create(b, inverse, poison),
                          workspace, add(rowScales.start, r));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void IntegerAttention::emitValues() {
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
void IntegerAttention::emitResults(int64_t firstVector, int64_t vectors) {
  tq::FloatBuilder f(b, b.getLoc());
  forEach(rows, 1, {}, [&](Value r, ValueRange) {
    Value scale = broadcast(
        memref::LoadOp::create(b, workspace, add(rowScales.start, r)));
    for (int64_t v = 0; v < vectors; ++v) {
      int64_t vector = firstVector + v;
      Value sum =
          loadWords(add(sums.start, add(mul(r, kPanel), index(v * kLanes))));
      Value channels =
          loadFloats(add(channelScales.start, index(vector * kLanes)));
      Value out =
          f.mul(arith::SIToFPOp::create(b, vectorType(), sum), channels);
      storeResult(add(firstRow, r), vector, f.mul(out, scale));
    }
    return SmallVector<Value>();
  });
}

void IntegerAttention::emitValueTile(int64_t firstVector, int64_t vectors) {
  DotKind dot = kernel.target.dot;
  SmallVector<Value> start(rowsPerBlock * vectors, intSplat(0));
  auto addGroup = [&](Value panel, Value group, ValueRange carried) {
    SmallVector<Value> next(carried);
    SmallVector<DotWeights> channels;
    for (int64_t v = 0; v < vectors; ++v)
      channels.push_back(prepareWeights(
          b, dot, loadBytes(valuePlace(panel, group, firstVector + v))));
    Value first = add(weightPlace(panel, index(0)), group);
    for (int64_t r = 0; r < rowsPerBlock; ++r) {
      Value word =
          memref::LoadOp::create(b, workspace, add(first, index(r * kLanes)));
      DotInputs inputs = prepareInputs(
          b, dot, arith::BitcastOp::create(b, b.getI32Type(), word));
      for (int64_t v = 0; v < vectors; ++v)
        next[r * vectors + v] =
            emitDot(b, dot, next[r * vectors + v], inputs, channels[v]);
    }
    return next;
  };
  auto done = forEach(panels, 1, start, [&](Value panel, ValueRange carried) {
    return forEach(index(kLanes), 1, carried,
                   [&](Value group, ValueRange inner) {
                     return addGroup(panel, group, inner);
                   });
  });
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      storeWords(done[r * vectors + v],
                 add(sums.start, index(r * kPanel + v * kLanes)));
}

void IntegerAttention::emitMatrixValues(int64_t firstVector, int64_t vectors) {
  zeroSumTiles();
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    loadRowTiles(weightPlace(panel, index(0)), kLanes);
    for (int64_t v = 0; v < vectors; ++v) {
      tiles->load(kColumnTile + v, workspace,
                  valuePlace(panel, index(0), firstVector + v),
                  index(4 * headVectors() * kLanes));
      for (int64_t t = 0; t < kTilePair; ++t)
        tiles->dot(t * kTilePair + v, kRowTile + t, kColumnTile + v);
    }
    return SmallVector<Value>();
  });
  storeSumTiles(sums.start, 0, vectors);
}

std::unique_ptr<AttentionGenerator>
tq::cpu::createIntegerAttention(Kernel &kernel) {
  return std::make_unique<IntegerAttention>(kernel);
}
