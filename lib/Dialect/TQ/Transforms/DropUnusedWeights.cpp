//===- DropUnusedWeights.cpp - Erase weights that nothing reads -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_DROPUNUSEDWEIGHTSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct DropUnusedWeights
    : tq::impl::DropUnusedWeightsPassBase<DropUnusedWeights> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Weights are reached from the ops that are not weights, and from there
    // through initializers.
    SetVector<Operation *> live;
    for (Operation &op : *module.getBody())
      if (!isa<WeightOp>(op) && failed(addUses(module, &op, live)))
        return signalPassFailure();
    for (unsigned i = 0; i < live.size(); ++i)
      if (failed(addUses(module, live[i], live)))
        return signalPassFailure();
    for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      if (!live.contains(weight))
        weight.erase();
  }

  /// Adds the weights that are named in `op`.
  static LogicalResult addUses(ModuleOp module, Operation *op,
                               SetVector<Operation *> &live) {
    std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(op);
    if (!uses)
      return op->emitError("expected ops whose uses of symbols are known");
    for (SymbolTable::SymbolUse use : *uses)
      if (auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
              use.getUser(), use.getSymbolRef()))
        if (weight->getParentOp() == module)
          live.insert(weight);
    return success();
  }
};

} // namespace
