//===- PackKernelWeights.cpp - Lay weights of contractions out in panels --===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/CPU/Isa.h"
#include "tq/Codegen/CPU/Passes.h"
#include "tq/Codegen/Common/DerivedWeights.h"
#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq {
#define GEN_PASS_DEF_PACKKERNELWEIGHTSPASS
#include "tq/Codegen/CPU/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// A weight that a contraction reads: [N, K] with maps (n, k) on the last
/// parallel and the reduction loop.
static bool isContractionWeight(BlockArgument argument) {
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type || type.getRank() != 2 || !type.hasStaticShape() ||
      !(type.getElementType().isInteger(8) || type.getElementType().isF32()) ||
      !argument.hasOneUse())
    return false;
  OpOperand &use = *argument.getUses().begin();
  auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!op || use.getOperandNumber() != 1 || op.getNumDpsInputs() != 2 ||
      op.getNumReductionLoops() != 1 || op.getNumLoops() < 2)
    return false;
  MLIRContext *context = op.getContext();
  AffineExpr n = getAffineDimExpr(op.getNumLoops() - 2, context);
  AffineExpr k = getAffineDimExpr(op.getNumLoops() - 1, context);
  return op.getMatchingIndexingMap(&use).getResults() ==
             ArrayRef<AffineExpr>{n, k} &&
         op.getIteratorTypesArray().back() == utils::IteratorType::reduction;
}

/// All calls of the kernel pass a weight.
static bool areWeights(ArrayRef<func::CallOp> calls, unsigned argument) {
  return !calls.empty() && llvm::all_of(calls, [&](func::CallOp call) {
    return call.getOperand(argument).getDefiningOp<GetWeightOp>();
  });
}

/// The weight `source`, which `original` reads, in panels.
static WeightOp getPacked(GetWeightOp original, WeightOp source,
                          RankedTensorType packedType, int64_t group,
                          DerivedWeights &derived) {
  // A quantized weight is packed as such; a narrow float is widened first.
  bool isQuantized =
      isa<quant::QuantizedType>(source.getTensorType().getElementType());
  Type type = isQuantized ? source.getType() : original.getType();
  return derived.getOrCreate(
      source, ".packed", packedType, [&](OpBuilder &builder) -> Value {
        Value weight = GetWeightOp::create(builder, source.getLoc(), type,
                                           original.getNameAttr());
        return PackWeightOp::create(builder, source.getLoc(), packedType,
                                    weight, cpu::kPackedOutputs, group);
      });
}

static void packArgument(func::FuncOp kernel, BlockArgument argument,
                         ArrayRef<func::CallOp> calls, SymbolTable &symbols,
                         DerivedWeights &derived) {
  auto type = cast<RankedTensorType>(argument.getType());
  int64_t group = type.getElementType().isInteger(8) ? cpu::kDotGroup : 1;
  auto blocks = [](int64_t size, int64_t block) {
    return (size + block - 1) / block;
  };
  auto packedType = RankedTensorType::get(
      {blocks(type.getDimSize(0), cpu::kPackedOutputs),
       blocks(type.getDimSize(1), group), cpu::kPackedOutputs, group},
      type.getElementType());

  for (func::CallOp call : calls) {
    OpOperand &operand = call->getOpOperand(argument.getArgNumber());
    auto original = operand.get().getDefiningOp<GetWeightOp>();
    auto source = symbols.lookup<WeightOp>(original.getName());
    WeightOp packed = getPacked(original, source, packedType, group, derived);
    OpBuilder builder(original);
    operand.set(GetWeightOp::create(builder, original.getLoc(), packedType,
                                    FlatSymbolRefAttr::get(packed)));
    if (original->use_empty())
      original.erase();
  }

  OpBuilder builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
  OpOperand &use = *argument.getUses().begin();
  argument.setType(packedType);
  Value empty = tensor::EmptyOp::create(builder, kernel.getLoc(),
                                        type.getShape(), type.getElementType());
  auto unpack = linalg::UnPackOp::create(
      builder, kernel.getLoc(), argument, empty, ArrayRef<int64_t>{0, 1},
      SmallVector<OpFoldResult>{builder.getIndexAttr(cpu::kPackedOutputs),
                                builder.getIndexAttr(group)});
  use.set(unpack->getResult(0));
  kernel.setFunctionType(FunctionType::get(kernel.getContext(),
                                           kernel.getBody().getArgumentTypes(),
                                           kernel.getResultTypes()));
}

namespace {

struct PackKernelWeightsPass
    : public tq::impl::PackKernelWeightsPassBase<PackKernelWeightsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    DerivedWeights derived(symbols);
    llvm::DenseMap<StringAttr, SmallVector<func::CallOp>> calls;
    module.walk([&](func::CallOp call) {
      calls[call.getCalleeAttr().getAttr()].push_back(call);
    });
    for (auto kernel : llvm::to_vector(module.getOps<func::FuncOp>())) {
      if (!kernel->hasAttr(kKernelAttr) || kernel.isDeclaration())
        continue;
      for (BlockArgument argument : kernel.getArguments()) {
        ArrayRef<func::CallOp> sites = calls[kernel.getNameAttr()];
        if (isContractionWeight(argument) &&
            areWeights(sites, argument.getArgNumber()))
          packArgument(kernel, argument, sites, symbols, derived);
      }
    }
  }
};

} // namespace
