//===- ScheduleEmitter.h - Code that runs a schedule ------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_SCHEDULEEMITTER_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_SCHEDULEEMITTER_H

#include "tq/Dialect/Program/IR/Program.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

#include <optional>

namespace tq::program {

/// Operations of a kernel: `factor` times the sizes of some operands'
/// dimensions.
struct OpCount {
  int64_t factor;
  llvm::SmallVector<std::pair<unsigned, unsigned>>
      sizes; // (operand, dimension)
};

/// What a call of a kernel counts in a profile.
struct KernelCounts {
  llvm::SmallVector<OpCount> ops;
  llvm::SmallVector<unsigned> streamed; ///< operands that are not only gathered
};

KernelCounts countKernel(mlir::func::FuncOp definition);

/// A part of the arena, and what takes turns in it.
struct Slot {
  llvm::SmallVector<BufferOp> buffers;
  /// Those that hold a block of rows of each thread.
  llvm::SmallVector<BufferOp> blocks;
  llvm::SmallVector<CallOp> workspaces;
};

/// A call, and what is known of it.
struct ScheduledCall {
  CallOp op;
  int64_t id; ///< index into the entry's calls
  VariantOp variant;
  KernelCounts counts;
};

/// Functions of blocks of rows in a target's module: those with equal code are
/// one.
using RowsFunctions = llvm::StringMap<mlir::func::FuncOp>;

/// Emits `plan` and `run` of an entry into the module of its schedule's target.
/// Both know the dimensions of every tensor and the places of the arena's
/// slots.
class ScheduleEmitter {
public:
  /// `symbols` are those of the program.
  ScheduleEmitter(ScheduleOp schedule, mlir::ModuleOp module,
                  mlir::SymbolTable &symbols, RowsFunctions &rowsFunctions);

  void emitPlan();
  void emitRun();

private:
  /// Tensors as the calls that are emitted now see them: whole, or a block of
  /// their rows.
  struct Frame {
    mlir::Value context, arena, inDims;
    mlir::Value block; ///< words of a kernel's arguments
    llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> dims;
    llvm::DenseMap<mlir::Value, mlir::Value> pointers;
  };
  /// How the code for blocks of rows gets at an operand.
  struct RowsOperand {
    unsigned word;                ///< of its pointer
    std::optional<unsigned> step; ///< word of the bytes between threads' blocks
  };
  using RowsOperands = llvm::MapVector<mlir::Value, RowsOperand>;

  mlir::func::FuncOp createFunction(llvm::StringRef name,
                                    llvm::ArrayRef<mlir::Type> arguments,
                                    llvm::ArrayRef<mlir::Type> results);
  mlir::Type pointerType() {
    return mlir::LLVM::LLVMPointerType::get(builder.getContext());
  }
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(builder, value);
  }
  mlir::Value word(int64_t value) {
    return mlir::arith::ConstantIntOp::create(builder, value, 64);
  }
  mlir::Value toI64(mlir::Value value) {
    return mlir::arith::IndexCastOp::create(builder, builder.getI64Type(),
                                            value);
  }
  mlir::Value toIndex(mlir::Value value) {
    return mlir::arith::IndexCastOp::create(builder, builder.getIndexType(),
                                            value);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return mlir::arith::MulIOp::create(builder, x, y);
  }
  /// Address of element `i` of an array of `type`.
  mlir::Value elementPtr(mlir::Value base, mlir::Type type, int64_t i) {
    return mlir::LLVM::GEPOp::create(
        builder, pointerType(), type, base,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{static_cast<int32_t>(i)});
  }
  mlir::Value bytePtr(mlir::Value base, mlir::Value offset) {
    return mlir::LLVM::GEPOp::create(
        builder, pointerType(), builder.getI8Type(), base,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{toI64(offset)});
  }
  mlir::Value loadElement(mlir::Type type, mlir::Value base, int64_t i) {
    return mlir::LLVM::LoadOp::create(builder, type, elementPtr(base, type, i));
  }
  mlir::Value loadWord(mlir::Value base, int64_t i) {
    return loadElement(builder.getI64Type(), base, i);
  }
  /// An i64 or a pointer.
  void storeWord(mlir::Value base, int64_t i, mlir::Value word) {
    mlir::LLVM::StoreOp::create(builder, word,
                                elementPtr(base, builder.getI64Type(), i));
  }
  mlir::Value allocateWords(int64_t count);

  // What is emitted.
  void collectStates();
  void collectCalls();
  void collectSlots();
  ScheduledCall &getScheduled(CallOp call) { return calls.find(call)->second; }

  // Dimensions and sizes.
  void emitDimensions(mlir::Value inDims);
  void emitStateDims(GetStateOp get);
  void storeNumbers(mlir::Value outDims, int64_t place);
  void emitDimensionsOf(mlir::Operation &op);
  llvm::SmallVector<mlir::Value> emitViewDims(mlir::Operation &op);
  llvm::SmallVector<mlir::Value> getDims(mlir::Value tensor) {
    return frame.dims.lookup(tensor);
  }
  mlir::Value getBytes(mlir::Value tensor);
  mlir::Value getRows(mlir::Value tensor);
  mlir::Value getBlockBytes(const Slot &slot);
  mlir::Value getSlotBytes(const Slot &slot);
  llvm::SmallVector<mlir::Value> getSizes(CallOp call);
  mlir::Value emitOnSizes(CallOp call, mlir::Region &region);
  mlir::Value getWorkspaceBytes(CallOp call);
  mlir::Value emitOverflowCheck(mlir::Value threads);

  // Calls.
  void emitPointers(mlir::Value inputs, mlir::Value outputs,
                    mlir::Value weights);
  void emitPointersOf(mlir::Operation &op, mlir::Value inputs,
                      mlir::Value weights);
  void emitCalls();
  void emitSharedCall(ScheduledCall &call);
  void storeArguments(ScheduledCall &call);
  mlir::Value emitCount(ScheduledCall &call);
  mlir::Value getAddress(mlir::func::FuncOp function);
  mlir::Value emitBegin();
  void emitEnd(ScheduledCall &call, mlir::Value id, mlir::Value thread,
               mlir::Value begin);
  mlir::Value getOps(ScheduledCall &call);
  mlir::Value getTraffic(ScheduledCall &call);
  mlir::func::FuncOp declareRuntime(llvm::StringRef name,
                                    llvm::ArrayRef<mlir::Type> arguments,
                                    llvm::ArrayRef<mlir::Type> results);
  void emitParallelFor(mlir::func::FuncOp body, mlir::Value arguments,
                       mlir::Value count);

  // Blocks of rows, in RowsEmitter.cpp.
  void emitRows(RowsOp op);
  void emitBlocks(RowsOp op, mlir::Value rows);
  RowsOperands collectOperands(RowsOp op);
  mlir::func::FuncOp getRowsFunction(RowsOp op, const RowsOperands &operands);
  void emitRowsFunction(RowsOp op, const RowsOperands &operands,
                        mlir::func::FuncOp function);
  Frame makeBlockFrame(RowsOp op, const RowsOperands &operands,
                       mlir::func::FuncOp function, mlir::Value first,
                       mlir::Value rows);

  ScheduleOp schedule;
  mlir::ModuleOp module; ///< of the target
  mlir::SymbolTable &symbols;
  RowsFunctions &rowsFunctions;
  mlir::ImplicitLocOpBuilder builder;
  llvm::MapVector<mlir::Operation *, ScheduledCall> calls;
  /// Where a state's tensor is among the inputs, and its dimensions or its
  /// value among their dimensions.
  struct StatePlace {
    int64_t pointer, word;
  };
  llvm::MapVector<StateOp, StatePlace> states;
  llvm::SmallVector<Slot> slots;
  int64_t maxArgumentWords = 1;
  mlir::IRMapping indices; ///< index values of the schedule
  Frame frame;
  llvm::SmallVector<mlir::Value> slotOffsets;
  /// Of pointers to buffers that hold blocks: bytes from thread to thread.
  llvm::DenseMap<mlir::Value, mlir::Value> blockSteps;
  mlir::Value threads;
};

/// Words of the arguments of a function for blocks of rows, beside those for
/// its operands.
inline constexpr int64_t kRowsWords = 4;

/// The function `name`, declared with `type` where it does not exist.
mlir::func::FuncOp getOrDeclare(mlir::ModuleOp module, llvm::StringRef name,
                                mlir::FunctionType type);

/// Nothing outside the module sees it: LLVM may inline and drop it.
void setInternal(mlir::func::FuncOp function);

/// NAME.body of a kernel: its code in the runtime's calling convention.
mlir::func::FuncOp getKernelBody(mlir::ModuleOp module, llvm::StringRef kernel);

/// Moves the code of `variant` into `module` as NAME.code, and defines
/// NAME.body.
void emitKernel(VariantOp variant, mlir::ModuleOp module);

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_SCHEDULEEMITTER_H
