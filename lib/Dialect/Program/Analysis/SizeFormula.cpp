//===- SizeFormula.cpp - Sizes as polynomials in the dynamic dimensions ---===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/Analysis/SizeFormula.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace tq::program;

SizeFormula SizeFormula::constant(int64_t value) {
  SizeFormula result;
  if (value != 0)
    result.terms[{}] = value;
  return result;
}

SizeFormula SizeFormula::symbol(std::string name, double typical) {
  SizeFormula result;
  result.typicalValues[name] = typical;
  result.terms[{std::move(name)}] = 1;
  return result;
}

SizeFormula SizeFormula::operator+(const SizeFormula &other) const {
  SizeFormula result = *this;
  for (const auto &[names, coefficient] : other.terms)
    result.terms[names] += coefficient;
  result.typicalValues.insert(other.typicalValues.begin(),
                              other.typicalValues.end());
  return result;
}

SizeFormula SizeFormula::operator*(const SizeFormula &other) const {
  SizeFormula result;
  result.typicalValues = typicalValues;
  result.typicalValues.insert(other.typicalValues.begin(),
                              other.typicalValues.end());
  for (const auto &[names, coefficient] : terms)
    for (const auto &[otherNames, otherCoefficient] : other.terms) {
      std::vector<std::string> product = names;
      product.insert(product.end(), otherNames.begin(), otherNames.end());
      std::sort(product.begin(), product.end());
      result.terms[product] += coefficient * otherCoefficient;
    }
  return result;
}

bool SizeFormula::isAtMost(const SizeFormula &other) const {
  for (const auto &[names, coefficient] : terms) {
    auto found = other.terms.find(names);
    if (coefficient > (found == other.terms.end() ? 0 : found->second))
      return false;
  }
  return true;
}

double SizeFormula::estimate() const {
  double sum = 0;
  for (const auto &[names, coefficient] : terms) {
    double product = static_cast<double>(coefficient);
    for (const std::string &name : names)
      product *= typicalValues.at(name);
    sum += product;
  }
  return sum;
}

SizeFormula SizeFormula::roundUp(int64_t unit) const {
  bool isMultiple = llvm::all_of(
      terms, [&](const auto &term) { return term.second % unit == 0; });
  if (isMultiple)
    return *this;
  std::string sum = str();
  if (terms.size() > 1)
    sum = "(" + sum + ")";
  return constant(unit) *
         symbol("ceil(" + sum + " / " + std::to_string(unit) + ")",
                std::ceil(estimate() / static_cast<double>(unit)));
}

std::string SizeFormula::str() const {
  std::string text;
  // Long products first.
  for (auto term = terms.rbegin(); term != terms.rend(); ++term) {
    if (!text.empty())
      text += " + ";
    bool showCoefficient = term->second != 1 || term->first.empty();
    if (showCoefficient)
      text += std::to_string(term->second);
    for (size_t i = 0; i < term->first.size(); ++i)
      text += (i != 0 || showCoefficient ? "*" : "") + term->first[i];
  }
  return text.empty() ? "0" : text;
}
