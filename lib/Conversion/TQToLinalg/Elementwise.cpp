//===- Elementwise.cpp - Elementwise ops and lookups in linalg ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "tq/Conversion/TQToLinalg/MathExpansion.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tq;

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// The right side's indices: aligned at the last dimension, 0 where it has one
/// element.
static AffineMap broadcastMap(RankedTensorType lhs, RankedTensorType rhs) {
  MLIRContext *context = lhs.getContext();
  int64_t skipped = lhs.getRank() - rhs.getRank();
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rhs.getRank(); ++i) {
    bool repeated = rhs.getDimSize(i) == 1 && lhs.getDimSize(skipped + i) != 1;
    exprs.push_back(repeated ? getAffineConstantExpr(0, context)
                             : getAffineDimExpr(skipped + i, context));
  }
  return AffineMap::get(lhs.getRank(), 0, exprs, context);
}

static Activation activationOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Activation>(op)
      .Case([](GeluOp gelu) {
        return gelu.getTanh() ? Activation::GeluTanh : Activation::Gelu;
      })
      .Case([](ReluOp) { return Activation::Relu; })
      .Case([](SiluOp) { return Activation::Silu; })
      .Case([](TanhOp) { return Activation::Tanh; })
      .Case([](SigmoidOp) { return Activation::Sigmoid; })
      .Case([](QuickGeluOp) { return Activation::QuickGelu; })
      .Default([](Operation *) { return Activation::None; });
}

static Value buildBinary(Operation *op, OpBuilder &builder, Location loc,
                         Value lhs, Value rhs) {
  FloatBuilder f(builder, loc);
  if (isa<AddOp>(op))
    return f.add(lhs, rhs);
  if (isa<SubOp>(op))
    return f.sub(lhs, rhs);
  return isa<MulOp>(op) ? f.mul(lhs, rhs) : f.div(lhs, rhs);
}

LogicalResult tq::lowerElementwise(KernelLowering &lowering, Operation *op) {
  OpResult result = op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  AffineMap map = elementMap(op->getContext(), type.getRank());
  if (op->getNumOperands() == 1) {
    Activation activation = activationOf(op);
    lowering.define(
        result, ElementExpr::combine(
                    lowering.read(op->getOperand(0), map),
                    [=](OpBuilder &builder, Location loc, ValueRange elements) {
                      return buildActivation(builder, loc, activation,
                                             elements[0]);
                    }));
    return success();
  }
  auto rhsType = cast<RankedTensorType>(op->getOperand(1).getType());
  lowering.define(
      result,
      ElementExpr::combine(
          {lowering.read(op->getOperand(0), map),
           lowering.read(op->getOperand(1), broadcastMap(type, rhsType))},
          [=](OpBuilder &builder, Location loc, ValueRange elements) {
            return buildBinary(op, builder, loc, elements[0], elements[1]);
          }));
  return success();
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

static Value indexConstant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

/// The element that is the other one of a pair, negated for the first one of
/// both. Kernels of rows know these two forms of an index.
static Value buildRotated(OpBuilder &builder, Location loc, Value input,
                          int64_t columns, bool interleaved) {
  int64_t rank = rankOf(input);
  SmallVector<Value> indices;
  for (int64_t dim = 0; dim < rank; ++dim)
    indices.push_back(linalg::IndexOp::create(builder, loc, dim));
  Value lane = indices.back(), isFirst;
  if (interleaved) {
    Value one = indexConstant(builder, loc, 1);
    indices.back() = arith::XOrIOp::create(builder, loc, lane, one);
    isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                    lane, indices.back());
  } else {
    Value half = indexConstant(builder, loc, columns / 2);
    indices.back() = arith::RemUIOp::create(
        builder, loc, arith::AddIOp::create(builder, loc, lane, half),
        indexConstant(builder, loc, columns));
    isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                    lane, half);
  }
  Value other = tensor::ExtractOp::create(builder, loc, input, indices);
  Value negated = arith::NegFOp::create(builder, loc, other);
  return arith::SelectOp::create(builder, loc, isFirst, negated, other);
}

LogicalResult tq::lowerRotaryEmbedding(KernelLowering &lowering,
                                       Operation *op) {
  auto rotary = cast<RotaryEmbeddingOp>(op);
  RankedTensorType type = rotary.getType();
  auto readAngles = [&](Value angles) {
    return lowering.read(
        angles, broadcastMap(type, cast<RankedTensorType>(angles.getType())));
  };
  Value input = lowering.lookup(rotary.getInput());
  bool interleaved = rotary.getInterleaved();
  lowering.define(
      cast<OpResult>(rotary.getResult()),
      ElementExpr::combine(
          {lowering.read(rotary.getInput(),
                         elementMap(op->getContext(), type.getRank())),
           readAngles(rotary.getCos()), readAngles(rotary.getSin())},
          [=](OpBuilder &builder, Location loc, ValueRange elements) {
            FloatBuilder f(builder, loc);
            Value rotated = buildRotated(builder, loc, input,
                                         type.getShape().back(), interleaved);
            return f.add(f.mul(elements[0], elements[1]),
                         f.mul(rotated, elements[2]));
          }));
  return success();
}

//===----------------------------------------------------------------------===//
// Lookups
//===----------------------------------------------------------------------===//

/// The row of the table nearest to `id`.
static Value clampToTable(OpBuilder &builder, Location loc, Value id,
                          Value table) {
  Value rows = builder.createOrFold<tensor::DimOp>(loc, table, 0);
  Value last =
      arith::SubIOp::create(builder, loc, rows, indexConstant(builder, loc, 1));
  Value index =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), id);
  index = arith::MaxSIOp::create(builder, loc, index,
                                 indexConstant(builder, loc, 0));
  return arith::MinSIOp::create(builder, loc, index, last);
}

/// Element [row, column] of the table, times the row's scale for integers.
static Value buildLookup(OpBuilder &builder, Location loc, Value id,
                         Value table, Value scales, unsigned columnDim) {
  FloatBuilder f(builder, loc);
  Value row = clampToTable(builder, loc, id, table);
  Value column = linalg::IndexOp::create(builder, loc, columnDim);
  Value element =
      tensor::ExtractOp::create(builder, loc, table, ValueRange{row, column});
  if (!scales)
    return element;
  Value number =
      arith::SIToFPOp::create(builder, loc, builder.getF32Type(), element);
  return f.mul(number, tensor::ExtractOp::create(builder, loc, scales, row));
}

static void lowerEmbedding(KernelLowering &lowering, Operation *op) {
  OpResult result = op->getResult(0);
  unsigned rank = rankOf(result);
  Value table = lowering.lookup(op->getOperand(1));
  Value scales = isa<QuantizedEmbeddingOp>(op)
                     ? lowering.lookup(op->getOperand(2))
                     : Value();
  lowering.define(
      result,
      ElementExpr::combine(
          lowering.read(op->getOperand(0), rowMap(op->getContext(), rank)),
          [=](OpBuilder &builder, Location loc, ValueRange elements) {
            return buildLookup(builder, loc, elements[0], table, scales,
                               rank - 1);
          }));
}

/// Position of a token that is not padding: padding_id + how many such tokens
/// there are up to it.
static void lowerPaddedPositions(KernelLowering &lowering, PositionIdsOp op) {
  Value ids = lowering.lookup(op.getIds());
  int64_t padding = *op.getPaddingId();
  // Counts grow from column to column: the space is [b, s, t], t <= s.
  MLIRContext *context = op.getContext();
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  Value init =
      lowering.fill(loc, builder.getI64IntegerAttr(padding),
                    lowering.destination(cast<OpResult>(op.getResult())));
  auto space = AffineMap::getMultiDimIdentityMap(3, context);
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::parallel,
                                                utils::IteratorType::reduction};
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), ValueRange{ids, ids}, init,
      ArrayRef{space.dropResult(2), space.dropResult(1), space.dropResult(2)},
      iterators, [&](OpBuilder &nested, Location loc, ValueRange elements) {
        Value pad = arith::ConstantIntOp::create(nested, loc, padding, 64);
        auto isToken = [&](Value id) -> Value {
          return arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ne,
                                       id, pad);
        };
        Value s = linalg::IndexOp::create(nested, loc, 1);
        Value t = linalg::IndexOp::create(nested, loc, 2);
        Value before =
            arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ule, t, s);
        Value counts = arith::AndIOp::create(nested, loc, isToken(elements[0]),
                                             isToken(elements[1]));
        counts = arith::AndIOp::create(nested, loc, counts, before);
        Value one =
            arith::ExtUIOp::create(nested, loc, nested.getI64Type(), counts);
        Value sum = arith::AddIOp::create(nested, loc, elements[2], one);
        linalg::YieldOp::create(nested, loc, sum);
      });
  lowering.define(cast<OpResult>(op.getResult()), generic.getResult(0));
}

static void lowerPositions(KernelLowering &lowering, PositionIdsOp op) {
  ElementExpr expr{{}, [](OpBuilder &builder, Location loc, ValueRange) {
                     Value s = linalg::IndexOp::create(builder, loc, 1);
                     return Value(arith::IndexCastOp::create(
                         builder, loc, builder.getI64Type(), s));
                   }};
  lowering.define(cast<OpResult>(op.getResult()), expr);
}

LogicalResult tq::lowerLookup(KernelLowering &lowering, Operation *op) {
  auto positions = dyn_cast<PositionIdsOp>(op);
  if (!positions)
    lowerEmbedding(lowering, op);
  else if (positions.getPaddingId())
    lowerPaddedPositions(lowering, positions);
  else
    lowerPositions(lowering, positions);
  return success();
}
