//===- MergeLinears.cpp - Linears of one input become one -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_MERGELINEARSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Whether the fuse phase puts the only user of `linear` into its epilogue.
static bool feedsEpilogue(LinearOp linear) {
  if (!linear->hasOneUse())
    return false;
  Operation *user = *linear->user_begin();
  if (auto add = dyn_cast<AddOp>(user))
    return add.getLhs().getType() == add.getRhs().getType();
  return isa<GeluOp, QuickGeluOp, ReluOp, SiluOp, TanhOp, SigmoidOp>(user);
}

/// What dequantizes a weight of integers with a scale for each row, if that is
/// what it is.
static DequantizeOp getRowScaled(Value weight) {
  auto op = weight.getDefiningOp<DequantizeOp>();
  bool hasScales = op && op.getScales() && !op.getZeroPoints() &&
                   op.getScales().getType().getRank() == 1;
  return hasScales ? op : DequantizeOp();
}

/// Weights of one kind can be parts of one weight: those of floats, and those
/// whose integers have one type. Null: it cannot be a part.
static Type getKind(Value weight) {
  if (DequantizeOp op = getRowScaled(weight))
    return cast<RankedTensorType>(op.getInput().getType()).getElementType();
  if (weight.getDefiningOp<DequantizeOp>())
    return {};
  return cast<RankedTensorType>(weight.getType()).getElementType();
}

static bool canMerge(LinearOp linear) {
  return isCompileTimeValue(linear.getWeight()) &&
         getKind(linear.getWeight()) &&
         (!linear.getBias() || isCompileTimeValue(linear.getBias())) &&
         !feedsEpilogue(linear);
}

/// `a.b.query`, `a.b.key` give `a.b.{query,key}`, which wraps the locations
/// themselves; without names, only these.
static Location mergeLocations(ArrayRef<LinearOp> linears) {
  SmallVector<Location> locations;
  SmallVector<StringRef> names;
  for (LinearOp linear : linears) {
    locations.push_back(linear.getLoc());
    if (auto named = dyn_cast<NameLoc>(linear.getLoc()))
      names.push_back(named.getName());
  }
  MLIRContext *context = locations.front().getContext();
  Location fused = FusedLoc::get(context, locations);
  if (names.size() != linears.size())
    return fused;
  StringRef common = names.front();
  for (StringRef name : names)
    while (!name.starts_with(common))
      common = common.drop_back();
  size_t prefix = common.rfind('.') + 1; // 0 where there is no dot
  SmallVector<StringRef> ends;
  for (StringRef name : names)
    ends.push_back(name.drop_front(prefix));
  std::string joined = names.front().take_front(prefix).str() + "{" +
                       llvm::join(ends, ",") + "}";
  return NameLoc::get(StringAttr::get(context, joined), fused);
}

static Value concatRows(OpBuilder &builder, Location loc,
                        ArrayRef<Value> values) {
  SmallVector<Value> clones;
  for (Value value : values)
    clones.push_back(cloneCompileTimeValue(builder, value));
  return tensor::ConcatOp::create(builder, loc, /*dim=*/0, clones);
}

/// One weight of several; those of integers stay what they are.
static Value concatWeights(OpBuilder &builder, Location loc,
                           ArrayRef<Value> weights) {
  if (!getRowScaled(weights.front()))
    return concatRows(builder, loc, weights);
  SmallVector<Value> integers, scales;
  for (Value weight : weights) {
    integers.push_back(getRowScaled(weight).getInput());
    scales.push_back(getRowScaled(weight).getScales());
  }
  return DequantizeOp::create(builder, loc, concatRows(builder, loc, integers),
                              concatRows(builder, loc, scales),
                              /*zero_points=*/Value(),
                              /*column_scales=*/Value());
}

/// The columns [offset, offset + width) of `merged`, whose leading dimensions
/// are `leading`.
static Value sliceColumns(OpBuilder &builder, Location loc, Value merged,
                          ArrayRef<OpFoldResult> leading, RankedTensorType type,
                          int64_t offset) {
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes(leading);
  offsets.back() = builder.getIndexAttr(offset);
  sizes.push_back(builder.getIndexAttr(type.getShape().back()));
  return tensor::ExtractSliceOp::create(builder, loc, type, merged, offsets,
                                        sizes, strides);
}

/// Replaces linears of one input by slices of one linear, which stands where
/// the first of them stood.
static void merge(ArrayRef<LinearOp> linears) {
  LinearOp first = linears.front();
  OpBuilder builder(first);
  Location loc = mergeLocations(linears);
  SmallVector<Value> weights, biases;
  for (LinearOp linear : linears) {
    weights.push_back(linear.getWeight());
    if (linear.getBias())
      biases.push_back(linear.getBias());
  }
  Value weight = concatWeights(builder, loc, weights);
  Value bias = biases.empty() ? Value() : concatRows(builder, loc, biases);
  Value merged = LinearOp::create(builder, loc, first.getInput(), weight, bias);
  SmallVector<OpFoldResult> leading =
      tensor::getMixedSizes(builder, loc, first.getInput());
  leading.pop_back();
  int64_t offset = 0;
  for (LinearOp linear : linears) {
    auto type = cast<RankedTensorType>(linear.getType());
    linear.replaceAllUsesWith(
        sliceColumns(builder, linear.getLoc(), merged, leading, type, offset));
    offset += type.getShape().back();
  }
  for (LinearOp linear : linears)
    linear.erase();
}

namespace {

struct MergeLinears : tq::impl::MergeLinearsPassBase<MergeLinears> {
  void runOnOperation() override {
    mergeAll();
    if (failed(joinSlices()))
      signalPassFailure();
  }

  void mergeAll() {
    getOperation().walk([](Block *block) {
      // In the order of the block, so that the output does not depend on
      // addresses.
      llvm::MapVector<std::tuple<Value, Type, int>, SmallVector<LinearOp>>
          groups;
      for (auto linear : block->getOps<LinearOp>())
        if (canMerge(linear))
          groups[{linear.getInput(), getKind(linear.getWeight()),
                  linear.getBias() ? 1 : 0}]
              .push_back(linear);
      for (auto &[key, linears] : groups)
        if (linears.size() > 1)
          merge(linears);
    });
  }

  /// Attention reads columns of what a linear gives in place, but not those of
  /// a slice: that would be copied.
  LogicalResult joinSlices() {
    RewritePatternSet patterns(&getContext());
    tensor::populateMergeConsecutiveInsertExtractSlicePatterns(patterns);
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    return applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};

} // namespace
