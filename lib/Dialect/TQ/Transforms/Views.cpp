//===- Views.cpp - Tensors seen in another order --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Views.h"

#include "tq/Dialect/TQ/IR/TQ.h"

using namespace mlir;

Value tq::permute(OpBuilder &builder, Location loc, Value value,
                  ArrayRef<int64_t> order) {
  if (auto source = value.getDefiningOp<PermuteOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t dim : order)
      composed.push_back(source.getDims()[dim]);
    return permute(builder, loc, source.getInput(), composed);
  }
  if (llvm::is_sorted(order))
    return value;
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape;
  for (int64_t dim : order)
    shape.push_back(type.getDimSize(dim));
  return PermuteOp::create(builder, loc, type.clone(shape), value, order);
}
