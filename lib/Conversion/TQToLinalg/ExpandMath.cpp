//===- ExpandMath.cpp - Expand math functions into polynomials ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Conversion/TQToLinalg/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace tq {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "tq/Conversion/TQToLinalg/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

using Expansion = Value (*)(OpBuilder &, Location, Value);

static Expansion findExpansion(Operation *op) {
  if (isa<math::ExpOp>(op))
    return buildExp;
  if (isa<math::Exp2Op>(op))
    return buildExp2;
  if (isa<math::ErfOp>(op))
    return buildErf;
  if (isa<math::TanhOp>(op))
    return buildTanh;
  if (isa<math::SinOp>(op))
    return buildSin;
  if (isa<math::CosOp>(op))
    return buildCos;
  if (isa<math::LogOp>(op))
    return buildLog;
  return isa<math::RsqrtOp>(op) ? buildRsqrt : nullptr;
}

/// Scalars and vectors; ops on tensors become linalg before.
static bool hasExpansion(Type type) {
  Type element = getElementTypeOrSelf(type);
  return !isa<TensorType>(type) &&
         (element.isF32() || element.isF16() || element.isBF16());
}

static void expand(Operation *op, Expansion expansion) {
  OpBuilder builder(op);
  Location loc = op->getLoc();
  Value x = op->getOperand(0);
  Type type = x.getType();
  Type wide = builder.getF32Type();
  if (auto shaped = dyn_cast<ShapedType>(type))
    wide = shaped.clone(wide);
  if (type != wide)
    x = arith::ExtFOp::create(builder, loc, wide, x);
  Value result = expansion(builder, loc, x);
  if (type != wide)
    result = arith::TruncFOp::create(builder, loc, type, result);
  op->replaceAllUsesWith(ValueRange{result});
  op->erase();
}

namespace {
struct ExpandMathPass : tq::impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    SmallVector<std::pair<Operation *, Expansion>> found;
    getOperation().walk([&](Operation *op) {
      if (Expansion expansion = findExpansion(op))
        if (hasExpansion(op->getResult(0).getType()))
          found.push_back({op, expansion});
    });
    for (auto [op, expansion] : found)
      expand(op, expansion);
  }
};
} // namespace
