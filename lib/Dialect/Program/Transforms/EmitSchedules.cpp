//===- EmitSchedules.cpp - Functions of the program's ABI -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleEmitter.h"

#include "tq/Dialect/Program/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tq::program {
#define GEN_PASS_DEF_EMITSCHEDULESPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

std::string program::getPlanName(StringRef entry) {
  return (entry + ".plan").str();
}

std::string program::getRunName(StringRef entry) {
  return (entry + ".run").str();
}

/// An empty module for `target`.
static ModuleOp createModule(ModuleOp program, TargetAttr target,
                             size_t index) {
  OpBuilder builder = OpBuilder::atBlockEnd(program.getBody());
  auto module = ModuleOp::create(builder, program.getLoc(),
                                 "target_" + std::to_string(index));
  module->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(),
                  builder.getStringAttr(target.getTriple()));
  module->setAttr(kTargetAttr, target);
  return module;
}

namespace {

struct EmitSchedulesPass
    : public program::impl::EmitSchedulesPassBase<EmitSchedulesPass> {
  void runOnOperation() override {
    ModuleOp program = getOperation();
    SymbolTable symbols(program);
    auto targets = program->getAttrOfType<ArrayAttr>(kTargetsAttr);
    if (!targets) {
      program.emitError("expected the program's targets in ") << kTargetsAttr;
      return signalPassFailure();
    }
    for (auto [index, target] :
         llvm::enumerate(targets.getAsRange<TargetAttr>()))
      emitTarget(target, createModule(program, target, index), symbols);
    noteArenas();
    eraseAll<ScheduleOp>();
    eraseAll<KernelOp>();
  }

private:
  void emitTarget(TargetAttr target, ModuleOp module, SymbolTable &symbols) {
    RowsFunctions rowsFunctions;
    llvm::SetVector<Operation *> kernels;
    for (auto schedule : getOperation().getOps<ScheduleOp>()) {
      if (schedule.getTarget() != target)
        continue;
      ScheduleEmitter emitter(schedule, module, symbols, rowsFunctions);
      emitter.emitPlan();
      emitter.emitRun();
      for (CallOp call : schedule.getCalls())
        kernels.insert(symbols.lookup(call.getKernel()));
    }
    for (Operation *kernel : kernels)
      emitKernel(cast<KernelOp>(kernel).getVariant(target), module);
  }

  /// Entries keep the sizes of their arenas, in the order of the targets.
  void noteArenas() {
    llvm::MapVector<StringRef, SmallVector<StringRef>> arenas;
    for (auto schedule : getOperation().getOps<ScheduleOp>())
      arenas[schedule.getEntry()].push_back(schedule.getArena().value_or(""));
    Builder builder(&getContext());
    for (auto entry : getOperation().getOps<EntryOp>())
      entry.setArenasAttr(
          builder.getStrArrayAttr(arenas.lookup(entry.getSymName())));
  }

  template <typename Op>
  void eraseAll() {
    for (auto op : llvm::to_vector(getOperation().getOps<Op>()))
      op.erase();
  }
};

} // namespace
