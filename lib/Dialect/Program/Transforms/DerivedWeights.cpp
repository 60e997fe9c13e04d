//===- DerivedWeights.cpp - Weights made of other weights -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DerivedWeights.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

WeightOp
DerivedWeights::getOrCreate(WeightOp source, StringRef suffix,
                            RankedTensorType type,
                            llvm::function_ref<Value(OpBuilder &)> build) {
  WeightOp &weight = known[{source.getOperation(), suffix, type}];
  if (weight)
    return weight;
  OpBuilder builder(source.getContext());
  builder.setInsertionPointAfter(source);
  StringAttr name = builder.getStringAttr(source.getSymName() + suffix);
  weight = WeightOp::create(builder, source.getLoc(), name, StringAttr(),
                            TypeAttr::get(type), Attribute(), IntegerAttr());
  builder.createBlock(&weight.getInitializer());
  tq::YieldOp::create(builder, source.getLoc(), build(builder));
  symbols.insert(weight); // renames it where the name is taken
  return weight;
}
