//===- CheckBounds.cpp - Bound sizes and constant indices -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_CHECKBOUNDSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static LogicalResult checkType(Location loc, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || getTensorBytes(tensor))
    return success();
  return emitError(loc, "expected elements with a layout in memory, of at most "
                        "4 TiB, but got ")
         << type;
}

static LogicalResult checkTypes(Operation *op) {
  for (Type type : op->getResultTypes())
    if (failed(checkType(op->getLoc(), type)))
      return failure();
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (BlockArgument argument : block.getArguments())
        if (failed(checkType(argument.getLoc(), argument.getType())))
          return failure();
  return success();
}

static LogicalResult checkDim(ShapedDimOpInterface dim) {
  std::optional<int64_t> index = getConstantIntValue(dim.getDimension());
  auto type = dyn_cast<ShapedType>(dim.getShapedValue().getType());
  if (!index || !type || !type.hasRank() || getConstantDim(dim))
    return success();
  return dim.emitError("expected a dimension of ")
         << type << ", but got " << *index;
}

/// Indices of an element of `type`.
static LogicalResult checkIndices(Operation *op, RankedTensorType type,
                                  ValueRange indices) {
  for (auto [size, value] : llvm::zip(type.getShape(), indices)) {
    std::optional<int64_t> index = getConstantIntValue(value);
    if (!index ||
        (*index >= 0 && (ShapedType::isDynamic(size) || *index < size)))
      continue;
    return op->emitError("expected indices within ")
           << type << ", but got " << *index;
  }
  return success();
}

static LogicalResult checkOp(Operation *op) {
  if (failed(checkTypes(op)))
    return failure();
  if (auto dim = dyn_cast<ShapedDimOpInterface>(op))
    return checkDim(dim);
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return checkIndices(op, extract.getTensor().getType(),
                        extract.getIndices());
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return checkIndices(op, insert.getDest().getType(), insert.getIndices());
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    for (Value size : empty.getDynamicSizes())
      if (int64_t constant = getConstantIntValue(size).value_or(0);
          constant < 0)
        return op->emitError("expected sizes that are not negative, but got ")
               << constant;
  return success();
}

namespace {
struct CheckBounds : tq::impl::CheckBoundsPassBase<CheckBounds> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(checkOp(op)) ? WalkResult::interrupt()
                                 : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
