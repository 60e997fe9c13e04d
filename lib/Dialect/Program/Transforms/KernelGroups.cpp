//===- KernelGroups.cpp - Which ops share a kernel ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelGroups.h"

#include "tq/Dialect/TQ/IR/TQOpKinds.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

//===----------------------------------------------------------------------===//
// Ops that are copied into the kernels of their users
//===----------------------------------------------------------------------===//

/// What attention can read of a tensor as it stands there.
enum class Part {
  None,
  Columns, ///< all of the other dimensions, consecutive elements of the last
  Prefix,  ///< the same, but of the first tokens only
};

static Part getPart(tensor::ExtractSliceOp slice, DimsOf dimsOf) {
  int64_t last = slice.getSourceType().getRank() - 1;
  if (slice.getType().getRank() != last + 1 || !slice.hasUnitStride())
    return Part::None;
  auto sizes = slice.getMixedSizes();
  auto offsets = slice.getMixedOffsets();
  Dims full = dimsOf(slice.getSource());
  if (!isa<Attribute>(sizes[last]) || !isa<Attribute>(offsets[last]))
    return Part::None;
  Part part = Part::Columns;
  for (int64_t i = 0; i < last; ++i) {
    if (!isConstantIntValue(offsets[i], 0))
      return Part::None;
    if (isEqualConstantIntOrValue(sizes[i], full[i]))
      continue;
    if (i != 1 || last != 2 || !isa<Value>(sizes[i]))
      return Part::None;
    part = Part::Prefix;
  }
  return part;
}

/// Keys and values are prefixes of one length.
bool KernelGroups::readsPrefix(AttentionOpInterface attention,
                               Operation *slice) const {
  auto key = attention.getKey().getDefiningOp<tensor::ExtractSliceOp>();
  auto value = attention.getValue().getDefiningOp<tensor::ExtractSliceOp>();
  return key && value && prefixSlices.contains(key) &&
         prefixSlices.contains(value) &&
         attention.getQuery().getDefiningOp() != slice &&
         key.getMixedSizes()[1] == value.getMixedSizes()[1];
}

bool KernelGroups::copiesProducer(Operation *user, Operation *op) const {
  if (columnSlices.contains(op))
    return isa<AttentionOpInterface>(user);
  if (prefixSlices.contains(op)) {
    auto attention = dyn_cast<AttentionOpInterface>(user);
    return attention && readsPrefix(attention, op);
  }
  if (isPlainPositionIds(op))
    return isa<EmbeddingOp, QuantizedEmbeddingOp>(user) &&
           user->getOperand(0) == op->getResult(0) &&
           user->getOperand(1) != op->getResult(0);
  auto fill = dyn_cast<linalg::FillOp>(op);
  auto linalgUser = dyn_cast<linalg::LinalgOp>(user);
  if (!fill || !linalgUser || fill->getNumResults() != 1)
    return false;
  return llvm::is_contained(linalgUser.getDpsInits(), fill->getResult(0)) &&
         !llvm::is_contained(linalgUser.getDpsInputs(), fill->getResult(0));
}

bool KernelGroups::isCopiedByAllUsers(Operation *op) const {
  return !op->use_empty() && llvm::all_of(op->getUsers(), [&](Operation *user) {
    return user->getBlock() == op->getBlock() && copiesProducer(user, op);
  });
}

//===----------------------------------------------------------------------===//
// Grouping
//===----------------------------------------------------------------------===//

bool program::needsKernel(Operation *op) {
  if (op->getNumResults() == 0 ||
      !llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return false;
  if (isView(op) || isa<tensor::EmptyOp, GetStateOp>(op))
    return false;
  return !isCompileTimeValue(op->getResult(0));
}

KernelGroups::KernelGroups(Block &block, const StateUpdates &updates,
                           DimsOf dimsOf)
    : updates(updates) {
  block.walk([&](tensor::ExtractSliceOp slice) {
    if (slice->getBlock() != &block)
      return;
    Part part = getPart(slice, dimsOf);
    if (part == Part::Columns)
      columnSlices.insert(slice);
    else if (part == Part::Prefix)
      prefixSlices.insert(slice);
  });
  for (Operation &op : block) {
    if (!needsKernel(&op))
      continue;
    if (isCopiedByAllUsers(&op))
      copied.insert(&op);
    else
      assign(&op);
  }
}

KernelGroup *KernelGroups::create(KernelGroup::Kind kind, Operation *op) {
  groups.push_back({kind, {op}});
  groupOf[op] = &groups.back();
  return &groups.back();
}

void KernelGroups::assign(Operation *op) {
  if (isContraction(op)) {
    create(KernelGroup::Kind::Contraction, op);
    return;
  }
  if (KernelGroup *contraction = findContraction(op)) {
    merge({contraction}, op);
    return;
  }
  if (!isa<RowwiseOpInterface>(op)) {
    create(KernelGroup::Kind::Single, op);
    return;
  }
  auto rows = findRowGroups(op).takeVector();
  if (rows.empty())
    create(KernelGroup::Kind::Rows, op);
  else
    merge(rows, op);
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// The contraction whose epilogue an elementwise op continues: it alone uses
/// the last result of the contraction's kernel.
KernelGroup *KernelGroups::findContraction(Operation *op) {
  if (!isElementwise(op))
    return nullptr;
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    KernelGroup *group = producer ? groupOf.lookup(producer) : nullptr;
    if (group && group->kind == KernelGroup::Kind::Contraction &&
        group->ops.back() == producer && operand.hasOneUse() &&
        shapeOf(operand) == shapeOf(op->getResult(0)) &&
        !wouldCycle({group}, op))
      return group;
  }
  return nullptr;
}

/// The shape of the set of rows that a row-wise op works on.
static ArrayRef<int64_t> rowsOf(Operation *op) {
  return shapeOf(op->getResult(0)).drop_back();
}

/// Whether the operand holds one row, or one number, for each row of the op.
static bool isPerRow(Value operand, Operation *op) {
  ArrayRef<int64_t> shape = shapeOf(operand), rows = rowsOf(op);
  return shape == rows ||
         (shape.size() == rows.size() + 1 && shape.drop_back() == rows);
}

llvm::SetVector<KernelGroup *> KernelGroups::findRowGroups(Operation *op) {
  llvm::SetVector<KernelGroup *> found;
  if (shapeOf(op->getResult(0)).empty())
    return found;
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    KernelGroup *group = producer ? groupOf.lookup(producer) : nullptr;
    if (!group || group->kind != KernelGroup::Kind::Rows ||
        found.contains(group))
      continue;
    if (!isPerRow(operand, op) || rowsOf(producer) != rowsOf(op))
      continue;
    found.insert(group);
    if (wouldCycle(found.getArrayRef(), op))
      found.remove(group);
  }
  return found;
}

bool KernelGroups::wouldCycle(ArrayRef<KernelGroup *> merged, Operation *op) {
  SmallVector<Operation *> work;
  for (KernelGroup *group : merged)
    llvm::append_range(work, group->ops);
  size_t inside = work.size();
  llvm::DenseSet<Operation *> seen;
  for (size_t i = 0; i < work.size(); ++i)
    for (Operation *user : work[i]->getUsers()) {
      Operation *at = op->getBlock()->findAncestorOpInBlock(*user);
      KernelGroup *group = groupOf.lookup(at);
      bool comesBack = at == op || llvm::is_contained(merged, group);
      if (comesBack && i >= inside)
        return true;
      if (comesBack || !at->isBeforeInBlock(op) || !seen.insert(at).second)
        continue;
      work.push_back(at);
      if (!group)
        continue;
      for (Operation *member : group->ops)
        if (seen.insert(member).second)
          work.push_back(member);
    }
  return false;
}

void KernelGroups::merge(ArrayRef<KernelGroup *> merged, Operation *op) {
  KernelGroup *target = merged.front();
  for (KernelGroup *group : merged.drop_front()) {
    for (Operation *member : group->ops)
      groupOf[member] = target;
    llvm::append_range(target->ops, group->ops);
    group->ops.clear();
  }
  target->ops.push_back(op);
  groupOf[op] = target;
  llvm::sort(target->ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
}
