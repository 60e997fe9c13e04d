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

/// A number of type i64 of each sequence, reduced from one of each visible
/// position: `number` makes it of the position and of what `perSequence` holds
/// for the sequence. `neutral` changes nothing.
static Value reduceMask(
    KernelLowering &lowering, PoolOp op, ArrayRef<Value> perSequence,
    int64_t neutral,
    std::function<Value(OpBuilder &, Location, Value, ValueRange)> number,
    llvm::function_ref<Value(OpBuilder &, Value, Value)> step) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  Value mask = lowering.lookup(op.getMask());
  Dims batch = {lowering.dimsOf(op.getInput())[0]};
  Value init =
      lowering.fill(loc, builder.getI64IntegerAttr(neutral),
                    lowering.temporary(loc, batch, builder.getI64Type()));
  ElementExpr numbers{
      {{mask, elementMap(op.getContext(), 2)}},
      [=](OpBuilder &nested, Location loc, ValueRange elements) {
        Value position =
            arith::IndexCastOp::create(nested, loc, nested.getI64Type(),
                                       linalg::IndexOp::create(nested, loc, 1));
        Value other = arith::ConstantIntOp::create(nested, loc, neutral, 64);
        return Value(arith::SelectOp::create(
            nested, loc, isVisible(nested, loc, elements[0]),
            number(nested, loc, position, elements.drop_front()), other));
      }};
  for (Value values : perSequence)
    numbers.leaves.push_back({values, rowMap(op.getContext(), 2)});
  return buildRowReduction(lowering, loc, numbers, mask, init, step);
}

static Value addIntegers(OpBuilder &builder, Value x, Value acc) {
  return arith::AddIOp::create(builder, acc.getLoc(), acc, x);
}

static Value buildCounts(KernelLowering &lowering, PoolOp op) {
  return reduceMask(
      lowering, op, {}, 0,
      [](OpBuilder &builder, Location loc, Value, ValueRange) -> Value {
        return arith::ConstantIntOp::create(builder, loc, 1, 64);
      },
      addIntegers);
}

/// The first visible position of each sequence.
static Value buildFirsts(KernelLowering &lowering, PoolOp op) {
  return reduceMask(
      lowering, op, {}, std::numeric_limits<int64_t>::max(),
      [](OpBuilder &, Location, Value position, ValueRange) {
        return position;
      },
      [](OpBuilder &builder, Value x, Value acc) -> Value {
        return arith::MinSIOp::create(builder, acc.getLoc(), acc, x);
      });
}

/// What a visible position weighs in a weighted mean: position - first + 1.
static Value buildWeight(OpBuilder &builder, Location loc, Value position,
                         Value first) {
  Value one = arith::ConstantIntOp::create(builder, loc, 1, 64);
  Value distance = arith::SubIOp::create(builder, loc, position, first);
  return arith::AddIOp::create(builder, loc, distance, one);
}

static Value buildWeightSums(KernelLowering &lowering, PoolOp op,
                             Value firsts) {
  return reduceMask(
      lowering, op, firsts, 0,
      [](OpBuilder &builder, Location loc, Value position, ValueRange others) {
        return buildWeight(builder, loc, position, others[0]);
      },
      addIntegers);
}

/// max(1, number) of each sequence, as f32.
static Value buildDivisors(KernelLowering &lowering, PoolOp op, Value numbers,
                           bool takesRoot) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  ElementExpr divisor{
      {{numbers, elementMap(op.getContext(), 1)}},
      [=](OpBuilder &nested, Location loc, ValueRange elements) {
        Value one = arith::ConstantIntOp::create(nested, loc, 1, 64);
        Value number = arith::MaxSIOp::create(nested, loc, elements[0], one);
        Value real =
            arith::SIToFPOp::create(nested, loc, nested.getF32Type(), number);
        return takesRoot ? FloatBuilder(nested, loc).sqrt(real) : real;
      }};
  Dims batch = {lowering.dimsOf(op.getInput())[0]};
  return lowering.write(loc, divisor,
                        lowering.temporary(loc, batch, builder.getF32Type()));
}

/// What a visible row makes of the accumulator: takes the row's element, the
/// accumulator and what is known of the sequence.
using PoolStep =
    llvm::function_ref<Value(OpBuilder &, Location, Value, Value, ValueRange)>;

/// Goes through the visible rows in the order of the sequence; the space is
/// [b, s, d].
static Value reduceVisibleRows(KernelLowering &lowering, PoolOp op, float start,
                               ArrayRef<Value> perSequence, PoolStep step) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  Value init =
      lowering.fill(loc, builder.getF32FloatAttr(start),
                    lowering.destination(cast<OpResult>(op.getResult())));
  AffineMap space = elementMap(op.getContext(), 3);
  SmallVector<Value> inputs = {lowering.lookup(op.getInput()),
                               lowering.lookup(op.getMask())};
  SmallVector<AffineMap> maps = {space, space.dropResult(2)};
  for (Value values : perSequence) {
    inputs.push_back(values);
    maps.push_back(space.dropResults(ArrayRef<int64_t>{1, 2}));
  }
  maps.push_back(space.dropResult(1));
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel,
                                                utils::IteratorType::reduction,
                                                utils::IteratorType::parallel};
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange elements) {
        Value acc = elements.back();
        Value visible = isVisible(nested, loc, elements[1]);
        Value next = step(nested, loc, elements[0], acc,
                          elements.drop_front(2).drop_back());
        next = arith::SelectOp::create(nested, loc, visible, next, acc);
        linalg::YieldOp::create(nested, loc, next);
      });
  return generic.getResult(0);
}

static Value buildVisibleSum(KernelLowering &lowering, PoolOp op) {
  return reduceVisibleRows(lowering, op, 0.0f, {},
                           [](OpBuilder &builder, Location loc, Value x,
                              Value acc, ValueRange) -> Value {
                             return arith::AddFOp::create(builder, loc, acc, x);
                           });
}

static Value buildWeightedSum(KernelLowering &lowering, PoolOp op,
                              Value firsts) {
  return reduceVisibleRows(
      lowering, op, 0.0f, firsts,
      [](OpBuilder &builder, Location loc, Value x, Value acc,
         ValueRange others) {
        Value position = arith::IndexCastOp::create(
            builder, loc, builder.getI64Type(),
            linalg::IndexOp::create(builder, loc, 1));
        Value weight = arith::SIToFPOp::create(
            builder, loc, builder.getF32Type(),
            buildWeight(builder, loc, position, others[0]));
        return FloatBuilder(builder, loc).fma(x, weight, acc);
      });
}

/// A NaN stays, whatever follows.
static Value buildMax(KernelLowering &lowering, PoolOp op) {
  return reduceVisibleRows(
      lowering, op, -std::numeric_limits<float>::infinity(), {},
      [](OpBuilder &builder, Location loc, Value x, Value acc,
         ValueRange) -> Value {
        Value greater = arith::CmpFOp::create(
            builder, loc, arith::CmpFPredicate::OGT, x, acc);
        Value isNaN = arith::CmpFOp::create(builder, loc,
                                            arith::CmpFPredicate::UNO, x, x);
        Value isNext = arith::OrIOp::create(builder, loc, greater, isNaN);
        return arith::SelectOp::create(builder, loc, isNext, x, acc);
      });
}

static Value buildLast(KernelLowering &lowering, PoolOp op) {
  return reduceVisibleRows(
      lowering, op, 0.0f, {},
      [](OpBuilder &, Location, Value x, Value, ValueRange) { return x; });
}

/// Divides the sums where they are.
static void divideRows(KernelLowering &lowering, PoolOp op, Value sums,
                       Value divisors) {
  ElementExpr quotient{
      {{sums, elementMap(op.getContext(), 2)},
       {divisors, rowMap(op.getContext(), 2)}},
      [](OpBuilder &builder, Location loc, ValueRange elements) {
        return FloatBuilder(builder, loc).div(elements[0], elements[1]);
      }};
  lowering.define(cast<OpResult>(op.getResult()),
                  lowering.write(op.getLoc(), quotient, sums));
}

static void lowerMean(KernelLowering &lowering, PoolOp op, bool takesRoot) {
  Value sums = buildVisibleSum(lowering, op);
  divideRows(lowering, op, sums,
             buildDivisors(lowering, op, buildCounts(lowering, op), takesRoot));
}

static void lowerWeightedMean(KernelLowering &lowering, PoolOp op) {
  Value firsts = buildFirsts(lowering, op);
  Value sums = buildWeightedSum(lowering, op, firsts);
  divideRows(lowering, op, sums,
             buildDivisors(lowering, op, buildWeightSums(lowering, op, firsts),
                           /*takesRoot=*/false));
}

static void lowerPool(KernelLowering &lowering, PoolOp op) {
  auto result = cast<OpResult>(op.getResult());
  switch (op.getKind()) {
  case PoolKind::Mean:
    return lowerMean(lowering, op, /*takesRoot=*/false);
  case PoolKind::MeanSqrtLen:
    return lowerMean(lowering, op, /*takesRoot=*/true);
  case PoolKind::WeightedMean:
    return lowerWeightedMean(lowering, op);
  case PoolKind::First:
    return lowerFirst(lowering, op);
  case PoolKind::Max:
    return lowering.define(result, buildMax(lowering, op));
  case PoolKind::Last:
    return lowering.define(result, buildLast(lowering, op));
  }
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
  else
    lowerPool(lowering, cast<PoolOp>(op));
  return success();
}
