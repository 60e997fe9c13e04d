//===- MaskExpr.cpp - Which keys a mask shows -----------------------------===//
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

#include "MaskExpr.h"

#include "AxisTrace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/TypeSwitch.h"

#include <memory>

using namespace mlir;
using namespace tq;

namespace {

/// A number at the place that is asked for.
struct Expr {
  enum class Kind {
    Unknown,
    Number, ///< `number`, true and false are 1 and 0
    Place,  ///< `axis` of the place + `number`
    Load,   ///< `tensor` at `indices`
    Not,    ///< of `operands[0]`, a bool
    And,
    CausalLe, ///< k <= q
    Choose,   ///< operands[0] ? operands[1] : operands[2]
  };
  using Ref = std::shared_ptr<const Expr>;

  Kind kind = Kind::Unknown;
  double number = 0;
  unsigned axis = 0;
  Value tensor;
  SmallVector<Ref> operands; ///< indices of Load
};

using Ref = Expr::Ref;
using Kind = Expr::Kind;

Ref make(Expr expr) { return std::make_shared<const Expr>(std::move(expr)); }
Ref unknown() { return make({}); }
Ref number(double value) { return make({Kind::Number, value, 0, {}, {}}); }
Ref place(unsigned axis, double offset) {
  return make({Kind::Place, offset, axis, {}, {}});
}

constexpr unsigned kQuery = 2, kKey = 3;
/// What is added to the score of a key that is hidden is at most this.
constexpr double kHidden = -1e30;
/// No mask's program is deeper.
constexpr unsigned kMaxDepth = 256, kMaxSteps = 20000;

class Evaluator {
public:
  Ref evaluate(Value tensor, ArrayRef<Ref> at, unsigned depth = 0);

private:
  Ref evaluateGeneric(linalg::GenericOp op, ArrayRef<Ref> at, unsigned depth);
  Ref evaluateSlice(tensor::ExtractSliceOp op, ArrayRef<Ref> at,
                    unsigned depth);
  Ref evaluateScalar(Operation &op, llvm::function_ref<Ref(Value)> get,
                     unsigned depth);
  Ref evaluateOutside(Value value);

  unsigned steps = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

static bool isNumber(const Ref &expr) { return expr->kind == Kind::Number; }
static bool isNumber(const Ref &expr, double value) {
  return isNumber(expr) && expr->number == value;
}

/// Places are not negative.
static bool isNonNegative(const Ref &expr) {
  return (isNumber(expr) || expr->kind == Kind::Place) && expr->number >= 0;
}

static Ref negate(const Ref &x) {
  if (isNumber(x))
    return number(x->number == 0);
  if (x->kind == Kind::Not)
    return x->operands[0];
  return make({Kind::Not, 0, 0, {}, {x}});
}

static Ref conjoin(const Ref &a, const Ref &b) {
  if (isNumber(a))
    return a->number != 0 ? b : a;
  if (isNumber(b))
    return b->number != 0 ? a : b;
  return make({Kind::And, 0, 0, {}, {a, b}});
}

static Ref choose(const Ref &condition, const Ref &yes, const Ref &no) {
  if (isNumber(condition))
    return condition->number != 0 ? yes : no;
  if (isNumber(yes, 1) && isNumber(no, 0))
    return condition;
  if (isNumber(yes, 0) && isNumber(no, 1))
    return negate(condition);
  return make({Kind::Choose, 0, 0, {}, {condition, yes, no}});
}

static Ref add(const Ref &a, const Ref &b, double sign) {
  if (isNumber(a) && isNumber(b))
    return number(a->number + sign * b->number);
  if (a->kind == Kind::Place && isNumber(b))
    return place(a->axis, a->number + sign * b->number);
  if (b->kind == Kind::Place && isNumber(a) && sign > 0)
    return place(b->axis, b->number + a->number);
  if (isNumber(b, 0))
    return a;
  if (isNumber(a, 0) && sign > 0)
    return b;
  // An additive mask of two parts hides what one of them hides.
  if (a->kind == Kind::Choose && b->kind == Kind::Choose && sign > 0) {
    auto hides = [](const Ref &x) {
      return isNumber(x->operands[1], 0) && isNumber(x->operands[2]) &&
             x->operands[2]->number <= kHidden;
    };
    if (hides(a) && hides(b))
      return choose(conjoin(a->operands[0], b->operands[0]), number(0),
                    number(-std::numeric_limits<double>::infinity()));
  }
  return unknown();
}

static Ref multiply(const Ref &a, const Ref &b) {
  if (isNumber(a) && isNumber(b))
    return number(a->number * b->number);
  if (isNumber(a, 1))
    return b;
  if (isNumber(b, 1))
    return a;
  return unknown();
}

/// a <= b.
static Ref compareLe(const Ref &a, const Ref &b) {
  if (isNumber(a) && isNumber(b))
    return number(a->number <= b->number);
  if (a->kind == Kind::Place && b->kind == Kind::Place) {
    if (a->axis == b->axis)
      return number(a->number <= b->number);
    if (a->axis == kKey && b->axis == kQuery && a->number == b->number)
      return make({Kind::CausalLe, 0, 0, {}, {}});
    return unknown();
  }
  if (isNumber(a) && a->number <= 0 && isNonNegative(b))
    return number(1);
  if (isNumber(b) && b->number < 0 && isNonNegative(a))
    return number(0);
  return unknown();
}

/// A number that is not 0, of bools that became numbers as of ids.
static Ref isSet(const Ref &x) {
  if (isNumber(x))
    return number(x->number != 0);
  bool isBool = x->kind == Kind::Not || x->kind == Kind::And ||
                x->kind == Kind::CausalLe || x->kind == Kind::Load;
  return isBool ? x : unknown();
}

static Ref compareEq(const Ref &a, const Ref &b) {
  if (isNumber(a) && isNumber(b))
    return number(a->number == b->number);
  if (isNumber(b, 0))
    return negate(isSet(a));
  if (isNumber(a, 0))
    return negate(isSet(b));
  return unknown();
}

static Ref clean(const Ref &x) {
  return x->kind == Kind::Not && x->operands[0]->kind == Kind::Unknown
             ? unknown()
             : x;
}

//===----------------------------------------------------------------------===//
// Ops on numbers
//===----------------------------------------------------------------------===//

static Ref compare(arith::CmpIPredicate predicate, const Ref &a, const Ref &b) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return clean(compareEq(a, b));
  case P::ne:
    return clean(negate(compareEq(a, b)));
  case P::sle:
  case P::ule:
    return compareLe(a, b);
  case P::sge:
  case P::uge:
    return compareLe(b, a);
  case P::slt:
  case P::ult:
    return clean(negate(compareLe(b, a)));
  case P::sgt:
  case P::ugt:
    return clean(negate(compareLe(a, b)));
  }
  llvm_unreachable("covered switch");
}

/// Whether `value` is the last index of a dimension.
static bool isLast(Value value, Value tensor, int64_t dim) {
  int64_t size = cast<RankedTensorType>(tensor.getType()).getDimSize(dim);
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant == size - 1;
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
  return getDimSize(tensor, dim) == OpFoldResult(op->getOperand(0));
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
        return isBool ? unknown() : operand(0);
      })
      .Case([&](arith::TruncIOp) {
        // Of what fits: bools that were widened.
        Ref x = operand(0);
        return isNumber(x) ? x : unknown();
      })
      .Case<arith::AddIOp, arith::AddFOp>(
          [&](Operation *) { return add(operand(0), operand(1), 1); })
      .Case<arith::SubIOp, arith::SubFOp>(
          [&](Operation *) { return add(operand(0), operand(1), -1); })
      .Case<arith::MulIOp, arith::MulFOp>(
          [&](Operation *) { return multiply(operand(0), operand(1)); })
      .Case([&](arith::AndIOp) {
        Ref a = operand(0), b = operand(1);
        return op.getResult(0).getType().isInteger(1) ? conjoin(a, b)
                                                      : unknown();
      })
      .Case([&](arith::OrIOp) {
        if (!op.getResult(0).getType().isInteger(1))
          return unknown();
        return negate(conjoin(negate(operand(0)), negate(operand(1))));
      })
      .Case([&](arith::XOrIOp) {
        Ref a = operand(0), b = operand(1);
        bool isBool = op.getResult(0).getType().isInteger(1);
        if (isBool && isNumber(b))
          return b->number != 0 ? negate(a) : a;
        return unknown();
      })
      .Case([&](arith::SelectOp) {
        return choose(operand(0), operand(1), operand(2));
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
          return clean(negate(compareEq(a, b)));
        return isEq ? clean(compareEq(a, b)) : unknown();
      })
      .Case([&](tensor::ExtractOp extract) {
        SmallVector<Ref> at;
        for (auto [dim, index] : llvm::enumerate(extract.getIndices()))
          at.push_back(get(skipClamp(index, extract.getTensor(), dim)));
        return evaluate(extract.getTensor(), at, depth + 1);
      })
      .Default([&](Operation *) { return unknown(); });
}

/// A value that the body of an op takes from outside.
Ref Evaluator::evaluateOutside(Value value) {
  Attribute attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return unknown();
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    return number(integer.getType().isInteger(1)
                      ? double(integer.getValue().getZExtValue())
                      : double(integer.getInt()));
  if (auto real = dyn_cast<FloatAttr>(attr))
    return number(real.getValueAsDouble());
  return unknown();
}

//===----------------------------------------------------------------------===//
// Ops on tensors
//===----------------------------------------------------------------------===//

Ref Evaluator::evaluateGeneric(linalg::GenericOp op, ArrayRef<Ref> at,
                               unsigned depth) {
  if (op.getNumReductionLoops() != 0 || op.getNumDpsInits() != 1 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return unknown();
  llvm::DenseMap<Value, Ref> known;
  std::function<Ref(Value)> get = [&](Value value) -> Ref {
    if (auto found = known.find(value); found != known.end())
      return found->second;
    Ref result = unknown();
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == op.getBody()) {
      OpOperand &operand = op->getOpOperand(argument.getArgNumber());
      SmallVector<Ref> indices;
      bool isKnown = op.isDpsInput(&operand);
      for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          indices.push_back(at[dim.getPosition()]);
        else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
          indices.push_back(number(double(constant.getValue())));
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
  return get(op.getBody()->getTerminator()->getOperand(0));
}

Ref Evaluator::evaluateSlice(tensor::ExtractSliceOp op, ArrayRef<Ref> at,
                             unsigned depth) {
  if (op.getType().getRank() != op.getSourceType().getRank())
    return unknown();
  SmallVector<Ref> indices;
  for (auto [index, offset, stride] :
       llvm::zip_equal(at, op.getMixedOffsets(), op.getMixedStrides())) {
    std::optional<int64_t> start = getConstantIntValue(offset);
    if (!start || !isConstantIntValue(stride, 1))
      return unknown();
    indices.push_back(add(index, number(double(*start)), 1));
  }
  return evaluate(op.getSource(), indices, depth + 1);
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
      result.push_back(number(0));
    else if (next < others.size())
      result.push_back(others[next++]);
    else
      return std::nullopt;
  }
  return next == others.size() ? std::optional(result) : std::nullopt;
}

Ref Evaluator::evaluate(Value tensor, ArrayRef<Ref> at, unsigned depth) {
  if (depth > kMaxDepth || ++steps > kMaxSteps)
    return unknown();
  auto type = cast<RankedTensorType>(tensor.getType());
  Operation *op = tensor.getDefiningOp();
  DenseElementsAttr constant;
  if (op && matchPattern(tensor, m_Constant(&constant)) && constant.isSplat()) {
    Attribute element = constant.getSplatValue<Attribute>();
    if (auto integer = dyn_cast<IntegerAttr>(element))
      return number(integer.getType().isInteger(1)
                        ? double(integer.getValue().getZExtValue())
                        : double(integer.getInt()));
    return number(cast<FloatAttr>(element).getValueAsDouble());
  }
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
  return make({Kind::Load, 0, 0, tensor, SmallVector<Ref>(at)});
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

/// An element [b, k] of a tensor of ids or bools.
static bool isPadding(const Ref &load) {
  auto type = cast<RankedTensorType>(load->tensor.getType());
  Type element = type.getElementType();
  if (type.getRank() != 2 || !(element.isInteger(64) || element.isInteger(1)))
    return false;
  auto isPlace = [](const Ref &index, unsigned axis) {
    return index->kind == Kind::Place && index->axis == axis &&
           index->number == 0;
  };
  bool isRow = isPlace(load->operands[0], 0) ||
               (isNumber(load->operands[0], 0) && type.getDimSize(0) == 1);
  return isRow && isPlace(load->operands[1], kKey);
}

static bool addTerms(const Ref &expr, Visibility &visibility,
                     std::string &reason) {
  switch (expr->kind) {
  case Kind::Number:
    if (expr->number != 0)
      return true;
    reason = "its mask hides all keys";
    return false;
  case Kind::And:
    return addTerms(expr->operands[0], visibility, reason) &&
           addTerms(expr->operands[1], visibility, reason);
  case Kind::CausalLe:
    visibility.isCausal = true;
    return true;
  case Kind::Load:
  case Kind::Not: {
    bool isHidden = expr->kind == Kind::Not;
    const Ref &load = isHidden ? expr->operands[0] : expr;
    if (load->kind == Kind::Load && isPadding(load)) {
      visibility.paddings.push_back({load->tensor, isHidden});
      return true;
    }
    break;
  }
  default:
    break;
  }
  reason = "its mask is neither causal nor one of padding, [batch, keys]";
  return false;
}

std::optional<Visibility> tq::evaluateMask(Value mask, std::string &reason) {
  auto type = cast<RankedTensorType>(mask.getType());
  SmallVector<Ref> at;
  int64_t rank = type.getRank();
  for (int64_t i = 0; i < rank; ++i)
    at.push_back(type.getDimSize(i) == 1 ? number(0)
                                         : place(unsigned(4 - rank + i), 0));
  Ref expr = Evaluator().evaluate(mask, at);
  if (!type.getElementType().isInteger(1)) {
    // Where it adds nothing, and where it hides.
    auto isOpen = [](const Ref &x) { return isNumber(x, 0); };
    auto hides = [](const Ref &x) {
      return isNumber(x) && x->number <= kHidden;
    };
    if (isOpen(expr))
      expr = number(1);
    else if (expr->kind == Kind::Choose && isOpen(expr->operands[1]) &&
             hides(expr->operands[2]))
      expr = expr->operands[0];
    else if (expr->kind == Kind::Choose && isOpen(expr->operands[2]) &&
             hides(expr->operands[1]))
      expr = negate(expr->operands[0]);
    else
      expr = unknown();
  }
  Visibility visibility;
  if (!addTerms(expr, visibility, reason))
    return std::nullopt;
  return visibility;
}
