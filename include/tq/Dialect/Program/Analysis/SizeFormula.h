//===- SizeFormula.h - Polynomials in dynamic dimensions --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_ANALYSIS_SIZEFORMULA_H
#define TQ_DIALECT_PROGRAM_ANALYSIS_SIZEFORMULA_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tq::program {

/// A sum of products of named dimensions, to show to people:
/// 4608*batch*sequence + 64.
class SizeFormula {
public:
  SizeFormula() = default;
  static SizeFormula constant(int64_t value);
  /// `typical`: its value for a typical shape, with 256 positions of a batch.
  static SizeFormula symbol(std::string name, double typical = 16);

  SizeFormula operator+(const SizeFormula &other) const;
  SizeFormula operator*(const SizeFormula &other) const;
  bool operator==(const SizeFormula &other) const {
    return terms == other.terms;
  }

  /// Not larger than `other`, whatever the dimensions (which are not negative):
  /// coefficient by coefficient.
  bool isAtMost(const SizeFormula &other) const;
  /// Rounded up to a multiple of `unit`.
  SizeFormula roundUp(int64_t unit) const;
  /// The value for a typical shape, to compare formulas.
  double estimate() const;
  std::string str() const;

private:
  /// Sorted names of a product -> its coefficient.
  std::map<std::vector<std::string>, int64_t> terms;
  std::map<std::string, double> typicalValues; ///< of symbols
};

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_ANALYSIS_SIZEFORMULA_H
