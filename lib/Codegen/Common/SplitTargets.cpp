//===- SplitTargets.cpp - Give each CPU a module of its own -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/Passes.h"
#include "tq/Codegen/Common/TargetModules.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq {
#define GEN_PASS_DEF_SPLITTARGETS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

struct SplitTargetsPass : public tq::impl::SplitTargetsBase<SplitTargetsPass> {
  using SplitTargetsBase::SplitTargetsBase;

  void runOnOperation() override {
    ModuleOp program = getOperation();
    if (targets.empty()) {
      program.emitError("expected targets: CPU=SCHEDULE");
      return signalPassFailure();
    }
    SmallVector<Operation *> parts;
    for (Operation &op : *program.getBody())
      parts.push_back(&op);
    OpBuilder builder = OpBuilder::atBlockEnd(program.getBody());
    for (auto [index, target] : llvm::enumerate(targets)) {
      auto [cpu, schedule] = llvm::StringRef(target).split('=');
      auto inner = ModuleOp::create(builder, program.getLoc(),
                                    "target_" + std::to_string(index));
      inner->setDiscardableAttrs(program->getDiscardableAttrDictionary());
      inner->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(),
                     builder.getStringAttr(triple));
      inner->setAttr(kTargetCpuAttr, builder.getStringAttr(cpu));
      inner->setAttr(kScheduleAttr, builder.getStringAttr(schedule));
      OpBuilder copies = OpBuilder::atBlockEnd(inner.getBody());
      for (Operation *op : parts)
        copies.clone(*op);
    }
    for (Operation *op : llvm::reverse(parts))
      op->erase();
  }
};

} // namespace
