//===- RowsKernel.cpp - Write kernels of row-wise ops ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One work item is one row. Lane ops that do not wait for each other's
// reductions share a loop over the row; every f32 sum has the canonical order
// of 64 partial sums and a tree.
//
//===----------------------------------------------------------------------===//

#include "KernelGenerator.h"
#include "LaneEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

namespace {

class RowsWriter {
public:
  RowsWriter(Kernel &kernel, const RowsPattern &pattern, RowsPlanAttr plan)
      : kernel(kernel), pattern(pattern), plan(plan), rowRank(pattern.rowRank),
        builder(kernel.source.getLoc(), kernel.source.getContext()),
        evaluator(builder, rowRank, /*collapsed=*/false) {}

  void write();

private:
  using Reduction = RowsPattern::Reduction;

  bool isLaneOp(linalg::GenericOp op) const {
    return op.getNumLoops() == rowRank + 1;
  }
  bool isLazy(linalg::GenericOp op) const;
  bool dependsOnPendingReduction(linalg::GenericOp op) const;

  void emitCount();
  void emitRow(Value item);
  SmallVector<Value> delinearize(Value item);
  void emitRowOp(linalg::GenericOp op, ArrayRef<Value> rows);
  void flush(ArrayRef<Value> rows);
  SmallVector<Value> emitPartials();
  SmallVector<Value> emitLoop(ArrayRef<Value> rows, Value whole,
                              ValueRange partials);
  SmallVector<Value> emitLanes(ArrayRef<Value> rows, Value base,
                               Value remaining, int64_t staticCount,
                               ValueRange partials);
  void emitPoint(const LanePoint &point, MutableArrayRef<Value> partials,
                 int64_t part);
  void finishReduction(linalg::GenericOp op, ValueRange parts,
                       ArrayRef<Value> rows);
  Value combine(linalg::GenericOp op, Value a, Value b);
  Value halve(linalg::GenericOp op, Value vector);
  void bindTemporaries();

  Value index(int64_t value) { return indexConstant(builder, value); }
  Value sizeOf(RowsPattern::Size size) {
    return memref::DimOp::create(builder, kernel.memrefs[size.argument],
                                 size.dim);
  }
  const Reduction &getReduction(linalg::GenericOp op) const {
    return pattern.reductions.find(op)->second;
  }

  Kernel &kernel;
  const RowsPattern &pattern;
  const RowsPlanAttr plan;
  const unsigned rowRank;
  ImplicitLocOpBuilder builder;
  LaneEvaluator evaluator;
  SmallVector<linalg::GenericOp> pending;
};

} // namespace

/// Partial results of a reduction are so many vectors.
static constexpr int64_t kPartialVectors = kPartialSums / kLanes;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// A temporary that is evaluated where it is used.
bool RowsWriter::isLazy(linalg::GenericOp op) const {
  return isLaneOp(op) && op.getNumReductionLoops() == 0 &&
         llvm::all_of(op.getResults(),
                      [&](Value result) { return !evaluator.isBound(result); });
}

bool RowsWriter::dependsOnPendingReduction(linalg::GenericOp op) const {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    auto producer = operand.getDefiningOp<linalg::GenericOp>();
    if (!producer)
      return false;
    if (producer.getNumReductionLoops() != 0)
      return llvm::is_contained(pending, producer);
    return isLazy(producer) && dependsOnPendingReduction(producer);
  });
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void RowsWriter::emitCount() {
  SizeBuilder count(kernel, kernel.variant.getCount());
  Value rows = indexConstant(count.builder, 1);
  for (RowsPattern::Size size : pattern.rowSizes)
    rows = arith::MulIOp::create(count.builder, rows,
                                 count.dim(size.argument, size.dim));
  count.finish(rows);
}

SmallVector<Value> RowsWriter::delinearize(Value item) {
  SmallVector<Value> rows(rowRank);
  for (unsigned i = rowRank; i-- > 1;) {
    Value size = sizeOf(pattern.rowSizes[i]);
    rows[i] = arith::RemUIOp::create(builder, item, size);
    item = arith::DivUIOp::create(builder, item, size);
  }
  if (rowRank > 0)
    rows[0] = item;
  return rows;
}

/// Results that are arguments of the kernel are stored there. A temporary row
/// that is read by several ops is stored in a buffer of its own if its size is
/// known and suits the stack, else evaluated again at each use.
void RowsWriter::bindTemporaries() {
  int64_t stackBytes = 0;
  for (linalg::GenericOp op : pattern.ops)
    for (Value result : op.getResults()) {
      if (BlockArgument argument = getDestination(result)) {
        evaluator.bind(result, {kernel.memrefs[argument.getArgNumber()]});
        continue;
      }
      if (!isLaneOp(op) || op.getNumReductionLoops() != 0 ||
          result.hasOneUse() || ShapedType::isDynamic(pattern.laneSize))
        continue;
      Type element = getElementTypeOrSelf(result.getType());
      int64_t elementBytes = getElementBytes(element);
      if (pattern.laneSize > (plan.getStackBytes() - stackBytes) / elementBytes)
        continue;
      stackBytes += pattern.laneSize * elementBytes;
      auto type = MemRefType::get({pattern.laneSize}, element);
      Value buffer = memref::AllocaOp::create(builder, type,
                                              builder.getI64IntegerAttr(64));
      evaluator.bind(result, {buffer, /*isRowBuffer=*/true});
    }
}

void RowsWriter::write() {
  emitCount();
  builder.setInsertionPointToEnd(kernel.getCode());
  for (auto [argument, memref] :
       llvm::zip(kernel.source.getArguments(), kernel.memrefs))
    evaluator.bind(argument, {memref});
  bindTemporaries();
  auto loop = scf::ForOp::create(builder, kernel.begin, kernel.end, index(1));
  evaluator.setLoop(loop);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  emitRow(loop.getInductionVar());
  builder.setInsertionPointToEnd(kernel.getCode());
  program::YieldOp::create(builder);
}

void RowsWriter::emitRow(Value item) {
  SmallVector<Value> rows = delinearize(item);
  for (linalg::GenericOp op : pattern.ops) {
    if (isLazy(op))
      continue;
    if (dependsOnPendingReduction(op))
      flush(rows);
    if (isLaneOp(op))
      pending.push_back(op);
    else
      emitRowOp(op, rows);
  }
  flush(rows);
}

void RowsWriter::emitRowOp(linalg::GenericOp op, ArrayRef<Value> rows) {
  LanePoint point{SmallVector<Value>(rows), {}, {}};
  evaluator.clearBlock();
  SmallVector<Value> values = evaluator.evaluate(op, point);
  evaluator.writeResults(op, values, point);
  for (auto [result, value] : llvm::zip(op.getResults(), values))
    evaluator.setScalar(result, value);
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// What the partial results of the pending reductions start with.
SmallVector<Value> RowsWriter::emitPartials() {
  SmallVector<Value> partials;
  for (linalg::GenericOp op : pending) {
    if (op.getNumReductionLoops() == 0)
      continue;
    TypedAttr neutral = getReduction(op).neutral;
    auto type = VectorType::get({kLanes}, neutral.getType());
    for (int64_t part = 0; part < kPartialVectors; ++part)
      partials.push_back(arith::ConstantOp::create(
          builder, DenseElementsAttr::get(type, Attribute(neutral))));
  }
  return partials;
}

/// 64 lanes at a time, up to `whole`.
SmallVector<Value> RowsWriter::emitLoop(ArrayRef<Value> rows, Value whole,
                                        ValueRange partials) {
  auto loop = scf::ForOp::create(builder, index(0), whole, index(kPartialSums),
                                 partials);
  OpBuilder::InsertionGuard guard(builder);
  // Without results the loop has its terminator already.
  if (partials.empty())
    builder.setInsertionPoint(loop.getBody()->getTerminator());
  else
    builder.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> results =
      emitLanes(rows, loop.getInductionVar(), Value(), kPartialSums,
                loop.getRegionIterArgs());
  if (!partials.empty())
    scf::YieldOp::create(builder, results);
  return loop.getResults();
}

/// Emits the pending ops.
void RowsWriter::flush(ArrayRef<Value> rows) {
  if (pending.empty())
    return;
  SmallVector<Value> partials = emitPartials();
  int64_t laneSize = pattern.laneSize;
  bool isStatic = !ShapedType::isDynamic(laneSize);
  Value size = isStatic ? index(laneSize) : sizeOf(pattern.dynamicLaneSize);
  Value step = index(kPartialSums);
  Value whole =
      isStatic ? index(laneSize - laneSize % kPartialSums)
               : arith::MulIOp::create(
                     builder, arith::DivUIOp::create(builder, size, step), step)
                     .getResult();
  if (!isStatic || laneSize >= kPartialSums)
    partials = emitLoop(rows, whole, partials);
  int64_t rest = isStatic ? laneSize % kPartialSums : ShapedType::kDynamic;
  if (rest != 0) {
    Value remaining =
        isStatic ? Value() : arith::SubIOp::create(builder, size, whole);
    partials = emitLanes(rows, whole, remaining, rest, partials);
  }
  ValueRange left = partials;
  for (linalg::GenericOp op : std::exchange(pending, {}))
    if (op.getNumReductionLoops() != 0) {
      finishReduction(op, left.take_front(kPartialVectors), rows);
      left = left.drop_front(kPartialVectors);
    }
}

/// Emits four vectors of lanes from `base` on: `staticCount` of the 64 lanes
/// exist, or `remaining` where that is dynamic.
SmallVector<Value> RowsWriter::emitLanes(ArrayRef<Value> rows, Value base,
                                         Value remaining, int64_t staticCount,
                                         ValueRange partials) {
  SmallVector<Value> current(partials);
  evaluator.clearBlock();
  for (int64_t part = 0; part < kPartialVectors; ++part) {
    int64_t first = part * kLanes;
    LanePoint point{SmallVector<Value>(rows), base, {}};
    if (!ShapedType::isDynamic(staticCount) && first >= staticCount)
      break;
    if (first != 0)
      point.lane = arith::AddIOp::create(builder, base, index(first));
    auto maskType = VectorType::get({kLanes}, builder.getI1Type());
    if (remaining) {
      Value count = arith::MaxSIOp::create(
          builder, index(0),
          arith::SubIOp::create(builder, remaining, index(first)));
      point.mask = vector::CreateMaskOp::create(
          builder, maskType,
          ValueRange{minIndex(builder, count, index(kLanes))});
    } else if (staticCount - first < kLanes) {
      point.mask = vector::ConstantMaskOp::create(
          builder, maskType, ArrayRef<int64_t>{staticCount - first});
    }
    emitPoint(point, current, part);
  }
  evaluator.clearBlock();
  return current;
}

void RowsWriter::emitPoint(const LanePoint &point,
                           MutableArrayRef<Value> partials, int64_t part) {
  evaluator.clearKnown();
  int64_t reduction = 0;
  for (linalg::GenericOp op : pending) {
    if (op.getNumReductionLoops() != 0) {
      Value &partial = partials[reduction++ * kPartialVectors + part];
      Value value = evaluator.evaluate(op, point, partial).front();
      Value next = evaluator.broadcast(value);
      partial = point.mask ? arith::SelectOp::create(builder, point.mask, next,
                                                     partial)
                                 .getResult()
                           : next;
      continue;
    }
    SmallVector<Value> values = evaluator.evaluate(op, point);
    evaluator.writeResults(op, values, point);
    for (auto [result, value] : llvm::zip(op.getResults(), values))
      evaluator.setKnown(result, evaluator.broadcast(value));
  }
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value RowsWriter::combine(linalg::GenericOp op, Value a, Value b) {
  Operation *last =
      op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (getReduction(op).isFloatSum)
    return arith::AddFOp::create(builder, a, b);
  if (auto select = dyn_cast<arith::SelectOp>(last)) {
    // Choose between a and b as the body does between accumulator and element.
    Value accumulator = op.getBody()->getArguments().back();
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    auto pick = [&](Value v) { return v == accumulator ? a : b; };
    Value condition =
        arith::CmpFOp::create(builder, compare.getPredicate(),
                              pick(compare.getLhs()), pick(compare.getRhs()));
    return arith::SelectOp::create(builder, condition,
                                   pick(select.getTrueValue()),
                                   pick(select.getFalseValue()));
  }
  Operation *copy = last->clone();
  copy->setOperands({a, b});
  copy->getResult(0).setType(a.getType());
  return builder.insert(copy)->getResult(0);
}

/// p[j] = p[j] + p[j + h] for the lower half of the lanes.
Value RowsWriter::halve(linalg::GenericOp op, Value vector) {
  int64_t half = cast<VectorType>(vector.getType()).getDimSize(0) / 2;
  Value low = vector::ExtractStridedSliceOp::create(
      builder, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{half},
      ArrayRef<int64_t>{1});
  Value high = vector::ExtractStridedSliceOp::create(
      builder, vector, ArrayRef<int64_t>{half}, ArrayRef<int64_t>{half},
      ArrayRef<int64_t>{1});
  return combine(op, low, high);
}

void RowsWriter::finishReduction(linalg::GenericOp op, ValueRange parts,
                                 ArrayRef<Value> rows) {
  Value left = combine(op, parts[0], parts[2]);
  Value right = combine(op, parts[1], parts[3]);
  Value vector = combine(op, left, right);
  while (cast<VectorType>(vector.getType()).getDimSize(0) > 1)
    vector = halve(op, vector);
  Value scalar = vector::ExtractOp::create(builder, vector, 0);
  const Reduction &reduction = getReduction(op);
  if (reduction.initial != reduction.neutral)
    scalar = combine(op, arith::ConstantOp::create(builder, reduction.initial),
                     scalar);
  Value result = op->getResult(0);
  evaluator.setScalar(result, scalar);
  if (evaluator.isBound(result))
    evaluator.write(result, op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
                    scalar, {SmallVector<Value>(rows), {}, {}});
}

void tq::cpu::writeRows(Kernel &kernel, const RowsPattern &pattern,
                        RowsPlanAttr plan) {
  RowsWriter(kernel, pattern, plan).write();
}
