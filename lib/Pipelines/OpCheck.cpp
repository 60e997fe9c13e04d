//===- OpCheck.cpp - What MLIR's verifier does not survive ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpCheck.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tq;

/// The verifier compares the dimension with the rank only from above.
static LogicalResult checkConcat(tensor::ConcatOp op) {
  IntegerAttr dim = op.getDimAttr();
  if (!dim || dim.getInt() >= 0)
    return success();
  return op->emitError("expected a dimension of at least 0, but got ")
         << dim.getInt();
}

/// Sizes that are said to be dynamic are read from operands, which some
/// verifiers take before they count them.
static LogicalResult checkDynamicSizes(Operation *op, DenseI64ArrayAttr sizes,
                                       OperandRange operands) {
  if (!sizes)
    return success();
  auto expected = llvm::count_if(sizes.asArrayRef(), ShapedType::isDynamic);
  if (expected == static_cast<int64_t>(operands.size()))
    return success();
  return op->emitError("expected ")
         << expected << " operands for dynamic sizes, but got "
         << operands.size();
}

/// Types of the llvm dialect's operands are verified, those in attributes, as
/// of an element that is pointed to, are not.
static LogicalResult checkTypes(Operation *op) {
  Type wrong;
  op->getAttrDictionary().walk([&](TypeAttr type) {
    if (!wrong && !LLVM::isCompatibleType(type.getValue()))
      wrong = type.getValue();
  });
  if (!wrong)
    return success();
  return op->emitError("expected types of the llvm dialect, but got ") << wrong;
}

static LogicalResult checkOp(Operation *op) {
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return checkConcat(concat);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return success(succeeded(checkDynamicSizes(op, pad.getStaticLowAttr(),
                                               pad.getLow())) &&
                   succeeded(checkDynamicSizes(op, pad.getStaticHighAttr(),
                                               pad.getHigh())));
  if (auto pack = dyn_cast<linalg::PackOp>(op))
    return checkDynamicSizes(op, pack.getStaticInnerTilesAttr(),
                             pack.getInnerTiles());
  if (auto unpack = dyn_cast<linalg::UnPackOp>(op))
    return checkDynamicSizes(op, unpack.getStaticInnerTilesAttr(),
                             unpack.getInnerTiles());
  if (isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    return checkTypes(op);
  return success();
}

LogicalResult tq::checkUnverifiedOps(ModuleOp module) {
  WalkResult result = module.walk([](Operation *op) {
    return failed(checkOp(op)) ? WalkResult::interrupt()
                               : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
