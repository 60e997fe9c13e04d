//===- ShapeFormulas.cpp - Sizes of a schedule as formulas ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/Analysis/ShapeFormulas.h"
#include "tq/Dialect/Program/Analysis/Buffers.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using namespace tq::program;

void ShapeFormulas::addArgument(BlockArgument argument, DimNames names) {
  auto type = cast<RankedTensorType>(argument.getType());
  unsigned number = argument.getArgNumber();
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      shapes[argument].push_back(SizeFormula::constant(size));
      continue;
    }
    StringAttr name = names(number, dim);
    std::string symbol =
        name ? name.str()
             : "d" + std::to_string(number) + "_" + std::to_string(dim);
    symbols.insert(StringAttr::get(argument.getContext(), symbol));
    usedNames.insert(symbol);
    shapes[argument].push_back(SizeFormula::symbol(symbol));
  }
}

SizeFormula ShapeFormulas::getFormula(Value index) {
  auto found = formulas.find(index);
  if (found != formulas.end())
    return found->second;
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return SizeFormula::constant(constant.getSExtValue());
  Operation *op = index.getDefiningOp();
  if (op && isa<arith::AddIOp>(op))
    return getFormula(op->getOperand(0)) + getFormula(op->getOperand(1));
  if (op && isa<arith::MulIOp>(op))
    return getFormula(op->getOperand(0)) * getFormula(op->getOperand(1));
  SmallVector<SizeFormula> operands;
  for (Value operand : op ? op->getOperands() : ValueRange())
    operands.push_back(getFormula(operand));
  return getSymbol(index, operands);
}

/// Whether two values are the same function of their ops' operands.
static bool isSameFunction(Value a, Value b) {
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  return a == b ||
         (x && y && x->getName() == y->getName() &&
          x->getRawDictionaryAttrs() == y->getRawDictionaryAttrs() &&
          x->getPropertiesAsAttribute() == y->getPropertiesAsAttribute() &&
          a.getType() == b.getType());
}

/// The function of mathematics that an op on sizes is.
static std::string getFunctionName(Operation *op) {
  return TypeSwitch<Operation *, std::string>(op)
      .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return "min"; })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return "max"; })
      .Default([](Operation *other) {
        return other->getName().stripDialect().str();
      });
}

static SizeFormula makeSymbol(Value index, ArrayRef<SizeFormula> operands) {
  Operation *op = index.getDefiningOp();
  if (op && isa<arith::CeilDivUIOp>(op))
    return SizeFormula::symbol(
        "ceil(" + operands[0].str() + " / " + operands[1].str() + ")",
        std::ceil(operands[0].estimate() / operands[1].estimate()));
  std::string text = op ? getFunctionName(op) : "value";
  for (auto [place, operand] : llvm::enumerate(operands))
    text += (place == 0 ? "(" : ", ") + operand.str();
  return SizeFormula::symbol(operands.empty() ? text : text + ")");
}

/// What is no sum and no product has a name. Equal formulas have to be equal
/// sizes, so no other value gets the same, whatever dimensions are called.
SizeFormula ShapeFormulas::getSymbol(Value index,
                                     ArrayRef<SizeFormula> operands) {
  for (const Symbol &known : values)
    if (isSameFunction(known.index, index) &&
        ArrayRef(known.operands) == operands)
      return known.formula;
  SizeFormula formula = makeSymbol(index, operands);
  std::string name = formula.str();
  while (!usedNames.insert(name).second)
    name += "'";
  formula = SizeFormula::symbol(name, formula.estimate());
  values.push_back({index, llvm::to_vector(operands), formula});
  return formula;
}

SizeFormula ShapeFormulas::getBytes(Value tensor) {
  SizeFormula bytes =
      SizeFormula::constant(getElementBytes(getElementTypeOrSelf(tensor)));
  for (const SizeFormula &size : shapes[tensor])
    bytes = bytes * size;
  return bytes;
}

SizeFormula ShapeFormulas::getWorkspaceBytes(CallOp call, VariantOp variant) {
  Block &block = variant.getWorkspace().front();
  auto argument = block.getArguments().begin();
  for (Value operand : call.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type) {
      if (operand.getType().isIndex())
        formulas[*argument++] = getFormula(operand);
      continue;
    }
    for (auto [size, formula] : llvm::zip(type.getShape(), shapes[operand]))
      if (ShapedType::isDynamic(size))
        formulas[*argument++] = formula;
  }
  // What was computed for another call does not hold for this one.
  for (Operation &op : block)
    for (Value result : op.getResults())
      formulas.erase(result);
  return getFormula(block.getTerminator()->getOperand(0));
}

SizeFormula ShapeFormulas::countRows(Value tensor) {
  SizeFormula rows = SizeFormula::constant(1);
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [size, formula] : llvm::zip(type.getShape(), shapes[tensor]))
    if (ShapedType::isDynamic(size))
      rows = rows * formula;
  return rows;
}

ShapeFormulas::ShapeFormulas(func::FuncOp entry) {
  run(entry.getBody().front(), [&](unsigned argument, unsigned dim) {
    return getDimName(entry, argument, dim);
  });
}

ShapeFormulas::ShapeFormulas(ScheduleOp schedule) {
  auto ports = llvm::to_vector(schedule.lookupEntry().getInputPorts());
  run(*schedule.getBody(), [&](unsigned argument, unsigned dim) {
    return ports[argument].getDims()[dim];
  });
}

void ShapeFormulas::addState(GetStateOp get) {
  StateOp state = get.lookupState();
  auto type = dyn_cast<RankedTensorType>(get.getType());
  if (!type) {
    // No dimension is called like this.
    std::string name = "@" + state.getSymName().str();
    formulas[get] = SizeFormula::symbol(name);
    usedNames.insert(name);
    return;
  }
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    std::string name = state.getDimName(dim).str();
    bool isDynamic = ShapedType::isDynamic(size);
    if (isDynamic)
      usedNames.insert(name);
    shapes[get].push_back(isDynamic ? SizeFormula::symbol(name)
                                    : SizeFormula::constant(size));
  }
}

void ShapeFormulas::run(Block &block, DimNames names) {
  for (BlockArgument argument : block.getArguments())
    addArgument(argument, names);
  computeDims(block);
}

void ShapeFormulas::computeDims(Block &block) {
  for (Operation &op : block)
    computeDims(op);
}

void ShapeFormulas::computeDims(Operation &op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    formulas[dim] = shapes[dim.getSource()][*getConstantDim(dim)];
  } else if (isa<tensor::EmptyOp, BufferOp>(op)) {
    auto dynamic = op.getOperands().begin();
    Value buffer = op.getResult(0);
    for (int64_t size : cast<RankedTensorType>(buffer.getType()).getShape())
      shapes[buffer].push_back(ShapedType::isDynamic(size)
                                   ? getFormula(*dynamic++)
                                   : SizeFormula::constant(size));
  } else if (auto get = dyn_cast<GetStateOp>(op)) {
    addState(get);
  } else if (auto call = dyn_cast<CallOp>(op)) {
    for (OpResult result : call->getResults())
      shapes[result] = shapes.lookup(call.getDestination(result));
  } else if (auto rows = dyn_cast<RowsOp>(op)) {
    computeDims(*rows.getBody());
    for (OpResult result : rows->getResults()) {
      Value inner = getYielded(result);
      if (isa<RankedTensorType>(inner.getType()))
        shapes[result] = shapes.lookup(inner);
      else
        formulas[result] = getFormula(inner);
    }
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      SizeFormula size = SizeFormula::constant(1);
      for (int64_t dim : group)
        size = size * shapes[collapse.getSrc()][dim];
      shapes[collapse].push_back(size);
    }
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (OpFoldResult size : expand.getMixedOutputShape())
      shapes[expand].push_back(
          isa<Value>(size) ? getFormula(cast<Value>(size))
                           : SizeFormula::constant(*getConstantIntValue(size)));
  } else if (isa<tensor::CastOp>(op)) {
    shapes[op.getResult(0)] = shapes.lookup(op.getOperand(0));
  } else if (auto get = dyn_cast<GetWeightOp>(op)) {
    for (int64_t size : cast<RankedTensorType>(get.getType()).getShape())
      shapes[get].push_back(SizeFormula::constant(size));
  }
}
