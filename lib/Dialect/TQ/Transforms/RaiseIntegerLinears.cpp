//===- RaiseIntegerLinears.cpp - Linears from products of bytes -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowwiseMatch.h"
#include "Views.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_RAISEINTEGERLINEARSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

namespace {
/// Sums of int32 of `lhs` [M, K], bytes with a sign or without, by `weight`
/// [K, N], bytes with a sign that are known at compile time.
struct IntegerProduct {
  Value lhs;
  Value weight;
  bool isSigned;
};

/// A tensor in another order, its elements perhaps in a wider type.
struct Reordered {
  Value root;
  SmallVector<int64_t> order;

  bool operator==(const Reordered &other) const {
    return root == other.root && order == other.order;
  }
};
} // namespace

static Reordered traceOrder(Value value) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(value).getRank()));
  while (true) {
    if (auto source = value.getDefiningOp<PermuteOp>()) {
      for (int64_t &dim : order)
        dim = source.getDims()[dim];
      value = source.getInput();
    } else if (Value narrow = matchMap<arith::ExtSIOp>(value)) {
      value = narrow;
    } else {
      return {value, order};
    }
  }
}

/// A generic op whose body is one `Op` of both of its inputs, the first of
/// which it reads in its own order; null: `value` is none.
template <typename Op>
static linalg::GenericOp matchOfTwo(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 2 || op->getNumResults() != 1 ||
      op.getNumLoops() != op.getNumParallelLoops() ||
      !op.getIndexingMapsArray().front().isIdentity() ||
      !op.getIndexingMapsArray().back().isIdentity())
    return {};
  Block *body = op.getBody();
  auto result = body->getTerminator()->getOperand(0).getDefiningOp<Op>();
  return result && result.getLhs() == body->getArgument(0) &&
                 result.getRhs() == body->getArgument(1)
             ? op
             : linalg::GenericOp();
}

/// The integer that a constant has everywhere.
static std::optional<int64_t> getIntegerSplat(Value value) {
  if (Value wide = matchMap<arith::TruncIOp>(value))
    value = wide;
  DenseIntElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat())
    return std::nullopt;
  return constant.getSplatValue<APInt>().getSExtValue();
}

/// z, from 0 to 255, of z times the sum of each column of `weight` [K, N].
static std::optional<int64_t> matchScaledColumnSums(Value value, Value weight) {
  int64_t zero = 1;
  if (auto scaled = matchOfTwo<arith::MulIOp>(value)) {
    std::optional<int64_t> factor = getIntegerSplat(scaled.getInputs()[1]);
    if (!factor || *factor < 0 || *factor > 255)
      return std::nullopt;
    zero = *factor;
    value = scaled.getInputs()[0];
  }
  if (auto column = value.getDefiningOp<tensor::ExpandShapeOp>())
    value = column.getSrc();
  Value rows = matchRowSum(value);
  if (!rows || typeOf(rows).getRank() != 2)
    return std::nullopt;
  Reordered columns = traceOrder(rows);
  std::swap(columns.order[0], columns.order[1]);
  return columns == traceOrder(weight) ? std::optional(zero) : std::nullopt;
}

/// Whether the second operand, [N] or [1, N], repeats in each row.
static bool repeatsInRows(linalg::GenericOp op) {
  AffineMap map = op.getIndexingMapsArray()[1];
  return op.getNumLoops() == 2 && map.getNumResults() > 0 &&
         map.getResults().back() == getAffineDimExpr(1, op.getContext()) &&
         llvm::all_of(map.getResults().drop_back(), [](AffineExpr at) {
           return isa<AffineConstantExpr>(at);
         });
}

/// The body adds the product of both bytes, the second with its sign; whether
/// the first has one; none: it does something else.
static std::optional<bool> matchProductBody(Block *body) {
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddIOp>();
  if (!sum || sum.getLhs() != body->getArgument(2))
    return std::nullopt;
  auto product = sum.getRhs().getDefiningOp<arith::MulIOp>();
  if (!product)
    return std::nullopt;
  Operation *left = product.getLhs().getDefiningOp();
  auto right = product.getRhs().getDefiningOp<arith::ExtSIOp>();
  if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(left) || !right ||
      left->getOperand(0) != body->getArgument(0) ||
      right.getIn() != body->getArgument(1))
    return std::nullopt;
  return isa<arith::ExtSIOp>(left);
}

static std::optional<IntegerProduct> matchIntegerProduct(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 2 || op->getNumResults() != 1 ||
      op.getNumLoops() != 3 || op.getNumReductionLoops() != 1 ||
      !startsAtZero(op))
    return std::nullopt;
  AffineExpr m, n, k;
  bindDims(op.getContext(), m, n, k);
  using Maps = ArrayRef<ArrayRef<AffineExpr>>;
  if (op.getIndexingMapsArray() !=
      AffineMap::inferFromExprList(Maps{{m, k}, {k, n}, {m, n}},
                                   op.getContext()))
    return std::nullopt;
  Value lhs = op.getInputs()[0], weight = op.getInputs()[1];
  std::optional<bool> isSigned = matchProductBody(op.getBody());
  if (!isSigned || !typeOf(lhs).getElementType().isInteger(8) ||
      !typeOf(weight).getElementType().isInteger(8) ||
      !isCompileTimeValue(weight) || !typeOf(weight).hasStaticShape())
    return std::nullopt;
  return IntegerProduct{lhs, weight, *isSigned};
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// s8 as u8: the numbers plus 128.
static Value addSignBit(OpBuilder &builder, Location loc, Value input) {
  RankedTensorType type = typeOf(input);
  Value empty = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, input),
      type.getElementType());
  AffineMap all = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, type, input, empty, ArrayRef{all, all}, loops,
             [](OpBuilder &nested, Location at, ValueRange x) {
               Value sign = arith::ConstantIntOp::create(
                   nested, at, nested.getI8Type(), -128);
               Value sum = arith::XOrIOp::create(nested, at, x[0], sign);
               linalg::YieldOp::create(nested, at, sum);
             })
      .getResult(0);
}

/// A number for each row of `input`.
static Value fillRows(OpBuilder &builder, Location loc, Value input,
                      TypedAttr number) {
  OpFoldResult rows = tensor::getMixedSize(builder, loc, input, 0);
  Value empty = tensor::EmptyOp::create(builder, loc, rows, number.getType());
  Value value = arith::ConstantOp::create(builder, loc, number);
  return linalg::FillOp::create(builder, loc, value, empty).getResult(0);
}

static Value fromStorage(OpBuilder &builder, Location loc, Value integers,
                         Type element) {
  return mlir::quant::StorageCastOp::create(
      builder, loc, typeOf(integers).clone(element), integers);
}

/// Floats of a product, less `zero` times the sums of the weight's columns.
static void raise(linalg::GenericOp floats, const IntegerProduct &product,
                  int64_t zero) {
  Type element = getByteType(floats.getContext(), /*isSigned=*/true, -128, 127);
  if (typeOf(product.weight).getDimSize(0) >
      getMaxDepth(element, kMaxIntegerDepth))
    return;
  OpBuilder builder(floats);
  Location loc = floats.getLoc();
  Value lhs =
      product.isSigned ? addSignBit(builder, loc, product.lhs) : product.lhs;
  Value weight = permute(builder, loc, product.weight, {1, 0});
  auto ones = DenseElementsAttr::get(
      RankedTensorType::get(typeOf(weight).getDimSize(0), builder.getF32Type()),
      1.0f);
  Value linear = QuantizedLinearOp::create(
      builder, loc, floats.getResultTypes()[0],
      fromStorage(builder, loc, lhs, getDynamicU8Type(floats.getContext())),
      fillRows(builder, loc, lhs, builder.getF32FloatAttr(1)),
      fillRows(builder, loc, lhs, builder.getI32IntegerAttr(zero)),
      fromStorage(builder, loc, weight, element),
      arith::ConstantOp::create(builder, loc, ones), /*bias=*/Value(),
      /*residual=*/Value(), Activation::None, /*coarse=*/false);
  floats.getResult(0).replaceAllUsesWith(linear);
}

static void raiseFloats(linalg::GenericOp floats) {
  Value sums = matchMap<arith::SIToFPOp>(floats->getResult(0));
  if (!sums || !typeOf(floats->getResult(0)).getElementType().isF32())
    return;
  if (std::optional<IntegerProduct> product = matchIntegerProduct(sums)) {
    raise(floats, *product, product->isSigned ? 128 : 0);
    return;
  }
  auto less = matchOfTwo<arith::SubIOp>(sums);
  if (!less || !repeatsInRows(less))
    return;
  auto product = matchIntegerProduct(less.getInputs()[0]);
  if (!product || product->isSigned)
    return;
  if (auto zero = matchScaledColumnSums(less.getInputs()[1], product->weight))
    raise(floats, *product, *zero);
}

namespace {
struct RaiseIntegerLinears
    : tq::impl::RaiseIntegerLinearsPassBase<RaiseIntegerLinears> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) {
      for (auto op :
           llvm::make_early_inc_range(block->getOps<linalg::GenericOp>()))
        if (op->getNumResults() == 1)
          raiseFloats(op);
    });
  }
};
} // namespace
