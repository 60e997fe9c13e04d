//===- MaskVisibility.cpp - Which keys a mask shows -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Masks are index programs: comparisons of token numbers, lookups in the mask
// of padding, conjunctions. Each op is followed from the element that is asked
// for to the elements it is made of; what is known of it folds on the way.
//
//===----------------------------------------------------------------------===//

#include "MaskVisibility.h"

#include "AxisTrace.h"
#include "MaskExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tq;

using mask::Ref;
using Kind = mask::Expr::Kind;

namespace {

/// No mask's program is deeper.
constexpr unsigned kMaxDepth = 256, kMaxSteps = 20000;

class Evaluator {
public:
  Ref evaluate(Value tensor, ArrayRef<Ref> at, unsigned depth = 0);
  /// A constant, or a sum of sizes: what the body of an op takes from outside.
  Ref evaluateOutside(Value value);
  Ref evaluateOutside(OpFoldResult value);

private:
  Ref evaluateGeneric(linalg::GenericOp op, ArrayRef<Ref> at, unsigned depth);
  Ref evaluateSlice(tensor::ExtractSliceOp op, ArrayRef<Ref> at,
                    unsigned depth);
  Ref evaluateConcat(tensor::ConcatOp op, ArrayRef<Ref> at, unsigned depth);
  Ref evaluateDeeper(Value tensor, ArrayRef<Ref> at, unsigned depth);
  Ref evaluateScalar(Operation &op, llvm::function_ref<Ref(Value)> get,
                     unsigned depth);

  unsigned steps = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Ops on numbers
//===----------------------------------------------------------------------===//

static bool isNonNegative(const Ref &x) {
  return x->kind == Kind::Linear && x->number >= 0 &&
         llvm::all_of(x->terms,
                      [](const mask::Term &term) { return term.factor > 0; });
}

static Ref compare(arith::CmpIPredicate predicate, const Ref &a, const Ref &b) {
  using P = arith::CmpIPredicate;
  bool isUnsigned = predicate == P::ule || predicate == P::ult ||
                    predicate == P::uge || predicate == P::ugt;
  if (isUnsigned && !(isNonNegative(a) && isNonNegative(b)))
    return mask::unknown();
  switch (predicate) {
  case P::eq:
    return mask::compareEq(a, b);
  case P::ne:
    return mask::negate(mask::compareEq(a, b));
  case P::sle:
  case P::ule:
    return mask::compareLe(a, b);
  case P::sge:
  case P::uge:
    return mask::compareLe(b, a);
  case P::slt:
  case P::ult:
    return mask::negate(mask::compareLe(b, a));
  case P::sgt:
  case P::ugt:
    return mask::negate(mask::compareLe(a, b));
  }
  llvm_unreachable("covered switch");
}

/// Whether `value` is the last index of a dimension.
static bool isLast(Value value, Value tensor, int64_t dim) {
  int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant == size - 1;
  OpFoldResult known = getDimSize(tensor, dim);
  auto whole = dyn_cast_if_present<Value>(known);
  if (auto sum = whole ? whole.getDefiningOp<arith::AddIOp>() : arith::AddIOp())
    if (sum.getLhs() == value && isConstantIntValue(sum.getRhs(), 1))
      return true;
  Operation *op = value.getDefiningOp();
  bool isDifference = (isa_and_nonnull<arith::SubIOp>(op) &&
                       isConstantIntValue(op->getOperand(1), 1)) ||
                      (isa_and_nonnull<arith::AddIOp>(op) &&
                       isConstantIntValue(op->getOperand(1), -1));
  if (!isDifference)
    return false;
  auto dimOp = op->getOperand(0).getDefiningOp<tensor::DimOp>();
  if (dimOp && dimOp.getSource() == tensor && dimOp.getConstantIndex() == dim)
    return true;
  return known == OpFoldResult(op->getOperand(0));
}

/// What an index is before it is clamped to the dimension that it indexes. A
/// mask of another size than the keys is refused by the attention that reads
/// it, and within its size no index is clamped.
static Value skipClamp(Value index, Value tensor, int64_t dim) {
  auto above = index.getDefiningOp<arith::MaxSIOp>();
  if (!above || !isConstantIntValue(above.getRhs(), 0))
    return index;
  auto below = above.getLhs().getDefiningOp<arith::MinSIOp>();
  return below && isLast(below.getRhs(), tensor, dim) ? below.getLhs() : index;
}

Ref Evaluator::evaluateScalar(Operation &op, llvm::function_ref<Ref(Value)> get,
                              unsigned depth) {
  auto operand = [&](unsigned i) { return get(op.getOperand(i)); };
  return llvm::TypeSwitch<Operation *, Ref>(&op)
      .Case<arith::IndexCastOp, arith::ExtUIOp, arith::UIToFPOp, arith::ExtFOp,
            arith::TruncFOp>([&](Operation *) { return operand(0); })
      .Case<arith::ExtSIOp, arith::SIToFPOp>([&](Operation *) {
        // A bool would become -1.
        bool isBool = op.getOperand(0).getType().isInteger(1);
        return isBool ? mask::unknown() : operand(0);
      })
      .Case([&](arith::TruncIOp) {
        // Of what fits: bools that were widened.
        Ref x = operand(0);
        return mask::isNumber(x) ? x : mask::unknown();
      })
      .Case<arith::AddIOp, arith::AddFOp>(
          [&](Operation *) { return mask::add(operand(0), operand(1), 1); })
      .Case<arith::SubIOp, arith::SubFOp>(
          [&](Operation *) { return mask::add(operand(0), operand(1), -1); })
      .Case<arith::MulIOp, arith::MulFOp>(
          [&](Operation *) { return mask::multiply(operand(0), operand(1)); })
      .Case([&](arith::AndIOp) {
        Ref a = operand(0), b = operand(1);
        return op.getResult(0).getType().isInteger(1) ? mask::conjoin(a, b)
                                                      : mask::unknown();
      })
      .Case([&](arith::OrIOp) {
        if (!op.getResult(0).getType().isInteger(1))
          return mask::unknown();
        return mask::negate(
            mask::conjoin(mask::negate(operand(0)), mask::negate(operand(1))));
      })
      .Case([&](arith::XOrIOp) {
        Ref a = operand(0), b = operand(1);
        bool isBool = op.getResult(0).getType().isInteger(1);
        if (isBool && mask::isNumber(b))
          return b->number != 0 ? mask::negate(a) : a;
        return mask::unknown();
      })
      .Case([&](math::AbsIOp) { return mask::absolute(operand(0)); })
      .Case([&](arith::SelectOp) {
        return mask::choose(operand(0), operand(1), operand(2));
      })
      .Case([&](arith::CmpIOp compareOp) {
        return compare(compareOp.getPredicate(), operand(0), operand(1));
      })
      .Case([&](arith::CmpFOp compareOp) {
        using P = arith::CmpFPredicate;
        Ref a = operand(0), b = operand(1);
        bool isNe = compareOp.getPredicate() == P::UNE ||
                    compareOp.getPredicate() == P::ONE;
        bool isEq = compareOp.getPredicate() == P::OEQ;
        if (isNe)
          return mask::negate(mask::compareEq(a, b));
        return isEq ? mask::compareEq(a, b) : mask::unknown();
      })
      .Case([&](tensor::ExtractOp extract) {
        SmallVector<Ref> at;
        for (auto [dim, index] : llvm::enumerate(extract.getIndices()))
          at.push_back(get(skipClamp(index, extract.getTensor(), dim)));
        return evaluate(extract.getTensor(), at, depth + 1);
      })
      .Default([&](Operation *) { return mask::unknown(); });
}

static Ref evaluateElement(Attribute attr) {
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    return mask::number(integer.getType().isInteger(1)
                            ? double(integer.getValue().getZExtValue())
                            : double(integer.getInt()));
  if (auto real = dyn_cast<FloatAttr>(attr))
    return mask::number(real.getValueAsDouble());
  return mask::unknown();
}

Ref Evaluator::evaluateOutside(Value value) {
  Attribute attr;
  if (matchPattern(value, m_Constant(&attr)))
    return evaluateElement(attr);
  Operation *op = value.getDefiningOp();
  if (!op || ++steps > kMaxSteps)
    return mask::unknown();
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index)
      return mask::unknown();
    OpFoldResult known = getDimSize(dim.getSource(), *index);
    auto simpler = dyn_cast_if_present<Value>(known);
    if (known && simpler != value)
      return evaluateOutside(known);
    return mask::size(value);
  }
  if (isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::IndexCastOp>(op))
    return evaluateScalar(
        *op, [&](Value operand) { return evaluateOutside(operand); }, 0);
  return mask::unknown();
}

Ref Evaluator::evaluateOutside(OpFoldResult value) {
  if (auto attr = dyn_cast_if_present<Attribute>(value))
    return evaluateElement(attr);
  return value ? evaluateOutside(cast<Value>(value)) : mask::unknown();
}

Ref tq::evaluateSize(Value tensor, int64_t dim) {
  return Evaluator().evaluateOutside(getDimSize(tensor, dim));
}

//===----------------------------------------------------------------------===//
// Ops on tensors
//===----------------------------------------------------------------------===//

/// The place in the loops of an op whose result is asked for at `at`: any along
/// a dimension that it reduces. None: a dimension is not one of the result's.
static std::optional<SmallVector<Ref>> placeInLoops(linalg::GenericOp op,
                                                    ArrayRef<Ref> at) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!map.isProjectedPermutation())
    return std::nullopt;
  SmallVector<Ref> loops;
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    loops.push_back(mask::place(mask::kFree + loop));
  for (auto [expr, index] : llvm::zip_equal(map.getResults(), at))
    loops[cast<AffineDimExpr>(expr).getPosition()] = index;
  return loops;
}

/// A reduction is what it starts with only where it adds 0.
Ref Evaluator::evaluateGeneric(linalg::GenericOp op, ArrayRef<Ref> place,
                               unsigned depth) {
  std::optional<SmallVector<Ref>> loops;
  if (op.getNumDpsInits() == 1)
    loops = placeInLoops(op, place);
  if (!loops)
    return mask::unknown();
  SmallVector<Ref> &at = *loops;
  bool reduces = op.getNumReductionLoops() != 0;
  llvm::DenseMap<Value, Ref> known;
  std::function<Ref(Value)> get = [&](Value value) -> Ref {
    if (auto found = known.find(value); found != known.end())
      return found->second;
    Ref result = mask::unknown();
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == op.getBody()) {
      OpOperand &operand = op->getOpOperand(argument.getArgNumber());
      SmallVector<Ref> indices;
      bool isKnown = op.isDpsInput(&operand) || reduces;
      for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          indices.push_back(at[dim.getPosition()]);
        else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
          indices.push_back(mask::number(double(constant.getValue())));
        else
          isKnown = false;
      }
      if (isKnown)
        result = evaluate(operand.get(), indices, depth + 1);
    } else if (value.getParentBlock() != op.getBody()) {
      result = evaluateOutside(value);
    } else if (auto index = value.getDefiningOp<linalg::IndexOp>()) {
      result = at[index.getDim()];
    } else if (Attribute attr; matchPattern(value, m_Constant(&attr))) {
      result = evaluateOutside(value);
    } else {
      result = evaluateScalar(*value.getDefiningOp(), get, depth);
    }
    known[value] = result;
    return result;
  };
  Ref value = get(op.getBody()->getTerminator()->getOperand(0));
  if (!reduces)
    return value;
  Ref start = get(op.getRegionOutputArgs().front());
  return mask::isNumber(start, 0) && mask::isNumber(value, 0) ? value
                                                              : mask::unknown();
}

Ref Evaluator::evaluateSlice(tensor::ExtractSliceOp op, ArrayRef<Ref> at,
                             unsigned depth) {
  if (op.getType().getRank() != op.getSourceType().getRank())
    return mask::unknown();
  SmallVector<Ref> indices;
  for (auto [index, offset, stride] :
       llvm::zip_equal(at, op.getMixedOffsets(), op.getMixedStrides())) {
    if (!isConstantIntValue(stride, 1))
      return mask::unknown();
    indices.push_back(mask::add(index, evaluateOutside(offset)));
  }
  return evaluate(op.getSource(), indices, depth + 1);
}

/// A row in front of others, where it continues what they are: x - 1 of rows x,
/// so that row i is i - 1.
Ref Evaluator::evaluateConcat(tensor::ConcatOp op, ArrayRef<Ref> at,
                              unsigned depth) {
  int64_t dim = op.getDim();
  if (op.getInputs().size() != 2 ||
      cast<RankedTensorType>(op.getInputs()[0].getType()).getDimSize(dim) != 1)
    return mask::unknown();
  SmallVector<Ref> indices(at);
  indices[dim] = mask::number(0);
  Ref first = evaluate(op.getInputs()[0], indices, depth + 1);
  indices[dim] = mask::number(-1);
  Ref before = evaluate(op.getInputs()[1], indices, depth + 1);
  if (!mask::isNumber(first) || !mask::isNumber(before, first->number))
    return mask::unknown();
  indices[dim] = mask::add(at[dim], mask::number(1), -1);
  return evaluate(op.getInputs()[1], indices, depth + 1);
}

/// Indices of the source of a reshape that adds or drops dimensions of 1.
static std::optional<SmallVector<Ref>>
reshapeIndices(RankedTensorType from, RankedTensorType to, ArrayRef<Ref> at) {
  SmallVector<Ref> others;
  for (auto [size, index] : llvm::zip_equal(from.getShape(), at))
    if (size != 1)
      others.push_back(index);
  SmallVector<Ref> result;
  size_t next = 0;
  for (int64_t size : to.getShape()) {
    if (size == 1)
      result.push_back(mask::number(0));
    else if (next < others.size())
      result.push_back(others[next++]);
    else
      return std::nullopt;
  }
  return next == others.size() ? std::optional(result) : std::nullopt;
}

/// An element [b, k] of a tensor of ids or bools.
static bool isPadding(Value tensor, ArrayRef<Ref> at) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Type element = type.getElementType();
  if (type.getRank() != 2 || !(element.isInteger(64) || element.isInteger(1)))
    return false;
  bool isRow = mask::isPlace(at[0], mask::kBatch) ||
               (mask::isNumber(at[0], 0) && type.getDimSize(0) == 1);
  return isRow && mask::isPlace(at[1], mask::kKey);
}

/// Whether all is known but elements [b, k].
static bool isKnown(const Ref &expr) {
  if (expr->kind == Kind::Load)
    return isPadding(expr->tensor, expr->operands);
  return expr->kind != Kind::Unknown && llvm::all_of(expr->operands, isKnown);
}

/// Of tensors [b, k] the one that is the furthest from the mask, but known.
Ref Evaluator::evaluate(Value tensor, ArrayRef<Ref> at, unsigned depth) {
  if (depth > kMaxDepth || ++steps > kMaxSteps)
    return mask::unknown();
  Ref result = evaluateDeeper(tensor, at, depth);
  return isPadding(tensor, at) && !isKnown(result) ? mask::load(tensor, at)
                                                   : result;
}

Ref Evaluator::evaluateDeeper(Value tensor, ArrayRef<Ref> at, unsigned depth) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Operation *op = tensor.getDefiningOp();
  DenseElementsAttr constant;
  if (op && matchPattern(tensor, m_Constant(&constant)) && constant.isSplat())
    return evaluateElement(constant.getSplatValue<Attribute>());
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op))
    return evaluateOutside(fill.getInputs().front());
  if (auto generic = dyn_cast_or_null<linalg::GenericOp>(op)) {
    Ref result = evaluateGeneric(generic, at, depth);
    if (result->kind != Kind::Unknown)
      return result;
  }
  if (auto castOp = dyn_cast_or_null<tensor::CastOp>(op))
    return evaluate(castOp.getSource(), at, depth + 1);
  if (auto permute = dyn_cast_or_null<PermuteOp>(op)) {
    SmallVector<Ref> indices(at.size());
    for (auto [to, from] : llvm::enumerate(permute.getDims()))
      indices[from] = at[to];
    return evaluate(permute.getInput(), indices, depth + 1);
  }
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    Ref result = evaluateSlice(slice, at, depth);
    if (result->kind != Kind::Unknown)
      return result;
  }
  if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
    Value source = op->getOperand(0);
    auto indices =
        reshapeIndices(type, cast<RankedTensorType>(source.getType()), at);
    if (indices)
      return evaluate(source, *indices, depth + 1);
  }
  if (auto concat = dyn_cast_or_null<tensor::ConcatOp>(op)) {
    Ref result = evaluateConcat(concat, at, depth);
    if (result->kind != Kind::Unknown)
      return result;
  }
  return mask::load(tensor, at);
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

static bool tighten(Ref &bound, const Ref &other, double sign) {
  Ref difference = bound ? mask::add(other, bound, -1) : mask::number(-sign);
  if (!mask::isNumber(difference))
    return false;
  if (sign * difference->number < 0)
    bound = other;
  return true;
}

bool Visibility::limitHigh(const Ref &bound) { return tighten(high, bound, 1); }
bool Visibility::limitLow(const Ref &bound) { return tighten(low, bound, -1); }

static bool addTerms(const Ref &expr, Visibility &visibility,
                     std::string &reason) {
  reason = "its mask is neither causal, a window, nor one of padding, [batch, "
           "keys]";
  switch (expr->kind) {
  case Kind::Linear:
    if (mask::isNumber(expr, 0))
      reason = "its mask hides all keys";
    return mask::isNumber(expr) && expr->number != 0;
  case Kind::And:
    return addTerms(expr->operands[0], visibility, reason) &&
           addTerms(expr->operands[1], visibility, reason);
  case Kind::AtMost:
    return visibility.limitHigh(expr->operands[0]);
  case Kind::AtLeast:
    return visibility.limitLow(expr->operands[0]);
  case Kind::Load:
  case Kind::Not: {
    bool isHidden = expr->kind == Kind::Not;
    const Ref &load = isHidden ? expr->operands[0] : expr;
    if (load->kind != Kind::Load || !isPadding(load->tensor, load->operands))
      return false;
    visibility.paddings.push_back({load->tensor, isHidden});
    return true;
  }
  default:
    return false;
  }
}

std::optional<Visibility> tq::evaluateMask(Value mask, std::string &reason) {
  auto type = cast<RankedTensorType>(mask.getType());
  SmallVector<Ref> at;
  int64_t rank = type.getRank();
  for (int64_t i = 0; i < rank; ++i)
    at.push_back(type.getDimSize(i) == 1 ? mask::number(0)
                                         : mask::place(unsigned(4 - rank + i)));
  Ref expr = Evaluator().evaluate(mask, at);
  if (!type.getElementType().isInteger(1)) {
    // Where it adds nothing, and where it hides.
    auto isOpen = [](const Ref &x) { return mask::isNumber(x, 0); };
    auto hides = [](const Ref &x) {
      return mask::isNumber(x) && x->number <= mask::kHidden;
    };
    if (isOpen(expr))
      expr = mask::number(1);
    else if (expr->kind == Kind::Choose && isOpen(expr->operands[1]) &&
             hides(expr->operands[2]))
      expr = expr->operands[0];
    else if (expr->kind == Kind::Choose && isOpen(expr->operands[2]) &&
             hides(expr->operands[1]))
      expr = mask::negate(expr->operands[0]);
    else
      expr = mask::unknown();
  }
  Visibility visibility;
  if (!addTerms(expr, visibility, reason))
    return std::nullopt;
  return visibility;
}
