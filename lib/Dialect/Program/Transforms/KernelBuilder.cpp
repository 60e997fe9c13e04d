//===- KernelBuilder.cpp - One group of ops as a function -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

static bool isTensor(Value value) { return isa<TensorType>(value.getType()); }

bool program::isScalarOfKernel(Value value) {
  Operation *op = value.getDefiningOp();
  return op && !isTensor(value) && op->getNumRegions() == 0 &&
         (isa<arith::ArithDialect, math::MathDialect, affine::AffineDialect>(
              op->getDialect()) ||
          isa<tensor::ExtractOp>(op));
}

//===----------------------------------------------------------------------===//
// What goes in and out
//===----------------------------------------------------------------------===//

/// Operands and values that the op's regions use from outside of it.
static llvm::SetVector<Value> usedValues(Operation *op) {
  llvm::SetVector<Value> used;
  used.insert_range(op->getOperands());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  return used;
}

/// Whether what the destination holds before matters to the op.
static bool readsInit(Operation *op, OpOperand &init) {
  if (init.get().getDefiningOp<tensor::EmptyOp>())
    return false;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return !linalgOp || linalgOp.payloadUsesValueFromOperand(&init);
}

/// Destinations that the kernel's out argument takes the place of, by itself or
/// filled.
static bool isReplacedInit(const KernelGroups &groups, Operation *op,
                           OpOperand &operand) {
  auto style = dyn_cast<DestinationStyleOpInterface>(op);
  if (!style || !style.isDpsInit(&operand))
    return false;
  Operation *producer = operand.get().getDefiningOp();
  return !readsInit(op, operand) || groups.getUpdates().contains(operand) ||
         (producer && groups.copiesProducer(op, producer));
}

/// The number of tokens that a copied slice has of its source; null: all.
Value KernelBuilder::getPrefixSize(Operation *op) const {
  return groups.isPrefix(op)
             ? cast<Value>(cast<tensor::ExtractSliceOp>(op).getMixedSizes()[1])
             : Value();
}

KernelBuilder::KernelBuilder(const KernelGroups &groups,
                             const KernelGroup &group)
    : groups(groups), group(group), builder(group.ops.front()->getContext()) {
  inside.insert(group.ops.begin(), group.ops.end());
  for (Operation *op : group.ops)
    collectInputs(op);
  collectResults();
}

void KernelBuilder::collectResults() {
  auto isUsedOutside = [&](Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      Block *block = group.ops.front()->getBlock();
      return !inside.contains(block->findAncestorOpInBlock(*user));
    });
  };
  for (Operation *op : group.ops)
    for (Value result : op->getResults())
      if (isa<DestinationStyleOpInterface>(op) || isUsedOutside(result))
        results.push_back(result);
}

void KernelBuilder::collectInputs(Operation *op) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value value : usedValues(op)) {
    Operation *producer = value.getDefiningOp();
    if (producer && inside.contains(producer))
      continue;
    bool onlyInit =
        !captured.contains(value) &&
        llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
          return operand.get() != value || isReplacedInit(groups, op, operand);
        });
    if (onlyInit) {
      if (auto fill = value.getDefiningOp<linalg::FillOp>())
        if (groups.copiesProducer(op, fill))
          collectInput(fill.value());
      continue;
    }
    if (producer && groups.copiesProducer(op, producer)) {
      if (!llvm::is_contained(copied, producer))
        copied.push_back(producer);
      collectInput(producer->getOperand(0));
      if (Value count = getPrefixSize(producer))
        inputs.insert(count);
      continue;
    }
    collectInput(value);
  }
}

void KernelBuilder::collectInput(Value value) {
  if (!isScalarOfKernel(value)) {
    inputs.insert(value);
    return;
  }
  for (Value operand : value.getDefiningOp()->getOperands())
    collectInput(operand);
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void KernelBuilder::createFunction(
    ArrayRef<std::pair<Value, Value>> columnSums) {
  for (auto [weight, sums] : columnSums)
    inputs.insert(sums);
  SmallVector<Type> argumentTypes;
  for (Value input : inputs)
    argumentTypes.push_back(input.getType());
  SmallVector<Type> resultTypes;
  for (Value result : results)
    resultTypes.push_back(result.getType());
  llvm::append_range(argumentTypes, resultTypes);
  function =
      func::FuncOp::create(group.ops.front()->getLoc(), "kernel",
                           builder.getFunctionType(argumentTypes, resultTypes));
  builder.setInsertionPointToStart(function.addEntryBlock());
  for (auto [i, input] : llvm::enumerate(inputs))
    if (isTensor(input) && isCompileTimeValue(input))
      function.setArgAttr(i, kWeightAttr, builder.getUnitAttr());
  for (auto [input, argument] :
       llvm::zip(inputs, function.getArguments().take_front(inputs.size())))
    mapping.map(input, argument);
  for (auto [weight, sums] : columnSums)
    function.setArgAttr(
        cast<BlockArgument>(mapping.lookup(sums)).getArgNumber(),
        kColumnSumsOfAttr,
        builder.getI64IntegerAttr(
            cast<BlockArgument>(mapping.lookup(weight)).getArgNumber()));
}

Value KernelBuilder::outArgument(Value result) {
  const auto *found = llvm::find(results, result);
  return function.getArgument(inputs.size() + (found - results.begin()));
}

void KernelBuilder::cloneScalars(Value value) {
  if (mapping.contains(value) || !isScalarOfKernel(value))
    return;
  for (Value operand : value.getDefiningOp()->getOperands())
    cloneScalars(operand);
  builder.clone(*value.getDefiningOp(), mapping);
}

/// A copied slice takes its sizes from its source, but for that of a prefix.
void KernelBuilder::cloneCopied(Operation *op) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  if (!slice) {
    builder.clone(*op, mapping);
    return;
  }
  Value source = mapping.lookup(slice.getSource());
  auto sizes = tensor::getMixedSizes(builder, slice.getLoc(), source);
  sizes.back() = slice.getMixedSizes().back();
  if (Value count = getPrefixSize(op))
    sizes[1] = mapping.lookup(count);
  Value copy = tensor::ExtractSliceOp::create(
      builder, slice.getLoc(), slice.getType(), source, slice.getMixedOffsets(),
      sizes, slice.getMixedStrides());
  mapping.map(slice.getResult(), copy);
}

void KernelBuilder::redirectInits(Operation *op, Operation *clone) {
  auto style = dyn_cast<DestinationStyleOpInterface>(op);
  if (!style)
    return;
  for (OpOperand &init : style.getDpsInitsMutable()) {
    if (!isReplacedInit(groups, op, init))
      continue;
    Value out = outArgument(style.getTiedOpResult(&init));
    if (readsInit(op, init) && !groups.getUpdates().contains(init)) {
      auto fill = init.get().getDefiningOp<linalg::FillOp>();
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(clone);
      out = linalg::FillOp::create(builder, fill.getLoc(),
                                   mapping.lookup(fill.value()), out)
                .getResult(0);
    }
    clone->setOperand(init.getOperandNumber(), out);
  }
}

void KernelBuilder::cloneOp(Operation *op) {
  for (Value value : usedValues(op)) {
    cloneScalars(value);
    if (auto fill = value.getDefiningOp<linalg::FillOp>())
      if (groups.copiesProducer(op, fill))
        cloneScalars(fill.value());
  }
  Operation *clone = builder.clone(*op, mapping);
  redirectInits(op, clone);
  // What passes noted on this op belongs to its call; the kernel is shared.
  for (NamedAttribute attr : llvm::to_vector(clone->getDiscardableAttrs()))
    if (isa_and_nonnull<ProgramDialect>(attr.getNameDialect()))
      clone->removeDiscardableAttr(attr.getName());
}

OutlinedKernel
KernelBuilder::build(ArrayRef<std::pair<Value, Value>> columnSums) {
  createFunction(columnSums);
  for (Operation *op : copied)
    cloneCopied(op);
  for (Operation *op : group.ops)
    cloneOp(op);
  SmallVector<Value> returned;
  for (Value result : results)
    returned.push_back(mapping.lookup(result));
  func::ReturnOp::create(builder, group.ops.back()->getLoc(), returned);
  return {function, inputs.takeVector(), results};
}
