//===- LaneEvaluator.cpp - Evaluate linalg bodies on vectors of lanes -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneEvaluator.h"

#include "tq/Codegen/CPU/Isa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq::cpu;

bool tq::cpu::usesDim(AffineMap map, unsigned dim) {
  return map.isFunctionOfDim(dim);
}

bool tq::cpu::isLeadingIdentity(AffineMap map) {
  for (auto [index, expr] : llvm::enumerate(map.getResults()))
    if (expr != getAffineDimExpr(index, map.getContext()))
      return false;
  return true;
}

LogicalResult LaneEvaluator::writeResults(linalg::GenericOp op,
                                          ValueRange values,
                                          const LanePoint &point) {
  for (auto [index, value] : llvm::enumerate(values)) {
    Value result = op.getResult(index);
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(index));
    if (isBound(result) && failed(write(result, map, value, point)))
      return failure();
  }
  return success();
}

Value LaneEvaluator::broadcast(Value value) {
  if (isa<VectorType>(value.getType()))
    return value;
  auto type = VectorType::get({kLanes}, value.getType());
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    return arith::ConstantOp::create(
        builder, DenseElementsAttr::get(type, constant.getValue()));
  return vector::BroadcastOp::create(builder, type, value);
}

/// What a body reads from outside: constants of the kernel on tensors.
Value LaneEvaluator::import(Value outer) {
  if (auto constant = outer.getDefiningOp<arith::ConstantOp>())
    return arith::ConstantOp::create(builder, constant.getValue());
  return {};
}

FailureOr<SmallVector<Value>>
LaneEvaluator::getIndices(Storage storage, AffineMap map,
                          const LanePoint &point) {
  SmallVector<Value> indices;
  ArrayRef<AffineExpr> results = map.getResults();
  if (storage.isRowBuffer)
    return SmallVector<Value>{point.lane};
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
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return failure();
    unsigned position = dim.getPosition();
    Value index = position < rowRank ? point.rows[position] : point.lane;
    if (!index)
      return failure();
    indices.push_back(index);
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

FailureOr<Value> LaneEvaluator::read(Value tensor, AffineMap map,
                                     const LanePoint &point) {
  if (!isa<RankedTensorType>(tensor.getType())) { // a scalar operand
    if (Value value = import(tensor))
      return value;
    return failure();
  }
  bool isLane = usesDim(map, rowRank);
  if (isLane)
    if (Value value = known.lookup(tensor))
      return value;
  if (!isLane)
    if (Value value = scalars.lookup(tensor))
      return value;
  auto storage = memory.find(tensor);
  if (storage == memory.end()) {
    // A temporary that was not stored: evaluate its producer here.
    auto producer = tensor.getDefiningOp<linalg::GenericOp>();
    if (producer && producer.getNumReductionLoops() == 0 &&
        producer.getNumLoops() == rowRank + (isLane ? 1 : 0) &&
        map.getNumResults() == producer.getNumLoops() &&
        isLeadingIdentity(map)) {
      unsigned result = cast<OpResult>(tensor).getResultNumber();
      LanePoint place = point;
      if (!isLane)
        place.lane = place.mask = Value();
      FailureOr<SmallVector<Value>> values = evaluate(producer, place);
      if (failed(values))
        return failure();
      return (*values)[result];
    }
    if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
      if (Value value = import(fill.getInputs().front()))
        return value;
    return failure();
  }
  if (!isLane && !usesDim(map, rowRank)) {
    auto key = std::make_pair(tensor, Attribute(AffineMapAttr::get(map)));
    if (Value cached = rowCache.lookup(key))
      return cached;
    FailureOr<SmallVector<Value>> indices =
        getIndices(storage->second, map, point);
    if (failed(indices))
      return failure();
    Value scalar =
        memref::LoadOp::create(builder, storage->second.memref, *indices);
    rowCache[key] = scalar;
    return scalar;
  }
  // The lane must be the last, contiguous, index.
  auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
  if (!point.lane || !last || last.getPosition() != rowRank)
    return failure();
  FailureOr<SmallVector<Value>> indices =
      getIndices(storage->second, map, point);
  if (failed(indices))
    return failure();
  return loadLanes(storage->second.memref, *indices, point);
}

LogicalResult LaneEvaluator::write(Value tensor, AffineMap map, Value value,
                                   const LanePoint &point) {
  Storage storage = memory.lookup(tensor);
  FailureOr<SmallVector<Value>> indices = getIndices(storage, map, point);
  if (failed(indices))
    return failure();
  if (!usesDim(map, rowRank) && !storage.isRowBuffer) {
    memref::StoreOp::create(builder, value, storage.memref, *indices);
    return success();
  }
  storeLanes(broadcast(value), storage.memref, *indices, point);
  return success();
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

FailureOr<Value> LaneEvaluator::evaluateIndex(linalg::IndexOp op,
                                              const LanePoint &point) {
  unsigned dim = op.getDim();
  if (dim < rowRank && !collapsed)
    return point.rows[dim];
  if (dim != rowRank || !point.lane)
    return failure();
  auto type = VectorType::get({kLanes}, builder.getIndexType());
  Value step = vector::StepOp::create(builder, type);
  return arith::AddIOp::create(builder, step, broadcast(point.lane))
      .getResult();
}

/// table[row, lane]: the last index is the lane itself, the others are scalars.
FailureOr<Value> LaneEvaluator::evaluateExtract(Operation *op,
                                                const Mapping &mapping,
                                                const LanePoint &point) {
  auto extract = cast<tensor::ExtractOp>(op);
  auto storage = memory.find(extract.getTensor());
  if (storage == memory.end() || extract.getIndices().empty() || collapsed)
    return failure();
  SmallVector<Value> indices;
  for (Value index : extract.getIndices()) {
    auto laneIndex = index.getDefiningOp<linalg::IndexOp>();
    bool isLane = laneIndex && laneIndex.getDim() == rowRank;
    Value value = isLane ? point.lane : mapping.lookup(index);
    if (!value)
      value = import(index);
    if (!value || isa<VectorType>(value.getType()) ||
        (isLane && index != extract.getIndices().back()))
      return failure();
    indices.push_back(value);
  }
  auto last = extract.getIndices().back().getDefiningOp<linalg::IndexOp>();
  if (last && last.getDim() == rowRank)
    return loadLanes(storage->second.memref, indices, point);
  return memref::LoadOp::create(builder, storage->second.memref, indices)
      .getResult();
}

LogicalResult LaneEvaluator::evaluateElementwise(Operation &op,
                                                 Mapping &mapping) {
  if (op.getNumRegions() != 0 || op.getNumResults() != 1 ||
      !(isa<arith::ConstantOp>(op) ||
        OpTrait::hasElementwiseMappableTraits(&op)))
    return failure();
  SmallVector<Value> operands;
  for (Value operand : op.getOperands()) {
    Value value = mapping.lookup(operand);
    operands.push_back(value ? value : import(operand));
    if (!operands.back())
      return failure();
  }
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
  mapping[op.getResult(0)] = builder.insert(copy)->getResult(0);
  return success();
}

FailureOr<SmallVector<Value>> LaneEvaluator::evaluate(linalg::GenericOp op,
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
    if (index >= numInputs && !accumulators.empty()) {
      mapping[argument] = accumulators[index - numInputs];
      continue;
    }
    FailureOr<Value> value = read(operand, maps[index], point);
    if (failed(value))
      return failure();
    mapping[argument] = *value;
  }
  for (Operation &inner : body.without_terminator()) {
    FailureOr<Value> value = failure();
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      value = evaluateIndex(index, point);
    else if (isa<tensor::ExtractOp>(inner))
      value = evaluateExtract(&inner, mapping, point);
    else if (succeeded(evaluateElementwise(inner, mapping)))
      continue;
    if (failed(value))
      return failure();
    mapping[inner.getResult(0)] = *value;
  }
  SmallVector<Value> results;
  for (Value yielded : body.getTerminator()->getOperands()) {
    Value value = mapping.lookup(yielded);
    results.push_back(value ? value : import(yielded));
    if (!results.back())
      return failure();
  }
  return results;
}
