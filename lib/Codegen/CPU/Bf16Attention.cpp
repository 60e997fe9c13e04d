//===- Bf16Attention.cpp - Write kernels of attention in bf16 -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Queries, keys, values and weights are rounded to bf16; sums, scores and
// exponentials are f32. A word is a pair: of a chunk of 32 dimensions the first
// and the second half side by side, of a panel's keys i and i + 16 of its first
// 32 and of its last: so two vectors of f32 become one of pairs without a
// shuffle.
//
// The instructions of an ISA round sums in their own way, so bits are those of
// the ISA. Zeros added change none: padding does not show.
//
//===----------------------------------------------------------------------===//

#include "DotAttention.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

/// Elements of a vector of words.
static constexpr int64_t kPairs = 2 * kLanes;

namespace {

class Bf16Attention : public DotAttention {
public:
  using DotAttention::DotAttention;

private:
  void planAreas() override;
  void packKeys() override;
  void packValues() override;
  void packQuery(Value r) override;
  Value emitStart(Value) override { return splat(0.0f); }
  Value emitScore(Value sum, Value firstKey) override;
  SmallVector<Value> emitWeights(ArrayRef<Row> rows,
                                 ArrayRef<Value> largest) override;
  Value emitValue(Value sum, int64_t) override { return sum; }
  void multiplyScoreTiles(int64_t sums, int64_t rows, int64_t keys) override {
    tiles->dotBf16(sums, rows, keys);
  }
  void multiplyValueTiles(int64_t sums, int64_t rows, int64_t values) override {
    tiles->dotBf16(sums, rows, values);
  }

  Value loadChunk(const Operand &operand, Value token, Value column,
                  int64_t chunk);
  void packKeyChunk(Value panel, Value firstInPanel, int64_t chunk);
  Value loadValue(Value token, int64_t vector);
  Value packPairs(Value low, Value high) {
    return packBf16(builder, dot, low, high);
  }
  /// Words of a key: a tile reads all of its last chunk.
  int64_t keyGroups() { return usesTiles ? queryStride() : groups(); }
};

} // namespace

void Bf16Attention::planAreas() {
  DotAttention::planAreas();
  keyWords.perPanel = keyGroups() * kPanel;
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// 32 dimensions of a token's head as words; the last chunk is halved where it
/// ends.
Value Bf16Attention::loadChunk(const Operand &operand, Value token,
                               Value column, int64_t chunk) {
  int64_t first = chunk * kPairs;
  int64_t count = std::min(kPairs, headSize - first);
  int64_t half = (count + 1) / 2;
  return packPairs(
      loadPart(operand, token, column, first, half),
      loadPart(operand, token, column, first + half, count - half));
}

void Bf16Attention::packKeys() {
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kPanel), kLanes, {}, [&](Value firstInPanel, ValueRange) {
      for (int64_t chunk = 0; chunk < chunks(); ++chunk)
        packKeyChunk(panel, firstInPanel, chunk);
      Value firstKey = add(mul(panel, kPanel), firstInPanel);
      storeKeyBias(firstKey, getVisible(firstKey, getAllKeys()));
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

void Bf16Attention::packKeyChunk(Value panel, Value firstInPanel,
                                 int64_t chunk) {
  Value firstKey = add(mul(panel, kPanel), firstInPanel);
  SmallVector<Value> block;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value token = minIndex(builder, add(firstKey, index(i)), lastOf(keys));
    block.push_back(loadChunk(key, token, head.keyColumn, chunk));
  }
  transpose(block);
  int64_t firstGroup = chunk * kLanes;
  for (int64_t i = 0; i < std::min(kLanes, keyGroups() - firstGroup); ++i)
    storeWords(block[i],
               add(keyPlace(panel, index(firstGroup + i), 0), firstInPanel));
}

/// Zeros for keys beyond the last, which a weight of 0 leaves zeros.
Value Bf16Attention::loadValue(Value token, int64_t vector) {
  Value found = loadDims(value, minIndex(builder, token, lastOf(keys)),
                         head.valueColumn, vector);
  Value exists =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, token, keys);
  return select(exists, found, splat(0.0f));
}

void Bf16Attention::packValues() {
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kLanes), 1, {}, [&](Value lane, ValueRange) {
      for (int64_t first = 0; first < kPanel; first += kPairs) {
        Value token = add(add(mul(panel, kPanel), index(first)), lane);
        Value group = add(index(first / groupSize()), lane);
        for (int64_t v = 0; v < headVectors(); ++v)
          storeWords(packPairs(loadValue(token, v),
                               loadValue(add(token, index(kLanes)), v)),
                     valuePlace(panel, group, v));
      }
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

void Bf16Attention::packQuery(Value r) {
  for (int64_t chunk = 0; chunk < chunks(); ++chunk)
    storeWords(loadChunk(query, add(firstRow, r), head.queryColumn, chunk),
               add(queryWords.start,
                   add(mul(r, queryStride()), index(chunk * kLanes))));
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// An exponent of 2.
Value Bf16Attention::emitScore(Value sum, Value firstKey) {
  float factor = getScale() * tq::quant::kLog2E;
  return math::FmaOp::create(builder, sum, splat(factor),
                             loadFloats(ofKeys(keyBiases, firstKey)));
}

/// The sum is that of the rounded weights, so that they add up to 1.
SmallVector<Value> Bf16Attention::emitWeights(ArrayRef<Row> rows,
                                              ArrayRef<Value> largest) {
  constexpr int64_t parts = kPanel / kPairs;
  static constexpr int32_t kTwoOnes = 0x3F803F80;
  tq::FloatBuilder f(builder, builder.getLoc());
  SmallVector<Value> shifts;
  for (Value value : largest)
    shifts.push_back(broadcast(value));
  DotWeights ones = prepareWeights(
      builder, dot,
      vector::BitCastOp::create(
          builder, VectorType::get({4 * kLanes}, builder.getI8Type()),
          intSplat(kTwoOnes)));
  SmallVector<Value> start(rows.size() * parts, splat(0.0f));
  auto sums = forEach(panels, 1, start, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next;
    for (auto [row, shift] : llvm::zip(rows, shifts))
      for (int64_t part = 0; part < parts; ++part) {
        auto weight = [&](int64_t vector) {
          Value score = loadFloats(scorePlace(panel, row.r, 2 * part + vector));
          return tq::buildExp2Coarse(builder, builder.getLoc(),
                                     f.sub(score, shift));
        };
        Value pairs = packPairs(weight(0), weight(1));
        storeWords(pairs, add(weightPlace(panel, row.r), index(part * kLanes)));
        next.push_back(emitDot(builder, dot, carried[next.size()],
                               prepareInputs(builder, dot, pairs), ones));
      }
    return next;
  });
  SmallVector<Value> totals;
  for (size_t i = 0; i < sums.size(); i += parts)
    totals.push_back(reduce(f.add(sums[i], sums[i + 1]),
                            [&](Value x, Value y) { return f.add(x, y); }));
  return totals;
}

std::unique_ptr<AttentionWriter>
tq::cpu::createBf16Attention(Kernel &kernel, const AttentionPattern &pattern,
                             AttentionPlanAttr plan) {
  return std::make_unique<Bf16Attention>(kernel, pattern, plan);
}
