//===- RowKernel.cpp - Generate kernels of row-wise ops -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel of `linalg.generic` ops over (rows..., lane): elementwise ops,
// reductions along the lane dimension, and ops over rows alone. One work item
// is one row. Lane ops that do not wait for each other's reductions share a
// loop over the row; every f32 sum has the canonical order of 64 partial sums
// and a tree.
//
//===----------------------------------------------------------------------===//

#include "KernelGenerator.h"

#include "LaneEvaluator.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

namespace {

/// How the partial results of a reduction are combined.
struct Reduction {
  linalg::GenericOp op;
  bool isFloatSum = false;
  TypedAttr initial; ///< value of the outs
  TypedAttr lanes;   ///< what the partial results start with
};

class RowKernelGenerator {
public:
  explicit RowKernelGenerator(Kernel &kernel)
      : kernel(kernel),
        builder(kernel.source.getLoc(), kernel.source.getContext()) {}

  LogicalResult generate();

private:
  LogicalResult analyze();
  LogicalResult checkOp(linalg::GenericOp op);
  LogicalResult analyzeReduction(linalg::GenericOp op);
  bool isLaneOp(linalg::GenericOp op) const {
    return op.getNumLoops() == rowRank + 1;
  }
  bool isLazy(linalg::GenericOp op) const;
  bool dependsOnPendingReduction(linalg::GenericOp op) const;

  void emitCount();
  LogicalResult emitRow(Value item);
  SmallVector<Value> delinearize(Value item);
  LogicalResult emitRowOp(linalg::GenericOp op, ArrayRef<Value> rows);
  LogicalResult flush(ArrayRef<Value> rows);
  FailureOr<SmallVector<Value>> emitLanes(ArrayRef<Value> rows, Value base,
                                          Value remaining, int64_t staticCount,
                                          ValueRange partials);
  LogicalResult emitPoint(const LanePoint &point,
                          MutableArrayRef<Value> partials, int64_t part);
  LogicalResult finishReduction(Reduction &reduction, ValueRange parts,
                                ArrayRef<Value> rows);
  Value combine(Reduction &reduction, Value a, Value b);
  Value halve(Reduction &reduction, Value vector);
  void bindTemporaries();

  Kernel &kernel;
  ImplicitLocOpBuilder builder;
  std::unique_ptr<LaneEvaluator> evaluator;
  unsigned rowRank = 0;
  SmallVector<linalg::GenericOp> ops;
  llvm::DenseMap<Operation *, Reduction> reductions;
  SmallVector<linalg::GenericOp> pending;
  /// Where the sizes of rows and lanes are read from: (argument, dimension).
  SmallVector<std::pair<unsigned, unsigned>> rowSizes;
  int64_t laneSize = ShapedType::kDynamic;
  std::pair<unsigned, unsigned> laneSource;
};

} // namespace

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

LogicalResult RowKernelGenerator::checkOp(linalg::GenericOp op) {
  if (op.getNumLoops() != rowRank && op.getNumLoops() != rowRank + 1)
    return failure();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (unsigned i = 0; i < rowRank; ++i)
    if (iterators[i] != utils::IteratorType::parallel)
      return failure();
  for (AffineMap map : op.getIndexingMapsArray()) {
    int64_t previous = -1;
    for (AffineExpr expr : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || static_cast<int64_t>(dim.getPosition()) <= previous)
        return failure();
      previous = dim.getPosition();
    }
  }
  for (unsigned i = 0; i < op.getNumDpsInits(); ++i) {
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(i));
    bool isReduction = op.getNumReductionLoops() != 0;
    unsigned rank = isReduction ? rowRank : op.getNumLoops();
    if (!isLeadingIdentity(map) || map.getNumResults() != rank)
      return failure();
  }
  if (op.getNumReductionLoops() != 0)
    return analyzeReduction(op);
  return success();
}

/// The part of the body that reads the accumulator must be one sum, or a choice
/// between it and one other value (a maximum or minimum).
LogicalResult RowKernelGenerator::analyzeReduction(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1)
    return failure();
  Reduction reduction{op, false, {}, {}};
  auto fill = op.getDpsInits().front().getDefiningOp<linalg::FillOp>();
  if (!fill ||
      !matchPattern(fill.getInputs().front(), m_Constant(&reduction.initial)))
    return failure();
  Block &body = *op.getBody();
  Value accumulator = body.getArguments().back();
  Operation *last = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!last)
    return failure();
  Type type = accumulator.getType();
  if (isa<arith::AddFOp>(last) ||
      (isa<math::FmaOp>(last) && last->getOperand(2) == accumulator)) {
    if (!type.isF32() || !accumulator.hasOneUse())
      return failure();
    reduction.isFloatSum = true;
    reduction.lanes = builder.getZeroAttr(type);
  } else if (isa<arith::AddIOp>(last) && accumulator.hasOneUse()) {
    reduction.lanes = builder.getZeroAttr(type);
  } else if (isa<arith::MaxSIOp, arith::MaxUIOp, arith::MinSIOp, arith::MinUIOp,
                 arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                 arith::MinNumFOp>(last) &&
             accumulator.hasOneUse()) {
    reduction.lanes = reduction.initial;
  } else if (auto select = dyn_cast<arith::SelectOp>(last)) {
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    if (!compare || !llvm::hasNItems(accumulator.getUses(), 2) ||
        !llvm::is_contained(compare->getOperands(), accumulator) ||
        !llvm::is_contained(select->getOperands(), accumulator))
      return failure();
    reduction.lanes = reduction.initial;
  } else {
    return failure();
  }
  reductions[op] = reduction;
  return success();
}

LogicalResult RowKernelGenerator::analyze() {
  unsigned maxLoops = 0;
  for (Operation &op : kernel.source.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      ops.push_back(generic);
      maxLoops = std::max<unsigned>(maxLoops, generic.getNumLoops());
    } else if (!isa<linalg::FillOp, tensor::EmptyOp, tensor::DimOp,
                    arith::ConstantOp, func::ReturnOp>(op)) {
      return failure();
    }
  }
  if (ops.empty() || maxLoops == 0)
    return failure();
  rowRank = maxLoops - 1;
  for (linalg::GenericOp op : ops)
    if (failed(checkOp(op)))
      return failure();
  if (!haveEqualExtents(ops))
    return failure();

  // Sizes of the loops, read from an argument that a loop covers.
  rowSizes.assign(rowRank, {~0u, 0});
  laneSource = {~0u, 0};
  for (linalg::GenericOp op : ops)
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      AffineMap map = op.getIndexingMapsArray()[index];
      for (auto [position, expr] : llvm::enumerate(map.getResults())) {
        unsigned dim = cast<AffineDimExpr>(expr).getPosition();
        int64_t size =
            cast<RankedTensorType>(operand.getType()).getDimSize(position);
        if (dim == rowRank && !ShapedType::isDynamic(size))
          laneSize = size;
        Value root = operand;
        if (!isa<BlockArgument>(root))
          root = getDestination(root);
        if (!root)
          continue;
        auto source = std::make_pair(cast<BlockArgument>(root).getArgNumber(),
                                     unsigned(position));
        (dim == rowRank ? laneSource : rowSizes[dim]) = source;
      }
    }
  if (ShapedType::isDynamic(laneSize) && laneSource.first == ~0u)
    return failure();
  return success(llvm::all_of(rowSizes, [](auto s) { return s.first != ~0u; }));
}

/// A temporary that is evaluated where it is used.
bool RowKernelGenerator::isLazy(linalg::GenericOp op) const {
  return isLaneOp(op) && op.getNumReductionLoops() == 0 &&
         llvm::all_of(op.getResults(), [&](Value result) {
           return !evaluator->isBound(result);
         });
}

bool RowKernelGenerator::dependsOnPendingReduction(linalg::GenericOp op) const {
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
// Emission
//===----------------------------------------------------------------------===//

void RowKernelGenerator::emitCount() {
  SizeBuilder count(kernel, kernel.variant.getCount());
  Value rows = indexConstant(count.builder, 1);
  for (auto [argument, dim] : rowSizes)
    rows = arith::MulIOp::create(count.builder, rows, count.dim(argument, dim));
  count.finish(rows);
}

SmallVector<Value> RowKernelGenerator::delinearize(Value item) {
  SmallVector<Value> rows(rowRank);
  for (unsigned i = rowRank; i-- > 1;) {
    auto [argument, dim] = rowSizes[i];
    Value size = memref::DimOp::create(builder, kernel.memrefs[argument], dim);
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
void RowKernelGenerator::bindTemporaries() {
  constexpr int64_t maxStackBytes = 256 << 10;
  int64_t stackBytes = 0;
  for (linalg::GenericOp op : ops)
    for (Value result : op.getResults()) {
      if (BlockArgument argument = getDestination(result)) {
        evaluator->bind(result, {kernel.memrefs[argument.getArgNumber()]});
        continue;
      }
      if (!isLaneOp(op) || op.getNumReductionLoops() != 0 ||
          result.hasOneUse() || ShapedType::isDynamic(laneSize))
        continue;
      Type element = getElementTypeOrSelf(result.getType());
      int64_t elementBytes = tq::getElementBytes(element);
      if (laneSize > (maxStackBytes - stackBytes) / elementBytes)
        continue;
      stackBytes += laneSize * elementBytes;
      auto type = MemRefType::get({laneSize}, element);
      Value buffer = memref::AllocaOp::create(builder, type,
                                              builder.getI64IntegerAttr(64));
      evaluator->bind(result, {buffer, /*isRowBuffer=*/true});
    }
}

LogicalResult RowKernelGenerator::generate() {
  if (failed(analyze()))
    return failure();
  emitCount();
  builder.setInsertionPointToEnd(kernel.getCode());
  evaluator = std::make_unique<LaneEvaluator>(builder, rowRank,
                                              /*collapsed=*/false);
  for (auto [argument, memref] :
       llvm::zip(kernel.source.getArguments(), kernel.memrefs))
    evaluator->bind(argument, {memref});
  bindTemporaries();
  auto loop = scf::ForOp::create(builder, kernel.begin, kernel.end,
                                 indexConstant(builder, 1));
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  if (failed(emitRow(loop.getInductionVar())))
    return failure();
  builder.setInsertionPointToEnd(kernel.getCode());
  program::YieldOp::create(builder);
  kernel.variant.setPlan("items of a row, in vectors of 16");
  return success();
}

LogicalResult RowKernelGenerator::emitRow(Value item) {
  SmallVector<Value> rows = delinearize(item);
  for (linalg::GenericOp op : ops) {
    if (isLazy(op))
      continue;
    if (dependsOnPendingReduction(op) && failed(flush(rows)))
      return failure();
    if (isLaneOp(op))
      pending.push_back(op);
    else if (failed(emitRowOp(op, rows)))
      return failure();
  }
  return flush(rows);
}

LogicalResult RowKernelGenerator::emitRowOp(linalg::GenericOp op,
                                            ArrayRef<Value> rows) {
  LanePoint point{SmallVector<Value>(rows), {}, {}};
  evaluator->clearBlock();
  FailureOr<SmallVector<Value>> values = evaluator->evaluate(op, point);
  if (failed(values) || failed(evaluator->writeResults(op, *values, point)))
    return failure();
  for (auto [result, value] : llvm::zip(op.getResults(), *values))
    evaluator->setScalar(result, value);
  return success();
}

LogicalResult RowKernelGenerator::flush(ArrayRef<Value> rows) {
  if (pending.empty())
    return success();
  SmallVector<Value> partials;
  for (linalg::GenericOp op : pending)
    if (op.getNumReductionLoops() != 0)
      for (int64_t part = 0; part < kPartialSums / kLanes; ++part) {
        TypedAttr lanes = reductions[op].lanes;
        partials.push_back(arith::ConstantOp::create(
            builder,
            DenseElementsAttr::get(VectorType::get({kLanes}, lanes.getType()),
                                   Attribute(lanes))));
      }

  bool isStatic = !ShapedType::isDynamic(laneSize);
  Value size =
      isStatic
          ? indexConstant(builder, laneSize)
          : memref::DimOp::create(builder, kernel.memrefs[laneSource.first],
                                  laneSource.second)
                .getResult();
  Value step = indexConstant(builder, kPartialSums);
  Value whole =
      isStatic ? indexConstant(builder, laneSize - laneSize % kPartialSums)
               : arith::MulIOp::create(
                     builder, arith::DivUIOp::create(builder, size, step), step)
                     .getResult();
  if (!isStatic || laneSize >= kPartialSums) {
    auto loop = scf::ForOp::create(builder, indexConstant(builder, 0), whole,
                                   step, partials);
    OpBuilder::InsertionGuard guard(builder);
    // Without results the loop has its terminator already.
    if (partials.empty())
      builder.setInsertionPoint(loop.getBody()->getTerminator());
    else
      builder.setInsertionPointToEnd(loop.getBody());
    FailureOr<SmallVector<Value>> results =
        emitLanes(rows, loop.getInductionVar(), Value(), kPartialSums,
                  loop.getRegionIterArgs());
    if (failed(results))
      return failure();
    if (!partials.empty())
      scf::YieldOp::create(builder, *results);
    partials.assign(loop.getResults().begin(), loop.getResults().end());
  }
  int64_t rest = isStatic ? laneSize % kPartialSums : ShapedType::kDynamic;
  if (rest != 0) {
    Value remaining =
        isStatic ? Value() : arith::SubIOp::create(builder, size, whole);
    FailureOr<SmallVector<Value>> results =
        emitLanes(rows, whole, remaining, rest, partials);
    if (failed(results))
      return failure();
    partials = *results;
  }

  SmallVector<linalg::GenericOp> done = std::move(pending);
  pending.clear();
  ValueRange rest_ = partials;
  for (linalg::GenericOp op : done)
    if (op.getNumReductionLoops() != 0) {
      constexpr int64_t parts = kPartialSums / kLanes;
      if (failed(
              finishReduction(reductions[op], rest_.take_front(parts), rows)))
        return failure();
      rest_ = rest_.drop_front(parts);
    }
  return success();
}

/// Emits four vectors of lanes from `base` on: `staticCount` of the 64 lanes
/// exist, or `remaining` where that is dynamic.
FailureOr<SmallVector<Value>>
RowKernelGenerator::emitLanes(ArrayRef<Value> rows, Value base, Value remaining,
                              int64_t staticCount, ValueRange partials) {
  SmallVector<Value> current(partials);
  evaluator->clearBlock();
  for (int64_t part = 0; part < kPartialSums / kLanes; ++part) {
    int64_t first = part * kLanes;
    LanePoint point{SmallVector<Value>(rows), base, {}};
    if (!ShapedType::isDynamic(staticCount) && first >= staticCount)
      break;
    if (first != 0)
      point.lane =
          arith::AddIOp::create(builder, base, indexConstant(builder, first));
    auto maskType = VectorType::get({kLanes}, builder.getI1Type());
    if (remaining) {
      Value count = arith::MaxSIOp::create(
          builder, indexConstant(builder, 0),
          arith::SubIOp::create(builder, remaining,
                                indexConstant(builder, first)));
      point.mask = vector::CreateMaskOp::create(
          builder, maskType,
          ValueRange{minIndex(builder, count, indexConstant(builder, kLanes))});
    } else if (staticCount - first < kLanes) {
      point.mask = vector::ConstantMaskOp::create(
          builder, maskType, ArrayRef<int64_t>{staticCount - first});
    }
    if (failed(emitPoint(point, current, part)))
      return failure();
  }
  evaluator->clearBlock();
  return current;
}

LogicalResult RowKernelGenerator::emitPoint(const LanePoint &point,
                                            MutableArrayRef<Value> partials,
                                            int64_t part) {
  evaluator->clearKnown();
  int64_t reduction = 0;
  for (linalg::GenericOp op : pending) {
    if (op.getNumReductionLoops() != 0) {
      Value &partial = partials[reduction++ * (kPartialSums / kLanes) + part];
      FailureOr<SmallVector<Value>> values =
          evaluator->evaluate(op, point, partial);
      if (failed(values))
        return failure();
      Value next = evaluator->broadcast(values->front());
      partial = point.mask ? arith::SelectOp::create(builder, point.mask, next,
                                                     partial)
                                 .getResult()
                           : next;
      continue;
    }
    FailureOr<SmallVector<Value>> values = evaluator->evaluate(op, point);
    if (failed(values) || failed(evaluator->writeResults(op, *values, point)))
      return failure();
    for (auto [result, value] : llvm::zip(op.getResults(), *values))
      evaluator->setKnown(result, evaluator->broadcast(value));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value RowKernelGenerator::combine(Reduction &reduction, Value a, Value b) {
  Operation *last =
      reduction.op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (reduction.isFloatSum)
    return arith::AddFOp::create(builder, a, b);
  if (auto select = dyn_cast<arith::SelectOp>(last)) {
    // Choose between a and b as the body does between accumulator and element.
    Value accumulator = reduction.op.getBody()->getArguments().back();
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
Value RowKernelGenerator::halve(Reduction &reduction, Value vector) {
  int64_t half = cast<VectorType>(vector.getType()).getDimSize(0) / 2;
  Value low = vector::ExtractStridedSliceOp::create(
      builder, vector, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{half},
      ArrayRef<int64_t>{1});
  Value high = vector::ExtractStridedSliceOp::create(
      builder, vector, ArrayRef<int64_t>{half}, ArrayRef<int64_t>{half},
      ArrayRef<int64_t>{1});
  return combine(reduction, low, high);
}

LogicalResult RowKernelGenerator::finishReduction(Reduction &reduction,
                                                  ValueRange parts,
                                                  ArrayRef<Value> rows) {
  Value left = combine(reduction, parts[0], parts[2]);
  Value right = combine(reduction, parts[1], parts[3]);
  Value vector = combine(reduction, left, right);
  while (cast<VectorType>(vector.getType()).getDimSize(0) > 1)
    vector = halve(reduction, vector);
  Value scalar = vector::ExtractOp::create(builder, vector, 0);
  if (reduction.initial != reduction.lanes)
    scalar =
        combine(reduction,
                arith::ConstantOp::create(builder, reduction.initial), scalar);
  Value result = reduction.op->getResult(0);
  evaluator->setScalar(result, scalar);
  if (!evaluator->isBound(result))
    return success();
  linalg::GenericOp op = reduction.op;
  LanePoint point{SmallVector<Value>(rows), {}, {}};
  return evaluator->write(result,
                          op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
                          scalar, point);
}

LogicalResult tq::cpu::generateRowKernel(Kernel &kernel) {
  return RowKernelGenerator(kernel).generate();
}
