//===- StaticAttention.cpp - Write attention of int8 operands -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention whose operands are s8, with scales that are known at compile time:
// one of the scores of a head, and one of each channel of the value. Scores are
// integers up to the exponential; one that is hidden is so low that it is never
// the largest. docs/Quantization.md has the formulas.
//
//===----------------------------------------------------------------------===//

#include "IntegerAttention.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

/// What a score loses by being hidden, and what no score that is shown is below
/// of (kMaxIntegerHead).
static constexpr int32_t kHidden = -(1 << 30), kLowest = -(1 << 29);

namespace {

class StaticAttention : public IntegerAttention {
public:
  using IntegerAttention::IntegerAttention;

private:
  void packKeys() override;
  void packValues() override;
  void packQuery(Value r) override;
  Value emitScores(const Row &row, Value panel, int64_t vector) override;
  Value lowestScores() override { return intSplat(kHidden); }
  Value largerOf(Value x, Value y) override {
    return arith::MaxSIOp::create(builder, x, y);
  }
  Value emitIsNone(Value largest) override;
  Value emitFactor(Value) override { return headFactor; }
  Value emitExponent(const Row &row, Value panel, int64_t vector, Value largest,
                     Value factor) override;
  Value emitValue(Value sum, int64_t vector) override;
  void storeResult(Value row, int64_t vector, Value out) override;

  Value memrefOf(BlockArgument argument) {
    return kernel.memrefs[argument.getArgNumber()];
  }
  Value loadBytes(const Operand &operand, Value token, Value column,
                  int64_t count, int64_t width);
  void packKeyVector(Value panel, Value firstInPanel);
  Value loadChannels(BlockArgument argument, Value first, int64_t vector);
  Value loadOfResult(BlockArgument argument, int64_t vector);

  Value headFactor; ///< of the item: what scores are multiplied by
};

} // namespace

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// The first `count` bytes at `column`, zeros behind them up to `width`. In
/// pieces of powers of two: only AVX-512 has loads of bytes with a mask.
Value StaticAttention::loadBytes(const Operand &operand, Value token,
                                 Value column, int64_t count, int64_t width) {
  Value result =
      arith::ConstantOp::create(builder, builder.getZeroAttr(bytes(width)));
  int64_t at = 0;
  for (int64_t piece = width; piece > 0; piece /= 2) {
    if (count - at < piece)
      continue;
    Value part = vector::LoadOp::create(
        builder, bytes(piece), operand.memref,
        ValueRange{head.batch, token, add(column, index(at))});
    if (piece == width)
      return part;
    result = vector::InsertStridedSliceOp::create(
        builder, part, result, ArrayRef<int64_t>{at}, ArrayRef<int64_t>{1});
    at += piece;
  }
  return result;
}

void StaticAttention::packKeys() {
  Value scale = memref::LoadOp::create(builder, memrefOf(pattern.scoreScales),
                                       ValueRange{head.number});
  tq::FloatBuilder f(builder, builder.getLoc());
  headFactor = broadcast(f.mul(scale, constant(tq::quant::kLog2E)));
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kPanelVectors), 1, {}, [&](Value vector, ValueRange) {
      packKeyVector(panel, mul(vector, kLanes));
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

/// 16 keys of a panel: rows of words become columns.
void StaticAttention::packKeyVector(Value panel, Value firstInPanel) {
  Value firstKey = add(mul(panel, kPanel), firstInPanel);
  SmallVector<Value> keyGroups;
  for (int64_t c = 0; c < chunks(); ++c) {
    SmallVector<Value> block;
    for (int64_t i = 0; i < kLanes; ++i) {
      Value token = minIndex(builder, add(firstKey, index(i)), lastOf(keys));
      Value row = loadBytes(key, token, add(head.keyColumn, index(c * kPanel)),
                            headSize - c * kPanel, kPanel);
      block.push_back(vector::BitCastOp::create(builder, words(), row));
    }
    transpose(block);
    keyGroups.append(block);
  }
  keyGroups.truncate(groups());
  Value starts = storeKeys(panel, firstInPanel, keyGroups);
  Value visible = getVisible(firstKey, getAllKeys());
  storeKeyBias(firstKey, visible);
  if (usesTiles)
    starts = intSplat(0);
  Value hidden = arith::AddIOp::create(builder, starts, intSplat(kHidden));
  storeWords(select(visible, starts, hidden), ofKeys(keyStarts, firstKey));
}

/// Keys beyond the last repeat it: their weights are 0.
void StaticAttention::packValues() {
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kLanes), 1, {}, [&](Value group, ValueRange) {
      for (int64_t v = 0; v < headVectors(); ++v) {
        SmallVector<Value> parts;
        for (int64_t i = 0; i < kDotGroup; ++i) {
          Value token = minIndex(
              builder, add(mul(panel, kPanel), add(group, index(i * kLanes))),
              lastOf(keys));
          Value part =
              loadBytes(value, token, add(head.valueColumn, index(v * kLanes)),
                        headSize - v * kLanes, kLanes);
          parts.push_back(arith::ExtUIOp::create(builder, words(), part));
        }
        storeWords(packBytes(parts), valuePlace(panel, group, v));
      }
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

void StaticAttention::packQuery(Value r) {
  Value row = add(firstRow, r);
  Value offset = arith::ConstantOp::create(
      builder, DenseElementsAttr::get(bytes(kPanel), int8_t(-128)));
  for (int64_t c = 0; c < chunks(); ++c) {
    Value part = loadBytes(query, row, add(head.queryColumn, index(c * kPanel)),
                           headSize - c * kPanel, kPanel);
    if (!usesTiles)
      part = arith::XOrIOp::create(builder, part, offset);
    storeFloats(
        vector::BitCastOp::create(builder, vectorType(), part),
        add(queryWords.start, add(mul(r, queryStride()), index(c * kLanes))));
  }
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// Exact; one that is hidden is too low for any.
Value StaticAttention::emitScores(const Row &row, Value panel, int64_t vector) {
  Value firstKey = add(mul(panel, kPanel), index(vector * kLanes));
  Value score = loadWords(scorePlace(panel, row.r, vector));
  if (usesTiles)
    score = arith::AddIOp::create(builder, score,
                                  loadWords(ofKeys(keyStarts, firstKey)));
  if (row.range)
    score = select(getWithin(firstKey, *row.range), score, intSplat(kHidden));
  return score;
}

Value StaticAttention::emitIsNone(Value largest) {
  return arith::CmpIOp::create(
      builder, arith::CmpIPredicate::slt, largest,
      arith::ConstantOp::create(builder, builder.getI32IntegerAttr(kLowest)));
}

/// Minus infinity where the key is hidden, however small the factor is.
Value StaticAttention::emitExponent(const Row &row, Value panel, int64_t vector,
                                    Value largest, Value factor) {
  tq::FloatBuilder f(builder, builder.getLoc());
  Value firstKey = add(mul(panel, kPanel), index(vector * kLanes));
  Value distance =
      arith::SubIOp::create(builder, emitScores(row, panel, vector), largest);
  Value exponent =
      f.fma(arith::SIToFPOp::create(builder, vectorType(), distance), factor,
            loadFloats(ofKeys(keyBiases, firstKey)));
  if (row.range)
    exponent =
        select(getWithin(firstKey, *row.range), exponent, negativeInfinity());
  return exponent;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// 16 numbers of a vector, from dimension `vector` * 16 of the head that begins
/// at `first`.
Value StaticAttention::loadChannels(BlockArgument argument, Value first,
                                    int64_t vector) {
  return loadLanes(memrefOf(argument), add(first, index(vector * kLanes)),
                   headSize - vector * kLanes);
}

/// What belongs to 16 columns of the result: one number for all columns, or one
/// for each.
Value StaticAttention::loadOfResult(BlockArgument argument, int64_t vector) {
  if (cast<ShapedType>(argument.getType()).getRank() != 0)
    return loadChannels(argument, head.resultColumn, vector);
  return broadcast(
      memref::LoadOp::create(builder, memrefOf(argument), ValueRange()));
}

Value StaticAttention::emitValue(Value sum, int64_t vector) {
  return arith::MulFOp::create(
      builder, arith::SIToFPOp::create(builder, vectorType(), sum),
      loadChannels(pattern.valueScales, head.channel, vector));
}

void StaticAttention::storeResult(Value row, int64_t vector, Value out) {
  if (!pattern.inverseScales)
    return storeLanes(row, vector, out);
  Value zero = pattern.zeroPoints ? loadOfResult(pattern.zeroPoints, vector)
                                  : intSplat(0);
  Value inverse = loadOfResult(pattern.inverseScales, vector);
  storeLanes(row, vector,
             tq::buildCoarseQuantize(builder, builder.getLoc(), out, inverse,
                                     zero, 0, UINT8_MAX));
}

std::unique_ptr<AttentionWriter>
tq::cpu::createStaticAttention(Kernel &kernel, const AttentionPattern &pattern,
                               AttentionPlanAttr plan) {
  return std::make_unique<StaticAttention>(kernel, pattern, plan);
}
