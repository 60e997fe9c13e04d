//===- SizeExpr.h - Sizes in terms of dynamic dimensions --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_SIZEEXPR_H
#define TQ_LIB_IMPORT_PT2_SIZEEXPR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tq::pt2 {

/// A sum of products of atoms, in normal form, so that equal sizes are equal
/// expressions. An atom is a symbol of the program or what no sum of products
/// says, as a quotient; a SizeTable numbers them.
class SizeExpr {
public:
  SizeExpr(int64_t value = 0);
  static SizeExpr atom(unsigned number);
  static SizeExpr overflow();

  std::optional<int64_t> getConstant() const;
  bool isConstant(int64_t value) const { return getConstant() == value; }
  /// The atom that it is, alone.
  std::optional<unsigned> getAtom() const;

  SizeExpr operator+(const SizeExpr &other) const;
  SizeExpr operator-(const SizeExpr &other) const;
  SizeExpr operator*(const SizeExpr &other) const;
  /// The quotient, if it is exact for all positive values of the atoms.
  std::optional<SizeExpr> divide(const SizeExpr &divisor) const;

  bool operator==(const SizeExpr &other) const = default;
  bool operator<(const SizeExpr &other) const { return terms < other.terms; }

  /// Whether a coefficient left 64 bits; nothing else holds then.
  bool hasOverflowed() const { return overflowed; }

  /// Sorted numbers of atoms, with repetitions -> coefficient, never 0.
  using Terms = std::map<std::vector<unsigned>, int64_t>;
  const Terms &getTerms() const { return terms; }

private:
  void add(const std::vector<unsigned> &atoms, int64_t coefficient);

  Terms terms;
  bool overflowed = false;
};

using Shape = llvm::SmallVector<SizeExpr, 4>;

SizeExpr product(llvm::ArrayRef<SizeExpr> sizes);

/// The atoms of a program's sizes.
class SizeTable {
public:
  enum class Kind { Symbol, FloorDiv, Mod, Min, Max };
  struct Atom {
    Kind kind;
    std::string symbol;   ///< of Symbol
    SizeExpr left, right; ///< of the others
    unsigned depth = 1;   ///< of atoms in atoms
  };

  /// The symbol of that name, numbered at its first mention.
  SizeExpr symbol(llvm::StringRef name);
  SizeExpr floorDiv(const SizeExpr &left, const SizeExpr &right);
  SizeExpr combine(Kind kind, const SizeExpr &left, const SizeExpr &right);

  const Atom &getAtom(unsigned number) const { return atoms[number]; }

  /// Parses what sympy's `srepr` prints: "Mul(Integer(2), Symbol('s7'))".
  /// Fails where the text is none, or needs a function that sizes do not have.
  std::optional<SizeExpr> parse(llvm::StringRef text);

  /// As a formula: "2*s7 + 1"; cut off where it is long.
  std::string print(const SizeExpr &size) const;

private:
  SizeExpr intern(Atom atom);
  void print(const SizeExpr &size, std::string &text) const;
  unsigned getDepth(const SizeExpr &size) const;

  std::vector<Atom> atoms;
};

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_SIZEEXPR_H
