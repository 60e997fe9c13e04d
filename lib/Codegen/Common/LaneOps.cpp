//===- LaneOps.cpp - Ops over rows and lanes ------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/LaneOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tq;

bool tq::usesDim(AffineMap map, unsigned dim) {
  return map.isFunctionOfDim(dim);
}

bool tq::isLeadingIdentity(AffineMap map) {
  for (auto [index, expr] : llvm::enumerate(map.getResults()))
    if (expr != getAffineDimExpr(index, map.getContext()))
      return false;
  return true;
}

/// Result i of a kernel is written to the i-th of its last arguments.
BlockArgument tq::getDestination(Value value) {
  for (OpOperand &use : value.getUses()) {
    auto ret = dyn_cast<func::ReturnOp>(use.getOwner());
    if (!ret)
      continue;
    auto function = ret->getParentOfType<func::FuncOp>();
    return function.getArgument(function.getNumArguments() -
                                ret.getNumOperands() + use.getOperandNumber());
  }
  return {};
}

static bool isConstant(Value value) {
  return static_cast<bool>(value.getDefiningOp<arith::ConstantOp>());
}

/// An argument is read through dimensions and constants; lanes last, so that
/// they are contiguous.
static bool canReadArgument(AffineMap map, unsigned rowRank) {
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim && !isa<AffineConstantExpr>(expr))
      return false;
    if (dim && dim.getPosition() == rowRank && i + 1 != map.getNumResults())
      return false;
  }
  return true;
}

/// A bool takes a byte in a tensor, but vectors of bools are bits.
static bool isBool(Value tensor) {
  return getElementTypeOrSelf(tensor.getType()).isInteger(1);
}

bool tq::canReadLanes(Value tensor, AffineMap map, LaneSpace space) {
  if (isBool(tensor) && usesDim(map, space.rowRank))
    return false;
  if (!isa<RankedTensorType>(tensor.getType()))
    return isConstant(tensor);
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return isConstant(fill.getInputs().front());
  // At another place it may not be computed yet, or be in another item.
  if (auto producer = tensor.getDefiningOp<linalg::GenericOp>())
    return isLeadingIdentity(map) &&
           producer.getIndexingMapMatchingResult(cast<OpResult>(tensor))
                   .getResults() == map.getResults();
  return isa<BlockArgument>(tensor) && canReadArgument(map, space.rowRank);
}

std::optional<LaneIndex> tq::matchLaneIndex(Value index, unsigned rowRank) {
  auto isLane = [&](Value value) {
    auto lane = value.getDefiningOp<linalg::IndexOp>();
    return lane && lane.getDim() == rowRank;
  };
  if (isLane(index))
    return LaneIndex();
  if (auto neighbour = index.getDefiningOp<arith::XOrIOp>())
    if (isLane(neighbour.getLhs()) && isConstantIntValue(neighbour.getRhs(), 1))
      return LaneIndex{0, /*isNeighbour=*/true};
  auto ring = index.getDefiningOp<arith::RemUIOp>();
  auto further =
      ring ? ring.getLhs().getDefiningOp<arith::AddIOp>() : arith::AddIOp();
  if (!further || !isLane(further.getLhs()))
    return std::nullopt;
  std::optional<int64_t> distance = getConstantIntValue(further.getRhs()),
                         size = getConstantIntValue(ring.getRhs());
  // The ring has to be the row: what is indexed says whether it is.
  if (!distance || !size || *distance < 0 || *distance >= *size)
    return std::nullopt;
  return LaneIndex{*distance, /*isNeighbour=*/false};
}

namespace {

/// Goes through a body and remembers which values differ from lane to lane.
class BodyCheck {
public:
  BodyCheck(linalg::GenericOp op, LaneSpace space)
      : op(op), space(space), hasLanes(op.getNumLoops() > space.rowRank) {}

  bool run();

private:
  bool writesOnce();
  bool canRead(OpOperand &operand);
  bool canCompute(Operation &inner);
  bool canIndex(linalg::IndexOp index);
  bool canExtract(tensor::ExtractOp extract);
  bool isInside(Value value) { return value.getParentBlock() == op.getBody(); }

  linalg::GenericOp op;
  LaneSpace space;
  bool hasLanes;
  llvm::DenseSet<Value> ofLanes;
};

} // namespace

bool BodyCheck::canRead(OpOperand &operand) {
  BlockArgument argument = op.getMatchingBlockArgument(&operand);
  if (argument.use_empty())
    return true;
  if (op.isDpsInit(&operand) && op.getNumReductionLoops() != 0) {
    ofLanes.insert(argument); // an accumulator
    return true;
  }
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (usesDim(map, space.rowRank))
    ofLanes.insert(argument);
  return canReadLanes(operand.get(), map, space);
}

bool BodyCheck::canIndex(linalg::IndexOp index) {
  if (index.getDim() < space.rowRank)
    return !space.isCollapsed;
  ofLanes.insert(index);
  return hasLanes;
}

/// Whether `value` names a lane that can be read with others at once: at
/// another place, only in rows of whole blocks.
static bool isReadableLane(Value value, Value tensor, unsigned rowRank) {
  std::optional<LaneIndex> index = matchLaneIndex(value, rowRank);
  if (!index || (index->distance == 0 && !index->isNeighbour))
    return index.has_value();
  int64_t lanes = cast<RankedTensorType>(tensor.getType()).getShape().back();
  bool isRing =
      index->isNeighbour ||
      isConstantIntValue(value.getDefiningOp<arith::RemUIOp>().getRhs(), lanes);
  return isRing && !ShapedType::isDynamic(lanes) && lanes % kLaneBlock == 0 &&
         index->distance % kLaneBlock == 0;
}

/// table[row, lane]: the last index names a lane, the others are scalars.
bool BodyCheck::canExtract(tensor::ExtractOp extract) {
  if (space.isCollapsed || !isa<BlockArgument>(extract.getTensor()) ||
      extract.getIndices().empty())
    return false;
  for (Value index : extract.getIndices())
    if (!isInside(index) && !isConstant(index))
      return false;
  for (Value index : extract.getIndices().drop_back())
    if (ofLanes.contains(index))
      return false;
  Value last = extract.getIndices().back();
  if (ofLanes.contains(last)) {
    ofLanes.insert(extract);
    return isReadableLane(last, extract.getTensor(), space.rowRank);
  }
  return true;
}

bool BodyCheck::canCompute(Operation &inner) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner))
    return canIndex(index);
  if (auto extract = dyn_cast<tensor::ExtractOp>(inner))
    return canExtract(extract);
  for (Value operand : inner.getOperands())
    if (!isInside(operand) && !isConstant(operand))
      return false;
  if (inner.getNumRegions() != 0 || inner.getNumResults() != 1 ||
      !(isa<arith::ConstantOp>(inner) ||
        OpTrait::hasElementwiseMappableTraits(&inner)))
    return false;
  if (llvm::any_of(inner.getOperands(),
                   [&](Value value) { return ofLanes.contains(value); }))
    ofLanes.insert(inner.getResult(0));
  return true;
}

/// Each place of a result is written once, unless it is a reduction's.
bool BodyCheck::writesOnce() {
  if (op.getNumReductionLoops() != 0)
    return true;
  return llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    return !(hasLanes && isBool(init.get())) && isLeadingIdentity(map) &&
           map.getNumResults() == op.getNumLoops();
  });
}

bool BodyCheck::run() {
  if (!writesOnce())
    return false;
  for (OpOperand &operand : op->getOpOperands())
    if (!canRead(operand))
      return false;
  for (Operation &inner : op.getBody()->without_terminator())
    if (!canCompute(inner))
      return false;
  return llvm::all_of(
      op.getBody()->getTerminator()->getOperands(),
      [&](Value value) { return isInside(value) || isConstant(value); });
}

bool tq::canComputeLanes(linalg::GenericOp op, LaneSpace space) {
  return BodyCheck(op, space).run();
}
