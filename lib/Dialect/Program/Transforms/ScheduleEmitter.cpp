//===- ScheduleEmitter.cpp - `plan` and `run` of an entry -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleEmitter.h"

#include "tq/Dialect/Program/Analysis/Buffers.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

/// Arenas larger than this are refused: 2^62 bytes.
static constexpr double kMaxArenaBytes = 4611686018427387904.0;

ScheduleEmitter::ScheduleEmitter(ScheduleOp schedule, ModuleOp module,
                                 SymbolTable &symbols,
                                 RowsFunctions &rowsFunctions)
    : schedule(schedule), module(module), symbols(symbols),
      rowsFunctions(rowsFunctions),
      builder(schedule.getLoc(), schedule.getContext()) {
  collectStates();
  collectCalls();
  collectSlots();
}

func::FuncOp ScheduleEmitter::createFunction(StringRef name,
                                             ArrayRef<Type> arguments,
                                             ArrayRef<Type> results) {
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(
      builder, name, builder.getFunctionType(arguments, results));
  builder.setInsertionPointToStart(function.addEntryBlock());
  indices = IRMapping();
  frame = Frame();
  slotOffsets.clear();
  return function;
}

Value ScheduleEmitter::allocateWords(int64_t count) {
  return LLVM::AllocaOp::create(builder, pointerType(), builder.getI64Type(),
                                word(count));
}

//===----------------------------------------------------------------------===//
// Calls and slots
//===----------------------------------------------------------------------===//

/// Behind the inputs, in the order of the program.
void ScheduleEmitter::collectStates() {
  StatePlace next{int64_t(schedule.getBody()->getNumArguments()), 0};
  for (BlockArgument argument : schedule.getBody()->getArguments())
    next.word += cast<RankedTensorType>(argument.getType()).getRank();
  for (auto state : schedule->getParentOfType<ModuleOp>().getOps<StateOp>()) {
    states.insert({state, next});
    if (auto tensor = dyn_cast<RankedTensorType>(state.getType())) {
      ++next.pointer;
      next.word += tensor.getRank();
    } else {
      ++next.word;
    }
  }
}

void ScheduleEmitter::collectCalls() {
  for (CallOp call : schedule.getCalls()) {
    auto kernel = symbols.lookup<KernelOp>(call.getKernel());
    int64_t id = calls.size();
    calls.insert({call,
                  {call, id, kernel.getVariant(schedule.getTarget()),
                   countKernel(kernel.getDefinition())}});
    // Pointers, numbers and dimensions, then scratch memory and its bytes.
    int64_t words = call.getArguments().size() +
                    countSizes(call.getArguments().getTypes()) + 2;
    maxArgumentWords = std::max(maxArgumentWords, words);
  }
  for (auto rows : schedule.getBody()->getOps<RowsOp>()) {
    int64_t operands = 0;
    for (CallOp call : rows.getCalls())
      operands += call.getArguments().size();
    maxArgumentWords = std::max(maxArgumentWords, kRowsWords + 2 * operands);
  }
}

void ScheduleEmitter::collectSlots() {
  auto getSlot = [&](uint64_t number) -> Slot & {
    if (number >= slots.size())
      slots.resize(number + 1);
    return slots[number];
  };
  schedule.getBodyRegion().walk([&](BufferOp buffer) {
    Slot &slot = getSlot(buffer.getSlot());
    bool isBlock = isa<RowsOp>(buffer->getParentOp());
    (isBlock ? slot.blocks : slot.buffers).push_back(buffer);
  });
  for (auto &[op, call] : calls)
    if (call.op.getSlot())
      getSlot(*call.op.getSlot()).workspaces.push_back(call.op);
}

/// Operations of the linalg ops and attention of a kernel; operands that are
/// only gathered do not count as traffic.
KernelCounts program::countKernel(func::FuncOp definition) {
  KernelCounts counts;
  for (BlockArgument argument : definition.getArguments()) {
    if (!isa<RankedTensorType>(argument.getType()))
      continue;
    bool isStreamed = false;
    for (Operation *user : argument.getUsers())
      isStreamed |= !isa<tensor::ExtractOp, tensor::DimOp>(user);
    if (isStreamed)
      counts.streamed.push_back(argument.getArgNumber());
  }
  definition.walk([&](linalg::LinalgOp op) {
    OpCount count;
    count.factor = 0;
    for (Operation &inner : op.getBlock()->without_terminator())
      count.factor += isa<arith::ConstantOp, linalg::IndexOp>(inner) ? 0 : 1;
    if (op.getNumReductionLoops() != 0 && op.getNumDpsInputs() == 2)
      count.factor = 2; // a contraction: multiply and add
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    for (auto [loop, range] : llvm::enumerate(ranges)) {
      if (!ShapedType::isDynamic(range)) {
        count.factor *= range;
        continue;
      }
      for (OpOperand &operand : op->getOpOperands()) {
        auto argument = dyn_cast<BlockArgument>(operand.get());
        if (!argument || argument.getOwner() != &definition.getBody().front())
          continue;
        std::optional<unsigned> dim =
            op.getMatchingIndexingMap(&operand).getResultPosition(
                getAffineDimExpr(loop, op.getContext()));
        if (!dim)
          continue;
        count.sizes.push_back({argument.getArgNumber(), *dim});
        break;
      }
    }
    if (count.factor != 0)
      counts.ops.push_back(count);
  });
  definition.walk([&](AttentionOpInterface op) {
    auto rootOf = [](Value value) {
      if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
        value = slice.getSource();
      return dyn_cast<BlockArgument>(value);
    };
    BlockArgument query = rootOf(op.getQuery()), key = rootOf(op.getKey());
    if (query && key)
      counts.ops.push_back(
          {4 * static_cast<int64_t>(op.getNumHeads()) * op.getHeadSize(),
           {{query.getArgNumber(), 0},
            {query.getArgNumber(), 1},
            {key.getArgNumber(), 1}}});
  });
  return counts;
}

//===----------------------------------------------------------------------===//
// Dimensions and sizes
//===----------------------------------------------------------------------===//

void ScheduleEmitter::emitDimensions(Value inDims) {
  frame.inDims = inDims;
  int64_t place = 0;
  for (BlockArgument argument : schedule.getBody()->getArguments()) {
    SmallVector<Value> sizes;
    for (int64_t size : cast<RankedTensorType>(argument.getType()).getShape()) {
      sizes.push_back(ShapedType::isDynamic(size)
                          ? toIndex(loadWord(inDims, place))
                          : index(size));
      ++place;
    }
    frame.dims[argument] = sizes;
  }
  for (Operation &op : *schedule.getBody())
    emitDimensionsOf(op);
}

void ScheduleEmitter::emitStateDims(GetStateOp get) {
  int64_t word = states.lookup(get.lookupState()).word;
  auto tensor = dyn_cast<RankedTensorType>(get.getType());
  if (!tensor) {
    indices.map(get.getResult(), toIndex(loadWord(frame.inDims, word)));
    return;
  }
  for (int64_t size : tensor.getShape()) {
    frame.dims[get].push_back(ShapedType::isDynamic(size)
                                  ? toIndex(loadWord(frame.inDims, word))
                                  : index(size));
    ++word;
  }
}

/// The dimensions of a view of a tensor whose dimensions are known.
SmallVector<Value> ScheduleEmitter::emitViewDims(Operation &op) {
  SmallVector<Value> source = getDims(op.getOperand(0)), dims;
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      Value size = index(1);
      for (int64_t dim : group)
        size = mul(size, source[dim]);
      dims.push_back(size);
    }
    return dims;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (OpFoldResult size : expand.getMixedOutputShape())
      dims.push_back(
          isa<Value>(size)
              ? indices.lookup(cast<Value>(size))
              : index(cast<IntegerAttr>(cast<Attribute>(size)).getInt()));
    return dims;
  }
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  for (auto [dim, size] : llvm::zip(source, type.getShape()))
    dims.push_back(ShapedType::isDynamic(size) ? dim : index(size));
  return dims;
}

/// Index arithmetic is copied; tensors get their dimensions.
void ScheduleEmitter::emitDimensionsOf(Operation &op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    indices.map(dim.getResult(),
                getDims(dim.getSource())[*getConstantDim(dim)]);
  } else if (isa<tensor::EmptyOp, BufferOp>(op)) {
    Value buffer = op.getResult(0);
    SmallVector<Value> sizes;
    auto dynamic = op.getOperands().begin();
    for (int64_t size : cast<RankedTensorType>(buffer.getType()).getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? indices.lookup(*dynamic++)
                                                  : index(size));
    frame.dims[buffer] = sizes;
  } else if (auto get = dyn_cast<GetStateOp>(op)) {
    emitStateDims(get);
  } else if (auto call = dyn_cast<CallOp>(op)) {
    for (OpResult result : call->getResults())
      frame.dims[result] = getDims(call.getDestination(result));
  } else if (auto weight = dyn_cast<GetWeightOp>(op)) {
    for (int64_t size : cast<RankedTensorType>(weight.getType()).getShape())
      frame.dims[weight].push_back(index(size));
  } else if (isView(&op)) {
    frame.dims[op.getResult(0)] = emitViewDims(op);
  } else if (auto rows = dyn_cast<RowsOp>(op)) {
    for (Operation &inner : *rows.getBody())
      emitDimensionsOf(inner);
    for (OpResult result : rows->getResults()) {
      Value inner = getYielded(result);
      if (isa<RankedTensorType>(inner.getType()))
        frame.dims[result] = getDims(inner);
      else
        indices.map(result, indices.lookup(inner));
    }
  } else if (!isa<program::YieldOp, cf::AssertOp, SetStateOp>(op)) {
    builder.clone(op, indices);
  }
}

Value ScheduleEmitter::getBytes(Value tensor) {
  Value bytes = index(getElementBytes(getElementTypeOrSelf(tensor)));
  for (Value size : getDims(tensor))
    bytes = mul(bytes, size);
  return bytes;
}

/// The product of the dynamic dimensions.
Value ScheduleEmitter::getRows(Value tensor) {
  Value rows = index(1);
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [size, value] : llvm::zip(type.getShape(), getDims(tensor)))
    if (ShapedType::isDynamic(size))
      rows = mul(rows, value);
  return rows;
}

/// The sizes of a call, see VariantOp.
SmallVector<Value> ScheduleEmitter::getSizes(CallOp call) {
  SmallVector<Value> result;
  for (Value operand : call.getArguments()) {
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

/// What a region on the sizes of a call yields.
Value ScheduleEmitter::emitOnSizes(CallOp call, Region &region) {
  IRMapping mapping;
  Block &block = region.front();
  mapping.map(block.getArguments(), getSizes(call));
  for (Operation &op : block.without_terminator())
    builder.clone(op, mapping);
  return mapping.lookup(block.getTerminator()->getOperand(0));
}

/// Bytes of scratch of one thread.
Value ScheduleEmitter::getWorkspaceBytes(CallOp call) {
  return emitOnSizes(call, getScheduled(call).variant.getWorkspace());
}

/// Bytes of a thread's part of a slot with blocks of rows.
Value ScheduleEmitter::getBlockBytes(const Slot &slot) {
  Value bytes = index(0);
  for (BufferOp buffer : slot.blocks) {
    auto op = cast<RowsOp>(buffer->getParentOp());
    int64_t unit = op.getUnit();
    Value units = arith::CeilDivUIOp::create(
        builder, getRows(getRowsTensor(op)), mul(threads, index(unit)));
    Value rows = arith::MinUIOp::create(builder, mul(units, index(unit)),
                                        index(op.getBlockRows()));
    bytes = arith::MaxSIOp::create(
        builder, bytes, mul(rows, index(getRowBytes(buffer.getTensorType()))));
  }
  return roundToBuffer(builder, builder.getLoc(), bytes);
}

/// Bytes of the largest buffer of a slot.
Value ScheduleEmitter::getSlotBytes(const Slot &slot) {
  Value bytes = mul(getBlockBytes(slot), threads);
  for (BufferOp buffer : slot.buffers)
    bytes = arith::MaxSIOp::create(builder, bytes, getBytes(buffer));
  for (CallOp call : slot.workspaces)
    bytes = arith::MaxSIOp::create(builder, bytes,
                                   mul(getWorkspaceBytes(call), threads));
  return roundToBuffer(builder, builder.getLoc(), bytes);
}

/// Whether the sum of all buffers, in f64, passes the largest arena.
Value ScheduleEmitter::emitOverflowCheck(Value threadCount) {
  Type f64 = builder.getF64Type();
  auto toFloat = [&](Value value) -> Value {
    return arith::SIToFPOp::create(builder, f64, toI64(value));
  };
  Value sum = arith::ConstantOp::create(builder, builder.getF64FloatAttr(0.0));
  for (const Slot &slot : slots) {
    sum = arith::AddFOp::create(
        builder, sum,
        arith::MulFOp::create(builder, toFloat(getBlockBytes(slot)),
                              toFloat(threadCount)));
    for (BufferOp buffer : slot.buffers) {
      Value bytes = arith::ConstantOp::create(
          builder, builder.getF64FloatAttr(static_cast<double>(
                       getElementBytes(getElementTypeOrSelf(buffer)))));
      for (Value size : getDims(buffer))
        bytes = arith::MulFOp::create(builder, bytes, toFloat(size));
      sum = arith::AddFOp::create(builder, sum, bytes);
    }
    for (CallOp call : slot.workspaces)
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

/// What the numbers among the states are after the run.
void ScheduleEmitter::storeNumbers(Value outDims, int64_t place) {
  llvm::DenseMap<StringRef, Value> stored;
  for (auto set : schedule.getBody()->getOps<SetStateOp>())
    stored[set.getName()] = set.getValue();
  for (auto &[state, statePlace] : states) {
    StateOp op = state;
    if (!op.isNumber())
      continue;
    Value value = stored.lookup(op.getSymName());
    storeWord(outDims, place++,
              value ? toI64(indices.lookup(value))
                    : loadWord(frame.inDims, statePlace.word));
  }
}

void ScheduleEmitter::emitPlan() {
  func::FuncOp plan =
      createFunction(getPlanName(schedule.getEntry()),
                     {pointerType(), builder.getI64Type(), pointerType()},
                     {builder.getI64Type()});
  threads = toIndex(plan.getArgument(1));
  emitDimensions(plan.getArgument(0));
  Value bytes = index(0);
  for (const Slot &slot : slots)
    bytes = arith::AddIOp::create(builder, bytes, getSlotBytes(slot));
  int64_t place = 0;
  for (Value output : schedule.getResults())
    for (Value size : getDims(output))
      storeWord(plan.getArgument(2), place++, toI64(size));
  storeNumbers(plan.getArgument(2), place);
  Value isTooLarge = emitOverflowCheck(threads);
  Value result =
      arith::SelectOp::create(builder, isTooLarge, word(-1), toI64(bytes));
  // The first that does not hold is told.
  auto checks = llvm::to_vector(schedule.getBody()->getOps<cf::AssertOp>());
  for (int64_t i = checks.size() - 1; i >= 0; --i)
    result = arith::SelectOp::create(
        builder, indices.lookup(checks[i].getArg()), result, word(-2 - i));
  func::ReturnOp::create(builder, result);
}

void ScheduleEmitter::emitPointersOf(Operation &op, Value inputs,
                                     Value weights) {
  if (auto get = dyn_cast<GetWeightOp>(op)) {
    auto weight = symbols.lookup<WeightOp>(get.getName());
    frame.pointers[get] = bytePtr(weights, index(*weight.getOffset()));
  } else if (auto get = dyn_cast<GetStateOp>(op)) {
    if (!get.getType().isIndex())
      frame.pointers[get] = loadElement(
          pointerType(), inputs, states.lookup(get.lookupState()).pointer);
  } else if (auto call = dyn_cast<CallOp>(op)) {
    for (OpResult result : call->getResults())
      frame.pointers[result] =
          frame.pointers.lookup(call.getDestination(result));
  } else if (isView(&op)) {
    frame.pointers[op.getResult(0)] = frame.pointers.lookup(op.getOperand(0));
  } else if (auto rows = dyn_cast<RowsOp>(op)) {
    for (Operation &inner : *rows.getBody())
      emitPointersOf(inner, inputs, weights);
    for (OpResult result : rows->getResults())
      frame.pointers[result] = frame.pointers.lookup(getYielded(result));
  }
}

void ScheduleEmitter::emitPointers(Value inputs, Value outputs, Value weights) {
  for (BlockArgument argument : schedule.getBody()->getArguments())
    frame.pointers[argument] =
        loadElement(pointerType(), inputs, argument.getArgNumber());
  for (auto [number, output] : llvm::enumerate(schedule.getResults()))
    frame.pointers[getRoot(output)] =
        loadElement(pointerType(), outputs, number);
  Value offset = index(0);
  for (const Slot &slot : slots) {
    slotOffsets.push_back(offset);
    for (BufferOp buffer : slot.buffers)
      frame.pointers[buffer] = bytePtr(frame.arena, offset);
    for (BufferOp buffer : slot.blocks) {
      Value pointer = bytePtr(frame.arena, offset);
      frame.pointers[buffer] = pointer;
      blockSteps[pointer] = getBlockBytes(slot);
    }
    offset = arith::AddIOp::create(builder, offset, getSlotBytes(slot));
  }
  for (Operation &op : *schedule.getBody())
    emitPointersOf(op, inputs, weights);
}

void ScheduleEmitter::emitRun() {
  Type pointer = pointerType();
  func::FuncOp run = createFunction(
      getRunName(schedule.getEntry()),
      {pointer, pointer, pointer, pointer, pointer, pointer}, {});
  frame.context = run.getArgument(0);
  frame.arena = run.getArgument(4);
  func::FuncOp numThreads =
      declareRuntime("tq_num_threads", {pointer}, {builder.getI64Type()});
  threads = toIndex(
      func::CallOp::create(builder, numThreads, frame.context).getResult(0));
  emitDimensions(run.getArgument(2));
  frame.block = allocateWords(maxArgumentWords);
  emitPointers(run.getArgument(1), run.getArgument(3), run.getArgument(5));
  emitCalls();
  func::ReturnOp::create(builder, ValueRange());
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void ScheduleEmitter::emitCalls() {
  for (Operation &op : *schedule.getBody())
    if (auto call = dyn_cast<CallOp>(op))
      emitSharedCall(getScheduled(call));
    else if (auto rows = dyn_cast<RowsOp>(op))
      emitRows(rows);
}

/// Multiplications and additions of a call.
Value ScheduleEmitter::getOps(ScheduledCall &call) {
  Value sum = index(0);
  for (const OpCount &count : call.counts.ops) {
    Value product = index(count.factor);
    for (auto [operand, dim] : count.sizes)
      product = mul(product, getDims(call.op.getArguments()[operand])[dim]);
    sum = arith::AddIOp::create(builder, sum, product);
  }
  return toI64(sum);
}

/// Bytes of the tensors that a call reads and writes whole.
Value ScheduleEmitter::getTraffic(ScheduledCall &call) {
  Value sum = index(0);
  for (unsigned operand : call.counts.streamed)
    sum = arith::AddIOp::create(builder, sum,
                                getBytes(call.op.getArguments()[operand]));
  return toI64(sum);
}

/// The words that NAME.body reads.
void ScheduleEmitter::storeArguments(ScheduledCall &call) {
  int64_t place = 0;
  for (Value operand : call.op.getArguments()) {
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
  if (!call.op.getSlot())
    return;
  storeWord(frame.block, place++,
            bytePtr(frame.arena, slotOffsets[*call.op.getSlot()]));
  storeWord(frame.block, place++, toI64(getWorkspaceBytes(call.op)));
}

/// The number of work items of a call; code that has none runs as one.
Value ScheduleEmitter::emitCount(ScheduledCall &call) {
  VariantOp variant = call.variant;
  return variant.hasCount() ? toI64(emitOnSizes(call.op, variant.getCount()))
                            : word(1);
}

func::FuncOp ScheduleEmitter::declareRuntime(StringRef name,
                                             ArrayRef<Type> arguments,
                                             ArrayRef<Type> results) {
  return getOrDeclare(module, name,
                      builder.getFunctionType(arguments, results));
}

Value ScheduleEmitter::getAddress(func::FuncOp function) {
  Value value = func::ConstantOp::create(builder, function.getFunctionType(),
                                         FlatSymbolRefAttr::get(function));
  return UnrealizedConversionCastOp::create(builder, TypeRange{pointerType()},
                                            value)
      .getResult(0);
}

void ScheduleEmitter::emitParallelFor(func::FuncOp body, Value arguments,
                                      Value count) {
  Type pointer = pointerType();
  func::FuncOp parallel = declareRuntime(
      "tq_parallel_for", {pointer, pointer, pointer, builder.getI64Type()}, {});
  func::CallOp::create(
      builder, parallel,
      ValueRange{frame.context, getAddress(body), arguments, count});
}

Value ScheduleEmitter::emitBegin() {
  func::FuncOp begin = declareRuntime("tq_kernel_begin", {pointerType()},
                                      {builder.getI64Type()});
  return func::CallOp::create(builder, begin, frame.context).getResult(0);
}

void ScheduleEmitter::emitEnd(ScheduledCall &call, Value id, Value thread,
                              Value begin) {
  Type i64 = builder.getI64Type();
  func::FuncOp end = declareRuntime(
      "tq_kernel_end", {pointerType(), i64, i64, i64, i64, i64}, {});
  func::CallOp::create(builder, end,
                       ValueRange{frame.context, id, thread, begin,
                                  getOps(call), getTraffic(call)});
}

/// A call whose work items all threads share.
void ScheduleEmitter::emitSharedCall(ScheduledCall &call) {
  storeArguments(call);
  Value begin = emitBegin();
  emitParallelFor(getKernelBody(module, call.op.getKernel()), frame.block,
                  emitCount(call));
  emitEnd(call, word(call.id), word(-1), begin);
}
