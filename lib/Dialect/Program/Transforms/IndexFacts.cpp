//===- IndexFacts.cpp - What is known of an index before a run ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IndexFacts.h"

#include "tq/Runtime/Program.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tq;
using namespace tq::program;

static constexpr double kAny = std::numeric_limits<double>::infinity();

static IndexFact makeConstant(int64_t value) {
  return {true, value >= 0, std::abs(static_cast<double>(value))};
}

/// A size of an input or a state, or a number that is one.
static IndexFact makeSize() { return {true, true, double(TQ_MAX_SIZE)}; }

static bool areNonNegative(ArrayRef<IndexFact> facts) {
  return llvm::all_of(facts, [](auto &fact) { return fact.isNonNegative; });
}

/// Of an op that gives no more than `bound`, and nothing negative of operands
/// that are not.
static IndexFact combine(ArrayRef<IndexFact> facts, double bound,
                         bool keepsSign = true) {
  return {llvm::all_of(facts, [](auto &fact) { return fact.isKnown; }),
          keepsSign && areNonNegative(facts), bound};
}

IndexFact IndexFacts::computeDim(tensor::DimOp op) {
  std::optional<int64_t> dim = op.getConstantIndex();
  Dims sizes = dims.lookup(op.getSource());
  if (dim && *dim >= 0 && *dim < static_cast<int64_t>(sizes.size()))
    if (sizes[*dim] != OpFoldResult(op.getResult()))
      return lookup(sizes[*dim]);
  return makeSize();
}

IndexFact IndexFacts::compute(AffineExpr expr, ArrayRef<OpFoldResult> operands,
                              unsigned numDims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return makeConstant(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return lookup(operands[dim.getPosition()]);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return lookup(operands[numDims + symbol.getPosition()]);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  IndexFact sides[] = {compute(binary.getLHS(), operands, numDims),
                       compute(binary.getRHS(), operands, numDims)};
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return combine(sides, sides[0].bound + sides[1].bound);
  case AffineExprKind::Mul:
    return combine(sides, sides[0].bound * sides[1].bound);
  case AffineExprKind::Mod:
    return {sides[0].isKnown, true, sides[1].bound};
  default:
    return combine(sides, sides[0].bound);
  }
}

/// Of one of the results.
IndexFact IndexFacts::compute(AffineMap map, ValueRange operands) {
  IndexFact any{true, true, 0};
  for (AffineExpr expr : map.getResults()) {
    IndexFact sides[] = {
        any, compute(expr, getAsOpFoldResult(operands), map.getNumDims())};
    any = combine(sides, std::max(sides[0].bound, sides[1].bound));
  }
  return any;
}

/// Of an integer that becomes an index, or an index an integer.
static IndexFact computeCast(arith::IndexCastOp op, const IndexFact &from) {
  Type type = op.getIn().getType();
  unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  if (bits == 64)
    return from;
  return {from.isKnown, false, std::ldexp(1.0, int(bits) - 1)};
}

IndexFact IndexFacts::compute(Value index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return makeConstant(*constant);
  Operation *op = index.getDefiningOp();
  if (!op)
    return {};
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return computeDim(dim);
  if (isa<GetStateOp>(op))
    return makeSize();
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return compute(apply.getAffineMap(), op->getOperands());
  if (auto smallest = dyn_cast<affine::AffineMinOp>(op))
    return compute(smallest.getMap(), op->getOperands());
  if (auto largest = dyn_cast<affine::AffineMaxOp>(op))
    return compute(largest.getMap(), op->getOperands());
  if (op->getNumRegions() != 0 ||
      !isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()))
    return {};
  SmallVector<IndexFact> facts;
  double sum = 0, product = 1, largest = 0;
  for (Value operand : op->getOperands()) {
    facts.push_back(lookup(operand));
    sum += facts.back().bound;
    product *= facts.back().bound;
    largest = std::max(largest, facts.back().bound);
  }
  return TypeSwitch<Operation *, IndexFact>(op)
      .Case<arith::AddIOp>([&](auto) { return combine(facts, sum); })
      .Case<arith::SubIOp>(
          [&](auto) { return combine(facts, sum, /*keepsSign=*/false); })
      .Case<arith::MulIOp>([&](auto) { return combine(facts, product); })
      .Case<arith::DivSIOp, arith::CeilDivSIOp, arith::FloorDivSIOp,
            arith::MinSIOp, arith::MaxSIOp>(
          [&](auto) { return combine(facts, largest); })
      .Case([&](arith::IndexCastOp op) { return computeCast(op, facts[0]); })
      // What is negative is very large for these.
      .Case<arith::DivUIOp, arith::CeilDivUIOp, arith::RemUIOp, arith::MinUIOp,
            arith::MaxUIOp>([&](auto) {
        return combine(facts, areNonNegative(facts) ? largest : kAny);
      })
      .Default([&](auto) { return combine(facts, kAny, /*keepsSign=*/false); });
}

IndexFact &IndexFacts::lookupMutable(Value index) {
  if (auto known = facts.find(index); known != facts.end())
    return known->second;
  IndexFact fact = compute(index);
  return facts[index] = fact;
}

const IndexFact &IndexFacts::lookup(Value index) {
  return lookupMutable(index);
}

IndexFact IndexFacts::lookup(OpFoldResult index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return makeConstant(*constant);
  return lookup(cast<Value>(index));
}
