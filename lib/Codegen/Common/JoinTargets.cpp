//===- JoinTargets.cpp - Share weights and description --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/Passes.h"
#include "tq/Codegen/Common/TargetModules.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"

namespace tq {
#define GEN_PASS_DEF_JOINTARGETSPASS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static constexpr llvm::StringLiteral kFormulaKey = "arena_formula";

/// Takes the description of a program for one CPU off its module, and leaves
/// the formula of its arena.
static DictionaryAttr takeProgram(ModuleOp module) {
  auto program = module->getAttrOfType<DictionaryAttr>(kProgramAttr);
  if (!program)
    return {};
  NamedAttrList shared(program);
  if (Attribute formula = shared.erase(kFormulaKey))
    module->setAttr(kArenaFormulaAttr, formula);
  module->removeAttr(kProgramAttr);
  return shared.getDictionary(module.getContext());
}

/// Removes what `module` has in common with the program's module.
static void dropSharedAttrs(ModuleOp module, ModuleOp program) {
  for (NamedAttribute attr : program->getDiscardableAttrs())
    if (module->getAttr(attr.getName()) == attr.getValue())
      module->removeAttr(attr.getName());
}

/// Whether both modules hold the same weights at the same places.
static bool haveSameWeights(ArrayRef<WeightOp> some, ModuleOp other) {
  auto others = llvm::to_vector(other.getOps<WeightOp>());
  return llvm::equal(some, others, [](WeightOp a, WeightOp b) {
    return OperationEquivalence::isEquivalentTo(
        a, b, OperationEquivalence::IgnoreLocations);
  });
}

namespace {

struct JoinTargetsPass : public tq::impl::JoinTargetsPassBase<JoinTargetsPass> {
  void runOnOperation() override {
    ModuleOp program = getOperation();
    auto modules = llvm::to_vector(program.getOps<ModuleOp>());
    if (modules.empty()) {
      program.emitError("expected a module for each target");
      return signalPassFailure();
    }
    auto weights = llvm::to_vector(modules.front().getOps<WeightOp>());
    DictionaryAttr description;
    for (ModuleOp module : modules) {
      dropSharedAttrs(module, program);
      DictionaryAttr own = takeProgram(module);
      bool isFirst = module == modules.front();
      if (isFirst)
        description = own;
      if (!own || own != description || !haveSameWeights(weights, module)) {
        module.emitError("expected the same tq.program and weights for every "
                         "target");
        return signalPassFailure();
      }
      if (!isFirst)
        for (WeightOp weight : llvm::to_vector(module.getOps<WeightOp>()))
          weight.erase();
    }
    for (WeightOp weight : weights)
      weight->moveBefore(modules.front());
    program->setAttr(kProgramAttr, description);
  }
};

} // namespace
