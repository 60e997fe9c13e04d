//===- PlanKernels.cpp - Choose how kernels are written -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixTiles.h"

#include "tq/Codegen/CPU/Isa.h"
#include "tq/Codegen/CPU/Passes.h"
#include "tq/Codegen/Common/KernelPatterns.h"
#include "tq/Target/Target.h"

namespace tq {
#define GEN_PASS_DEF_PLANKERNELSPASS
#include "tq/Codegen/CPU/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

/// Rows of a work item of a contraction: a multiple of every tile's.
static constexpr int64_t kRowsPerItem = 48;
/// Stack for the temporaries of a row.
static constexpr int64_t kStackBytes = 256 << 10;

static SumPlace getPlace(bool isTiles) {
  return isTiles ? SumPlace::Tiles : SumPlace::Vectors;
}

static ContractionPlanAttr planContraction(const ContractionPattern &pattern,
                                           const Isa &isa) {
  MLIRContext *context = pattern.weight.getContext();
  if (!pattern.isInteger)
    return ContractionPlanAttr::get(context, DotKind::Fma, isa.floatTile.rows,
                                    isa.floatTile.vectors, kRowsPerItem,
                                    SumPlace::Vectors, OperandForm::Stored);
  // The inputs of an output have to come in whole tiles.
  bool isTiles = isa.hasMatrixTiles && pattern.inputs % kTileBytes == 0;
  return ContractionPlanAttr::get(
      context, isa.dot, isa.integerTile.rows, isa.integerTile.vectors,
      isTiles ? kMatrixRows : kRowsPerItem, getPlace(isTiles), isa.operands);
}

static AttentionPlanAttr planAttention(AttentionOpInterface op,
                                       const Isa &isa) {
  auto make = [&](DotKind dot, Tile tile, bool isTiles) {
    return AttentionPlanAttr::get(op.getContext(), dot, tile.rows, tile.vectors,
                                  getPlace(isTiles));
  };
  switch (op.getPrecision()) {
  case Precision::F32:
    return make(DotKind::Fma, isa.floatTile, false);
  case Precision::BF16:
    return make(isa.bf16Dot, isa.bf16Tile, isa.hasBf16Tiles);
  case Precision::Int8:
    return make(isa.dot, isa.integerTile, isa.hasMatrixTiles);
  }
  llvm_unreachable("unknown precision");
}

/// Null for a kernel that no generator knows.
static program::PlanAttrInterface choosePlan(func::FuncOp kernel,
                                             const Isa &isa) {
  if (auto pattern = matchAttention(kernel); succeeded(pattern))
    return planAttention(pattern->op, isa);
  if (!llvm::all_of(kernel.getArgumentTypes(), llvm::IsaPred<RankedTensorType>))
    return {};
  if (auto pattern = matchContraction(kernel); succeeded(pattern))
    return planContraction(*pattern, isa);
  if (succeeded(matchRows(kernel)))
    return RowsPlanAttr::get(kernel.getContext(), kStackBytes);
  return {};
}

namespace {

struct PlanKernelsPass : public tq::impl::PlanKernelsPassBase<PlanKernelsPass> {
  void runOnOperation() override {
    for (auto variant : getOperation().getBody()->getOps<program::VariantOp>())
      if (!variant.hasCode() && failed(plan(variant)))
        return signalPassFailure();
  }

private:
  LogicalResult plan(program::VariantOp variant) {
    program::KernelOp kernel = getOperation();
    program::TargetAttr target = variant.getTarget();
    auto resolved = resolveTarget(target.getCpu(), target.getTriple());
    if (!resolved)
      return kernel.emitError(toString(resolved.takeError()));
    const Isa &isa = selectIsa(resolved->required);
    if (!variant.getPlan())
      variant.setPlanAttr(choosePlan(kernel.getDefinition(), isa));
    if (!variant.getPlan() && llvm::any_of(kernel.getDefinition().getOps(),
                                           llvm::IsaPred<AttentionOpInterface>))
      return kernel.emitError(
          "expected attention on arguments of the kernel or slices "
          "of their last dimension");
    kernel.emitRemark("kernel '")
        << kernel.getSymName() << "' on " << isa.name << ": "
        << (variant.getPlan() ? variant.getPlan()->describe()
                              : "scalar loops, as no generator knows it");
    return success();
  }
};

} // namespace
