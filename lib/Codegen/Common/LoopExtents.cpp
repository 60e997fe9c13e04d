//===- LoopExtents.cpp - Compare the loops of a kernel's ops --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/LaneOps.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace tq;

namespace {

/// Sizes that are equal whatever the arguments are. A size is that of a loop of
/// an op, that of a dimension of a tensor, or a number.
class SizeClasses {
public:
  explicit SizeClasses(ArrayRef<linalg::GenericOp> ops) {
    for (linalg::GenericOp op : ops)
      addLoops(op);
  }

  bool areEqual(linalg::GenericOp a, linalg::GenericOp b, int64_t loop) {
    return classes.isEquivalent(ofLoop(a, loop), ofLoop(b, loop));
  }

private:
  using Size = std::pair<const void *, int64_t>;
  static Size ofLoop(linalg::GenericOp op, int64_t loop) {
    return {op.getOperation(), loop};
  }
  static Size ofDim(Value tensor, int64_t dim) {
    return {tensor.getAsOpaquePointer(), dim};
  }
  static Size number(int64_t size) { return {nullptr, size}; }

  void addLoops(linalg::GenericOp op);
  void addTensor(Value tensor);
  void addOrigin(Value tensor, int64_t dim);

  llvm::EquivalenceClasses<Size> classes;
  llvm::DenseSet<Value> seen;
};

} // namespace

void SizeClasses::addLoops(linalg::GenericOp op) {
  for (int64_t loop = 0; loop < op.getNumLoops(); ++loop)
    classes.insert(ofLoop(op, loop));
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        classes.unionSets(ofLoop(op, loop.getPosition()),
                          ofDim(operand.get(), dim));
    addTensor(operand.get());
  }
}

void SizeClasses::addTensor(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !seen.insert(tensor).second)
    return;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size))
      classes.unionSets(ofDim(tensor, dim), number(size));
    addOrigin(tensor, dim);
  }
}

/// A result has the sizes of its destination, and an empty tensor those it was
/// made with.
void SizeClasses::addOrigin(Value tensor, int64_t dim) {
  if (auto op = tensor.getDefiningOp<DestinationStyleOpInterface>()) {
    Value init = op.getTiedOpOperand(cast<OpResult>(tensor))->get();
    classes.unionSets(ofDim(tensor, dim), ofDim(init, dim));
    addTensor(init);
    return;
  }
  auto empty = tensor.getDefiningOp<tensor::EmptyOp>();
  if (!empty || !empty.getType().isDynamicDim(dim))
    return;
  auto source = empty.getDynamicSize(dim).getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> sourceDim =
      source ? getConstantDim(source) : std::nullopt;
  if (!sourceDim)
    return;
  classes.unionSets(ofDim(tensor, dim), ofDim(source.getSource(), *sourceDim));
  addTensor(source.getSource());
}

bool tq::haveEqualExtents(ArrayRef<linalg::GenericOp> ops) {
  SizeClasses sizes(ops);
  SmallVector<linalg::GenericOp> first; // that has a loop
  for (linalg::GenericOp op : ops)
    for (int64_t loop = 0; loop < op.getNumLoops(); ++loop) {
      if (loop == static_cast<int64_t>(first.size()))
        first.push_back(op);
      if (!sizes.areEqual(first[loop], op, loop))
        return false;
    }
  return true;
}
