//===- WidenedOperands.cpp - Products of operands of 16 bits --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group of four bytes becomes two words of 32 bits: its even bytes, its odd
// bytes. All even words of a row of inputs, or of a packed panel, are in front
// of all odd ones, so that no element changes its lane. A step of the loop over
// products takes one word of each row.
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq::cpu;

/// Groups of inputs of a block, at most: the weights of a vector of outputs
/// take half of a first cache of 32 KiB.
static constexpr int64_t kBlockGroups = 128;

/// Blocks of about the same size, of whole vectors of words.
static int64_t getBlockGroups(int64_t groups) {
  int64_t blocks = llvm::divideCeil(groups, kBlockGroups);
  return llvm::alignTo(llvm::divideCeil(groups, blocks), kLanes);
}

WidenedOperands::WidenedOperands(ContractionWriter &writer)
    : writer(writer), builder(writer.builder),
      groups(llvm::divideCeil(writer.pattern.inputs, kDotGroup)),
      blockGroups(getBlockGroups(groups)) {}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

/// A line more than the words take: rows at the same place of a page would
/// compete for lines of the first cache.
int64_t WidenedOperands::getRowWords() const {
  return 2 * blockGroups + kLanes;
}

Value WidenedOperands::countBytes(ImplicitLocOpBuilder &sizes, Value rows) {
  Value most =
      minIndex(sizes, rows, indexConstant(sizes, writer.plan.getRows()));
  Value inputs = arith::MulIOp::create(sizes, most,
                                       indexConstant(sizes, 4 * getRowWords()));
  return arith::AddIOp::create(
      sizes, inputs,
      indexConstant(sizes, 4 * (getSumWords() + getWeightWords())));
}

Value WidenedOperands::add(Value a, Value b) {
  return arith::AddIOp::create(builder, a, b);
}

Value WidenedOperands::mul(Value a, int64_t b) {
  return arith::MulIOp::create(builder, a, index(b));
}

/// [rows, 64]
Value WidenedOperands::getSumPlace(Value row, Value vector) {
  Value number = arith::SubIOp::create(builder, row, firstRow);
  return add(mul(number, kPanel), mul(vector, kLanes));
}

/// [vectors, steps, 16]
Value WidenedOperands::getWeightPlace(int64_t vector, Value step) {
  return add(mul(step, kLanes),
             index(getSumWords() + vector * 2 * blockGroups * kLanes));
}

/// [rows, steps]
Value WidenedOperands::getInputPlace(Value row) {
  Value number = arith::SubIOp::create(builder, row, firstRow);
  return add(mul(number, getRowWords()),
             index(getSumWords() + getWeightWords()));
}

Value WidenedOperands::loadVector(Type type, Value place) {
  auto lanes = VectorType::get({kLanes}, builder.getF32Type());
  Value loaded =
      vector::LoadOp::create(builder, lanes, writer.workspace, place);
  return vector::BitCastOp::create(builder, cast<VectorType>(type), loaded);
}

void WidenedOperands::storeVector(Value vector, Value place) {
  auto lanes = VectorType::get({kLanes}, builder.getF32Type());
  vector::StoreOp::create(builder,
                          vector::BitCastOp::create(builder, lanes, vector),
                          writer.workspace, place);
}

void WidenedOperands::forEach(Value begin, Value end, int64_t step,
                              llvm::function_ref<void(Value)> emit) {
  auto loop = scf::ForOp::create(builder, begin, end, index(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  emit(loop.getInductionVar());
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

void WidenedOperands::clearSums() {
  Value zero = arith::ConstantOp::create(
      builder,
      builder.getZeroAttr(VectorType::get({kLanes}, builder.getF32Type())));
  Value words = mul(arith::SubIOp::create(builder, lastRow, firstRow), kPanel);
  forEach(index(0), words, kLanes,
          [&](Value place) { storeVector(zero, place); });
}

void WidenedOperands::forBlocks(Value first, Value last,
                                llvm::function_ref<void()> emit) {
  firstRow = first;
  lastRow = last;
  if (groups > blockGroups)
    clearSums();
  forEach(index(0), index(groups), blockGroups, [&](Value group) {
    firstGroup = group;
    count = minIndex(builder, index(blockGroups),
                     arith::SubIOp::create(builder, index(groups), group));
    forEach(first, last, 1, [&](Value row) { widenRow(row); });
    emit();
  });
}

/// 16 groups at a time, then one by one; the last may have fewer bytes.
void WidenedOperands::widenRow(Value row) {
  int64_t whole = writer.pattern.inputs / kDotGroup;
  Value place = getInputPlace(row);
  Value end = minIndex(
      builder, count, arith::SubIOp::create(builder, index(whole), firstGroup));
  Value vectors =
      mul(arith::DivUIOp::create(builder, end, index(kLanes)), kLanes);
  forEach(index(0), vectors, kLanes, [&](Value group) {
    widenVector(row, add(firstGroup, group), add(place, group));
  });
  auto widenGroups = [&](Value begin, Value end, int64_t bytes) {
    forEach(begin, end, 1, [&](Value group) {
      widenGroup(writer.loadGroup(row, add(firstGroup, group), bytes),
                 add(place, group));
    });
  };
  if (whole % kLanes != 0)
    widenGroups(vectors, end, kDotGroup);
  if (whole != groups)
    widenGroups(end, count, writer.pattern.inputs % kDotGroup);
}

void WidenedOperands::widenVector(Value row, Value group, Value place) {
  auto bytes = VectorType::get({kDotGroup * kLanes}, builder.getI8Type());
  auto words = VectorType::get({kLanes}, builder.getI32Type());
  Value loaded = vector::LoadOp::create(builder, bytes, writer.inputMemref,
                                        ValueRange{row, mul(group, kDotGroup)});
  DotInputs inputs =
      prepareInputs(builder, writer.plan.getDot(),
                    vector::BitCastOp::create(builder, words, loaded));
  storeVector(inputs.parts[0], place);
  storeVector(inputs.parts[1], add(place, count));
}

void WidenedOperands::widenGroup(Value word, Value place) {
  auto store = [&](Value value, Value to) {
    Value bytes = arith::AndIOp::create(
        builder, value, arith::ConstantIntOp::create(builder, 0x00FF00FF, 32));
    memref::StoreOp::create(
        builder, arith::BitcastOp::create(builder, builder.getF32Type(), bytes),
        writer.workspace, to);
  };
  store(word, place);
  store(arith::ShRUIOp::create(builder, word,
                               arith::ConstantIntOp::create(builder, 8, 32)),
        add(place, count));
}

void WidenedOperands::widenWeights(const OutputTile &out) {
  auto bytes = VectorType::get({kDotGroup * kLanes}, builder.getI8Type());
  forEach(index(0), count, 1, [&](Value group) {
    for (int64_t v = 0; v < out.vectors; ++v) {
      Value loaded =
          vector::LoadOp::create(builder, bytes, writer.weightMemref,
                                 ValueRange{writer.getPacked(out, v),
                                            add(firstGroup, group), index(0)});
      DotWeights weights =
          prepareWeights(builder, writer.plan.getDot(), loaded);
      storeVector(weights.parts[0], getWeightPlace(v, group));
      storeVector(weights.parts[1], getWeightPlace(v, add(group, count)));
    }
  });
}

//===----------------------------------------------------------------------===//
// Products and sums
//===----------------------------------------------------------------------===//

void WidenedOperands::emitProducts(const OutputTile &out) {
  auto type = VectorType::get({kLanes}, builder.getI32Type());
  SmallVector<Value> places, sums;
  for (Value row : out.rows)
    for (int64_t v = 0; v < out.vectors; ++v)
      places.push_back(getSumPlace(row, add(out.firstVector, index(v))));
  for (Value place : places)
    sums.push_back(groups > blockGroups
                       ? loadVector(type, place)
                       : Value(arith::ConstantOp::create(
                             builder, builder.getZeroAttr(type))));
  auto loop = scf::ForOp::create(builder, index(0), count, index(1), sums);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    Value group = loop.getInductionVar();
    for (Value panel : out.prefetched)
      writer.prefetch(panel, add(firstGroup, group), /*locality=*/2);
    SmallVector<Value> next(loop.getRegionIterArgs());
    for (int64_t part = 0; part < 2; ++part)
      next = emitStep(out, add(mul(group, 2), index(part)), next);
    scf::YieldOp::create(builder, next);
  }
  for (auto [sum, place] : llvm::zip(loop.getResults(), places))
    storeVector(sum, place);
}

SmallVector<Value> WidenedOperands::emitStep(const OutputTile &out, Value step,
                                             ValueRange sums) {
  auto pairs = VectorType::get({2 * kLanes}, builder.getI16Type());
  auto lanes = VectorType::get({kLanes}, builder.getF32Type());
  SmallVector<DotWeights> weights;
  for (int64_t v = 0; v < out.vectors; ++v)
    weights.push_back({{loadVector(pairs, getWeightPlace(v, step))}});
  SmallVector<Value> next;
  for (Value row : out.rows) {
    Value word = memref::LoadOp::create(builder, writer.workspace,
                                        add(getInputPlace(row), step));
    Value all = vector::BroadcastOp::create(builder, lanes, word);
    DotInputs inputs{{vector::BitCastOp::create(builder, pairs, all)}};
    for (const DotWeights &weight : weights)
      next.push_back(emitDot(builder, writer.plan.getDot(), sums[next.size()],
                             inputs, weight));
  }
  return next;
}

void WidenedOperands::emitEpilogue(Value panel, int64_t columns) {
  auto type = VectorType::get({kLanes}, builder.getI32Type());
  writer.emitEpilogues(panel, columns, firstRow, lastRow, /*rows=*/1,
                       /*chains=*/2, [&](Value row, int64_t v) {
                         return loadVector(type, getSumPlace(row, index(v)));
                       });
}
