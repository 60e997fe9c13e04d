//===- MaskExpr.cpp - A number of a mask at a symbolic place --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskExpr.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tq::mask;

using Kind = Expr::Kind;
using Terms = SmallVector<Term, 2>;

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

static Ref make(Expr expr) {
  return std::make_shared<const Expr>(std::move(expr));
}

static Ref makeOf(Kind kind, ArrayRef<Ref> operands) {
  Expr expr;
  expr.kind = kind;
  expr.operands = SmallVector<Ref>(operands);
  return make(std::move(expr));
}

static Ref makeSum(double number, Terms terms) {
  Expr expr;
  expr.kind = Kind::Linear;
  expr.number = number;
  expr.terms = std::move(terms);
  return make(std::move(expr));
}

Ref tq::mask::unknown() { return make({}); }

Ref tq::mask::number(double value) { return makeSum(value, {}); }

Ref tq::mask::place(unsigned axis) { return makeSum(0, {Term{axis, {}, 1}}); }

Ref tq::mask::size(Value value) { return makeSum(0, {Term{0, value, 1}}); }

Ref tq::mask::load(Value tensor, ArrayRef<Ref> at) {
  Expr expr;
  expr.kind = Kind::Load;
  expr.tensor = tensor;
  expr.operands = SmallVector<Ref>(at);
  return make(std::move(expr));
}

bool tq::mask::isPlace(const Ref &expr, unsigned axis) {
  return expr->kind == Kind::Linear && expr->number == 0 &&
         expr->terms.size() == 1 && !expr->terms[0].size &&
         expr->terms[0].axis == axis && expr->terms[0].factor == 1;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

static bool isSameThing(const Term &a, const Term &b) {
  return a.size == b.size && (a.size || a.axis == b.axis);
}

static void addTerm(Terms &terms, const Term &term, double sign) {
  auto *found =
      llvm::find_if(terms, [&](const Term &x) { return isSameThing(x, term); });
  if (found == terms.end())
    found = terms.insert(found, Term{term.axis, term.size, 0});
  found->factor += sign * term.factor;
  if (found->factor == 0)
    terms.erase(found);
}

static bool isLinear(const Ref &x) { return x->kind == Kind::Linear; }

/// An additive mask: 0 where its condition holds, else hidden.
static bool hides(const Ref &x) {
  return x->kind == Kind::Choose && isNumber(x->operands[1], 0) &&
         isNumber(x->operands[2]) && x->operands[2]->number <= kHidden;
}

Ref tq::mask::add(const Ref &a, const Ref &b, double sign) {
  if (isLinear(a) && isLinear(b)) {
    Terms terms = a->terms;
    for (const Term &term : b->terms)
      addTerm(terms, term, sign);
    return makeSum(a->number + sign * b->number, std::move(terms));
  }
  if (isNumber(b, 0))
    return a;
  if (isNumber(a, 0) && sign > 0)
    return b;
  // An additive mask of two parts hides what one of them hides.
  if (sign > 0 && hides(a) && hides(b))
    return choose(conjoin(a->operands[0], b->operands[0]), number(0),
                  number(-std::numeric_limits<double>::infinity()));
  return unknown();
}

Ref tq::mask::multiply(const Ref &a, const Ref &b) {
  if (isNumber(a) && !isNumber(b))
    return multiply(b, a);
  if (!isNumber(b))
    return unknown();
  if (b->number == 1)
    return a;
  if (!isLinear(a))
    return unknown();
  Terms terms;
  for (const Term &term : a->terms)
    if (b->number != 0)
      terms.push_back({term.axis, term.size, term.factor * b->number});
  return makeSum(a->number * b->number, std::move(terms));
}

Ref tq::mask::absolute(const Ref &x) {
  if (isNumber(x))
    return number(std::fabs(x->number));
  return isLinear(x) ? makeOf(Kind::Abs, x) : unknown();
}

//===----------------------------------------------------------------------===//
// Bools
//===----------------------------------------------------------------------===//

Ref tq::mask::negate(const Ref &x) {
  if (isNumber(x))
    return number(x->number == 0);
  switch (x->kind) {
  case Kind::Unknown:
    return x;
  case Kind::Not:
    return x->operands[0];
  case Kind::AtMost:
    return makeOf(Kind::AtLeast, add(x->operands[0], number(1)));
  case Kind::AtLeast:
    return makeOf(Kind::AtMost, add(x->operands[0], number(1), -1));
  default:
    return makeOf(Kind::Not, x);
  }
}

Ref tq::mask::conjoin(const Ref &a, const Ref &b) {
  if (isNumber(a))
    return a->number != 0 ? b : a;
  if (isNumber(b))
    return b->number != 0 ? a : b;
  return makeOf(Kind::And, {a, b});
}

Ref tq::mask::choose(const Ref &condition, const Ref &yes, const Ref &no) {
  if (isNumber(condition))
    return condition->number != 0 ? yes : no;
  if (isNumber(yes, 1) && isNumber(no, 0))
    return condition;
  if (isNumber(yes, 0) && isNumber(no, 1))
    return negate(condition);
  if (isNumber(yes) && isNumber(no, yes->number))
    return yes;
  return makeOf(Kind::Choose, {condition, yes, no});
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// x <= 0, of a sum.
static Ref isAtMostZero(const Ref &x) {
  if (isNumber(x))
    return number(x->number <= 0);
  if (x->number <= 0 &&
      llvm::all_of(x->terms, [](const Term &t) { return t.factor < 0; }))
    return number(1);
  if (x->number > 0 &&
      llvm::all_of(x->terms, [](const Term &t) { return t.factor > 0; }))
    return number(0);
  double query = 0, key = 0;
  Terms sizes;
  for (const Term &term : x->terms) {
    if (term.size)
      sizes.push_back(term);
    else if (term.axis == kQuery || term.axis == kKey)
      (term.axis == kQuery ? query : key) = term.factor;
    else
      return unknown();
  }
  if (std::fabs(key) != 1 || query != -key)
    return unknown();
  // k - q + rest <= 0, or q - k + rest <= 0.
  for (Term &term : sizes)
    term.factor *= -key;
  Ref bound = makeSum(key > 0 ? -x->number : x->number, std::move(sizes));
  return makeOf(key > 0 ? Kind::AtMost : Kind::AtLeast, bound);
}

Ref tq::mask::compareLe(const Ref &a, const Ref &b) {
  if (isLinear(a) && isLinear(b))
    return isAtMostZero(add(a, b, -1));
  if (a->kind == Kind::Abs && isLinear(b)) {
    const Ref &inside = a->operands[0];
    return conjoin(compareLe(inside, b),
                   compareLe(multiply(inside, number(-1)), b));
  }
  if (b->kind == Kind::Abs && isLinear(a))
    return negate(compareLe(b, add(a, number(1), -1)));
  return unknown();
}

/// A number that is not 0, of bools that became numbers as of ids.
static Ref isSet(const Ref &x) {
  if (isNumber(x))
    return number(x->number != 0);
  bool isBool = x->kind == Kind::Not || x->kind == Kind::And ||
                x->kind == Kind::AtMost || x->kind == Kind::AtLeast ||
                x->kind == Kind::Load;
  return isBool ? x : unknown();
}

Ref tq::mask::compareEq(const Ref &a, const Ref &b) {
  if (isLinear(a) && isLinear(b)) {
    Ref difference = add(a, b, -1);
    if (isNumber(difference))
      return number(difference->number == 0);
  }
  if (isNumber(b, 0))
    return negate(isSet(a));
  if (isNumber(a, 0))
    return negate(isSet(b));
  return unknown();
}
