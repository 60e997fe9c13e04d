//===- DimTable.cpp - Sizes of all tensors of a function ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DimTable.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

/// The sizes of a tensor that the caller of the program gives.
void DimTable::addNamed(Value tensor,
                        llvm::function_ref<StringAttr(unsigned)> getName) {
  Dims &dims = table[tensor];
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      dims.push_back(builder.getIndexAttr(size));
      continue;
    }
    StringAttr symbol = getName(i);
    Value known = symbol ? symbols.lookup(symbol) : Value();
    if (!known)
      known = tensor::DimOp::create(builder, tensor.getLoc(), tensor, i);
    if (symbol)
      symbols[symbol] = known;
    dims.push_back(known);
  }
}

void DimTable::addArguments() {
  builder.setInsertionPointToStart(&function.getBody().front());
  for (BlockArgument argument : function.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      addNamed(argument, [&](unsigned i) {
        return getDimName(function, argument.getArgNumber(), i);
      });
}

OpFoldResult DimTable::resolve(OpFoldResult size) const {
  auto value = dyn_cast<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  if (!dim)
    return value ? getAsOpFoldResult(value) : size;
  std::optional<int64_t> index = getConstantDim(dim);
  auto known = table.find(dim.getSource());
  if (!index || known == table.end())
    return size;
  return known->second[*index];
}

LogicalResult DimTable::addResult(OpResult result) {
  if (!isa<RankedTensorType>(result.getType()))
    return success();
  Operation *op = result.getOwner();
  if (auto get = dyn_cast<GetStateOp>(op)) {
    builder.setInsertionPointAfter(op);
    StateOp state = get.lookupState();
    addNamed(result, [&](unsigned i) { return state.getDimName(i); });
    return success();
  }
  builder.setInsertionPoint(op);
  auto dims = reifyResultDims(builder, result,
                              [&](Value value) { return lookup(value); });
  if (failed(dims))
    return op->emitError("expected an op whose result's shape follows from its "
                         "operands, but got '")
           << op->getName() << "' with " << result.getType();
  for (OpFoldResult &size : *dims)
    size = resolve(size);
  table[result] = *dims;
  return success();
}

void DimTable::replaceDimOps() {
  SmallVector<tensor::DimOp> dims;
  function.walk([&](tensor::DimOp dim) { dims.push_back(dim); });
  for (tensor::DimOp dim : dims) {
    OpFoldResult size = resolve(dim.getResult());
    if (size == OpFoldResult(dim.getResult()))
      continue;
    builder.setInsertionPoint(dim);
    dim.replaceAllUsesWith(
        getValueOrCreateConstantIndexOp(builder, dim.getLoc(), size));
    dim.erase();
  }
}

LogicalResult DimTable::compute() {
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front())
    ops.push_back(&op);
  addArguments();
  for (Operation *op : ops)
    for (OpResult result : op->getResults())
      if (failed(addResult(result)))
        return failure();
  replaceDimOps();
  return success();
}
