//===- TQFolds.cpp - Folders of tq ops ------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Only what gives the same bits for every input folds.

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tq;

/// `lhs` where `rhs` is a constant whose elements all have the bits of
/// `identity`, sign of zero included.
static OpFoldResult foldRightIdentity(Value lhs, Attribute rhs,
                                      float identity) {
  auto elements = dyn_cast_or_null<DenseFPElementsAttr>(rhs);
  if (!elements || !elements.isSplat() ||
      !elements.getSplatValue<APFloat>().bitwiseIsEqual(APFloat(identity)))
    return {};
  return lhs;
}

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  return foldRightIdentity(getLhs(), adaptor.getRhs(), -0.0f);
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  return foldRightIdentity(getLhs(), adaptor.getRhs(), 0.0f);
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  return foldRightIdentity(getLhs(), adaptor.getRhs(), 1.0f);
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  return foldRightIdentity(getLhs(), adaptor.getRhs(), 1.0f);
}

OpFoldResult ReluOp::fold(FoldAdaptor) {
  if (getInput().getDefiningOp<ReluOp>())
    return getInput();
  return {};
}

/// Whether (q - z) * scale keeps enough of q - z to round back to it: it may
/// neither overflow nor lose bits below the smallest normal number.
static bool keepsIntegers(double scale) {
  return scale > 1e-30 && scale < 1e30;
}

static bool keepsIntegers(Type element) {
  if (auto type = dyn_cast<quant::UniformQuantizedType>(element))
    return keepsIntegers(type.getScale());
  auto type = dyn_cast<quant::UniformQuantizedPerAxisType>(element);
  return type && llvm::all_of(type.getScales(),
                              [](double s) { return keepsIntegers(s); });
}

OpFoldResult QuantizeOp::fold(FoldAdaptor) {
  auto source = getInput().getDefiningOp<DequantizeOp>();
  if (source && source.getInput().getType() == getType() &&
      keepsIntegers(cast<ShapedType>(getType()).getElementType()))
    return source.getInput();
  return {};
}
