//===- PlanSchedule.cpp - Turn the schedule into a program with one arena -===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgramEmitter.h"

#include "tq/Codegen/Common/Passes.h"
#include "tq/Codegen/Common/TargetModules.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tq {
#define GEN_PASS_DEF_PLANSCHEDULEPASS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Arenas larger than this are refused: 2^62 bytes.
static constexpr double kMaxArenaBytes = 4611686018427387904.0;

func::FuncOp ProgramEmitter::createFunction(StringRef name,
                                            ArrayRef<Type> arguments,
                                            ArrayRef<Type> results) {
  builder.setInsertionPoint(main);
  auto function = func::FuncOp::create(
      builder, name, builder.getFunctionType(arguments, results));
  builder.setInsertionPointToStart(function.addEntryBlock());
  indices = IRMapping();
  frame = Frame();
  slotOffsets.clear();
  return function;
}

Value ProgramEmitter::allocateWords(int64_t count) {
  return LLVM::AllocaOp::create(builder, pointerType(), builder.getI64Type(),
                                word(count));
}

//===----------------------------------------------------------------------===//
// Dimensions and sizes
//===----------------------------------------------------------------------===//

LogicalResult ProgramEmitter::emitDimensions(Value inDims) {
  int64_t place = 0;
  for (BlockArgument argument : main.getArguments()) {
    SmallVector<Value> sizes;
    for (int64_t size : cast<RankedTensorType>(argument.getType()).getShape()) {
      sizes.push_back(ShapedType::isDynamic(size)
                          ? toIndex(loadWord(inDims, place))
                          : index(size));
      ++place;
    }
    frame.dims[argument] = sizes;
  }
  for (Operation &op : main.getBody().front())
    if (failed(emitDimensionsOf(op)))
      return failure();
  return success();
}

/// Index arithmetic is copied; tensors get their dimensions.
LogicalResult ProgramEmitter::emitDimensionsOf(Operation &op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    indices.map(dim.getResult(),
                getDims(dim.getSource())[*getConstantDim(dim)]);
    return success();
  }
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    SmallVector<Value> sizes;
    auto dynamic = empty.getDynamicSizes().begin();
    for (int64_t size : empty.getType().getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? indices.lookup(*dynamic++)
                                                  : index(size));
    frame.dims[empty] = sizes;
    return success();
  }
  if (auto call = dyn_cast<func::CallOp>(op)) {
    for (OpResult result : call.getResults())
      frame.dims[result] = getDims(getCallDestination(result));
    return success();
  }
  if (auto weight = dyn_cast<GetWeightOp>(op)) {
    for (int64_t size : cast<RankedTensorType>(weight.getType()).getShape())
      frame.dims[weight].push_back(index(size));
    return success();
  }
  if (isView(&op)) {
    FailureOr<SmallVector<Value>> sizes =
        emitViewDims(builder, op, getDims(op.getOperand(0)), indices);
    if (failed(sizes))
      return failure();
    frame.dims[op.getResult(0)] = *sizes;
    return success();
  }
  if (isa<func::ReturnOp, cf::AssertOp>(op))
    return success();
  builder.clone(op, indices);
  return success();
}

Value ProgramEmitter::getBytes(Value tensor) {
  Value bytes = index(getElementBytes(getElementTypeOrSelf(tensor)));
  for (Value size : getDims(tensor))
    bytes = mul(bytes, size);
  return bytes;
}

/// The product of the dynamic dimensions.
Value ProgramEmitter::getRows(Value tensor) {
  Value rows = index(1);
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [size, value] : llvm::zip(type.getShape(), getDims(tensor)))
    if (ShapedType::isDynamic(size))
      rows = mul(rows, value);
  return rows;
}

/// What NAME.count and NAME.workspace take.
SmallVector<Value> ProgramEmitter::getSizes(func::CallOp call) {
  SmallVector<Value> result;
  for (Value operand : call.getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type) {
      if (operand.getType().isIndex())
        result.push_back(indices.lookup(operand));
      continue;
    }
    for (auto [size, value] : llvm::zip(type.getShape(), getDims(operand)))
      if (ShapedType::isDynamic(size))
        result.push_back(value);
  }
  return result;
}

/// Bytes of scratch of one thread.
Value ProgramEmitter::getWorkspaceBytes(func::CallOp call) {
  func::FuncOp function =
      lookupPart(module, call.getCallee(), kWorkspaceSuffix);
  return func::CallOp::create(builder, function, getSizes(call)).getResult(0);
}

/// Bytes of a thread's part of a slot with blocks of rows.
Value ProgramEmitter::getBlockBytes(const Slot &slot) {
  Value bytes = index(0);
  for (auto [buffer, group] : slot.blocks) {
    Value units = arith::CeilDivUIOp::create(
        builder, getRows(schedule.groups[group].tensor),
        mul(threads, index(kBlockRowUnit)));
    Value rows = arith::MinUIOp::create(
        builder, mul(units, index(kBlockRowUnit)), index(kBlockRows));
    bytes = arith::MaxSIOp::create(
        builder, bytes, mul(rows, index(getRowBytes(buffer.getType()))));
  }
  return roundToBuffer(builder, builder.getLoc(), bytes);
}

/// Bytes of the largest buffer of a slot.
Value ProgramEmitter::getSlotBytes(const Slot &slot) {
  Value bytes = mul(getBlockBytes(slot), threads);
  for (Value buffer : slot.buffers)
    bytes = arith::MaxSIOp::create(builder, bytes, getBytes(buffer));
  for (func::CallOp call : slot.workspaces)
    bytes = arith::MaxSIOp::create(builder, bytes,
                                   mul(getWorkspaceBytes(call), threads));
  return roundToBuffer(builder, builder.getLoc(), bytes);
}

/// Whether the sum of all buffers, in f64, passes the largest arena.
Value ProgramEmitter::emitOverflowCheck(Value threadCount) {
  Type f64 = builder.getF64Type();
  auto toFloat = [&](Value value) -> Value {
    return arith::SIToFPOp::create(builder, f64, toI64(value));
  };
  Value sum = arith::ConstantOp::create(builder, builder.getF64FloatAttr(0.0));
  for (const Slot &slot : schedule.slots) {
    sum = arith::AddFOp::create(
        builder, sum,
        arith::MulFOp::create(builder, toFloat(getBlockBytes(slot)),
                              toFloat(threadCount)));
    for (Value buffer : slot.buffers) {
      Value bytes = arith::ConstantOp::create(
          builder, builder.getF64FloatAttr(static_cast<double>(
                       getElementBytes(getElementTypeOrSelf(buffer)))));
      for (Value size : getDims(buffer))
        bytes = arith::MulFOp::create(builder, bytes, toFloat(size));
      sum = arith::AddFOp::create(builder, sum, bytes);
    }
    for (func::CallOp call : slot.workspaces)
      sum = arith::AddFOp::create(
          builder, sum,
          arith::MulFOp::create(builder, toFloat(getWorkspaceBytes(call)),
                                toFloat(threadCount)));
  }
  Value limit = arith::ConstantOp::create(
      builder, builder.getF64FloatAttr(kMaxArenaBytes));
  return arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, sum, limit);
}

//===----------------------------------------------------------------------===//
// The two functions
//===----------------------------------------------------------------------===//

LogicalResult ProgramEmitter::emitPlan() {
  func::FuncOp plan = createFunction(
      "tq_program_plan", {pointerType(), builder.getI64Type(), pointerType()},
      {builder.getI64Type()});
  threads = toIndex(plan.getArgument(1));
  if (failed(emitDimensions(plan.getArgument(0))))
    return failure();
  Value bytes = index(0);
  for (const Slot &slot : schedule.slots)
    bytes = arith::AddIOp::create(builder, bytes, getSlotBytes(slot));
  int64_t place = 0;
  for (Value output : main.getBody().front().getTerminator()->getOperands())
    for (Value size : getDims(output))
      storeWord(plan.getArgument(2), place++, toI64(size));
  Value isTooLarge = emitOverflowCheck(threads);
  Value result =
      arith::SelectOp::create(builder, isTooLarge, word(-1), toI64(bytes));
  // The first that does not hold is told.
  for (int64_t i = schedule.checks.size() - 1; i >= 0; --i)
    result = arith::SelectOp::create(
        builder, indices.lookup(cf::AssertOp(schedule.checks[i]).getArg()),
        result, word(-2 - i));
  func::ReturnOp::create(builder, result);
  return success();
}

void ProgramEmitter::emitPointers(Value inputs, Value outputs, Value weights) {
  for (BlockArgument argument : main.getArguments())
    frame.pointers[argument] =
        loadElement(pointerType(), inputs, argument.getArgNumber());
  for (auto [buffer, output] : schedule.outputs)
    frame.pointers[buffer] = loadElement(pointerType(), outputs, output);
  Value offset = index(0);
  for (const Slot &slot : schedule.slots) {
    slotOffsets.push_back(offset);
    for (Value buffer : slot.buffers)
      frame.pointers[buffer] = bytePtr(frame.arena, offset);
    for (auto [buffer, group] : slot.blocks) {
      Value pointer = bytePtr(frame.arena, offset);
      frame.pointers[buffer] = pointer;
      blockSteps[pointer] = getBlockBytes(slot);
    }
    offset = arith::AddIOp::create(builder, offset, getSlotBytes(slot));
  }
  for (Operation &op : main.getBody().front()) {
    if (auto weight = dyn_cast<GetWeightOp>(op))
      frame.pointers[weight] = bytePtr(
          weights, index(schedule.weightOffsets.lookup(weight.getName())));
    else if (auto call = dyn_cast<func::CallOp>(op))
      for (OpResult result : call.getResults())
        frame.pointers[result] =
            frame.pointers.lookup(getCallDestination(result));
    else if (isView(&op))
      frame.pointers[op.getResult(0)] = frame.pointers.lookup(op.getOperand(0));
  }
}

LogicalResult ProgramEmitter::emitRun() {
  Type pointer = pointerType();
  func::FuncOp run = createFunction(
      "tq_program_run", {pointer, pointer, pointer, pointer, pointer, pointer},
      {});
  frame.context = run.getArgument(0);
  frame.arena = run.getArgument(4);
  func::FuncOp numThreads =
      declareRuntime("tq_num_threads", {pointer}, {builder.getI64Type()});
  threads = toIndex(
      func::CallOp::create(builder, numThreads, frame.context).getResult(0));
  if (failed(emitDimensions(run.getArgument(2))))
    return failure();
  frame.block = allocateWords(schedule.maxArgumentWords);
  emitPointers(run.getArgument(1), run.getArgument(3), run.getArgument(5));
  emitCalls();
  func::ReturnOp::create(builder, ValueRange());
  return success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void ProgramEmitter::emitCalls() {
  auto group = schedule.groups.begin();
  for (size_t i = 0; i < schedule.calls.size(); ++i) {
    if (group == schedule.groups.end() || i != size_t(group->first)) {
      emitSharedCall(schedule.calls[i]);
      continue;
    }
    emitGroup(*group);
    i = (group++)->last;
  }
}

/// Multiplications and additions of a call.
Value ProgramEmitter::getOps(const ScheduledCall &call) {
  Value sum = index(0);
  for (const OpCount &count : call.counts) {
    Value product = index(count.factor);
    for (auto [operand, dim] : count.sizes)
      product = mul(product, getDims(call.op->getOperand(operand))[dim]);
    sum = arith::AddIOp::create(builder, sum, product);
  }
  return toI64(sum);
}

/// Bytes of the tensors that a call reads and writes whole.
Value ProgramEmitter::getTraffic(const ScheduledCall &call) {
  Value sum = index(0);
  for (unsigned operand : call.streamed)
    sum = arith::AddIOp::create(builder, sum,
                                getBytes(call.op->getOperand(operand)));
  return toI64(sum);
}

/// The words that NAME.body reads.
void ProgramEmitter::storeArguments(const ScheduledCall &scheduled) {
  int64_t place = 0;
  for (Value operand : scheduled.op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type) {
      Value scalar = indices.lookup(operand);
      storeWord(frame.block, place++,
                scalar.getType().isIndex() ? toI64(scalar) : scalar);
      continue;
    }
    storeWord(frame.block, place++, frame.pointers.lookup(operand));
    for (auto [size, value] : llvm::zip(type.getShape(), getDims(operand)))
      if (ShapedType::isDynamic(size))
        storeWord(frame.block, place++, toI64(value));
  }
  if (scheduled.workspaceSlot < 0)
    return;
  storeWord(frame.block, place++,
            bytePtr(frame.arena, slotOffsets[scheduled.workspaceSlot]));
  storeWord(frame.block, place++, toI64(getWorkspaceBytes(scheduled.op)));
}

func::FuncOp ProgramEmitter::getBody(StringRef kernel) {
  Type i64 = builder.getI64Type();
  return getOrDeclare(
      module, (kernel + kBodySuffix).str(),
      builder.getFunctionType({pointerType(), i64, i64, i64}, {}));
}

/// The number of work items of a call.
Value ProgramEmitter::emitCount(func::CallOp call) {
  SmallVector<Value> sizes = getSizes(call);
  func::FuncOp function =
      getOrDeclare(module, (call.getCallee() + kCountSuffix).str(),
                   getSizeFunctionType(builder.getContext(), sizes.size()));
  return toI64(func::CallOp::create(builder, function, sizes).getResult(0));
}

Value ProgramEmitter::getAddress(func::FuncOp function) {
  Value value = func::ConstantOp::create(builder, function.getFunctionType(),
                                         FlatSymbolRefAttr::get(function));
  return UnrealizedConversionCastOp::create(builder, TypeRange{pointerType()},
                                            value)
      .getResult(0);
}

void ProgramEmitter::emitParallelFor(func::FuncOp body, Value arguments,
                                     Value count) {
  Type pointer = pointerType();
  func::FuncOp parallel = declareRuntime(
      "tq_parallel_for", {pointer, pointer, pointer, builder.getI64Type()}, {});
  func::CallOp::create(
      builder, parallel,
      ValueRange{frame.context, getAddress(body), arguments, count});
}

Value ProgramEmitter::emitBegin() {
  func::FuncOp begin = declareRuntime("tq_kernel_begin", {pointerType()},
                                      {builder.getI64Type()});
  return func::CallOp::create(builder, begin, frame.context).getResult(0);
}

void ProgramEmitter::emitEnd(const ScheduledCall &call, Value id, Value thread,
                             Value begin) {
  Type i64 = builder.getI64Type();
  func::FuncOp end = declareRuntime(
      "tq_kernel_end", {pointerType(), i64, i64, i64, i64, i64}, {});
  func::CallOp::create(builder, end,
                       ValueRange{frame.context, id, thread, begin,
                                  getOps(call), getTraffic(call)});
}

/// A call whose work items all threads share.
void ProgramEmitter::emitSharedCall(const ScheduledCall &call) {
  storeArguments(call);
  Value begin = emitBegin();
  emitParallelFor(getBody(call.getKernel()), frame.block, emitCount(call.op));
  emitEnd(call, word(call.id), word(-1), begin);
}

namespace {

struct PlanSchedulePass
    : public tq::impl::PlanSchedulePassBase<PlanSchedulePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> main = findSchedule(module);
    Schedule schedule;
    if (failed(main) || failed(analyzeSchedule(*main, schedule)))
      return signalPassFailure();
    ProgramEmitter emitter(*main, schedule);
    if (failed(emitter.emitPlan()) || failed(emitter.emitRun()))
      return signalPassFailure();
    module->setAttr(kProgramAttr, schedule.program);
    main->erase();
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (function->hasAttr(kKernelAttr))
        function.erase();
  }
};

} // namespace
