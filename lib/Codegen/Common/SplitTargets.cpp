//===- SplitTargets.cpp - Give each CPU a module of its own ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/Passes.h"
#include "tq/Codegen/Common/TargetModules.h"
#include "tq/Target/Target.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq {
#define GEN_PASS_DEF_SPLITTARGETSPASS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// A module for `target` at the end of the program, with all of `parts`.
static void createModule(OpBuilder &builder, ModuleOp program, size_t index,
                         const Target &target, ArrayRef<Operation *> parts) {
  auto inner = ModuleOp::create(builder, program.getLoc(),
                                "target_" + std::to_string(index));
  inner->setDiscardableAttrs(program->getDiscardableAttrDictionary());
  inner->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(),
                 builder.getStringAttr(target.triple));
  inner->setAttr(kTargetCpuAttr, builder.getStringAttr(target.name));
  OpBuilder copies = OpBuilder::atBlockEnd(inner.getBody());
  for (Operation *op : parts)
    copies.clone(*op);
}

namespace {

struct SplitTargetsPass
    : public tq::impl::SplitTargetsPassBase<SplitTargetsPass> {
  using SplitTargetsPassBase::SplitTargetsPassBase;

  void runOnOperation() override {
    ModuleOp program = getOperation();
    llvm::Expected<std::vector<Target>> targets = resolve();
    if (!targets) {
      program.emitError(toString(targets.takeError()));
      return signalPassFailure();
    }
    SmallVector<Operation *> parts;
    for (Operation &op : *program.getBody())
      parts.push_back(&op);
    OpBuilder builder = OpBuilder::atBlockEnd(program.getBody());
    for (auto [index, own] : llvm::enumerate(*targets))
      createModule(builder, program, index, own, parts);
    for (Operation *op : llvm::reverse(parts))
      op->erase();
  }

private:
  llvm::Expected<std::vector<Target>> resolve() {
    llvm::Expected<std::string> triple = resolveTriple(target);
    if (!triple)
      return triple.takeError();
    std::vector<std::string> cpus(targetCpus.begin(), targetCpus.end());
    return resolveTargets(cpus.empty() ? getDefaultCpus(*triple) : cpus,
                          *triple);
  }
};

} // namespace
