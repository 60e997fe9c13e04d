//===- IntegerAttention.cpp - Write kernels of attention in int8 ----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both products are dot products of four bytes, as in a quantized linear: a
// group of four keys is i, i + 16, i + 32 and i + 48 of its panel. The sums are
// exact, so everything that is shared by a row or by a key is multiplied once:
// the scale of a query before the exponential, of a channel after all.
// docs/Quantization.md has the formulas.
//
//===----------------------------------------------------------------------===//

#include "DotAttention.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cfloat>

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

namespace {

class IntegerAttention : public DotAttention {
public:
  using DotAttention::DotAttention;

private:
  SmallVector<Area *> moreAreas() override {
    return {&queryScales, &channelScales, &keyStarts, &keyScales};
  }
  void planAreas() override;
  void packKeys() override;
  void packValues() override;
  void packQuery(Value r) override;
  Value emitStart(Value firstKey) override {
    return loadWords(ofKeys(keyStarts, firstKey));
  }
  Value emitScore(Value sum, Value firstKey) override;
  Value emitWeights(Value r, Value largest) override;
  Value emitRowScale(Value r, Value inverse) override;
  Value emitValue(Value sum, int64_t vector) override;
  void multiplyScoreTiles(int64_t sums, int64_t rows, int64_t keys) override {
    tiles->dotSigned(sums, rows, keys);
  }
  void multiplyValueTiles(int64_t sums, int64_t rows, int64_t values) override {
    tiles->dot(sums, rows, values);
  }

  // Packing.
  Value emitKeyVector(Value panel, Value firstKey);
  SmallVector<Value> loadColumns(Value firstKey);
  SmallVector<Value> emitChannelScales();
  Value getShownBits(Value key);

  // Numbers.
  Value magnitude(Value x) {
    return arith::AndIOp::create(
        builder, tq::FloatBuilder(builder, builder.getLoc()).bits(x),
        intSplat(0x7FFFFFFF));
  }
  Value scaleOf(Value largest);
  Value inverseOf(Value scale) {
    tq::FloatBuilder f(builder, builder.getLoc());
    return f.div(f.constant(scale.getType(), 1.0f), scale);
  }
  Value packBytes(ArrayRef<Value> group);
  /// 0, or NaN if `x` is not finite.
  Value poisonOf(Value x) { return arith::SubFOp::create(builder, x, x); }

  Area queryScales;   ///< [rows]
  Area channelScales; ///< [D]
  Area keyStarts;     ///< [T], what the sums of a key's scores start from
  Area keyScales;     ///< [T]
  Value keyPoison;    ///< of the item: NaN if a key is not finite
};

} // namespace

void IntegerAttention::planAreas() {
  DotAttention::planAreas();
  queryScales.words = rowScales.words;
  channelScales.words = headVectors() * kLanes;
  keyStarts.perPanel = keyScales.perPanel = kPanel;
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// Largest magnitude / 127, or 1 where that is no normal number; NaN and
/// infinity stay.
Value IntegerAttention::scaleOf(Value largest) {
  tq::FloatBuilder f(builder, builder.getLoc());
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
                     : arith::AndIOp::create(builder, value, intSplat(0xFF));
    if (i != 0)
      part = arith::ShLIOp::create(builder, part, intSplat(8 * i));
    packed = i == 0 ? part : arith::OrIOp::create(builder, packed, part);
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
                             arith::AddFOp::create(builder, inner[0], poison)};
                       });
      });
  keyPoison = reduce(poisons[0], [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(builder, x, y);
  });
}

/// A head's dimensions of 16 keys: one vector a dimension.
SmallVector<Value> IntegerAttention::loadColumns(Value firstKey) {
  SmallVector<Value> columns;
  for (int64_t v = 0; v < headVectors(); ++v) {
    SmallVector<Value> block;
    for (int64_t i = 0; i < kLanes; ++i)
      block.push_back(loadDims(
          key, minIndex(builder, add(firstKey, index(i)), lastOf(keys)),
          head.keyColumn, v));
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
    largest = arith::MaxSIOp::create(builder, largest, magnitude(column));
  Value scale = scaleOf(largest), inverse = inverseOf(scale);
  tq::FloatBuilder f(builder, builder.getLoc());
  DotInputs offset =
      prepareInputs(builder, dot,
                    arith::ConstantOp::create(
                        builder, builder.getI32IntegerAttr(0x80808080)));
  Value offsets = intSplat(0);
  for (int64_t g = 0; g < groups(); ++g) {
    SmallVector<Value> group;
    for (int64_t i = 0; i < kDotGroup; ++i)
      group.push_back(f.roundProduct(columns[g * kDotGroup + i], inverse));
    Value packed = packBytes(group);
    storeWords(packed, add(keyPlace(panel, index(g), 0), firstInPanel));
    Value bytes = vector::BitCastOp::create(
        builder, VectorType::get({4 * kLanes}, builder.getI8Type()), packed);
    offsets = emitDot(builder, dot, offsets, offset,
                      prepareWeights(builder, dot, bytes));
  }
  Value visible = getVisible(firstKey, keys);
  scale = select(visible, scale, splat(0.0f));
  storeFloats(scale, ofKeys(keyScales, firstKey));
  storeKeyBias(firstKey, visible);
  storeWords(arith::SubIOp::create(builder, intSplat(0), offsets),
             ofKeys(keyStarts, firstKey));
  return poisonOf(scale);
}

/// All bits of a magnitude if the mask shows the key, else none.
Value IntegerAttention::getShownBits(Value key) {
  if (!mask)
    return intSplat(0x7FFFFFFF);
  Value flag =
      memref::LoadOp::create(builder, mask, ValueRange{head.batch, key});
  Value zero = arith::ConstantIntOp::create(builder, 0, 64);
  Value isShown =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, flag, zero);
  return broadcast(select(isShown,
                          arith::ConstantIntOp::create(builder, 0x7FFFFFFF, 32),
                          arith::ConstantIntOp::create(builder, 0, 32)));
}

/// Stores the scales of all channels; gives their inverses.
SmallVector<Value> IntegerAttention::emitChannelScales() {
  SmallVector<Value> largest(headVectors(), intSplat(0));
  largest = forEach(keys, 1, largest, [&](Value key, ValueRange carried) {
    Value shown = getShownBits(key);
    SmallVector<Value> next;
    for (int64_t v = 0; v < headVectors(); ++v) {
      Value bits = arith::AndIOp::create(
          builder, magnitude(loadDims(value, key, head.valueColumn, v)), shown);
      next.push_back(arith::MaxSIOp::create(builder, carried[v], bits));
    }
    return next;
  });
  SmallVector<Value> inverses;
  for (int64_t v = 0; v < headVectors(); ++v) {
    Value scale = scaleOf(largest[v]);
    inverses.push_back(inverseOf(scale));
    // An infinite scale would give infinities of any sign.
    storeFloats(arith::AddFOp::create(builder, scale, poisonOf(scale)),
                add(channelScales.start, index(v * kLanes)));
  }
  return inverses;
}

/// Keys beyond the last repeat it: their weights are 0.
void IntegerAttention::packValues() {
  SmallVector<Value> inverses = emitChannelScales();
  tq::FloatBuilder f(builder, builder.getLoc());
  forEach(panels, 1, {}, [&](Value panel, ValueRange) {
    forEach(index(kLanes), 1, {}, [&](Value group, ValueRange) {
      SmallVector<Value> tokens;
      for (int64_t i = 0; i < kDotGroup; ++i)
        tokens.push_back(minIndex(
            builder, add(mul(panel, kPanel), add(group, index(i * kLanes))),
            lastOf(keys)));
      for (int64_t v = 0; v < headVectors(); ++v) {
        SmallVector<Value> parts;
        for (Value token : tokens)
          parts.push_back(f.roundProduct(
              loadDims(value, token, head.valueColumn, v), inverses[v]));
        storeWords(packBytes(parts), valuePlace(panel, group, v));
      }
      return SmallVector<Value>();
    });
    return SmallVector<Value>();
  });
}

/// A query as bytes: s8 for tiles, with zeros to the end of the last, else 128
/// more, since the dot products of vectors take u8.
void IntegerAttention::packQuery(Value r) {
  Value row = add(firstRow, r);
  Value factor = splat(op.getScale().convertToFloat() * tq::quant::kLog2E);
  tq::FloatBuilder f(builder, builder.getLoc());
  SmallVector<Value> parts;
  Value largest = intSplat(0);
  for (int64_t v = 0; v < headVectors(); ++v) {
    parts.push_back(f.mul(loadDims(query, row, head.queryColumn, v), factor));
    largest = arith::MaxSIOp::create(builder, largest, magnitude(parts[v]));
  }
  largest = reduce(largest, [&](Value x, Value y) -> Value {
    return arith::MaxSIOp::create(builder, x, y);
  });
  Value scale = scaleOf(largest), inverse = broadcast(inverseOf(scale));
  memref::StoreOp::create(builder, scale, workspace, add(queryScales.start, r));
  parts.resize(chunks() * kPanelVectors, splat(0.0f));
  for (auto [v, part] : llvm::enumerate(parts)) {
    Value rounded = f.roundProduct(part, inverse);
    if (!usesTiles)
      rounded = arith::AddIOp::create(builder, rounded, intSplat(128));
    Value bytes = arith::TruncIOp::create(
        builder, VectorType::get({kLanes}, builder.getI8Type()), rounded);
    Value place = add(queryWords.start, add(mul(r, queryStride()),
                                            index(v * kLanes / kDotGroup)));
    storeFloats(vector::BitCastOp::create(
                    builder,
                    VectorType::get({kLanes / kDotGroup}, builder.getF32Type()),
                    bytes),
                place);
  }
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The score without the query's scale.
Value IntegerAttention::emitScore(Value sum, Value firstKey) {
  tq::FloatBuilder f(builder, builder.getLoc());
  return f.fma(arith::SIToFPOp::create(builder, vectorType(), sum),
               loadFloats(ofKeys(keyScales, firstKey)),
               loadFloats(ofKeys(keyBiases, firstKey)));
}

Value IntegerAttention::emitWeights(Value r, Value largest) {
  Value scale =
      memref::LoadOp::create(builder, workspace, add(queryScales.start, r));
  Value shift = broadcast(largest), factor = broadcast(scale);
  Value one = arith::ConstantOp::create(
      builder,
      DenseElementsAttr::get(VectorType::get({4 * kLanes}, builder.getI8Type()),
                             int8_t(1)));
  DotWeights ones = prepareWeights(builder, dot, one);
  tq::FloatBuilder f(builder, builder.getLoc());
  auto totals =
      forEach(panels, 1, intSplat(0), [&](Value panel, ValueRange carried) {
        SmallVector<Value> group;
        for (int64_t v = 0; v < kPanelVectors; ++v) {
          Value score = loadFloats(scorePlace(panel, r, v));
          group.push_back(tq::buildWeightU8(
              builder, builder.getLoc(), f.mul(f.sub(score, shift), factor)));
        }
        Value packed = packBytes(group);
        storeWords(packed, weightPlace(panel, r));
        return SmallVector<Value>{emitDot(builder, dot, carried[0],
                                          prepareInputs(builder, dot, packed),
                                          ones)};
      });
  Value total = reduce(totals[0], [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(builder, x, y);
  });
  return arith::SIToFPOp::create(builder, builder.getF32Type(), total);
}

/// NaN where the query or a key is not finite.
Value IntegerAttention::emitRowScale(Value r, Value inverse) {
  Value scale =
      memref::LoadOp::create(builder, workspace, add(queryScales.start, r));
  Value poison = arith::AddFOp::create(builder, poisonOf(scale), keyPoison);
  return arith::AddFOp::create(builder, inverse, poison);
}

Value IntegerAttention::emitValue(Value sum, int64_t vector) {
  Value scales = loadFloats(add(channelScales.start, index(vector * kLanes)));
  return arith::MulFOp::create(
      builder, arith::SIToFPOp::create(builder, vectorType(), sum), scales);
}

std::unique_ptr<AttentionWriter>
tq::cpu::createIntegerAttention(Kernel &kernel, const AttentionPattern &pattern,
                                AttentionPlanAttr plan) {
  return std::make_unique<IntegerAttention>(kernel, pattern, plan);
}
