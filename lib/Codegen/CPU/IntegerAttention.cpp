//===- IntegerAttention.cpp - Attention in int8 ---------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IntegerAttention.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

void IntegerAttention::planAreas() {
  DotAttention::planAreas();
  keyStarts.perPanel = kPanel;
}

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

Value IntegerAttention::storeKeys(Value panel, Value firstInPanel,
                                  ValueRange keyGroups) {
  DotInputs offset =
      prepareInputs(builder, dot,
                    arith::ConstantOp::create(
                        builder, builder.getI32IntegerAttr(0x80808080)));
  Value offsets = intSplat(0);
  for (auto [g, group] : llvm::enumerate(keyGroups)) {
    storeWords(group, add(keyPlace(panel, index(g), 0), firstInPanel));
    Value weights =
        vector::BitCastOp::create(builder, bytes(4 * kLanes), group);
    offsets = emitDot(builder, dot, offsets, offset,
                      prepareWeights(builder, dot, weights));
  }
  return arith::SubIOp::create(builder, intSplat(0), offsets);
}

SmallVector<Value> IntegerAttention::emitWeights(ArrayRef<Row> rows,
                                                 ArrayRef<Value> largest) {
  SmallVector<Value> shifts, factors;
  for (auto [row, value] : llvm::zip(rows, largest)) {
    shifts.push_back(broadcast(value));
    factors.push_back(emitFactor(row.r));
  }
  Value one = arith::ConstantOp::create(
      builder, DenseElementsAttr::get(bytes(4 * kLanes), int8_t(1)));
  DotWeights ones = prepareWeights(builder, dot, one);
  SmallVector<Value> totals(rows.size(), intSplat(0));
  totals = forEach(panels, 1, totals, [&](Value panel, ValueRange carried) {
    SmallVector<Value> next;
    for (auto [i, row] : llvm::enumerate(rows)) {
      SmallVector<Value> group;
      for (int64_t v = 0; v < kPanelVectors; ++v)
        group.push_back(tq::buildWeightU8(
            builder, builder.getLoc(),
            emitExponent(row, panel, v, shifts[i], factors[i])));
      Value packed = packBytes(group);
      storeWords(packed, weightPlace(panel, row.r));
      next.push_back(emitDot(builder, dot, carried[i],
                             prepareInputs(builder, dot, packed), ones));
    }
    return next;
  });
  for (Value &total : totals) {
    total = reduce(total, [&](Value x, Value y) -> Value {
      return arith::AddIOp::create(builder, x, y);
    });
    total = arith::SIToFPOp::create(builder, builder.getF32Type(), total);
  }
  return totals;
}
