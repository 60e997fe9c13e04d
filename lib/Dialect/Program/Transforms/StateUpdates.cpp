//===- StateUpdates.cpp - Ops that write into states ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StateUpdates.h"

#include "tq/Dialect/Program/Analysis/Buffers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

/// Whether `init` is all that reads what the state was, but for the element
/// that the op is about to write.
static bool isOnlyReader(OpOperand &init, Block &block, StringRef state) {
  auto op = dyn_cast<linalg::LinalgOp>(init.getOwner());
  auto readsSameElement = [&](OpOperand &use) {
    return op && use.getOwner() == op && use.get() == init.get() &&
           op.getMatchingIndexingMap(&use) == op.getMatchingIndexingMap(&init);
  };
  for (auto get : block.getOps<GetStateOp>())
    if (get.getName() == state)
      for (OpOperand &use : get->getUses())
        if (&use != &init && !isa<tensor::DimOp>(use.getOwner()) &&
            !readsSameElement(use))
          return false;
  return true;
}

/// The state in whose memory the op may write what is stored; null: none.
static GetStateOp findUpdate(SetStateOp set, Block &block) {
  auto style = set.getValue().getDefiningOp<DestinationStyleOpInterface>();
  if (!style)
    return {};
  OpOperand *init = style.getTiedOpOperand(cast<OpResult>(set.getValue()));
  auto get = init->get().getDefiningOp<GetStateOp>();
  return get && get.getName() == set.getName() &&
                 isOnlyReader(*init, block, set.getName())
             ? get
             : GetStateOp();
}

StateUpdates::StateUpdates(Block &block) : block(block) {
  for (auto set : block.getOps<SetStateOp>())
    if (isa<RankedTensorType>(set.getValue().getType()))
      if (GetStateOp get = findUpdate(set, block))
        updates[set.getValue()] = get;
}

GetStateOp StateUpdates::lookup(Value value) const {
  return updates.lookup(value);
}

bool StateUpdates::contains(OpOperand &init) const {
  auto style = dyn_cast<DestinationStyleOpInterface>(init.getOwner());
  return style && style.isDpsInit(&init) &&
         lookup(style.getTiedOpResult(&init));
}

Value program::copyToNew(OpBuilder &builder, Location loc, Value value) {
  Value empty = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, value),
      getElementTypeOrSelf(value));
  return linalg::CopyOp::create(builder, loc, value, empty).getResult(0);
}

void StateUpdates::copyOthers() {
  SmallVector<SetStateOp> others;
  for (auto set : block.getOps<SetStateOp>()) {
    GetStateOp update = lookup(set.getValue());
    if (isa<RankedTensorType>(set.getValue().getType()) &&
        !(update && update.getName() == set.getName()))
      others.push_back(set);
  }
  OpBuilder builder(block.getTerminator());
  for (SetStateOp set : others)
    if (getRoot(set.getValue()).getDefiningOp<GetStateOp>())
      set.getValueMutable().assign(
          copyToNew(builder, set.getLoc(), set.getValue()));
  for (SetStateOp set : others) {
    Value value = set.getValue();
    auto get = GetStateOp::create(builder, set.getLoc(), value.getType(),
                                  set.getNameAttr());
    auto copy =
        linalg::CopyOp::create(builder, set.getLoc(), value, get.getResult());
    updates[copy.getResult(0)] = get;
    set.getValueMutable().assign(copy.getResult(0));
    set->moveBefore(block.getTerminator());
  }
}
