//===- RowsEmitter.cpp - Code that takes blocks of rows through calls -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `program.rows` becomes a function in the form of a kernel's body, whose work
// items are blocks of rows. Its arguments are words:
//
//     context, id of the first call, rows, rows of a block,
//     a pointer for each operand, steps between the blocks of threads
//
// Ops that differ only in these share the function.
//
//===----------------------------------------------------------------------===//

#include "ScheduleEmitter.h"

#include "tq/Dialect/Program/Analysis/Buffers.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

/// Words of the function's arguments before those of its operands.
enum RowsWord {
  kContext,
  kFirstCall,
  kRows,
  kRowsOfBlock,
  kFirstOperand = kRowsWords
};

/// Pointers of the calls' operands, each once.
ScheduleEmitter::RowsOperands ScheduleEmitter::collectOperands(RowsOp op) {
  RowsOperands operands;
  unsigned place = kFirstOperand;
  for (CallOp call : op.getCalls())
    for (Value operand : call.getArguments()) {
      Value pointer = frame.pointers.lookup(operand);
      auto [entry, isNew] = operands.insert({pointer, {place, std::nullopt}});
      if (!isNew)
        continue;
      ++place;
      if (blockSteps.contains(pointer))
        entry->second.step = place++;
    }
  return operands;
}

/// With enough rows in blocks, else one call after the other.
void ScheduleEmitter::emitRows(RowsOp op) {
  Value rows = getRows(getRowsTensor(op));
  Value least = mul(threads, index(op.getLeast()));
  Value hasBlocks =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::uge, rows, least);
  auto branch = scf::IfOp::create(builder, hasBlocks, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  emitBlocks(op, rows);
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  for (CallOp call : op.getCalls())
    emitSharedCall(getScheduled(call));
}

/// As many blocks for every thread, as large as may be.
void ScheduleEmitter::emitBlocks(RowsOp op, Value rows) {
  Value most = mul(threads, index(op.getBlockRows()));
  Value blocks = mul(threads, arith::CeilDivUIOp::create(builder, rows, most));
  Value units = arith::CeilDivUIOp::create(builder, rows,
                                           mul(blocks, index(op.getUnit())));
  Value blockRows =
      arith::MinUIOp::create(builder, rows, mul(units, index(op.getUnit())));
  RowsOperands operands = collectOperands(op);
  storeWord(frame.block, kContext, frame.context);
  storeWord(frame.block, kFirstCall,
            word(getScheduled(*op.getCalls().begin()).id));
  storeWord(frame.block, kRows, toI64(rows));
  storeWord(frame.block, kRowsOfBlock, toI64(blockRows));
  for (auto &[pointer, operand] : operands) {
    storeWord(frame.block, operand.word, pointer);
    if (operand.step)
      storeWord(frame.block, *operand.step, toI64(blockSteps.lookup(pointer)));
  }
  Value count = toI64(arith::CeilDivUIOp::create(builder, rows, blockRows));
  emitParallelFor(getRowsFunction(op, operands), frame.block, count);
}

/// The op's function: one for all that have the same code.
func::FuncOp ScheduleEmitter::getRowsFunction(RowsOp op,
                                              const RowsOperands &operands) {
  std::string code;
  llvm::raw_string_ostream text(code);
  for (CallOp call : op.getCalls()) {
    text << call.getKernel() << "(";
    for (Value operand : call.getArguments()) {
      const RowsOperand &found =
          operands.find(frame.pointers.lookup(operand))->second;
      text << found.word << (found.step ? "b," : ",");
    }
    text << ")";
  }
  func::FuncOp &body = rowsFunctions[code];
  if (body)
    return body;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module.getBody());
  Type i64 = builder.getI64Type();
  body = func::FuncOp::create(
      builder, ("tq_row_group_" + Twine(rowsFunctions.size() - 1)).str(),
      builder.getFunctionType({pointerType(), i64, i64, i64}, {}));
  setInternal(body);
  emitRowsFunction(op, operands, body);
  return body;
}

/// Blocks [begin, end), all calls of one before the next.
void ScheduleEmitter::emitRowsFunction(RowsOp op, const RowsOperands &operands,
                                       func::FuncOp body) {
  builder.setInsertionPointToStart(body.addEntryBlock());
  Value arguments = body.getArgument(0);
  Value block = allocateWords(maxArgumentWords);
  Value rows = toIndex(loadWord(arguments, kRows));
  Value blockRows = toIndex(loadWord(arguments, kRowsOfBlock));
  auto loop = scf::ForOp::create(builder, toIndex(body.getArgument(1)),
                                 toIndex(body.getArgument(2)), index(1));
  func::ReturnOp::create(builder, ValueRange());
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value first = mul(loop.getInductionVar(), blockRows);
  Value count = arith::MinUIOp::create(
      builder, blockRows, arith::SubIOp::create(builder, rows, first));
  Frame whole =
      std::exchange(frame, makeBlockFrame(op, operands, body, first, count));
  frame.block = block;
  for (auto [i, inner] : llvm::enumerate(op.getCalls())) {
    ScheduledCall &call = getScheduled(inner);
    storeArguments(call);
    Value begin = emitBegin();
    func::CallOp::create(
        builder, getKernelBody(module, inner.getKernel()),
        ValueRange{block, word(0), emitCount(call), body.getArgument(3)});
    Value id = arith::AddIOp::create(builder, loadWord(arguments, kFirstCall),
                                     word(int64_t(i)));
    emitEnd(call, id, body.getArgument(3), begin);
  }
  frame = std::move(whole);
}

/// Tensors cut down to `rows` rows from `first` on.
ScheduleEmitter::Frame
ScheduleEmitter::makeBlockFrame(RowsOp op, const RowsOperands &operands,
                                func::FuncOp body, Value first, Value rows) {
  Frame result;
  Value arguments = body.getArgument(0);
  result.context = loadElement(pointerType(), arguments, kContext);
  Value thread = toIndex(body.getArgument(3));
  for (CallOp call : op.getCalls())
    for (Value operand : call.getArguments()) {
      const RowsOperand &found =
          operands.find(frame.pointers.lookup(operand))->second;
      auto type = cast<RankedTensorType>(operand.getType());
      Value pointer = loadElement(pointerType(), arguments, found.word);
      if (found.step)
        pointer = bytePtr(
            pointer, mul(thread, toIndex(loadWord(arguments, *found.step))));
      else if (!type.hasStaticShape())
        pointer = bytePtr(pointer, mul(first, index(getRowBytes(type))));
      result.pointers[operand] = pointer;
      SmallVector<Value> &dims = result.dims[operand];
      for (int64_t size : type.getShape())
        dims.push_back(index(ShapedType::isDynamic(size) ? 1 : size));
      if (!type.hasStaticShape())
        dims[type.getNumDynamicDims() - 1] = rows;
    }
  return result;
}
