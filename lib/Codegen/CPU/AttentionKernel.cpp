//===- AttentionKernel.cpp - Write kernels of attention -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

/// Parts of a tensor up to this size are not prefetched: it has just been
/// computed, and the second cache still has it.
static constexpr int64_t kNearBytes = 1 << 20;

static int64_t elementBytes(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
}

AttentionWriter::Operand
AttentionWriter::bind(const AttentionPattern::Operand &operand) {
  return {kernel.memrefs[operand.argument.getArgNumber()], operand.firstColumn};
}

AttentionWriter::AttentionWriter(Kernel &kernel,
                                 const AttentionPattern &pattern,
                                 AttentionPlanAttr plan)
    : kernel(kernel), pattern(pattern),
      builder(kernel.source.getLoc(), kernel.source.getContext()),
      op(pattern.op), query(bind(pattern.query)), key(bind(pattern.key)),
      value(bind(pattern.value)),
      mask(pattern.mask ? kernel.memrefs[pattern.mask.getArgNumber()]
                        : Value()),
      result(kernel.memrefs[pattern.result.getArgNumber()]),
      headSize(op.getHeadSize()), heads(op.getNumHeads()),
      kvHeads(op.getKvHeads()), dot(plan.getDot()),
      tile{plan.getTileRows(), plan.getTileVectors()},
      usesTiles(plan.getSums() == SumPlace::Tiles),
      rowsPerBlock(usesTiles ? kMatrixRows : tile.rows) {}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

void AttentionWriter::emitCounts() {
  SizeBuilder count(kernel, kernel.variant.getCount());
  count.finish(arith::MulIOp::create(
      count.builder, count.dim(pattern.query.argument.getArgNumber(), 0),
      indexConstant(count.builder, heads)));
  SizeBuilder bytes(kernel, kernel.variant.getWorkspace());
  BlockArgument prefix = pattern.key.prefix;
  Value tokens = prefix ? bytes.number(prefix.getArgNumber())
                        : bytes.dim(pattern.key.argument.getArgNumber(), 1);
  Value panelCount = arith::CeilDivUIOp::create(
      bytes.builder, tokens, indexConstant(bytes.builder, kPanel));
  auto [fixed, perPanel] = countWords();
  Value variable = arith::MulIOp::create(
      bytes.builder, panelCount, indexConstant(bytes.builder, 4 * perPanel));
  bytes.finish(fixed == 0 ? variable
                          : arith::AddIOp::create(
                                bytes.builder, variable,
                                indexConstant(bytes.builder, 4 * fixed)));
}

Value AttentionWriter::emitIsFar() {
  Value elements = memref::DimOp::create(builder, key.memref, 0);
  for (int64_t dim : {1, 2})
    elements = arith::MulIOp::create(
        builder, elements, memref::DimOp::create(builder, key.memref, dim));
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::ugt, elements,
                               index(kNearBytes / elementBytes(key.memref)));
}

void AttentionWriter::write() {
  emitCounts();
  workspace = kernel.addWorkspace();
  builder.setInsertionPointToEnd(kernel.getCode());
  queries = memref::DimOp::create(builder, query.memref, 1);
  BlockArgument prefix = pattern.key.prefix;
  keys = prefix ? kernel.memrefs[prefix.getArgNumber()]
                : Value(memref::DimOp::create(builder, key.memref, 1));
  panels = arith::CeilDivUIOp::create(builder, keys, index(kPanel));
  isFar = emitIsFar();
  keysPerQuery = arith::CeilDivUIOp::create(builder, keys, queries);
  begin();
  auto loop = scf::ForOp::create(builder, kernel.begin, kernel.end, index(1));
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  emitItem(loop.getInductionVar());
  builder.setInsertionPointToEnd(kernel.getCode());
  end();
  program::YieldOp::create(builder);
}

AttentionWriter::Head AttentionWriter::getHead(Value item) {
  Value number = arith::RemUIOp::create(builder, item, index(heads));
  Value kvNumber =
      arith::DivUIOp::create(builder, number, index(heads / kvHeads));
  Value column = mul(number, headSize), kvColumn = mul(kvNumber, headSize);
  return {arith::DivUIOp::create(builder, item, index(heads)),
          add(column, index(query.firstColumn)),
          add(kvColumn, index(key.firstColumn)),
          add(kvColumn, index(value.firstColumn)),
          column,
          number,
          kvColumn};
}

void AttentionWriter::emitItem(Value item) {
  head = getHead(item);
  nextHead =
      getHead(minIndex(builder, add(item, index(1)), lastOf(kernel.end)));
  packKeys();
  packValues();
  forEach(queries, rowsPerBlock, {}, [&](Value row, ValueRange) {
    firstRow = row;
    emitRowBlock();
    return SmallVector<Value>();
  });
}

//===----------------------------------------------------------------------===//
// Numbers and vectors
//===----------------------------------------------------------------------===//

Value AttentionWriter::splat(float value) {
  return arith::ConstantOp::create(builder,
                                   DenseElementsAttr::get(vectorType(), value));
}

Value AttentionWriter::constant(float value) {
  return arith::ConstantOp::create(builder, builder.getF32FloatAttr(value));
}

Value AttentionWriter::maxOf(Value x, Value y) {
  Value greater =
      arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(builder, greater, x, y);
}

Value AttentionWriter::reduce(Value vector,
                              llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    auto slice = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          builder, vector, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{half},
          ArrayRef<int64_t>{1});
    };
    vector = combine(slice(0), slice(half));
  }
  return vector::ExtractOp::create(builder, vector, 0);
}

/// Bit k of a vector's number is that of `kLanes / 2 >> k` of its lane.
int64_t AttentionWriter::laneOf(int64_t i) {
  int64_t lane = 0;
  for (int64_t half = kLanes / 2; half > 0; half /= 2, i /= 2)
    lane += i % 2 * half;
  return lane;
}

Value AttentionWriter::broadcastLane(Value vector, int64_t lane) {
  return vector::ShuffleOp::create(builder, vector, vector,
                                   SmallVector<int64_t>(kLanes, lane));
}

/// Two vectors whose halves are to be combined make one: a first half of each,
/// combined with the second ones.
Value AttentionWriter::reduceAll(
    ArrayRef<Value> vectors, llvm::function_ref<Value(Value, Value)> combine) {
  SmallVector<Value> left(vectors);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    SmallVector<int64_t> firsts, seconds;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      int64_t source = lane & half ? kLanes : 0;
      firsts.push_back(source + (lane & ~half));
      seconds.push_back(source + (lane | half));
    }
    SmallVector<Value> next;
    for (size_t i = 0; i < left.size(); i += 2) {
      Value x = left[i], y = i + 1 < left.size() ? left[i + 1] : x;
      next.push_back(
          combine(vector::ShuffleOp::create(builder, x, y, firsts),
                  vector::ShuffleOp::create(builder, x, y, seconds)));
    }
    left = std::move(next);
  }
  assert(left.size() == 1 && "too many vectors");
  return left.front();
}

/// Swaps the off-diagonal halves of ever smaller blocks.
void AttentionWriter::transpose(MutableArrayRef<Value> block) {
  for (int64_t stride = kLanes / 2; stride > 0; stride /= 2)
    for (int64_t i = 0; i < kLanes; ++i) {
      if (i & stride)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        bool swapped = lane & stride;
        low.push_back(swapped ? kLanes + lane - stride : lane);
        high.push_back(swapped ? kLanes + lane : lane + stride);
      }
      Value x = block[i], y = block[i + stride];
      block[i] = vector::ShuffleOp::create(builder, x, y, low);
      block[i + stride] = vector::ShuffleOp::create(builder, x, y, high);
    }
}

SmallVector<Value> AttentionWriter::forEach(
    Value count, int64_t step, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop =
      scf::ForOp::create(builder, index(0), count, index(step), carried);
  OpBuilder::InsertionGuard guard(builder);
  if (carried.empty())
    builder.setInsertionPoint(loop.getBody()->getTerminator());
  else
    builder.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(builder, next);
  return loop.getResults();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Value AttentionWriter::firstLanes(int64_t count) {
  if (count >= kLanes)
    return {};
  return vector::ConstantMaskOp::create(
      builder, VectorType::get({kLanes}, builder.getI1Type()),
      ArrayRef<int64_t>{count});
}

Value AttentionWriter::loadLanes(Value memref, ValueRange place,
                                 int64_t count) {
  auto type = VectorType::get(
      {kLanes}, cast<MemRefType>(memref.getType()).getElementType());
  Value exist = firstLanes(count);
  if (!exist)
    return vector::LoadOp::create(builder, type, memref, place);
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, type, memref, place, exist,
                                      zero);
}

Value AttentionWriter::loadPart(const Operand &operand, Value token,
                                Value column, int64_t first, int64_t count) {
  if (count <= 0)
    return splat(0.0f);
  return loadLanes(operand.memref,
                   ValueRange{head.batch, token, add(column, index(first))},
                   count);
}

void AttentionWriter::storeResult(Value row, int64_t vector, Value out) {
  storeLanes(row, vector, out);
}

void AttentionWriter::storeLanes(Value row, int64_t vector, Value out) {
  SmallVector<Value> place{head.batch, row,
                           add(head.resultColumn, index(vector * kLanes))};
  if (Value exist = firstLanes(headSize - vector * kLanes))
    vector::MaskedStoreOp::create(builder, result, place, exist, out);
  else
    vector::StoreOp::create(builder, out, result, place);
}

void AttentionWriter::prefetch(const Operand &operand, Value batch, Value token,
                               Value column) {
  constexpr int64_t lineBytes = 64;
  for (int64_t dim = 0; dim < headSize;
       dim += lineBytes / elementBytes(operand.memref))
    memref::PrefetchOp::create(
        builder, operand.memref,
        ValueRange{batch, token, add(column, index(dim))},
        /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
}

void AttentionWriter::prefetchAfter(Value row) {
  auto found = scf::IfOp::create(builder, isFar, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(found.thenBlock()->getTerminator());
  Value ahead =
      minIndex(builder, add(row, index(rowsPerBlock)), lastOf(queries));
  prefetch(query, head.batch, ahead, head.queryColumn);
  forEach(keysPerQuery, 1, {}, [&](Value i, ValueRange) {
    Value token = minIndex(
        builder, add(arith::MulIOp::create(builder, row, keysPerQuery), i),
        lastOf(keys));
    prefetch(key, nextHead.batch, token, nextHead.keyColumn);
    prefetch(value, nextHead.batch, token, nextHead.valueColumn);
    return SmallVector<Value>();
  });
}

/// With p = row + T - S: keys up to p if causal, those less than a window away
/// from it.
AttentionWriter::KeyRange AttentionWriter::getKeyRange(Value row) {
  KeyRange range = getAllKeys();
  if (!op.isBanded())
    return range;
  Value place = add(row, arith::SubIOp::create(builder, keys, queries));
  std::optional<uint64_t> window = op.getWindow();
  // No sum of places is so large that a window could overflow it.
  auto width = static_cast<int64_t>(
      std::min<uint64_t>(window.value_or(1), uint64_t(1) << 48));
  Value end = add(place, index(op.getCausal() ? 1 : width));
  range.limit =
      arith::MaxSIOp::create(builder, index(0), minIndex(builder, keys, end));
  if (window)
    range.first = add(place, index(1 - width));
  return range;
}

Value AttentionWriter::getBelow(Value firstKey, Value limit) {
  Value count = arith::MinSIOp::create(
      builder, index(kLanes),
      arith::MaxSIOp::create(builder, index(0),
                             arith::SubIOp::create(builder, limit, firstKey)));
  return vector::CreateMaskOp::create(
      builder, VectorType::get({kLanes}, builder.getI1Type()), count);
}

Value AttentionWriter::getWithin(Value firstKey, const KeyRange &range) {
  Value below = getBelow(firstKey, range.limit);
  if (!range.first)
    return below;
  Value isBefore = getBelow(firstKey, range.first);
  Value isFalse =
      arith::ConstantOp::create(builder, builder.getZeroAttr(below.getType()));
  return arith::SelectOp::create(builder, isBefore, isFalse, below);
}

Value AttentionWriter::getVisible(Value firstKey, const KeyRange &range) {
  Value below = getWithin(firstKey, range);
  if (!mask)
    return below;
  auto type = VectorType::get({kLanes}, builder.getI64Type());
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
  Value flags = vector::MaskedLoadOp::create(
      builder, type, mask, ValueRange{head.batch, firstKey}, below, zero);
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, flags, zero);
}

static std::unique_ptr<AttentionWriter>
createWriter(Kernel &kernel, const AttentionPattern &pattern,
             AttentionPlanAttr plan) {
  if (isa<StaticAttentionOp>(*pattern.op))
    return createStaticAttention(kernel, pattern, plan);
  AttentionOpInterface op = pattern.op;
  switch (op.getPrecision()) {
  case Precision::F32:
    return createFloatAttention(kernel, pattern, plan);
  case Precision::BF16:
    return createBf16Attention(kernel, pattern, plan);
  case Precision::Int8:
    return createDynamicAttention(kernel, pattern, plan);
  }
  llvm_unreachable("unknown precision");
}

void tq::cpu::writeAttention(Kernel &kernel, const AttentionPattern &pattern,
                             AttentionPlanAttr plan) {
  createWriter(kernel, pattern, plan)->write();
}
