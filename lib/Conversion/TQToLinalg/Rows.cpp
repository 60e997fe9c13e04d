//===- Rows.cpp - Normalization, softmax and pooling in linalg ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include <limits>

using namespace mlir;
using namespace tq;

namespace {
/// The rows of one tensor, and numbers of each of them.
class Rows {
public:
  Rows(KernelLowering &lowering, Operation *op, Value old)
      : lowering(lowering), builder(lowering.getBuilder()), loc(op->getLoc()),
        context(op->getContext()), rows(lowering.lookup(old)),
        rank(rankOf(old)), dims(lowering.dimsOf(old)) {
    dims.pop_back();
  }

  using Body = ElementExpr::Body;

  /// The element, the row's number, the column's number in the rows' space.
  ElementExpr element(Value tensor) const {
    return leaf(tensor, elementMap(context, rank));
  }
  ElementExpr element() const { return element(rows); }
  ElementExpr ofRow(Value tensor) const {
    return leaf(tensor, rowMap(context, rank));
  }
  ElementExpr ofColumn(Value tensor) const {
    return leaf(tensor, columnMap(context, rank));
  }

  /// Reduces an expression over each row, from `init`.
  Value reduce(const ElementExpr &expr, float init,
               llvm::function_ref<Value(OpBuilder &, Value, Value)> step) {
    Value start =
        lowering.fill(loc, builder.getF32FloatAttr(init),
                      lowering.temporary(loc, dims, builder.getF32Type()));
    return buildRowReduction(lowering, loc, expr, rows, start, step);
  }
  Value sum(const ElementExpr &expr) {
    return reduce(expr, 0.0f, [&](OpBuilder &nested, Value x, Value acc) {
      return FloatBuilder(nested, loc).add(acc, x);
    });
  }
  Value sumOfSquares(const ElementExpr &expr) {
    return reduce(expr, 0.0f, [&](OpBuilder &nested, Value x, Value acc) {
      return FloatBuilder(nested, loc).fma(x, x, acc);
    });
  }

  /// A number of each row, from other such numbers.
  Value perRow(ArrayRef<Value> numbers, Body body) {
    SmallVector<ElementExpr> parts;
    for (Value number : numbers)
      parts.push_back(leaf(number, elementMap(context, rank - 1)));
    return lowering.write(loc, ElementExpr::combine(parts, body),
                          lowering.temporary(loc, dims, builder.getF32Type()));
  }

private:
  static ElementExpr leaf(Value tensor, AffineMap map) {
    return {{{tensor, map}}, [](OpBuilder &, Location, ValueRange elements) {
              return elements[0];
            }};
  }

  KernelLowering &lowering;
  OpBuilder &builder;
  Location loc;
  MLIRContext *context;
  Value rows;
  unsigned rank;
  Dims dims;
};
} // namespace

/// 1 / sqrt(sum / count + epsilon).
static Value inverseDeviation(OpBuilder &builder, Location loc, Value sum,
                              int64_t count, float epsilon) {
  FloatBuilder f(builder, loc);
  Value mean = f.div(sum, f.constant(sum.getType(), static_cast<float>(count)));
  return buildRsqrt(builder, loc,
                    f.add(mean, f.constant(sum.getType(), epsilon)));
}

static Value deviation(OpBuilder &builder, Location loc, ValueRange elements) {
  return FloatBuilder(builder, loc).sub(elements[0], elements[1]);
}

static void lowerLayerNorm(KernelLowering &lowering, LayerNormOp op) {
  Rows rows(lowering, op, op.getInput());
  int64_t count = op.getInput().getType().getShape().back();
  float epsilon = op.getEpsilon().convertToFloat();
  Value mean = rows.perRow(rows.sum(rows.element()), [=](OpBuilder &builder,
                                                         Location loc,
                                                         ValueRange elements) {
    FloatBuilder f(builder, loc);
    return f.div(elements[0],
                 f.constant(elements[0].getType(), static_cast<float>(count)));
  });
  ElementExpr centred =
      ElementExpr::combine({rows.element(), rows.ofRow(mean)}, deviation);
  Value r = rows.perRow(
      rows.sumOfSquares(centred),
      [=](OpBuilder &builder, Location loc, ValueRange elements) {
        return inverseDeviation(builder, loc, elements[0], count, epsilon);
      });
  SmallVector<ElementExpr> parts = {
      centred, rows.ofRow(r), rows.ofColumn(lowering.lookup(op.getGamma()))};
  if (op.getBeta())
    parts.push_back(rows.ofColumn(lowering.lookup(op.getBeta())));
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine(
          parts, [](OpBuilder &builder, Location loc, ValueRange elements) {
            FloatBuilder f(builder, loc);
            Value normalized = f.mul(elements[0], elements[1]);
            return elements.size() == 3
                       ? f.mul(normalized, elements[2])
                       : f.fma(normalized, elements[2], elements[3]);
          }));
}

static void lowerRmsNorm(KernelLowering &lowering, RmsNormOp op) {
  Rows rows(lowering, op, op.getInput());
  int64_t count = op.getInput().getType().getShape().back();
  float epsilon = op.getEpsilon().convertToFloat();
  Value r = rows.perRow(
      rows.sumOfSquares(rows.element()),
      [=](OpBuilder &builder, Location loc, ValueRange elements) {
        return inverseDeviation(builder, loc, elements[0], count, epsilon);
      });
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine(
          {rows.element(), rows.ofRow(r),
           rows.ofColumn(lowering.lookup(op.getGamma()))},
          [](OpBuilder &builder, Location loc, ValueRange elements) {
            FloatBuilder f(builder, loc);
            return f.mul(f.mul(elements[0], elements[1]), elements[2]);
          }));
}

static Value product(OpBuilder &builder, Location loc, ValueRange elements) {
  return FloatBuilder(builder, loc).mul(elements[0], elements[1]);
}

static Value reciprocal(OpBuilder &builder, Location loc, ValueRange elements) {
  FloatBuilder f(builder, loc);
  return f.div(f.constant(elements[0].getType(), 1.0f), elements[0]);
}

/// The exponentials are written to the result's place and scaled there.
static void lowerSoftmax(KernelLowering &lowering, SoftmaxOp op) {
  Rows rows(lowering, op, op.getInput());
  auto result = cast<OpResult>(op.getResult());
  Value most = rows.reduce(
      rows.element(), -std::numeric_limits<float>::infinity(),
      [&](OpBuilder &nested, Value x, Value acc) {
        return FloatBuilder(nested, op.getLoc()).ifGreater(x, acc, x, acc);
      });
  Value exponentials = lowering.write(
      op.getLoc(),
      ElementExpr::combine(
          {rows.element(), rows.ofRow(most)},
          [](OpBuilder &builder, Location loc, ValueRange elements) {
            FloatBuilder f(builder, loc);
            Value x = deviation(builder, loc, elements);
            Value log2e = f.constant(x.getType(), tq::quant::kLog2E);
            return buildExp2Kernel(builder, loc, f.mul(x, log2e));
          }),
      lowering.destination(result));
  Value inverse = rows.perRow(rows.sum(rows.element(exponentials)), reciprocal);
  lowering.define(
      result, lowering.write(op.getLoc(),
                             ElementExpr::combine({rows.element(exponentials),
                                                   rows.ofRow(inverse)},
                                                  product),
                             exponentials));
}

static void lowerL2Normalize(KernelLowering &lowering, L2NormalizeOp op) {
  Rows rows(lowering, op, op.getInput());
  Value inverse =
      rows.perRow(rows.sumOfSquares(rows.element()),
                  [](OpBuilder &builder, Location loc, ValueRange elements) {
                    FloatBuilder f(builder, loc);
                    Value norm = f.limitBelow(1e-12f, f.sqrt(elements[0]));
                    return reciprocal(builder, loc, norm);
                  });
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine({rows.element(), rows.ofRow(inverse)}, product));
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

/// Element [b, 0, d].
static void lowerFirst(KernelLowering &lowering, PoolOp op) {
  Value input = lowering.lookup(op.getInput());
  ElementExpr expr{{}, [=](OpBuilder &builder, Location loc, ValueRange) {
                     Value b = linalg::IndexOp::create(builder, loc, 0);
                     Value d = linalg::IndexOp::create(builder, loc, 1);
                     Value zero =
                         arith::ConstantIndexOp::create(builder, loc, 0);
                     return Value(tensor::ExtractOp::create(
                         builder, loc, input, ValueRange{b, zero, d}));
                   }};
  lowering.define(cast<OpResult>(op.getResult()), expr);
}

static Value isVisible(OpBuilder &builder, Location loc, Value mask) {
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, mask,
                               zero);
}

/// max(1, number of visible positions) of each sequence, as f32.
static Value buildCounts(KernelLowering &lowering, PoolOp op) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  Value mask = lowering.lookup(op.getMask());
  Dims batch = {lowering.dimsOf(op.getInput())[0]};
  Value zeros =
      lowering.fill(loc, builder.getI32IntegerAttr(0),
                    lowering.temporary(loc, batch, builder.getI32Type()));
  ElementExpr visible{{{mask, elementMap(op.getContext(), 2)}},
                      [](OpBuilder &nested, Location loc, ValueRange elements) {
                        return Value(arith::ExtUIOp::create(
                            nested, loc, nested.getI32Type(),
                            isVisible(nested, loc, elements[0])));
                      }};
  Value counts = buildRowReduction(
      lowering, loc, visible, mask, zeros,
      [&](OpBuilder &nested, Value x, Value acc) {
        return Value(arith::AddIOp::create(nested, loc, acc, x));
      });
  ElementExpr divisor{
      {{counts, elementMap(op.getContext(), 1)}},
      [](OpBuilder &nested, Location loc, ValueRange elements) {
        Value one = arith::ConstantIntOp::create(nested, loc, 1, 32);
        Value count = arith::MaxSIOp::create(nested, loc, elements[0], one);
        return Value(
            arith::SIToFPOp::create(nested, loc, nested.getF32Type(), count));
      }};
  return lowering.write(loc, divisor,
                        lowering.temporary(loc, batch, builder.getF32Type()));
}

/// Adds up the visible rows in the order of the sequence; the space is
/// [b, s, d].
static Value buildVisibleSum(KernelLowering &lowering, PoolOp op) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  Value init =
      lowering.fill(loc, builder.getF32FloatAttr(0.0f),
                    lowering.destination(cast<OpResult>(op.getResult())));
  AffineMap space = elementMap(op.getContext(), 3);
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::reduction,
                                                utils::IteratorType::parallel};
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(),
      ValueRange{lowering.lookup(op.getInput()), lowering.lookup(op.getMask())},
      init, ArrayRef{space, space.dropResult(2), space.dropResult(1)},
      iterators, [&](OpBuilder &nested, Location loc, ValueRange elements) {
        Value visible = isVisible(nested, loc, elements[1]);
        Value sum =
            arith::AddFOp::create(nested, loc, elements[2], elements[0]);
        Value next =
            arith::SelectOp::create(nested, loc, visible, sum, elements[2]);
        linalg::YieldOp::create(nested, loc, next);
      });
  return generic.getResult(0);
}

static void lowerMean(KernelLowering &lowering, PoolOp op) {
  Value sums = buildVisibleSum(lowering, op);
  Value counts = buildCounts(lowering, op);
  ElementExpr mean{
      {{sums, elementMap(op.getContext(), 2)},
       {counts, rowMap(op.getContext(), 2)}},
      [](OpBuilder &builder, Location loc, ValueRange elements) {
        return FloatBuilder(builder, loc).div(elements[0], elements[1]);
      }};
  lowering.define(cast<OpResult>(op.getResult()),
                  lowering.write(op.getLoc(), mean, sums));
}

LogicalResult tq::lowerRows(KernelLowering &lowering, Operation *op) {
  if (auto norm = dyn_cast<LayerNormOp>(op))
    lowerLayerNorm(lowering, norm);
  else if (auto norm = dyn_cast<RmsNormOp>(op))
    lowerRmsNorm(lowering, norm);
  else if (auto softmax = dyn_cast<SoftmaxOp>(op))
    lowerSoftmax(lowering, softmax);
  else if (auto normalize = dyn_cast<L2NormalizeOp>(op))
    lowerL2Normalize(lowering, normalize);
  else if (cast<PoolOp>(op).getKind() == PoolKind::First)
    lowerFirst(lowering, cast<PoolOp>(op));
  else
    lowerMean(lowering, cast<PoolOp>(op));
  return success();
}
