//===- FormKernels.cpp - Outline tensor computations into kernels ---------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DimTable.h"
#include "EntryOps.h"
#include "KernelBuilder.h"
#include "KernelNames.h"
#include "tq/Dialect/Program/IR/LayerTitle.h"
#include "tq/Dialect/Program/Transforms/Passes.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace tq::program {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

static bool isComputed(Value value) {
  Operation *op = value.getDefiningOp();
  return op && needsKernel(op);
}

/// Copies returned values that no kernel writes, and values returned twice:
/// every result gets memory of its own.
static void copyReturnedValues(func::FuncOp schedule,
                               const StateUpdates &updates) {
  Operation *terminator = schedule.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  llvm::DenseSet<Value> seen;
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value value = operand.get();
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (type && !(seen.insert(value).second && isComputed(value) &&
                  !updates.lookup(value)))
      operand.set(copyToNew(builder, terminator->getLoc(), value));
  }
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

namespace {
/// Replaces the groups of a function by calls, in an order in which each comes
/// after what it reads.
class Scheduler {
public:
  Scheduler(func::FuncOp schedule, const DimTable &dims,
            const KernelGroups &groups, DistinctKernels &kernels)
      : schedule(schedule), dims(dims), groups(groups), kernels(kernels),
        builder(schedule.getBody().front().getTerminator()) {}

  void run();

private:
  void schedulePiece(Operation *op);
  void scheduleValue(Value value);
  void scheduleGroup(const KernelGroup &group);
  SmallVector<std::pair<Value, Value>>
  createColumnSums(const KernelGroup &group);
  Value createDestination(Value result);
  void createCall(const KernelGroup &group, const OutlinedKernel &kernel);

  func::FuncOp schedule;
  const DimTable &dims;
  const KernelGroups &groups;
  DistinctKernels &kernels;
  OpBuilder builder;
  llvm::DenseSet<void *> done;
};
} // namespace

void Scheduler::run() {
  Block &block = schedule.getBody().front();
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : ops)
    if (KernelGroup *group = groups.lookup(op))
      schedulePiece(group->ops.front());
    else if (!groups.isCopied(op))
      schedulePiece(op);
  // What now is in kernels has no users left.
  for (Operation *op : llvm::reverse(ops))
    if ((groups.lookup(op) || op->use_empty()) && isMemoryEffectFree(op))
      op->erase();
}

/// Schedules the kernel of an op, or an op that stays.
void Scheduler::schedulePiece(Operation *op) {
  if (KernelGroup *group = groups.lookup(op)) {
    if (done.insert(group).second)
      scheduleGroup(*group);
    return;
  }
  if (!done.insert(op).second)
    return;
  for (Value operand : op->getOperands())
    scheduleValue(operand);
  op->moveBefore(schedule.getBody().front().getTerminator());
}

void Scheduler::scheduleValue(Value value) {
  Operation *op = value.getDefiningOp();
  if (op && op->getBlock() == &schedule.getBody().front() && !isa<CallOp>(op))
    schedulePiece(op);
}

/// The column sums of each weight that is known at compile time.
SmallVector<std::pair<Value, Value>>
Scheduler::createColumnSums(const KernelGroup &group) {
  SmallVector<std::pair<Value, Value>> sums;
  for (Operation *op : group.ops) {
    auto linear = dyn_cast<QuantizedLinearOp>(op);
    if (linear && isCompileTimeValue(linear.getWeight()))
      sums.push_back(
          {linear.getWeight(),
           ColumnSumsOp::create(builder, linear.getLoc(), linear.getWeight())});
  }
  return sums;
}

Value Scheduler::createDestination(Value result) {
  if (GetStateOp state = groups.getUpdates().lookup(result)) {
    scheduleValue(state);
    return state;
  }
  Dims sizes = dims.lookup(result);
  for (OpFoldResult size : sizes)
    if (auto value = dyn_cast<Value>(size))
      scheduleValue(value);
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<Value> dynamic;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (type.isDynamicDim(i))
      dynamic.push_back(
          getValueOrCreateConstantIndexOp(builder, result.getLoc(), size));
  return tensor::EmptyOp::create(builder, result.getLoc(), type, dynamic);
}

void Scheduler::createCall(const KernelGroup &group,
                           const OutlinedKernel &kernel) {
  Operation *root = findRoot(group);
  SmallVector<Value> operands(kernel.inputs);
  for (Value result : kernel.results)
    operands.push_back(createDestination(result));
  auto reason = root->getAttrOfType<StringAttr>(kReasonAttr);
  auto call = CallOp::create(
      builder, root->getLoc(), TypeRange(ValueRange(kernel.results)),
      kernels.getOrInsert(group, kernel.definition).getSymName(), operands,
      getLayerTitle(root->getLoc()), schemeOf(group),
      reason ? reason.getValue() : "", /*slot=*/IntegerAttr());
  for (unsigned i = 0; i < call.getNumResults(); ++i) {
    Value result = kernel.results[i];
    result.replaceUsesWithIf(call->getResult(i), [&](OpOperand &use) {
      Operation *user =
          schedule.getBody().front().findAncestorOpInBlock(*use.getOwner());
      return !llvm::is_contained(group.ops, user);
    });
  }
}

void Scheduler::scheduleGroup(const KernelGroup &group) {
  KernelBuilder kernelBuilder(groups, group);
  if (kernelBuilder.getResults().empty())
    return;
  for (Value input : kernelBuilder.getInputs())
    scheduleValue(input);
  // Its inputs may be results of other groups, which calls took the place of.
  KernelBuilder scheduled(groups, group);
  createCall(group, scheduled.build(createColumnSums(group)));
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct FormKernelsPass : program::impl::FormKernelsPassBase<FormKernelsPass> {
  void runOnOperation() override {
    FailureOr<SmallVector<func::FuncOp>> entries = findEntries(getOperation());
    if (failed(entries))
      return signalPassFailure();
    DistinctKernels kernels(entries->front());
    for (func::FuncOp entry : *entries)
      if (failed(formKernels(entry, kernels)))
        return signalPassFailure();
  }

  LogicalResult formKernels(func::FuncOp entry, DistinctKernels &kernels) {
    if (failed(checkEntryOps(entry)))
      return failure();
    StateUpdates updates(entry.getBody().front());
    copyReturnedValues(entry, updates);
    updates.copyOthers();
    DimTable dims(entry);
    if (failed(dims.compute()))
      return failure();
    KernelGroups groups(entry.getBody().front(), updates,
                        [&](Value value) { return dims.lookup(value); });
    Scheduler(entry, dims, groups, kernels).run();
    return success();
  }
};
} // namespace
