//===- AddVariants.cpp - A variant of each kernel for each target ---------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Target/Target.h"

namespace tq::program {
#define GEN_PASS_DEF_ADDVARIANTSPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

namespace {

struct AddVariantsPass
    : public program::impl::AddVariantsPassBase<AddVariantsPass> {
  using AddVariantsPassBase::AddVariantsPassBase;

  void runOnOperation() override {
    llvm::Expected<std::vector<Target>> resolved = resolve();
    if (!resolved) {
      getOperation().emitError(toString(resolved.takeError()));
      return signalPassFailure();
    }
    SmallVector<Attribute> targets;
    for (const Target &target : *resolved)
      targets.push_back(
          TargetAttr::get(&getContext(), target.name, target.triple));
    getOperation()->setAttr(kTargetsAttr,
                            ArrayAttr::get(&getContext(), targets));
    for (auto kernel : getOperation().getOps<KernelOp>()) {
      OpBuilder builder = OpBuilder::atBlockEnd(kernel.getBody());
      for (Attribute target : targets)
        if (!kernel.getVariant(cast<TargetAttr>(target)))
          VariantOp::create(builder, kernel.getLoc(), cast<TargetAttr>(target));
    }
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
