//===- InsertObservers.cpp - Mark what calibration looks at ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/Statistics.h"

#include "llvm/ADT/StringSet.h"

namespace tq {
#define GEN_PASS_DEF_INSERTOBSERVERSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct InsertObservers : tq::impl::InsertObserversPassBase<InsertObservers> {
  void runOnOperation() override;

private:
  void observe(QuantizableOpInterface op, const QuantizableOperand &operand);

  llvm::DenseMap<Value, ObserveOp> observers;
  llvm::StringSet<> sites;
};

} // namespace

/// `NAME`, with a number behind it where there is one already.
static std::string makeUnique(llvm::StringSet<> &names, StringRef base) {
  std::string name = base.str();
  for (int i = 1; !names.insert(name).second; ++i)
    name = (base + "_" + Twine(i)).str();
  return name;
}

/// Values that several ops read are observed once, under the name of the first;
/// of those that are in integers already the model says how.
void InsertObservers::observe(QuantizableOpInterface op,
                              const QuantizableOperand &operand) {
  Value value = op->getOperand(operand.index);
  if (!canObserve(value) || value.getDefiningOp<DequantizeOp>())
    return;
  ObserveOp &observer = observers[value];
  if (!observer) {
    StringRef layer = program::getLayerName(op.getLoc());
    std::string base =
        (layer.empty() ? op->getName().stripDialect() : layer).str();
    std::string site = makeUnique(sites, base + "." + operand.name.str());
    OpBuilder builder(op);
    builder.setInsertionPointAfterValue(value);
    observer = ObserveOp::create(builder, op.getLoc(), value, /*low=*/Value(),
                                 /*high=*/Value(), /*mean=*/Value(),
                                 builder.getStringAttr(site),
                                 /*statistics=*/StatisticsAttr());
  }
  op->setOperand(operand.index, observer);
}

void InsertObservers::runOnOperation() {
  observers.clear();
  sites.clear();
  getOperation().walk([&](ObserveOp op) { sites.insert(op.getSite()); });
  getOperation().walk([&](QuantizableOpInterface op) {
    if (!op.getFloatReason().empty())
      return;
    for (QuantizableOperand operand : op.getQuantizableOperands())
      if (isActivation(operand.role))
        observe(op, operand);
  });
}
