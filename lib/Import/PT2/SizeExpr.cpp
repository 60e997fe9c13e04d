//===- SizeExpr.cpp - Sizes in terms of dynamic dimensions ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace tq;
using namespace tq::pt2;

//===----------------------------------------------------------------------===//
// SizeExpr
//===----------------------------------------------------------------------===//

SizeExpr::SizeExpr(int64_t value) {
  if (value != 0)
    terms[{}] = value;
}

SizeExpr SizeExpr::atom(unsigned number) {
  SizeExpr result;
  result.terms[{number}] = 1;
  return result;
}

SizeExpr SizeExpr::overflow() {
  SizeExpr result;
  result.overflowed = true;
  return result;
}

std::optional<int64_t> SizeExpr::getConstant() const {
  if (overflowed)
    return std::nullopt;
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

std::optional<unsigned> SizeExpr::getAtom() const {
  if (terms.size() != 1 || terms.begin()->second != 1 ||
      terms.begin()->first.size() != 1)
    return std::nullopt;
  return terms.begin()->first.front();
}

/// Longer sums than any size of a real program has are as good as overflown:
/// products of them would grow without bound.
static constexpr size_t kMaxTerms = 64, kMaxFactors = 16;

void SizeExpr::add(const std::vector<unsigned> &atoms, int64_t coefficient) {
  overflowed |= terms.size() > kMaxTerms || atoms.size() > kMaxFactors;
  if (overflowed)
    return;
  int64_t &sum = terms[atoms];
  overflowed |= AddOverflow(sum, coefficient, sum) != 0;
  if (sum == 0)
    terms.erase(atoms);
}

SizeExpr SizeExpr::operator+(const SizeExpr &other) const {
  SizeExpr result = *this;
  result.overflowed |= other.overflowed;
  for (const auto &[atoms, coefficient] : other.terms)
    result.add(atoms, coefficient);
  return result;
}

SizeExpr SizeExpr::operator*(const SizeExpr &other) const {
  SizeExpr result;
  result.overflowed = overflowed || other.overflowed;
  for (const auto &[atoms, coefficient] : terms)
    for (const auto &[otherAtoms, otherCoefficient] : other.terms) {
      std::vector<unsigned> merged;
      std::merge(atoms.begin(), atoms.end(), otherAtoms.begin(),
                 otherAtoms.end(), std::back_inserter(merged));
      int64_t factor = 0;
      result.overflowed |=
          MulOverflow(coefficient, otherCoefficient, factor) != 0;
      result.add(merged, factor);
    }
  return result;
}

SizeExpr SizeExpr::operator-(const SizeExpr &other) const {
  return *this + other * SizeExpr(-1);
}

std::optional<SizeExpr> SizeExpr::divide(const SizeExpr &divisor) const {
  if (overflowed || divisor.overflowed)
    return std::nullopt;
  if (divisor.terms.size() != 1)
    return *this == divisor && !terms.empty() ? std::optional(SizeExpr(1))
                                              : std::nullopt;
  const auto &[factors, factor] = *divisor.terms.begin();
  SizeExpr result;
  for (const auto &[atoms, coefficient] : terms) {
    if (factor < 1 || coefficient % factor != 0 ||
        !std::includes(atoms.begin(), atoms.end(), factors.begin(),
                       factors.end()))
      return std::nullopt;
    std::vector<unsigned> left;
    std::set_difference(atoms.begin(), atoms.end(), factors.begin(),
                        factors.end(), std::back_inserter(left));
    result.add(left, coefficient / factor);
  }
  return result;
}

SizeExpr pt2::product(ArrayRef<SizeExpr> sizes) {
  SizeExpr result(1);
  for (const SizeExpr &size : sizes)
    result = result * size;
  return result;
}

//===----------------------------------------------------------------------===//
// SizeTable
//===----------------------------------------------------------------------===//

unsigned SizeTable::getDepth(const SizeExpr &size) const {
  unsigned depth = 0;
  for (const auto &[numbers, coefficient] : size.getTerms())
    for (unsigned number : numbers)
      depth = std::max(depth, atoms[number].depth);
  return depth;
}

SizeExpr SizeTable::intern(Atom atom) {
  constexpr unsigned maxDepth = 64;
  atom.depth = 1 + std::max(getDepth(atom.left), getDepth(atom.right));
  if (atom.depth > maxDepth || atom.left.hasOverflowed() ||
      atom.right.hasOverflowed())
    return SizeExpr::overflow();
  auto known = find_if(atoms, [&](const Atom &other) {
    return other.kind == atom.kind && other.symbol == atom.symbol &&
           other.left == atom.left && other.right == atom.right;
  });
  unsigned number = known - atoms.begin();
  if (known == atoms.end())
    atoms.push_back(std::move(atom));
  return SizeExpr::atom(number);
}

SizeExpr SizeTable::symbol(StringRef name) {
  return intern({Kind::Symbol, name.str(), {}, {}, 1});
}

SizeExpr SizeTable::floorDiv(const SizeExpr &left, const SizeExpr &right) {
  if (std::optional<SizeExpr> exact = left.divide(right))
    return *exact;
  std::optional<int64_t> a = left.getConstant(), b = right.getConstant();
  if (a && b && *b > 0)
    return divideFloorSigned(*a, *b);
  return intern({Kind::FloorDiv, "", left, right, 1});
}

SizeExpr SizeTable::combine(Kind kind, const SizeExpr &left,
                            const SizeExpr &right) {
  if (kind == Kind::FloorDiv)
    return floorDiv(left, right);
  std::optional<int64_t> a = left.getConstant(), b = right.getConstant();
  if (a && b && kind == Kind::Min)
    return std::min(*a, *b);
  if (a && b && kind == Kind::Max)
    return std::max(*a, *b);
  if (kind == Kind::Mod && left.divide(right))
    return 0;
  if (a && b && kind == Kind::Mod && *b > 0)
    return *a - *b * divideFloorSigned(*a, *b);
  if (left == right && kind != Kind::Mod)
    return left;
  return intern({kind, "", left, right, 1});
}

// An atom may be in an expression as often as 2^depth says.
static constexpr size_t kMaxPrinted = 200;

void SizeTable::print(const SizeExpr &size, std::string &text) const {
  static constexpr StringLiteral names[] = {"", "floordiv", "mod", "min",
                                            "max"};
  if (size.hasOverflowed() || size.getTerms().empty()) {
    text += size.hasOverflowed() ? "(too large)" : "0";
    return;
  }
  StringRef plus = "";
  for (const auto &[numbers, coefficient] : reverse(size.getTerms())) {
    if (text.size() > kMaxPrinted)
      return;
    text += plus;
    plus = " + ";
    StringRef times = "";
    if (coefficient != 1 || numbers.empty()) {
      text += std::to_string(coefficient);
      times = "*";
    }
    for (unsigned number : numbers) {
      const Atom &atom = atoms[number];
      text += times;
      times = "*";
      text += atom.symbol;
      if (atom.kind == Kind::Symbol || text.size() > kMaxPrinted)
        continue;
      text += names[unsigned(atom.kind)];
      text += "(";
      print(atom.left, text);
      text += ", ";
      print(atom.right, text);
      text += ")";
    }
  }
}

std::string SizeTable::print(const SizeExpr &size) const {
  std::string text;
  print(size, text);
  if (text.size() > kMaxPrinted)
    text.replace(kMaxPrinted, std::string::npos, "...");
  return text;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {

/// A recursive descent over "Function(argument, ...)", no deeper than
/// expressions of real programs are.
class Parser {
public:
  Parser(SizeTable &table, StringRef text) : table(table), rest(text) {}

  std::optional<SizeExpr> parse() {
    std::optional<SizeExpr> size = parseExpr(0);
    return size && rest.trim().empty() && !size->hasOverflowed() ? size
                                                                 : std::nullopt;
  }

private:
  static constexpr unsigned kMaxDepth = 32;

  bool consume(char c) {
    rest = rest.ltrim();
    return rest.consume_front(StringRef(&c, 1));
  }
  std::optional<int64_t> parseInteger() {
    rest = rest.ltrim();
    int64_t value;
    if (rest.consumeInteger(10, value))
      return std::nullopt;
    return value;
  }
  std::optional<SizeExpr> parseSymbol();
  std::optional<SizeExpr> parseExpr(unsigned depth);
  std::optional<SizeExpr> apply(StringRef function, ArrayRef<SizeExpr> args);

  SizeTable &table;
  StringRef rest;
};

} // namespace

/// 's77', positive=True, integer=True)
std::optional<SizeExpr> Parser::parseSymbol() {
  if (!consume('\''))
    return std::nullopt;
  StringRef name = rest.take_until([](char c) { return c == '\''; });
  rest = rest.drop_front(name.size());
  if (name.empty() || !all_of(name, [](char c) { return isAlnum(c); }) ||
      !consume('\''))
    return std::nullopt;
  while (consume(',')) {
    rest = rest.ltrim();
    StringRef assumption = rest.take_while(
        [](char c) { return isAlnum(c) || c == '_' || c == '='; });
    if (!assumption.contains('='))
      return std::nullopt;
    rest = rest.drop_front(assumption.size());
  }
  return consume(')') ? std::optional(table.symbol(name)) : std::nullopt;
}

std::optional<SizeExpr> Parser::apply(StringRef function,
                                      ArrayRef<SizeExpr> args) {
  using Kind = SizeTable::Kind;
  SizeExpr result = args.front();
  if (function == "Pow") {
    std::optional<int64_t> power =
        args.size() == 2 ? args[1].getConstant() : std::nullopt;
    if (!power || *power < 1 || *power > 8)
      return std::nullopt;
    return product(SmallVector<SizeExpr>(*power, args[0]));
  }
  static const struct {
    StringLiteral name;
    Kind kind;
  } binary[] = {{"FloorDiv", Kind::FloorDiv},
                {"Mod", Kind::Mod},
                {"PythonMod", Kind::Mod},
                {"Min", Kind::Min},
                {"Max", Kind::Max}};
  const auto *found = find_if(
      binary, [&](const auto &entry) { return entry.name == function; });
  bool isKnown =
      found != std::end(binary) || function == "Add" || function == "Mul";
  bool isPair = found != std::end(binary) &&
                (found->kind == Kind::FloorDiv || found->kind == Kind::Mod);
  bool canDivide = args.size() == 2 && args[1].getConstant().value_or(1) > 0;
  if (!isKnown || (isPair && !canDivide))
    return std::nullopt;
  for (const SizeExpr &arg : args.drop_front()) {
    if (function == "Add")
      result = result + arg;
    else if (function == "Mul")
      result = result * arg;
    else
      result = table.combine(found->kind, result, arg);
  }
  return result;
}

std::optional<SizeExpr> Parser::parseExpr(unsigned depth) {
  if (depth > kMaxDepth)
    return std::nullopt;
  rest = rest.ltrim();
  StringRef function = rest.take_while(
      [](char c) { return isAlnum(c) || c == '_' || c == '.'; });
  rest = rest.drop_front(function.size());
  // Functions of PyTorch's own may have their module before them.
  function = function.substr(function.rfind('.') + 1);
  if (function == "Infinity" || !consume('('))
    return std::nullopt;
  if (function == "Symbol")
    return parseSymbol();
  if (function == "Integer") {
    std::optional<int64_t> value = parseInteger();
    return value && consume(')') ? std::optional(SizeExpr(*value))
                                 : std::nullopt;
  }
  SmallVector<SizeExpr> args;
  do {
    std::optional<SizeExpr> arg = parseExpr(depth + 1);
    if (!arg)
      return std::nullopt;
    args.push_back(*arg);
  } while (consume(','));
  return consume(')') ? apply(function, args) : std::nullopt;
}

std::optional<SizeExpr> SizeTable::parse(StringRef text) {
  constexpr size_t maxText = 4096;
  if (text.size() > maxText)
    return std::nullopt;
  return Parser(*this, text).parse();
}
