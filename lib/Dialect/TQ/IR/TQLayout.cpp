//===- TQLayout.cpp - What tensors take in memory -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

int64_t tq::getElementBytes(Type element) {
  if (element.isIndex())
    return 8;
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    element = quantized.getStorageType();
  if (!element.isIntOrFloat())
    return 0;
  unsigned bits = element.getIntOrFloatBitWidth();
  if (bits == 1)
    return 1;
  return bits == 8 || bits == 16 || bits == 32 || bits == 64 ? bits / 8 : 0;
}

std::optional<int64_t> tq::getTensorBytes(ShapedType type) {
  int64_t bytes = getElementBytes(type.getElementType());
  if (bytes == 0 || !type.hasRank())
    return std::nullopt;
  // An empty tensor is empty, whatever its other dimensions are.
  if (llvm::is_contained(type.getShape(), 0))
    return 0;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size))
      continue;
    if (size > kMaxTensorBytes / bytes)
      return std::nullopt;
    bytes *= size;
  }
  return bytes;
}

bool tq::isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
      op);
}

std::optional<int64_t> tq::getConstantDim(ShapedDimOpInterface op) {
  std::optional<int64_t> dim = getConstantIntValue(op.getDimension());
  auto type = dyn_cast<ShapedType>(op.getShapedValue().getType());
  if (!dim || !type || !type.hasRank() || *dim < 0 || *dim >= type.getRank())
    return std::nullopt;
  return dim;
}
