//===- DynamicAttention.cpp - Write attention that quantizes itself -------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention in int8 of operands in f32, whose scales are found at run time: of
// each query and key, and of each channel of the value. What is shared by a row
// or by a key is multiplied once: the scale of a query before the exponential,
// of a channel after all. docs/Quantization.md has the formulas.
//
//===----------------------------------------------------------------------===//

#include "IntegerAttention.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cfloat>

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

namespace {

class DynamicAttention : public IntegerAttention {
public:
  using IntegerAttention::IntegerAttention;

private:
  SmallVector<Area *> moreAreas() override {
    return {&queryScales, &channelScales, &keyStarts, &keyScales};
  }
  void planAreas() override;
  void packKeys() override;
  void packValues() override;
  void packQuery(Value r) override;
  Value emitScore(Value sum, Value firstKey) override;
  Value emitFactor(Value r) override;
  Value emitExponent(const Row &row, Value panel, int64_t vector, Value largest,
                     Value factor) override;
  Value emitRowScale(Value r, Value inverse) override;
  Value emitValue(Value sum, int64_t vector) override;

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
  /// 0, or NaN if `x` is not finite.
  Value poisonOf(Value x) { return arith::SubFOp::create(builder, x, x); }

  Area queryScales;   ///< [rows]
  Area channelScales; ///< [D]
  Area keyScales;     ///< [T]
  Value keyPoison;    ///< of the item: NaN if a key is not finite
};

} // namespace

void DynamicAttention::planAreas() {
  IntegerAttention::planAreas();
  queryScales.words = rowScales.words;
  channelScales.words = headVectors() * kLanes;
  keyScales.perPanel = kPanel;
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// Largest magnitude / 127, or 1 where that is no normal number; NaN and
/// infinity stay.
Value DynamicAttention::scaleOf(Value largest) {
  tq::FloatBuilder f(builder, builder.getLoc());
  Value magnitude = f.fromBits(largest);
  Type type = magnitude.getType();
  Value scale = f.div(magnitude, f.constant(type, 127.0f));
  return f.ifGreater(f.constant(type, FLT_MIN), scale, f.constant(type, 1.0f),
                     scale);
}

void DynamicAttention::packKeys() {
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
SmallVector<Value> DynamicAttention::loadColumns(Value firstKey) {
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
Value DynamicAttention::emitKeyVector(Value panel, Value firstInPanel) {
  Value firstKey = add(mul(panel, kPanel), firstInPanel);
  SmallVector<Value> columns = loadColumns(firstKey);
  Value largest = intSplat(0);
  for (Value column : columns)
    largest = arith::MaxSIOp::create(builder, largest, magnitude(column));
  Value scale = scaleOf(largest), inverse = inverseOf(scale);
  tq::FloatBuilder f(builder, builder.getLoc());
  SmallVector<Value> packed;
  for (int64_t g = 0; g < groups(); ++g) {
    SmallVector<Value> group;
    for (int64_t i = 0; i < kDotGroup; ++i)
      group.push_back(f.roundProduct(columns[g * kDotGroup + i], inverse));
    packed.push_back(packBytes(group));
  }
  Value starts = storeKeys(panel, firstInPanel, packed);
  Value visible = getVisible(firstKey, getAllKeys());
  scale = select(visible, scale, splat(0.0f));
  storeFloats(scale, ofKeys(keyScales, firstKey));
  storeKeyBias(firstKey, visible);
  storeWords(starts, ofKeys(keyStarts, firstKey));
  return poisonOf(scale);
}

/// All bits of a magnitude if the mask shows the key, else none.
Value DynamicAttention::getShownBits(Value key) {
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
SmallVector<Value> DynamicAttention::emitChannelScales() {
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
void DynamicAttention::packValues() {
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
void DynamicAttention::packQuery(Value r) {
  Value row = add(firstRow, r);
  Value factor = splat(getScale() * tq::quant::kLog2E);
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
Value DynamicAttention::emitScore(Value sum, Value firstKey) {
  tq::FloatBuilder f(builder, builder.getLoc());
  return f.fma(arith::SIToFPOp::create(builder, vectorType(), sum),
               loadFloats(ofKeys(keyScales, firstKey)),
               loadFloats(ofKeys(keyBiases, firstKey)));
}

Value DynamicAttention::emitFactor(Value r) {
  return broadcast(
      memref::LoadOp::create(builder, workspace, add(queryScales.start, r)));
}

Value DynamicAttention::emitExponent(const Row &row, Value panel,
                                     int64_t vector, Value largest,
                                     Value factor) {
  tq::FloatBuilder f(builder, builder.getLoc());
  return f.mul(f.sub(loadFloats(scorePlace(panel, row.r, vector)), largest),
               factor);
}

/// NaN where the query or a key is not finite.
Value DynamicAttention::emitRowScale(Value r, Value inverse) {
  Value scale =
      memref::LoadOp::create(builder, workspace, add(queryScales.start, r));
  Value poison = arith::AddFOp::create(builder, poisonOf(scale), keyPoison);
  return arith::AddFOp::create(builder, inverse, poison);
}

Value DynamicAttention::emitValue(Value sum, int64_t vector) {
  Value scales = loadFloats(add(channelScales.start, index(vector * kLanes)));
  return arith::MulFOp::create(
      builder, arith::SIToFPOp::create(builder, vectorType(), sum), scales);
}

std::unique_ptr<AttentionWriter>
tq::cpu::createDynamicAttention(Kernel &kernel, const AttentionPattern &pattern,
                                AttentionPlanAttr plan) {
  return std::make_unique<DynamicAttention>(kernel, pattern, plan);
}
