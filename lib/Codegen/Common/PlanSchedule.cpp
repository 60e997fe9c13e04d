//===- PlanSchedule.cpp - Turn the schedule into a program with one arena -===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleAnalysis.h"

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Codegen/Common/Passes.h"
#include "tq/Codegen/Common/TargetModules.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq {
#define GEN_PASS_DEF_PLANSCHEDULE
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Arenas larger than this are refused: 2^62 bytes.
static constexpr double kMaxArenaBytes = 4611686018427387904.0;

namespace {

/// What `@tq_program_run` and `@tq_program_plan` have in common: the dimensions
/// of every tensor and the places of the arena's slots.
class ProgramEmitter {
public:
  ProgramEmitter(func::FuncOp main, const Schedule &schedule)
      : main(main), schedule(schedule), b(main.getLoc(), main.getContext()),
        module(main->getParentOfType<ModuleOp>()) {}

  LogicalResult emitPlan();
  LogicalResult emitRun();

private:
  func::FuncOp createFunction(StringRef name, ArrayRef<Type> arguments,
                              ArrayRef<Type> results);
  Type pointerType() { return LLVM::LLVMPointerType::get(b.getContext()); }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value toI64(Value value) {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  }
  Value toIndex(Value value) {
    return arith::IndexCastOp::create(b, b.getIndexType(), value);
  }
  /// Address of element `i` of an array of `type`.
  Value elementPtr(Value base, Type type, int64_t i) {
    return LLVM::GEPOp::create(b, pointerType(), type, base,
                               ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
  }
  Value bytePtr(Value base, Value offset) {
    return LLVM::GEPOp::create(b, pointerType(), b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{toI64(offset)});
  }
  Value loadWord(Value base, int64_t i) {
    return LLVM::LoadOp::create(b, b.getI64Type(),
                                elementPtr(base, b.getI64Type(), i));
  }
  void storeWord(Value base, int64_t i, Value word) {
    LLVM::StoreOp::create(b, word, elementPtr(base, b.getI64Type(), i));
  }

  LogicalResult emitDimensions(Value inDims);
  LogicalResult emitDimensionsOf(Operation &op);
  SmallVector<Value> getDims(Value tensor) { return dims.lookup(tensor); }
  Value getBytes(Value tensor);
  Value getSlotBytes(const Slot &slot);
  SmallVector<Value> getSizes(func::CallOp call);
  Value getWorkspaceBytes(func::CallOp call);
  Value emitOverflowCheck(Value threads);

  void emitPointers(Value inputs, Value outputs, Value arena, Value weights);
  void emitCall(const ScheduledCall &call, Value context, Value block);
  Value getOps(const ScheduledCall &call);
  Value getTraffic(const ScheduledCall &call);
  func::FuncOp declareRuntime(StringRef name, ArrayRef<Type> arguments,
                              ArrayRef<Type> results) {
    return getOrDeclare(module, name, b.getFunctionType(arguments, results));
  }

  func::FuncOp main;
  const Schedule &schedule;
  ImplicitLocOpBuilder b;
  ModuleOp module;
  IRMapping indices; ///< index values of the schedule
  llvm::DenseMap<Value, SmallVector<Value>> dims; ///< of tensors
  llvm::DenseMap<Value, Value> pointers;          ///< of tensors
  SmallVector<Value> slotOffsets;
  Value threads, arenaBytes;
};

} // namespace

func::FuncOp ProgramEmitter::createFunction(StringRef name,
                                            ArrayRef<Type> arguments,
                                            ArrayRef<Type> results) {
  b.setInsertionPoint(main);
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType(arguments, results));
  b.setInsertionPointToStart(function.addEntryBlock());
  indices = IRMapping();
  dims.clear();
  pointers.clear();
  slotOffsets.clear();
  return function;
}

//===----------------------------------------------------------------------===//
// Dimensions and sizes
//===----------------------------------------------------------------------===//

LogicalResult ProgramEmitter::emitDimensions(Value inDims) {
  int64_t word = 0;
  for (BlockArgument argument : main.getArguments()) {
    SmallVector<Value> sizes;
    for (int64_t size : cast<RankedTensorType>(argument.getType()).getShape()) {
      sizes.push_back(ShapedType::isDynamic(size)
                          ? toIndex(loadWord(inDims, word))
                          : index(size));
      ++word;
    }
    dims[argument] = sizes;
  }
  for (Operation &op : main.getBody().front())
    if (failed(emitDimensionsOf(op)))
      return failure();
  return success();
}

/// Index arithmetic is copied; tensors get their dimensions.
LogicalResult ProgramEmitter::emitDimensionsOf(Operation &op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> place = dim.getConstantIndex();
    if (!place)
      return dim.emitError("expected a constant dimension");
    indices.map(dim.getResult(), getDims(dim.getSource())[*place]);
    return success();
  }
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    SmallVector<Value> sizes;
    auto dynamic = empty.getDynamicSizes().begin();
    for (int64_t size : empty.getType().getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? indices.lookup(*dynamic++)
                                                  : index(size));
    dims[empty] = sizes;
    return success();
  }
  if (auto call = dyn_cast<func::CallOp>(op)) {
    for (OpResult result : call.getResults())
      dims[result] = getDims(getCallDestination(result));
    return success();
  }
  if (auto weight = dyn_cast<GetWeightOp>(op)) {
    for (int64_t size : cast<RankedTensorType>(weight.getType()).getShape())
      dims[weight].push_back(index(size));
    return success();
  }
  if (isView(op)) {
    FailureOr<SmallVector<Value>> sizes =
        emitViewDims(b, op, getDims(op.getOperand(0)), indices);
    if (failed(sizes))
      return failure();
    dims[op.getResult(0)] = *sizes;
    return success();
  }
  if (isa<func::ReturnOp>(op))
    return success();
  b.clone(op, indices);
  return success();
}

Value ProgramEmitter::getBytes(Value tensor) {
  Value bytes = index(getElementBytes(getElementTypeOrSelf(tensor)));
  for (Value size : getDims(tensor))
    bytes = arith::MulIOp::create(b, bytes, size);
  return bytes;
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
  return func::CallOp::create(b, function, getSizes(call)).getResult(0);
}

/// Bytes of the largest buffer of a slot.
Value ProgramEmitter::getSlotBytes(const Slot &slot) {
  Value bytes = index(0);
  for (Value buffer : slot.buffers)
    bytes = arith::MaxSIOp::create(b, bytes, getBytes(buffer));
  for (func::CallOp call : slot.workspaces)
    bytes = arith::MaxSIOp::create(
        b, bytes, arith::MulIOp::create(b, getWorkspaceBytes(call), threads));
  return roundToBuffer(b, b.getLoc(), bytes);
}

/// Whether the sum of all buffers, in f64, passes the largest arena.
Value ProgramEmitter::emitOverflowCheck(Value threadCount) {
  Type f64 = b.getF64Type();
  auto toFloat = [&](Value value) -> Value {
    return arith::SIToFPOp::create(b, f64, toI64(value));
  };
  Value sum = arith::ConstantOp::create(b, b.getF64FloatAttr(0.0));
  for (const Slot &slot : schedule.slots) {
    for (Value buffer : slot.buffers) {
      Value bytes = arith::ConstantOp::create(
          b, b.getF64FloatAttr(static_cast<double>(
                 getElementBytes(getElementTypeOrSelf(buffer)))));
      for (Value size : getDims(buffer))
        bytes = arith::MulFOp::create(b, bytes, toFloat(size));
      sum = arith::AddFOp::create(b, sum, bytes);
    }
    for (func::CallOp call : slot.workspaces)
      sum = arith::AddFOp::create(
          b, sum,
          arith::MulFOp::create(b, toFloat(getWorkspaceBytes(call)),
                                toFloat(threadCount)));
  }
  Value limit = arith::ConstantOp::create(b, b.getF64FloatAttr(kMaxArenaBytes));
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, sum, limit);
}

//===----------------------------------------------------------------------===//
// The two functions
//===----------------------------------------------------------------------===//

LogicalResult ProgramEmitter::emitPlan() {
  func::FuncOp plan = createFunction(
      "tq_program_plan", {pointerType(), b.getI64Type(), pointerType()},
      {b.getI64Type()});
  threads = toIndex(plan.getArgument(1));
  if (failed(emitDimensions(plan.getArgument(0))))
    return failure();
  Value bytes = index(0);
  for (const Slot &slot : schedule.slots)
    bytes = arith::AddIOp::create(b, bytes, getSlotBytes(slot));
  int64_t word = 0;
  for (Value output : main.getBody().front().getTerminator()->getOperands())
    for (Value size : getDims(output))
      storeWord(plan.getArgument(2), word++, toI64(size));
  Value isTooLarge = emitOverflowCheck(threads);
  Value result = arith::SelectOp::create(
      b, isTooLarge, arith::ConstantIntOp::create(b, -1, 64), toI64(bytes));
  func::ReturnOp::create(b, result);
  return success();
}

void ProgramEmitter::emitPointers(Value inputs, Value outputs, Value arena,
                                  Value weights) {
  auto loadPointer = [&](Value array, int64_t i) -> Value {
    return LLVM::LoadOp::create(b, pointerType(),
                                elementPtr(array, pointerType(), i));
  };
  for (BlockArgument argument : main.getArguments())
    pointers[argument] = loadPointer(inputs, argument.getArgNumber());
  for (auto [buffer, output] : schedule.outputs)
    pointers[buffer] = loadPointer(outputs, output);
  Value offset = index(0);
  for (const Slot &slot : schedule.slots) {
    slotOffsets.push_back(offset);
    for (Value buffer : slot.buffers)
      pointers[buffer] = bytePtr(arena, offset);
    offset = arith::AddIOp::create(b, offset, getSlotBytes(slot));
  }
  for (Operation &op : main.getBody().front()) {
    if (auto weight = dyn_cast<GetWeightOp>(op))
      pointers[weight] = bytePtr(
          weights, index(schedule.weightOffsets.lookup(weight.getName())));
    else if (auto call = dyn_cast<func::CallOp>(op))
      for (OpResult result : call.getResults())
        pointers[result] = pointers.lookup(getCallDestination(result));
    else if (isView(op))
      pointers[op.getResult(0)] = pointers.lookup(op.getOperand(0));
  }
}

LogicalResult ProgramEmitter::emitRun() {
  Type pointer = pointerType();
  func::FuncOp run = createFunction(
      "tq_program_run", {pointer, pointer, pointer, pointer, pointer, pointer},
      {});
  Value context = run.getArgument(0);
  func::FuncOp numThreads =
      declareRuntime("tq_num_threads", {pointer}, {b.getI64Type()});
  threads = toIndex(func::CallOp::create(b, numThreads, context).getResult(0));
  if (failed(emitDimensions(run.getArgument(2))))
    return failure();
  Value block = LLVM::AllocaOp::create(
      b, pointer, b.getI64Type(),
      arith::ConstantIntOp::create(b, schedule.maxArgumentWords, 64));
  emitPointers(run.getArgument(1), run.getArgument(3), run.getArgument(4),
               run.getArgument(5));
  for (const ScheduledCall &call : schedule.calls)
    emitCall(call, context, block);
  func::ReturnOp::create(b, ValueRange());
  return success();
}

/// Multiplications and additions of a call.
Value ProgramEmitter::getOps(const ScheduledCall &call) {
  Value sum = index(0);
  for (const OpCount &count : call.counts) {
    Value product = index(count.factor);
    for (auto [operand, dim] : count.sizes)
      product = arith::MulIOp::create(
          b, product, getDims(call.op->getOperand(operand))[dim]);
    sum = arith::AddIOp::create(b, sum, product);
  }
  return toI64(sum);
}

/// Bytes of the tensors that a call reads and writes whole.
Value ProgramEmitter::getTraffic(const ScheduledCall &call) {
  Value sum = index(0);
  for (unsigned operand : call.streamed)
    sum = arith::AddIOp::create(b, sum, getBytes(call.op->getOperand(operand)));
  return toI64(sum);
}

void ProgramEmitter::emitCall(const ScheduledCall &scheduled, Value context,
                              Value block) {
  func::CallOp call = scheduled.op;
  int64_t word = 0;
  for (Value operand : call.getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    Value place = elementPtr(block, b.getI64Type(), word++);
    if (!type) {
      Value scalar = indices.lookup(operand);
      LLVM::StoreOp::create(
          b, scalar.getType().isIndex() ? toI64(scalar) : scalar, place);
      continue;
    }
    LLVM::StoreOp::create(b, pointers.lookup(operand), place);
    for (auto [size, value] : llvm::zip(type.getShape(), getDims(operand)))
      if (ShapedType::isDynamic(size))
        storeWord(block, word++, toI64(value));
  }
  if (scheduled.workspaceSlot >= 0) {
    Value arena =
        module.lookupSymbol<func::FuncOp>("tq_program_run").getArgument(4);
    LLVM::StoreOp::create(b,
                          bytePtr(arena, slotOffsets[scheduled.workspaceSlot]),
                          elementPtr(block, b.getI64Type(), word++));
    storeWord(block, word++, toI64(getWorkspaceBytes(call)));
  }

  Type pointer = pointerType(), i64 = b.getI64Type();
  std::string name = call.getCallee().str();
  auto bodyType = b.getFunctionType({pointer, i64, i64, i64}, {});
  func::FuncOp body = getOrDeclare(module, name + kBodySuffix.str(), bodyType);
  SmallVector<Value> sizes = getSizes(call);
  func::FuncOp countFunction =
      getOrDeclare(module, name + kCountSuffix.str(),
                   getSizeFunctionType(b.getContext(), sizes.size()));
  Value id = arith::ConstantIntOp::create(b, scheduled.id, 64);
  func::FuncOp begin = declareRuntime("tq_kernel_begin", {pointer, i64}, {});
  func::CallOp::create(b, begin, ValueRange{context, id});
  Value count = func::CallOp::create(b, countFunction, sizes).getResult(0);
  Value function =
      func::ConstantOp::create(b, bodyType, FlatSymbolRefAttr::get(body));
  Value address =
      UnrealizedConversionCastOp::create(b, TypeRange{pointer}, function)
          .getResult(0);
  func::FuncOp parallel =
      declareRuntime("tq_parallel_for", {pointer, pointer, pointer, i64}, {});
  func::CallOp::create(b, parallel,
                       ValueRange{context, address, block, toI64(count)});
  func::FuncOp end =
      declareRuntime("tq_kernel_end", {pointer, i64, i64, i64}, {});
  func::CallOp::create(
      b, end,
      ValueRange{context, id, getOps(scheduled), getTraffic(scheduled)});
}

namespace {

struct PlanSchedulePass : public tq::impl::PlanScheduleBase<PlanSchedulePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || main.isDeclaration()) {
      module.emitError("expected a function @main to compile");
      return signalPassFailure();
    }
    Schedule schedule;
    if (failed(analyzeSchedule(main, schedule)))
      return signalPassFailure();
    ProgramEmitter emitter(main, schedule);
    if (failed(emitter.emitPlan()) || failed(emitter.emitRun()))
      return signalPassFailure();
    module->setAttr(kProgramAttr, schedule.program);
    main.erase();
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (function->hasAttr(kKernelAttr))
        function.erase();
  }
};

} // namespace
