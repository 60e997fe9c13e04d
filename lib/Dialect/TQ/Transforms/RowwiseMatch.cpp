//===- RowwiseMatch.cpp - Pieces of what is spelled out -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowwiseMatch.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace tq;

std::optional<double> tq::getSplat(Value value) {
  DenseElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat() ||
      !constant.getElementType().isF32())
    return std::nullopt;
  return constant.getSplatValue<APFloat>().convertToFloat();
}

bool tq::isSplat(Value value, double number) {
  std::optional<double> splat = getSplat(value);
  constexpr double tolerance = 1e-6;
  return splat && std::abs(*splat - number) <= tolerance * std::abs(number);
}

Value tq::matchScaled(Value value, double factor) {
  if (auto mul = value.getDefiningOp<MulOp>())
    return isSplat(mul.getRhs(), factor) ? mul.getLhs() : Value();
  if (auto div = value.getDefiningOp<DivOp>())
    return isSplat(div.getRhs(), 1 / factor) ? div.getLhs() : Value();
  return {};
}

Value tq::matchShifted(Value value, double number) {
  auto add = value.getDefiningOp<AddOp>();
  return add && isSplat(add.getRhs(), number) ? add.getLhs() : Value();
}

std::optional<ElementMap> tq::matchElementMap(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op->getNumResults() != 1 ||
      op.getNumLoops() != op.getNumParallelLoops() || op.hasIndexSemantics() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return std::nullopt;
  Block *body = op.getBody();
  return ElementMap{op.getDpsInputOperand(0)->get(), body->getArgument(0),
                    body->getTerminator()->getOperand(0)};
}

bool tq::startsAtZero(linalg::GenericOp op) {
  auto start = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  return start && (matchPattern(start.getInputs()[0], m_AnyZeroFloat()) ||
                   matchPattern(start.getInputs()[0], m_Zero()));
}

Value tq::matchRowSum(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op->getNumResults() != 1 ||
      op.getNumReductionLoops() != 1 ||
      op.getIteratorTypesArray().back() != utils::IteratorType::reduction)
    return {};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[0].isIdentity() ||
      maps[1] != maps[0].dropResult(op.getNumLoops() - 1))
    return {};
  if (!startsAtZero(op))
    return {};
  Block *body = op.getBody();
  Operation *add = body->getTerminator()->getOperand(0).getDefiningOp();
  bool sums = isa_and_nonnull<arith::AddFOp, arith::AddIOp>(add) &&
              llvm::is_contained(add->getOperands(), body->getArgument(0)) &&
              llvm::is_contained(add->getOperands(), body->getArgument(1));
  return sums ? op.getDpsInputOperand(0)->get() : Value();
}

Value tq::matchRowMean(Value value) {
  auto div = value.getDefiningOp<DivOp>();
  auto column =
      div ? div.getLhs().getDefiningOp<tensor::ExpandShapeOp>() : nullptr;
  if (!column || column.getResultType().getShape().back() != 1)
    return {};
  Value input = matchRowSum(column.getSrc());
  if (!input)
    return {};
  auto type = cast<RankedTensorType>(input.getType());
  int64_t columns = type.getShape().back();
  bool keepsRank = column.getResultType().getRank() == type.getRank() &&
                   column.getReassociationIndices().back().size() <= 2;
  return keepsRank && !ShapedType::isDynamic(columns) &&
                 isSplat(div.getRhs(), static_cast<double>(columns))
             ? input
             : Value();
}
