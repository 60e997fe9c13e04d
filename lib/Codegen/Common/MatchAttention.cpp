//===- MatchAttention.cpp - Recognize kernels of attention ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelPatterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tq;

/// Whether the slice has all of a dimension of its source.
static bool isWhole(tensor::ExtractSliceOp slice, int64_t dim) {
  OpFoldResult offset = slice.getMixedOffsets()[dim];
  OpFoldResult size = slice.getMixedSizes()[dim];
  if (!isConstantIntValue(offset, 0))
    return false;
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant == slice.getSourceType().getDimSize(dim);
  auto source = cast<Value>(size).getDefiningOp<tensor::DimOp>();
  return source && source.getSource() == slice.getSource() &&
         getConstantDim(source) == dim;
}

/// The argument that says how many tokens a slice has from the first on.
static BlockArgument getPrefix(tensor::ExtractSliceOp slice) {
  auto size = dyn_cast<Value>(slice.getMixedSizes()[1]);
  return size && isConstantIntValue(slice.getMixedOffsets()[1], 0)
             ? dyn_cast<BlockArgument>(size)
             : BlockArgument();
}

/// An argument, or a slice of the last dimension of one, perhaps of its first
/// tokens only.
static FailureOr<AttentionPattern::Operand> matchOperand(Value value) {
  AttentionPattern::Operand operand;
  if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>()) {
    if (!slice.hasUnitStride() || slice.getSourceType().getRank() != 3)
      return failure();
    std::optional<int64_t> column =
        getConstantIntValue(slice.getMixedOffsets()[2]);
    if (!isWhole(slice, 0) || !column)
      return failure();
    if (!isWhole(slice, 1)) {
      operand.prefix = getPrefix(slice);
      if (!operand.prefix)
        return failure();
    }
    operand.firstColumn = *column;
    value = slice.getSource();
  }
  operand.argument = dyn_cast<BlockArgument>(value);
  if (!operand.argument)
    return failure();
  return operand;
}

/// The only op of a kernel that computes something; null if there is another.
static AttentionOpInterface findAttention(func::FuncOp kernel) {
  AttentionOpInterface found;
  for (Operation &inner : kernel.getBody().front()) {
    if (auto attention = dyn_cast<AttentionOpInterface>(inner)) {
      if (found)
        return {};
      found = attention;
    } else if (!isa<tensor::ExtractSliceOp, tensor::DimOp, arith::ConstantOp,
                    func::ReturnOp>(inner)) {
      return {};
    }
  }
  return found;
}

/// The parameters of static attention are arguments.
static LogicalResult matchParameters(AttentionPattern &pattern) {
  auto op = dyn_cast<StaticAttentionOp>(*pattern.op);
  if (!op)
    return success();
  for (auto [argument, value] :
       {std::pair<BlockArgument *, Value>{&pattern.scoreScales,
                                          op.getScoreScales()},
        {&pattern.valueScales, op.getValueScales()},
        {&pattern.inverseScales, op.getInverseScales()},
        {&pattern.zeroPoints, op.getZeroPoints()}}) {
    *argument = dyn_cast_or_null<BlockArgument>(value);
    if (value && !*argument)
      return failure();
  }
  return success();
}

FailureOr<AttentionPattern> tq::matchAttention(func::FuncOp kernel) {
  AttentionPattern pattern;
  pattern.op = findAttention(kernel);
  if (!pattern.op)
    return failure();
  for (auto [operand, source] :
       {std::pair{&pattern.query, pattern.op.getQuery()},
        std::pair{&pattern.key, pattern.op.getKey()},
        std::pair{&pattern.value, pattern.op.getValue()}}) {
    FailureOr<AttentionPattern::Operand> found = matchOperand(source);
    if (failed(found))
      return failure();
    *operand = *found;
  }
  if (pattern.query.prefix || pattern.key.prefix != pattern.value.prefix)
    return failure();
  if (Value mask = pattern.op.getMask()) {
    pattern.mask = dyn_cast<BlockArgument>(mask);
    if (!pattern.mask)
      return failure();
  }
  pattern.result = getDestination(pattern.op->getResult(0));
  if (!pattern.result || failed(matchParameters(pattern)))
    return failure();
  return pattern;
}
