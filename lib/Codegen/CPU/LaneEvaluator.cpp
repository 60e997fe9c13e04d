//===- LaneEvaluator.cpp - Evaluate linalg bodies on vectors of lanes -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEvaluator.h"

#include "tq/Codegen/Common/LaneOps.h"
#include "tq/Dialect/CPU/IR/CPU.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

//===----------------------------------------------------------------------===//
// Before all items
//===----------------------------------------------------------------------===//

/// A number that the kernel is given: nothing writes it.
bool LaneEvaluator::isInvariant(Value tensor, AffineMap map) const {
  auto argument = dyn_cast<BlockArgument>(tensor);
  if (!allItems || !argument || map.getNumResults() != 0)
    return false;
  auto kernel = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return argument.getArgNumber() <
         kernel.getNumArguments() - kernel.getNumResults();
}

/// All of them, and not only constants.
bool LaneEvaluator::areInvariant(ValueRange values) const {
  auto isConstant = [](Value value) {
    return static_cast<bool>(value.getDefiningOp<arith::ConstantOp>());
  };
  return !llvm::all_of(values, isConstant) &&
         llvm::all_of(values, [&](Value value) {
           return invariants.contains(value) || isConstant(value);
         });
}

Value LaneEvaluator::computeInvariant(Operation &op, ValueRange operands) {
  Value &result = invariantResults[&op];
  if (result)
    return result;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(allItems);
  SmallVector<Value> early(operands);
  for (Value &operand : early)
    if (!invariants.contains(operand))
      operand = builder.clone(*operand.getDefiningOp())->getResult(0);
  Operation *copy = op.clone();
  copy->setOperands(early);
  result = builder.insert(copy)->getResult(0);
  invariants.insert(result);
  return result;
}

//===----------------------------------------------------------------------===//
// At a point
//===----------------------------------------------------------------------===//

void LaneEvaluator::writeResults(linalg::GenericOp op, ValueRange values,
                                 const LanePoint &point) {
  for (auto [index, value] : llvm::enumerate(values)) {
    Value result = op.getResult(index);
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(index));
    if (isBound(result))
      write(result, map, value, point);
  }
}

Value LaneEvaluator::broadcast(Value value) {
  if (isa<VectorType>(value.getType()))
    return value;
  auto type = VectorType::get({kLanes}, value.getType());
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    return arith::ConstantOp::create(
        builder, DenseElementsAttr::get(type, constant.getValue()));
  if (!invariants.contains(value))
    return vector::BroadcastOp::create(builder, type, value);
  Value &vector = invariantBroadcasts[value];
  if (!vector) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(allItems);
    vector = vector::BroadcastOp::create(builder, type, value);
  }
  return vector;
}

/// What a body reads from outside: constants of the kernel on tensors.
Value LaneEvaluator::import(Value outer) {
  auto constant = outer.getDefiningOp<arith::ConstantOp>();
  return arith::ConstantOp::create(builder, constant.getValue());
}

SmallVector<Value> LaneEvaluator::getIndices(Storage storage, AffineMap map,
                                             const LanePoint &point) {
  SmallVector<Value> indices;
  ArrayRef<AffineExpr> results = map.getResults();
  if (storage.isRowBuffer)
    return {point.lane};
  if (collapsed && rowRank > 0 && usesDim(map, 0)) {
    indices.push_back(point.rows.front());
    results = results.drop_front(rowRank);
  }
  for (AffineExpr expr : results) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      indices.push_back(
          arith::ConstantIndexOp::create(builder, constant.getValue()));
      continue;
    }
    unsigned position = cast<AffineDimExpr>(expr).getPosition();
    indices.push_back(position < rowRank ? point.rows[position] : point.lane);
  }
  return indices;
}

Value LaneEvaluator::loadLanes(Value memref, ValueRange indices,
                               const LanePoint &point) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = VectorType::get({kLanes}, element);
  if (!point.mask)
    return vector::LoadOp::create(builder, type, memref, indices);
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, type, memref, indices,
                                      point.mask, zero);
}

/// A temporary that was not stored is computed where it is used.
Value LaneEvaluator::recompute(Value tensor, bool isLane,
                               const LanePoint &point) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return import(fill.getInputs().front());
  LanePoint place = point;
  if (!isLane)
    place.lane = place.mask = Value();
  auto producer = tensor.getDefiningOp<linalg::GenericOp>();
  return evaluate(producer, place)[cast<OpResult>(tensor).getResultNumber()];
}

Value LaneEvaluator::read(Value tensor, AffineMap map, const LanePoint &point) {
  if (!isa<RankedTensorType>(tensor.getType())) // a scalar operand
    return import(tensor);
  bool isLane = usesDim(map, rowRank);
  if (Value value = (isLane ? known : scalars).lookup(tensor))
    return value;
  auto storage = memory.find(tensor);
  if (storage == memory.end())
    return recompute(tensor, isLane, point);
  if (isLane)
    return loadLanes(storage->second.memref,
                     getIndices(storage->second, map, point), point);
  if (isInvariant(tensor, map)) {
    Value &number = invariantLoads[tensor];
    if (!number) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(allItems);
      number =
          memref::LoadOp::create(builder, storage->second.memref, ValueRange());
      invariants.insert(number);
    }
    return number;
  }
  auto key = std::make_pair(tensor, Attribute(AffineMapAttr::get(map)));
  if (Value cached = rowCache.lookup(key))
    return cached;
  SmallVector<Value> indices = getIndices(storage->second, map, point);
  Value scalar =
      memref::LoadOp::create(builder, storage->second.memref, indices);
  rowCache[key] = scalar;
  return scalar;
}

void LaneEvaluator::write(Value tensor, AffineMap map, Value value,
                          const LanePoint &point) {
  Storage storage = memory.lookup(tensor);
  SmallVector<Value> indices = getIndices(storage, map, point);
  if (usesDim(map, rowRank) || storage.isRowBuffer)
    storeLanes(broadcast(value), storage.memref, indices, point);
  else
    memref::StoreOp::create(builder, value, storage.memref, indices);
}

/// LLVM 22 makes a store of 32 bits of a masked store of truncated values if
/// the mask is constant and leaves one lane of a register of 8 or 16 (llvm
/// issue 179489). Such a lane is stored by itself.
void LaneEvaluator::storeLanes(Value value, Value memref,
                               SmallVector<Value> indices,
                               const LanePoint &point) {
  if (!point.mask) {
    vector::StoreOp::create(builder, value, memref, indices);
    return;
  }
  Value mask = point.mask;
  auto constant = mask.getDefiningOp<vector::ConstantMaskOp>();
  int64_t count = constant ? constant.getMaskDimSizes().front() : 0;
  if (count % 8 != 1 ||
      getElementTypeOrSelf(value).getIntOrFloatBitWidth() >= 32) {
    vector::MaskedStoreOp::create(builder, memref, indices, mask, value);
    return;
  }
  int64_t last = count - 1;
  if (last != 0)
    vector::MaskedStoreOp::create(
        builder, memref, indices,
        vector::ConstantMaskOp::create(builder, mask.getType(),
                                       ArrayRef<int64_t>{last}),
        value);
  indices.back() = arith::AddIOp::create(
      builder, indices.back(), arith::ConstantIndexOp::create(builder, last));
  memref::StoreOp::create(builder,
                          vector::ExtractOp::create(builder, value, last),
                          memref, indices);
}

Value LaneEvaluator::evaluateIndex(linalg::IndexOp op, const LanePoint &point) {
  if (op.getDim() < rowRank)
    return point.rows[op.getDim()];
  auto type = VectorType::get({kLanes}, builder.getIndexType());
  Value step = vector::StepOp::create(builder, type);
  return arith::AddIOp::create(builder, step, broadcast(point.lane));
}

/// The first of some lanes, `distance` further in a ring of `size`.
static Value getFurtherLane(ImplicitLocOpBuilder &builder, Value lane,
                            int64_t distance, int64_t size) {
  if (distance == 0)
    return lane;
  auto add = [&](int64_t number) -> Value {
    return arith::AddIOp::create(
        builder, lane, arith::ConstantIndexOp::create(builder, number));
  };
  Value isLast = arith::CmpIOp::create(
      builder, arith::CmpIPredicate::uge, lane,
      arith::ConstantIndexOp::create(builder, size - distance));
  return arith::SelectOp::create(builder, isLast, add(distance - size),
                                 add(distance));
}

/// table[row, lane]: the last index names a lane, the others are scalars.
Value LaneEvaluator::evaluateExtract(tensor::ExtractOp op,
                                     const Mapping &mapping,
                                     const LanePoint &point) {
  static_assert(kLaneBlock % kLanes == 0);
  Value last = op.getIndices().back();
  Value memref = memory.lookup(op.getTensor()).memref;
  SmallVector<Value> indices;
  for (Value index : op.getIndices().drop_back())
    indices.push_back(lookup(index, mapping));
  std::optional<LaneIndex> lane = matchLaneIndex(last, rowRank);
  if (!lane) {
    indices.push_back(lookup(last, mapping));
    return memref::LoadOp::create(builder, memref, indices);
  }
  indices.push_back(
      getFurtherLane(builder, point.lane, lane->distance,
                     cast<MemRefType>(memref.getType()).getShape().back()));
  Value lanes = loadLanes(memref, indices, point);
  if (!lane->isNeighbour)
    return lanes;
  SmallVector<int64_t> swapped;
  for (int64_t i = 0; i < kLanes; ++i)
    swapped.push_back(i ^ 1);
  return vector::ShuffleOp::create(builder, lanes, lanes, swapped);
}

/// A value of the body, or a constant from outside.
Value LaneEvaluator::lookup(Value value, const Mapping &mapping) {
  Value known = mapping.lookup(value);
  return known ? known : import(value);
}

Value LaneEvaluator::evaluateElementwise(Operation &op,
                                         const Mapping &mapping) {
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(lookup(operand, mapping));
  if (areInvariant(operands))
    return computeInvariant(op, operands);
  bool isVector = llvm::any_of(
      operands, [](Value v) { return isa<VectorType>(v.getType()); });
  Type type = op.getResult(0).getType();
  if (isVector) {
    for (Value &operand : operands)
      operand = broadcast(operand);
    type = VectorType::get({kLanes}, type);
  }
  Operation *copy = op.clone();
  copy->setOperands(operands);
  copy->getResult(0).setType(type);
  return builder.insert(copy)->getResult(0);
}

SmallVector<Value> LaneEvaluator::evaluate(linalg::GenericOp op,
                                           const LanePoint &point,
                                           ValueRange accumulators) {
  Mapping mapping;
  Block &body = *op.getBody();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned numInputs = op.getNumDpsInputs();
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    BlockArgument argument = body.getArgument(index);
    if (argument.use_empty())
      continue;
    mapping[argument] = index >= numInputs && !accumulators.empty()
                            ? accumulators[index - numInputs]
                            : read(operand, maps[index], point);
  }
  for (Operation &inner : body.without_terminator()) {
    Value &result = mapping[inner.getResult(0)];
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      result = evaluateIndex(index, point);
    else if (auto extract = dyn_cast<tensor::ExtractOp>(inner))
      result = evaluateExtract(extract, mapping, point);
    else
      result = evaluateElementwise(inner, mapping);
  }
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value yielded) { return lookup(yielded, mapping); });
}
