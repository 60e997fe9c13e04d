//===- PlaceWeights.cpp - Places in the section of weights ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq::program {
#define GEN_PASS_DEF_PLACEWEIGHTSPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

namespace {

struct PlaceWeightsPass
    : public program::impl::PlaceWeightsPassBase<PlaceWeightsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    Builder builder(&getContext());
    int64_t offset = 0;
    for (auto schedule : getOperation().getOps<ScheduleOp>())
      for (auto get : schedule.getBody()->getOps<GetWeightOp>()) {
        auto weight = symbols.lookup<WeightOp>(get.getName());
        if (weight.getOffset())
          continue;
        weight.setOffsetAttr(builder.getI64IntegerAttr(offset));
        offset += llvm::alignTo(*getTensorBytes(weight.getTensorType()),
                                kBufferAlignment);
        if (offset > kMaxTensorBytes) {
          get.emitError("expected at most 4 TiB of weights, but with @")
              << weight.getSymName() << " they are " << offset << " bytes";
          return signalPassFailure();
        }
      }
  }
};

} // namespace
