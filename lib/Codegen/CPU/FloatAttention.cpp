//===- FloatAttention.cpp - Write kernels of attention in f32 -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lays the keys of a head out as [T/64][D][64] and, for a block of query rows
// at a time, makes two passes over the keys: all scores with the rows' maxima,
// then the exponentials, their sum and the weighted values. Keeping the scores
// of a block beats rescaling on the fly, and gives the same bits for every
// tile: each output is one chain of fma over the head size or over the keys;
// only the sum has a fixed order of its own.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

namespace {

class FloatAttention : public AttentionWriter {
public:
  using AttentionWriter::AttentionWriter;

private:
  std::pair<int64_t, int64_t> countWords() override;
  void begin() override;
  void packKeys() override;
  void packValues() override;
  void emitRowBlock() override;

  void transposeKeys(Value panel, Value firstKey, int64_t firstDim);
  SmallVector<Value> emitScores();
  void hideScores(Value panel, Value first);
  SmallVector<Value> emitScoreTile(Value panel, Value firstLane,
                                   int64_t vectors, ValueRange initial);
  SmallVector<Value> emitProducts(Value panel, Value firstLane,
                                  int64_t vectors);
  Value emitSoftmax(ValueRange maxima);
  Value emitExponentials(int64_t r, Value shift);
  void emitValues(Value scales);
  void emitValueTile(int64_t firstVector, int64_t vectors, Value scales);
  SmallVector<Value> emitValuePanel(Value panel, int64_t firstVector,
                                    int64_t vectors, ValueRange sums);

  /// Where the scores of a row of the block with a panel's keys start, in
  /// [T/64][rows][64]: all distances inside a panel are constants.
  Value scoreWord(Value panel, int64_t row) {
    return add(add(scores, mul(panel, rowsPerBlock * kPanel)),
               index(row * kPanel));
  }
  Value valueWord(Value key, int64_t vector) {
    return add(add(packedValues, mul(key, headVectors() * kLanes)),
               index(vector * kLanes));
  }

  Value scores, packedValues;
  SmallVector<Value> rows;
};

} // namespace

/// Keys in panels, the scores of a block of rows, values.
std::pair<int64_t, int64_t> FloatAttention::countWords() {
  return {0, kPanel * (headSize + rowsPerBlock + headVectors() * kLanes)};
}

void FloatAttention::begin() {
  scores = mul(panels, kPanel * headSize);
  packedValues = add(scores, mul(panels, kPanel * rowsPerBlock));
}

void FloatAttention::packKeys() {
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kPanel), kLanes, {}, [&](Value firstKey, ValueRange) {
      for (int64_t dim = 0; dim < headSize; dim += kLanes)
        transposeKeys(panel, firstKey, dim);
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

/// scratch[panel][dim][key in panel] = key.
void FloatAttention::transposeKeys(Value panel, Value firstKey,
                                   int64_t firstDim) {
  SmallVector<Value> block;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value token = add(add(mul(panel, kPanel), firstKey), index(i));
    block.push_back(loadDims(key, minIndex(builder, token, lastOf(keys)),
                             head.keyColumn, firstDim / kLanes));
  }
  transpose(block);
  Value base = add(mul(panel, kPanel * headSize), firstKey);
  for (int64_t i = 0; i < std::min(kLanes, headSize - firstDim); ++i)
    vector::StoreOp::create(builder, block[i], workspace,
                            add(base, index((firstDim + i) * kPanel)));
}

/// scratch[key][vectors of a head] = value, zeros behind the head size: next to
/// each other they stay in the first cache, where their rows would collide.
void FloatAttention::packValues() {
  forEach(keys, 1, {}, [&](Value key, ValueRange) {
    for (int64_t v = 0; v < headVectors(); ++v)
      vector::StoreOp::create(builder,
                              loadDims(value, key, head.valueColumn, v),
                              workspace, valueWord(key, v));
    return SmallVector<Value>();
  });
}

void FloatAttention::emitRowBlock() {
  rows.clear();
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    rows.push_back(minIndex(builder, add(firstRow, index(r)), lastOf(queries)));
  Value scales = emitSoftmax(emitScores());
  emitValues(scales);
}

/// All scores of the block into the scratch; gives each row's maximum, lane by
/// lane. The last panel is done in vectors unless it needs them all.
SmallVector<Value> FloatAttention::emitScores() {
  SmallVector<Value> maxima(rowsPerBlock,
                            splat(-std::numeric_limits<float>::infinity()));
  Value whole = arith::DivUIOp::create(builder, add(keys, index(kLanes - 1)),
                                       index(kPanel));
  maxima = forEach(whole, 1, maxima, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next(carried);
    for (int64_t v = 0; v < kPanel / kLanes; v += tile.vectors)
      next = emitScoreTile(panel, index(v * kLanes), tile.vectors, next);
    return next;
  });
  Value rest = arith::CeilDivSIOp::create(
      builder, arith::SubIOp::create(builder, keys, mul(whole, kPanel)),
      index(kLanes));
  maxima = forEach(rest, 1, maxima, [&](Value v, ValueRange carried) {
    return emitScoreTile(whole, mul(v, kLanes), 1, carried);
  });
  hideScores(whole, rest);
  return maxima;
}

/// Scores of the panel `panel`, if it is one, from the vector `first` on.
void FloatAttention::hideScores(Value panel, Value first) {
  Value end =
      mul(arith::SubIOp::create(builder, panels, panel), kPanel / kLanes);
  auto loop = scf::ForOp::create(builder, first, end, index(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value lane = mul(loop.getInductionVar(), kLanes);
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    vector::StoreOp::create(builder,
                            splat(-std::numeric_limits<float>::infinity()),
                            workspace, add(scoreWord(panel, r), lane));
}

/// Scores of `vectors` vectors of keys from `firstLane` of a panel on; gives
/// the maxima with them.
SmallVector<Value> FloatAttention::emitScoreTile(Value panel, Value firstLane,
                                                 int64_t vectors,
                                                 ValueRange initial) {
  SmallVector<Value> maxima(initial);
  SmallVector<Value> sums = emitProducts(panel, firstLane, vectors);
  for (int64_t v = 0; v < vectors; ++v) {
    Value lane = add(firstLane, index(v * kLanes));
    Value firstKey = add(mul(panel, kPanel), lane);
    Value visible;
    for (int64_t r = 0; r < rowsPerBlock; ++r) {
      if (r == 0 || op.isBanded())
        visible = getVisible(firstKey, getKeyRange(rows[r]));
      Value score = arith::MulFOp::create(builder, sums[r * vectors + v],
                                          splat(getScale()));
      score = arith::SelectOp::create(
          builder, visible, score,
          splat(-std::numeric_limits<float>::infinity()));
      vector::StoreOp::create(builder, score, workspace,
                              add(scoreWord(panel, r), lane));
      maxima[r] = maxOf(score, maxima[r]);
    }
  }
  return maxima;
}

/// query . key for the block's rows and some vectors of keys.
SmallVector<Value> FloatAttention::emitProducts(Value panel, Value firstLane,
                                                int64_t vectors) {
  SmallVector<Value> sums(rowsPerBlock * vectors, splat(0.0f));
  return forEach(index(headSize), 1, sums, [&](Value dim, ValueRange carried) {
    SmallVector<Value> next(carried), keyVectors;
    Value base =
        add(add(mul(panel, kPanel * headSize), firstLane), mul(dim, kPanel));
    for (int64_t v = 0; v < vectors; ++v)
      keyVectors.push_back(vector::LoadOp::create(
          builder, vectorType(), workspace, add(base, index(v * kLanes))));
    for (int64_t r = 0; r < rowsPerBlock; ++r) {
      Value input = broadcast(memref::LoadOp::create(
          builder, query.memref,
          ValueRange{head.batch, rows[r], add(head.queryColumn, dim)}));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = next[r * vectors + v];
        sum = math::FmaOp::create(builder, input, keyVectors[v], sum);
      }
    }
    return next;
  });
}

/// Replaces the scores by exponentials; gives 1 / the sum of each row in a lane
/// of its own, 0 for a row without a visible key.
Value FloatAttention::emitSoftmax(ValueRange maxima) {
  auto maximum = [&](Value x, Value y) { return maxOf(x, y); };
  Value largest = reduceAll(SmallVector<Value>(maxima), maximum);
  Value isNone =
      arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, largest,
                            splat(-std::numeric_limits<float>::infinity()));
  largest = arith::SelectOp::create(builder, isNone, splat(0.0f), largest);
  SmallVector<Value> totals;
  for (int64_t r = 0; r < rowsPerBlock; ++r) {
    prefetchAfter(rows[r]);
    totals.push_back(emitExponentials(r, broadcastLane(largest, laneOf(r))));
  }
  auto sum = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(builder, x, y);
  };
  Value inverse =
      arith::DivFOp::create(builder, splat(1.0f), reduceAll(totals, sum));
  return arith::SelectOp::create(builder, isNone, splat(0.0f), inverse);
}

/// Replaces the scores of row `r` by exponentials; gives a vector whose lanes
/// are to be added.
Value FloatAttention::emitExponentials(int64_t r, Value shift) {
  constexpr int64_t parts = kPartialSums / kLanes;
  SmallVector<Value> sums(parts, splat(0.0f));
  static_assert(kPartialSums == kPanel, "a panel adds to each sum once");
  sums = forEach(panels, 1, sums, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t part = 0; part < parts; ++part) {
      Value place = add(scoreWord(panel, r), index(part * kLanes));
      Value score =
          vector::LoadOp::create(builder, vectorType(), workspace, place);
      Value exponent = arith::MulFOp::create(
          builder, arith::SubFOp::create(builder, score, shift),
          splat(tq::quant::kLog2E));
      Value weight = tq::buildExp2Kernel(builder, builder.getLoc(), exponent);
      vector::StoreOp::create(builder, weight, workspace, place);
      next.push_back(arith::AddFOp::create(builder, carried[part], weight));
    }
    return next;
  });
  auto sum = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(builder, x, y);
  };
  return sum(sum(sums[0], sums[2]), sum(sums[1], sums[3]));
}

void FloatAttention::emitValues(Value scales) {
  for (int64_t first = 0; first < headVectors(); first += tile.vectors)
    emitValueTile(first, std::min(tile.vectors, headVectors() - first), scales);
}

/// result = scale * sum over keys of weight * value, for some of the head's
/// vectors.
void FloatAttention::emitValueTile(int64_t firstVector, int64_t vectors,
                                   Value scales) {
  SmallVector<Value> sums(rowsPerBlock * vectors, splat(0.0f));
  sums = forEach(panels, 1, sums, [&](Value panel, ValueRange carried) {
    return emitValuePanel(panel, firstVector, vectors, carried);
  });
  for (int64_t r = 0; r < rowsPerBlock; ++r) {
    Value scale = broadcastLane(scales, laneOf(r));
    for (int64_t v = 0; v < vectors; ++v)
      storeResult(rows[r], firstVector + v,
                  arith::MulFOp::create(builder, sums[r * vectors + v], scale));
  }
}

/// Adds the weighted values of a panel's keys, one key after the other.
SmallVector<Value> FloatAttention::emitValuePanel(Value panel,
                                                  int64_t firstVector,
                                                  int64_t vectors,
                                                  ValueRange sums) {
  Value firstKey = mul(panel, kPanel);
  Value count = minIndex(builder, index(kPanel),
                         arith::SubIOp::create(builder, keys, firstKey));
  Value firstScore = scoreWord(panel, 0);
  return forEach(count, 1, sums, [&](Value key, ValueRange carried) {
    SmallVector<Value> values, next(carried);
    for (int64_t v = 0; v < vectors; ++v)
      values.push_back(vector::LoadOp::create(
          builder, vectorType(), workspace,
          valueWord(add(firstKey, key), firstVector + v)));
    for (int64_t r = 0; r < rowsPerBlock; ++r) {
      Value place = add(add(firstScore, key), index(r * kPanel));
      Value weight =
          broadcast(memref::LoadOp::create(builder, workspace, place));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = next[r * vectors + v];
        sum = math::FmaOp::create(builder, weight, values[v], sum);
      }
    }
    return next;
  });
}

std::unique_ptr<AttentionWriter>
tq::cpu::createFloatAttention(Kernel &kernel, const AttentionPattern &pattern,
                              AttentionPlanAttr plan) {
  return std::make_unique<FloatAttention>(kernel, pattern, plan);
}
