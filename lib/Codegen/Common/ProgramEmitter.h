//===- ProgramEmitter.h - Code that runs a schedule -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_COMMON_PROGRAMEMITTER_H
#define TQ_LIB_CODEGEN_COMMON_PROGRAMEMITTER_H

#include "ScheduleAnalysis.h"

#include "tq/Codegen/Common/KernelAbi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

namespace tq {

/// Emits `@tq_program_run` and `@tq_program_plan`. Both know the dimensions of
/// every tensor and the places of the arena's slots.
class ProgramEmitter {
public:
  ProgramEmitter(mlir::func::FuncOp main, const Schedule &schedule)
      : main(main), schedule(schedule),
        builder(main.getLoc(), main.getContext()),
        module(main->getParentOfType<mlir::ModuleOp>()) {}

  mlir::LogicalResult emitPlan();
  mlir::LogicalResult emitRun();

private:
  /// Tensors as the calls that are emitted now see them: whole, or a block of
  /// their rows.
  struct Frame {
    mlir::Value context, arena;
    mlir::Value block; ///< words of a kernel's arguments
    llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> dims;
    llvm::DenseMap<mlir::Value, mlir::Value> pointers;
  };
  /// How a group's code gets at an operand.
  struct GroupOperand {
    unsigned word;                ///< of its pointer
    std::optional<unsigned> step; ///< word of the bytes between threads' blocks
  };
  using GroupOperands = llvm::MapVector<mlir::Value, GroupOperand>;

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

  // Dimensions and sizes.
  mlir::LogicalResult emitDimensions(mlir::Value inDims);
  mlir::LogicalResult emitDimensionsOf(mlir::Operation &op);
  llvm::SmallVector<mlir::Value> getDims(mlir::Value tensor) {
    return frame.dims.lookup(tensor);
  }
  mlir::Value getBytes(mlir::Value tensor);
  mlir::Value getRows(mlir::Value tensor);
  mlir::Value getBlockBytes(const Slot &slot);
  mlir::Value getSlotBytes(const Slot &slot);
  llvm::SmallVector<mlir::Value> getSizes(mlir::func::CallOp call);
  mlir::Value getWorkspaceBytes(mlir::func::CallOp call);
  mlir::Value emitOverflowCheck(mlir::Value threads);

  // Calls.
  void emitPointers(mlir::Value inputs, mlir::Value outputs,
                    mlir::Value weights);
  void emitCalls();
  void emitSharedCall(const ScheduledCall &call);
  void storeArguments(const ScheduledCall &call);
  mlir::Value emitCount(mlir::func::CallOp call);
  mlir::func::FuncOp getBody(llvm::StringRef kernel);
  mlir::Value getAddress(mlir::func::FuncOp function);
  mlir::Value emitBegin();
  void emitEnd(const ScheduledCall &call, mlir::Value id, mlir::Value thread,
               mlir::Value begin);
  mlir::Value getOps(const ScheduledCall &call);
  mlir::Value getTraffic(const ScheduledCall &call);
  mlir::func::FuncOp declareRuntime(llvm::StringRef name,
                                    llvm::ArrayRef<mlir::Type> arguments,
                                    llvm::ArrayRef<mlir::Type> results) {
    return getOrDeclare(module, name,
                        builder.getFunctionType(arguments, results));
  }
  void emitParallelFor(mlir::func::FuncOp body, mlir::Value arguments,
                       mlir::Value count);

  // Groups of calls, in EmitRowGroups.cpp.
  void emitGroup(const RowGroup &group);
  void emitBlocks(const RowGroup &group, mlir::Value rows);
  GroupOperands collectOperands(const RowGroup &group);
  mlir::func::FuncOp getGroupBody(const RowGroup &group,
                                  const GroupOperands &operands);
  void emitGroupBody(const RowGroup &group, const GroupOperands &operands,
                     mlir::func::FuncOp body);
  Frame makeBlockFrame(const RowGroup &group, const GroupOperands &operands,
                       mlir::func::FuncOp body, mlir::Value first,
                       mlir::Value rows);

  mlir::func::FuncOp main;
  const Schedule &schedule;
  mlir::ImplicitLocOpBuilder builder;
  mlir::ModuleOp module;
  mlir::IRMapping indices; ///< index values of the schedule
  Frame frame;
  llvm::SmallVector<mlir::Value> slotOffsets;
  /// Of pointers to buffers that hold blocks: bytes from thread to thread.
  llvm::DenseMap<mlir::Value, mlir::Value> blockSteps;
  llvm::StringMap<mlir::func::FuncOp> groupBodies;
  mlir::Value threads;
};

} // namespace tq

#endif // TQ_LIB_CODEGEN_COMMON_PROGRAMEMITTER_H
