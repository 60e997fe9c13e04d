//===- MaskExpr.h - A number of a mask at a symbolic place ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integers and bools that depend on the place in a mask, (b, h, q, k), and on
// sizes of tensors. Each function folds what is known of its operands; what it
// cannot express is unknown.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_MASKEXPR_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_MASKEXPR_H

#include "mlir/IR/Value.h"

#include "llvm/ADT/SmallVector.h"

#include <memory>

namespace tq::mask {

struct Expr;
using Ref = std::shared_ptr<const Expr>;

/// Axes of the place. From kFree on: any place along a dimension.
inline constexpr unsigned kBatch = 0, kQuery = 2, kKey = 3, kFree = 4;

/// `factor` times an axis of the place, or the size of a dimension. None of
/// them is negative.
struct Term {
  unsigned axis = 0;
  mlir::Value size; ///< if it is one
  double factor = 1;
};

struct Expr {
  enum class Kind {
    Unknown,
    Linear,  ///< `number` + terms; true and false are 1 and 0
    Load,    ///< `tensor` at `operands`
    Not,     ///< of operands[0], a bool
    And,     ///< of bools
    AtMost,  ///< k - q <= operands[0], of numbers and sizes
    AtLeast, ///< k - q >= operands[0], of numbers and sizes
    Choose,  ///< operands[0] ? operands[1] : operands[2]
    Abs,     ///< of operands[0], which is linear
  };

  Kind kind = Kind::Unknown;
  double number = 0;
  llvm::SmallVector<Term, 2> terms; ///< no factor is 0; no two are of one thing
  mlir::Value tensor;
  llvm::SmallVector<Ref> operands;
};

Ref unknown();
Ref number(double value);
/// A place along an axis.
Ref place(unsigned axis);
/// The size of a dimension.
Ref size(mlir::Value value);
Ref load(mlir::Value tensor, llvm::ArrayRef<Ref> at);

inline bool isNumber(const Ref &expr) {
  return expr->kind == Expr::Kind::Linear && expr->terms.empty();
}
inline bool isNumber(const Ref &expr, double value) {
  return isNumber(expr) && expr->number == value;
}
/// Whether it is the place along an axis.
bool isPlace(const Ref &expr, unsigned axis);

/// What is added to the score of a key that is hidden is at most this.
inline constexpr double kHidden = -1e30;

/// a + sign * b.
Ref add(const Ref &a, const Ref &b, double sign = 1);
Ref multiply(const Ref &a, const Ref &b);
Ref absolute(const Ref &x);
Ref negate(const Ref &x);
Ref conjoin(const Ref &a, const Ref &b);
Ref choose(const Ref &condition, const Ref &yes, const Ref &no);
/// a <= b, of integers.
Ref compareLe(const Ref &a, const Ref &b);
/// a == b, also of bools that became numbers.
Ref compareEq(const Ref &a, const Ref &b);

} // namespace tq::mask

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_MASKEXPR_H
