//===- DecomposeAttention.cpp - Attention that was not raised -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include <limits>

namespace tq {
#define GEN_PASS_DEF_DECOMPOSEATTENTIONPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {
class Decomposer {
public:
  explicit Decomposer(ScaledDotProductAttentionOp op)
      : op(op), builder(op), loc(op.getLoc()),
        rank(cast<RankedTensorType>(op.getQuery().getType()).getRank()) {}

  void run();

private:
  using Body = llvm::function_ref<Value(OpBuilder &, ValueRange, ValueRange)>;

  Value computeScores();
  Value hideKeys(Value scores);
  Value clearRows(Value weights, Value scores);
  Value map(Value like, ValueRange others, ArrayRef<AffineMap> maps, Body body);
  AffineMap getMaskMap();
  Value getHidden(OpBuilder &b) {
    return arith::ConstantOp::create(
        b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  }

  ScaledDotProductAttentionOp op;
  OpBuilder builder;
  Location loc;
  int64_t rank;
};
} // namespace

Value Decomposer::computeScores() {
  Value scores = MatmulOp::create(builder, loc, op.getQuery(), op.getKey(),
                                  /*transpose_rhs=*/true);
  auto type = RankedTensorType::get({}, builder.getF32Type());
  Value scale = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, Attribute(op.getScaleAttr())));
  return MulOp::create(builder, loc, scores, scale);
}

/// Each element from that of `like` and those of others, with its indices.
Value Decomposer::map(Value like, ValueRange others, ArrayRef<AffineMap> maps,
                      Body body) {
  auto type = cast<RankedTensorType>(like.getType());
  Value out = tensor::EmptyOp::create(builder, loc,
                                      tensor::getMixedSizes(builder, loc, like),
                                      type.getElementType());
  SmallVector<Value> inputs{like};
  llvm::append_range(inputs, others);
  SmallVector<AffineMap> all{builder.getMultiDimIdentityMap(rank)};
  llvm::append_range(all, maps);
  all.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, out.getType(), inputs, out, all, iterators,
      [&](OpBuilder &nested, Location, ValueRange elements) {
        SmallVector<Value> indices;
        for (int64_t i = 0; i < rank; ++i)
          indices.push_back(linalg::IndexOp::create(nested, loc, i));
        linalg::YieldOp::create(nested, loc,
                                body(nested, elements.drop_back(), indices));
      });
  return generic.getResult(0);
}

AffineMap Decomposer::getMaskMap() {
  auto type = cast<RankedTensorType>(op.getMask().getType());
  SmallVector<AffineExpr> exprs;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    exprs.push_back(size == 1
                        ? builder.getAffineConstantExpr(0)
                        : builder.getAffineDimExpr(rank - type.getRank() + i));
  return AffineMap::get(rank, 0, exprs, builder.getContext());
}

Value Decomposer::hideKeys(Value scores) {
  Value mask = op.getMask();
  bool isAdded =
      mask && cast<RankedTensorType>(mask.getType()).getElementType().isF32();
  SmallVector<Value> masks;
  SmallVector<AffineMap> maps;
  if (mask) {
    masks.push_back(mask);
    maps.push_back(getMaskMap());
  }
  return map(
      scores, masks, maps, [&](OpBuilder &b, ValueRange x, ValueRange at) {
        Value score = x[0];
        if (isAdded)
          score = arith::AddFOp::create(b, loc, score, x[1]);
        else if (mask)
          score = arith::SelectOp::create(b, loc, x[1], score, getHidden(b));
        if (!op.getCausal())
          return score;
        Value isVisible = arith::CmpIOp::create(
            b, loc, arith::CmpIPredicate::ule, at[rank - 1], at[rank - 2]);
        return arith::SelectOp::create(b, loc, isVisible, score, getHidden(b))
            .getResult();
      });
}

/// 0 instead of NaN in rows where all keys are hidden.
Value Decomposer::clearRows(Value weights, Value scores) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, scores);
  sizes.pop_back();
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  Value init = linalg::FillOp::create(builder, loc, getHidden(builder), empty)
                   .getResult(0);
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  AffineMap rows = all.dropResult(rank - 1);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto largest = linalg::GenericOp::create(
      builder, loc, init.getType(), scores, init, ArrayRef{all, rows},
      iterators, [&](OpBuilder &b, Location, ValueRange x) {
        linalg::YieldOp::create(
            b, loc, arith::MaximumFOp::create(b, loc, x[0], x[1]).getResult());
      });
  return map(weights, largest.getResult(0), rows,
             [&](OpBuilder &b, ValueRange x, ValueRange) {
               Value isHidden = arith::CmpFOp::create(
                   b, loc, arith::CmpFPredicate::OEQ, x[1], getHidden(b));
               Value zero =
                   arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
               return arith::SelectOp::create(b, loc, isHidden, zero, x[0])
                   .getResult();
             });
}

void Decomposer::run() {
  bool hides = op.getMask() || op.getCausal();
  Value scores = computeScores();
  if (hides)
    scores = hideKeys(scores);
  Value weights = SoftmaxOp::create(builder, loc, scores);
  if (op.getMask())
    weights = clearRows(weights, scores);
  Value result = MatmulOp::create(builder, loc, weights, op.getValue(),
                                  /*transpose_rhs=*/false);
  if (result.getType() != op.getType())
    result = tensor::CastOp::create(builder, loc, op.getType(), result);
  op.replaceAllUsesWith(result);
  op.erase();
}

namespace {
struct DecomposeAttention
    : tq::impl::DecomposeAttentionPassBase<DecomposeAttention> {
  void runOnOperation() override {
    getOperation().walk(
        [](ScaledDotProductAttentionOp op) { Decomposer(op).run(); });
  }
};
} // namespace
