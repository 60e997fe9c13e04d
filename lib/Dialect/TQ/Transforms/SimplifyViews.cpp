//===- SimplifyViews.cpp - Views behind what works on rows ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AxisTrace.h"
#include "Views.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_SIMPLIFYVIEWSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static SmallVector<int64_t> invert(ArrayRef<int64_t> order) {
  SmallVector<int64_t> inverse(order.size());
  for (auto [to, from] : llvm::enumerate(order))
    inverse[from] = to;
  return inverse;
}

//===----------------------------------------------------------------------===//
// Behind ops on rows
//===----------------------------------------------------------------------===//

/// Ops with one result, of the rows of their first operand.
static bool isOnRows(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 ||
      isCompileTimeValue(op->getResult(0)))
    return false;
  if (isa<LinearOp, RotaryEmbeddingOp>(op))
    return true;
  return isa<RowwiseOpInterface>(op) && isa<TQDialect>(op->getDialect()) &&
         !isa<EmbeddingOp, QuantizeOp, DequantizeOp>(op) &&
         typeOf(op->getResult(0)).getRank() ==
             typeOf(op->getOperand(0)).getRank();
}

/// The permutation of leading dimensions that an operand has, if any. One that
/// is repeated is small: it does not say how the others lie.
static PermuteOp getRowPermutation(Operation *op) {
  ArrayRef<int64_t> shape = typeOf(op->getResult(0)).getShape();
  for (Value operand : op->getOperands()) {
    auto source = operand.getDefiningOp<PermuteOp>();
    if (source && typeOf(operand).getShape().drop_back() == shape.drop_back() &&
        source.getDims().back() == int64_t(shape.size()) - 1 &&
        !isCompileTimeValue(operand))
      return source;
  }
  return {};
}

/// Whether the operand has something for each row: rank 1 and less is for all
/// of them.
static bool hasRows(Operation *op, OpOperand &operand) {
  if (isa<LinearOp>(op))
    return operand.getOperandNumber() == 0;
  return typeOf(operand.get()).getRank() > 1;
}

/// The op on rows in the order that they had before. Where only some operands
/// are permuted, the others are permuted back: what follows cancels it.
static Operation *sinkPermutation(Operation *op) {
  PermuteOp source = getRowPermutation(op);
  if (!source)
    return nullptr;
  int64_t rank = typeOf(op->getResult(0)).getRank();
  for (OpOperand &operand : op->getOpOperands())
    if (hasRows(op, operand) && typeOf(operand.get()).getRank() != rank)
      return nullptr;
  SmallVector<int64_t> order(source.getDims()), back = invert(order);
  OpBuilder builder(op);
  Location loc = op->getLoc();
  IRMapping mapping;
  for (OpOperand &operand : op->getOpOperands())
    if (hasRows(op, operand))
      mapping.map(operand.get(), permute(builder, loc, operand.get(), back));
  Operation *moved = builder.clone(*op, mapping);
  RankedTensorType type = typeOf(op->getResult(0));
  SmallVector<int64_t> shape;
  for (int64_t dim : back)
    shape.push_back(type.getDimSize(dim));
  moved->getResult(0).setType(type.clone(shape));
  Value result = permute(builder, loc, moved->getResult(0), order);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return moved;
}

/// A reshape that joins leading dimensions, moved behind an op that reads only
/// its rows.
static Operation *sinkCollapse(Operation *op) {
  auto source = op->getOperand(0).getDefiningOp<tensor::CollapseShapeOp>();
  if (!source || source.getReassociationIndices().empty() ||
      source.getReassociationIndices().back().size() != 1)
    return nullptr;
  for (OpOperand &operand : op->getOpOperands())
    if (operand.getOperandNumber() != 0 && hasRows(op, operand))
      return nullptr;
  OpBuilder builder(op);
  IRMapping mapping;
  mapping.map(op->getOperand(0), source.getSrc());
  Operation *moved = builder.clone(*op, mapping);
  SmallVector<int64_t> shape(source.getSrcType().getShape());
  RankedTensorType type = typeOf(op->getResult(0));
  shape.back() = type.getShape().back();
  moved->getResult(0).setType(type.clone(shape));
  Value result = tensor::CollapseShapeOp::create(
      builder, op->getLoc(), type, moved->getResult(0),
      source.getReassociationIndices());
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return moved;
}

/// Whether a reshape joins all leading dimensions, for `bmm`, and leaves the
/// matrices as they are.
static bool joinsMatrices(tensor::CollapseShapeOp op) {
  auto groups = op.getReassociationIndices();
  return groups.size() == 3 && groups[1].size() == 1 && groups[2].size() == 1;
}

/// The matrices `value` with the leading dimensions that `like` has apart. Null
/// where it is not known that they are as many.
static Value partMatrices(OpBuilder &builder, Value value,
                          tensor::CollapseShapeOp like) {
  Location loc = value.getLoc();
  auto groups = like.getReassociationIndices();
  int64_t leading = like.getSrcType().getRank() - 2;
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < leading; ++dim) {
    OpFoldResult known = getDimSize(like.getSrc(), dim);
    if (!known)
      return {};
    sizes.push_back(known);
  }
  auto joined = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (joined && joined.getReassociationIndices() == groups &&
      llvm::all_of(llvm::seq(leading), [&](int64_t dim) {
        return getDimSize(joined.getSrc(), dim) == sizes[dim];
      }))
    return joined.getSrc();
  SmallVector<int64_t> shape(like.getSrcType().getShape().take_front(leading));
  RankedTensorType type = typeOf(value);
  for (int64_t dim = type.getRank() - 2; dim < type.getRank(); ++dim) {
    shape.push_back(type.getDimSize(dim));
    sizes.push_back(tensor::getMixedSize(builder, loc, value, dim));
  }
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), value,
                                       groups, sizes);
}

/// The product of matrices whose leading dimensions are joined, as that of
/// matrices where they are not.
static void sinkCollapse(MatmulOp op) {
  tensor::CollapseShapeOp like;
  for (Value operand : op->getOperands())
    if (auto joined = operand.getDefiningOp<tensor::CollapseShapeOp>();
        !like && joined && joinsMatrices(joined))
      like = joined;
  ArrayRef<int64_t> left = typeOf(op.getLhs()).getShape(),
                    right = typeOf(op.getRhs()).getShape();
  if (!like || left.drop_back(2) != right.drop_back(2))
    return;
  OpBuilder builder(op);
  Value lhs = partMatrices(builder, op.getLhs(), like);
  Value rhs = partMatrices(builder, op.getRhs(), like);
  if (!lhs || !rhs)
    return;
  Value product =
      MatmulOp::create(builder, op.getLoc(), lhs, rhs, op.getTransposeRhs());
  Value joined =
      tensor::CollapseShapeOp::create(builder, op.getLoc(), op.getType(),
                                      product, like.getReassociationIndices());
  op.replaceAllUsesWith(joined);
  op.erase();
}

//===----------------------------------------------------------------------===//
// Chains of views
//===----------------------------------------------------------------------===//

static bool isViewOp(Operation *op) {
  return isa<PermuteOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

static unsigned countOps(Value value, Value root) {
  unsigned count = 0;
  for (; value != root; value = value.getDefiningOp()->getOperand(0))
    ++count;
  return count;
}

/// `value` as a permutation of the root, whose dimensions then join: null where
/// one of them is in parts of several.
static Value buildJoined(OpBuilder &builder, Location loc, Value value,
                         const AxisTrace &trace) {
  RankedTensorType type = typeOf(value), root = typeOf(trace.root);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(root.getRank()));
  for (const SmallVector<Axis> &axes : trace.dims) {
    if (axes.empty())
      return {};
    for (size_t i = 1; i < axes.size(); ++i)
      if (axes[i].dim != axes[0].dim || axes[i].order <= axes[i - 1].order)
        return {};
  }
  llvm::sort(order, [&](int64_t a, int64_t b) {
    const Axis &x = trace.dims[a].front(), &y = trace.dims[b].front();
    return std::pair(*x.dim, x.order) < std::pair(*y.dim, y.order);
  });
  SmallVector<ReassociationIndices> groups(type.getRank());
  for (auto [place, dim] : llvm::enumerate(order))
    groups[*trace.dims[dim].front().dim].push_back(place);
  if (llvm::any_of(groups, [](auto &group) { return group.empty(); }))
    return {}; // a size of 1 that the root does not have
  Value moved = permute(builder, loc, trace.root, order);
  if (int64_t(groups.size()) == root.getRank())
    return moved;
  return tensor::CollapseShapeOp::create(builder, loc, type, moved, groups);
}

/// `value` as a permutation of the root, whose dimensions then part.
static Value buildParted(OpBuilder &builder, Location loc, Value value,
                         const AxisTrace &trace) {
  RankedTensorType type = typeOf(value), root = typeOf(trace.root);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(root.getRank()));
  for (const SmallVector<Axis> &axes : trace.dims) {
    if (axes.empty())
      return {};
    for (size_t i = 0; i < axes.size(); ++i)
      if (*axes[i].dim != *axes[0].dim + i || axes[i].order != 0)
        return {};
  }
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return *trace.dims[a].front().dim < *trace.dims[b].front().dim;
  });
  SmallVector<ReassociationIndices> groups;
  int64_t next = 0;
  for (int64_t dim : order) {
    ReassociationIndices &group = groups.emplace_back();
    for (size_t i = 0; i < trace.dims[dim].size(); ++i)
      group.push_back(next++);
  }
  if (next != type.getRank())
    return {};
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    sizes.push_back(getDimSize(value, dim));
    if (!sizes.back())
      return {};
  }
  return tensor::ExpandShapeOp::create(builder, loc, type,
                                       permute(builder, loc, trace.root, order),
                                       groups, sizes);
}

/// What a chain of views comes to, if that is less than the chain.
static void shorten(Operation *op) {
  Value value = op->getResult(0);
  AxisTrace trace = traceViews(value);
  unsigned before = trace.root == value ? 0 : countOps(value, trace.root);
  bool isWhole = llvm::all_of(trace.dims, [](const SmallVector<Axis> &axes) {
    return llvm::all_of(axes, [](const Axis &a) { return a.dim.has_value(); });
  });
  if (before < 2 || !isWhole)
    return;
  OpBuilder builder(op);
  for (auto build : {buildJoined, buildParted}) {
    Value result = build(builder, op->getLoc(), value, trace);
    if (!result || result.getType() != value.getType())
      continue;
    if (countOps(result, trace.root) < before) {
      value.replaceAllUsesWith(result);
      op->erase();
      return;
    }
  }
}

namespace {
struct SimplifyViews : tq::impl::SimplifyViewsPassBase<SimplifyViews> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) {
      // In order, so that an op sees what became of those before it.
      for (Operation &op : llvm::make_early_inc_range(*block)) {
        Operation *current = &op;
        if (isViewOp(current)) {
          shorten(current);
          continue;
        }
        if (auto product = dyn_cast<MatmulOp>(current)) {
          sinkCollapse(product);
          continue;
        }
        if (!isOnRows(current))
          continue;
        while (Operation *moved = sinkCollapse(current))
          current = moved;
        // Once: where others were permuted back, it would go to and fro.
        sinkPermutation(current);
      }
    });
  }
};
} // namespace
