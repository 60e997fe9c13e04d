//===- Contraction.cpp - Linear layers and matmul in linalg ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "tq/Conversion/TQToLinalg/MathExpansion.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tq;

/// acc + x * w with u8 x, s8 w, exact in s32.
static Value multiplyAddIntegers(OpBuilder &builder, Location loc,
                                 ValueRange elements) {
  Type i32 = builder.getI32Type();
  Value x = arith::ExtUIOp::create(builder, loc, i32, elements[0]);
  Value w = arith::ExtSIOp::create(builder, loc, i32, elements[1]);
  Value product = arith::MulIOp::create(builder, loc, x, w);
  return arith::AddIOp::create(builder, loc, elements[2], product);
}

static Value multiplyAddFloats(OpBuilder &builder, Location loc,
                               ValueRange elements) {
  return math::FmaOp::create(builder, loc, elements[0], elements[1],
                             elements[2]);
}

/// The dimensions of a contraction are those of the result, then k.
static Value buildContraction(
    KernelLowering &lowering, Location loc, Value lhs, AffineMap lhsMap,
    Value rhs, AffineMap rhsMap, Value init,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> multiplyAdd) {
  unsigned rank = rankOf(init);
  AffineMap initMap = elementMap(init.getContext(), rank + 1).dropResult(rank);
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      lowering.getBuilder(), loc, init.getType(), ValueRange{lhs, rhs}, init,
      ArrayRef{lhsMap, rhsMap, initMap}, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange elements) {
        linalg::YieldOp::create(nested, loc,
                                multiplyAdd(nested, loc, elements));
      });
  return generic.getResult(0);
}

/// x[..., k] * w[n, k] in the space [..., n, k].
static Value buildLinear(
    KernelLowering &lowering, Location loc, Value x, Value w, Value init,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> multiplyAdd) {
  MLIRContext *context = x.getContext();
  unsigned rank = rankOf(init);
  AffineMap space = elementMap(context, rank + 1);
  AffineExpr n = getAffineDimExpr(rank - 1, context);
  AffineExpr k = getAffineDimExpr(rank, context);
  return buildContraction(lowering, loc, x, space.dropResult(rank - 1), w,
                          AffineMap::get(rank + 1, 0, {n, k}, context), init,
                          multiplyAdd);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// The kernel's argument with the column sums of `weight`, or code for them.
static Value findColumnSums(KernelLowering &lowering, QuantizedLinearOp op) {
  func::FuncOp kernel = lowering.getKernel();
  auto weight = dyn_cast<BlockArgument>(op.getWeight());
  for (unsigned i = 0; weight && i < kernel.getNumArguments(); ++i) {
    auto of =
        kernel.getArgAttrOfType<IntegerAttr>(i, program::kColumnSumsOfAttr);
    if (of && of.getInt() == weight.getArgNumber())
      return kernel.getArgument(i);
  }
  OpBuilder &builder = lowering.getBuilder();
  Dims dims = lowering.dimsOf(op.getWeight());
  dims.pop_back();
  return buildColumnSums(
      lowering, op.getLoc(), lowering.lookup(op.getWeight()),
      lowering.temporary(op.getLoc(), dims, builder.getI32Type()));
}

static Dims resultDims(KernelLowering &lowering, Value input, Value weight) {
  Dims dims = lowering.dimsOf(input);
  dims.back() = lowering.dimsOf(weight)[0];
  return dims;
}

/// start + sum_k x * w of an integer linear, exact.
template <typename IntegerLinearOp>
static Value buildIntegerSums(KernelLowering &lowering, IntegerLinearOp op,
                              const ElementExpr &start) {
  Location loc = op.getLoc();
  Dims dims = resultDims(lowering, op.getInput(), op.getWeight());
  Value init = lowering.write(
      loc, start,
      lowering.temporary(loc, dims, lowering.getBuilder().getI32Type()));
  return buildLinear(lowering, loc, lowering.lookup(op.getInput()),
                     lowering.lookup(op.getWeight()), init,
                     multiplyAddIntegers);
}

/// Adds what an integer linear has of bias and residual.
template <typename IntegerLinearOp>
static void readBiasAndResidual(KernelLowering &lowering, IntegerLinearOp op,
                                SmallVectorImpl<ElementExpr> &parts) {
  unsigned rank = rankOf(op.getResult());
  if (op.getBias())
    parts.push_back(
        lowering.read(op.getBias(), columnMap(op.getContext(), rank)));
  if (op.getResidual())
    parts.push_back(
        lowering.read(op.getResidual(), elementMap(op.getContext(), rank)));
}

/// sum_k x * w - 128 * sums, exact.
static Value buildCentredSums(KernelLowering &lowering, QuantizedLinearOp op,
                              Value sums) {
  unsigned rank = rankOf(op.getResult());
  ElementExpr start{
      {{sums, columnMap(op.getContext(), rank)}},
      [](OpBuilder &nested, Location loc, ValueRange elements) {
        FloatBuilder f(nested, loc);
        Value sum = elements[0];
        return Value(arith::MulIOp::create(nested, loc, sum,
                                           f.intConstant(sum.getType(), -128)));
      }};
  return buildIntegerSums(lowering, op, start);
}

static Value buildEpilogueActivation(OpBuilder &builder, Location loc,
                                     EpilogueOpInterface op, Value y) {
  return op.getCoarse()
             ? buildCoarseActivation(builder, loc, op.getActivation(), y)
             : buildActivation(builder, loc, op.getActivation(), y);
}

/// -(zero point - 128) as a float.
static Value negatedZeroPoint(OpBuilder &builder, Location loc, Value zero) {
  FloatBuilder f(builder, loc);
  Value centred = arith::SubIOp::create(builder, loc, zero,
                                        f.intConstant(zero.getType(), 128));
  Value number =
      arith::SIToFPOp::create(builder, loc, builder.getF32Type(), centred);
  return f.neg(number);
}

/// The epilogue of one element; `elements` holds the accumulator, column sum,
/// scale of the row, scale of the column, then what `op` has of zero point,
/// bias and residual.
static Value buildEpilogue(QuantizedLinearOp op, OpBuilder &builder,
                           Location loc, ValueRange elements) {
  FloatBuilder f(builder, loc);
  Type f32 = builder.getF32Type();
  Value acc = arith::SIToFPOp::create(builder, loc, f32, elements[0]);
  Value sum = arith::SIToFPOp::create(builder, loc, f32, elements[1]);
  Value scale = f.mul(elements[2], elements[3]);
  ValueRange rest = elements.drop_front(4);
  auto next = [&] {
    Value element = rest.front();
    rest = rest.drop_front();
    return element;
  };
  Value zero = op.getZeroPoints() ? negatedZeroPoint(builder, loc, next())
                                  : f.constant(f32, 128.0f);
  Value t = f.fma(zero, sum, acc);
  Value y = op.getBias() ? f.fma(t, scale, next()) : f.mul(t, scale);
  y = buildEpilogueActivation(builder, loc, op, y);
  return op.getResidual() ? f.add(y, next()) : y;
}

static void lowerQuantizedLinear(KernelLowering &lowering,
                                 QuantizedLinearOp op) {
  MLIRContext *context = op.getContext();
  unsigned rank = rankOf(op.getResult());
  AffineMap element = elementMap(context, rank), row = rowMap(context, rank),
            column = columnMap(context, rank);
  Value sums = findColumnSums(lowering, op);
  Value acc = buildCentredSums(lowering, op, sums);
  auto itself = [](OpBuilder &, Location, ValueRange elements) {
    return elements[0];
  };
  SmallVector<ElementExpr> parts = {
      {{{acc, element}}, itself},
      {{{sums, column}}, itself},
      lowering.read(op.getInputScales(), row),
      lowering.read(op.getWeightScales(), column)};
  if (op.getZeroPoints())
    parts.push_back(lowering.read(op.getZeroPoints(), row));
  readBiasAndResidual(lowering, op, parts);
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine(
          parts, [op](OpBuilder &builder, Location loc, ValueRange elements) {
            return buildEpilogue(op, builder, loc, elements);
          }));
}

//===----------------------------------------------------------------------===//
// Integers with parameters known at compile time
//===----------------------------------------------------------------------===//

/// The epilogue of one element; `elements` holds the accumulator, the scale of
/// the column, then what `op` has of bias and residual.
static Value buildStaticEpilogue(StaticLinearOp op, OpBuilder &builder,
                                 Location loc, ValueRange elements) {
  FloatBuilder f(builder, loc);
  Value acc =
      arith::SIToFPOp::create(builder, loc, builder.getF32Type(), elements[0]);
  Value y = op.getBias() ? f.fma(acc, elements[1], elements[2])
                         : f.mul(acc, elements[1]);
  y = buildEpilogueActivation(builder, loc, op, y);
  return op.getResidual() ? f.add(y, elements.back()) : y;
}

static void lowerStaticLinear(KernelLowering &lowering, StaticLinearOp op) {
  unsigned rank = rankOf(op.getResult());
  AffineMap column = columnMap(op.getContext(), rank);
  Value acc =
      buildIntegerSums(lowering, op, lowering.read(op.getStarts(), column));
  SmallVector<ElementExpr> parts = {
      {{{acc, elementMap(op.getContext(), rank)}},
       [](OpBuilder &, Location, ValueRange elements) { return elements[0]; }},
      lowering.read(op.getScales(), column)};
  readBiasAndResidual(lowering, op, parts);
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine(
          parts, [op](OpBuilder &builder, Location loc, ValueRange elements) {
            return buildStaticEpilogue(op, builder, loc, elements);
          }));
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static Value zeros(KernelLowering &lowering, Location loc, Value destination) {
  return lowering.fill(loc, lowering.getBuilder().getF32FloatAttr(0.0f),
                       destination);
}

static void lowerLinear(KernelLowering &lowering, LinearOp op) {
  Location loc = op.getLoc();
  auto result = cast<OpResult>(op.getResult());
  bool direct = !op.getBias() && !lowering.isDeferred(result);
  Value sums =
      direct ? lowering.destination(result)
             : lowering.temporary(
                   loc, resultDims(lowering, op.getInput(), op.getWeight()),
                   lowering.getBuilder().getF32Type());
  Value acc = buildLinear(lowering, loc, lowering.lookup(op.getInput()),
                          lowering.lookup(op.getWeight()),
                          zeros(lowering, loc, sums), multiplyAddFloats);
  if (direct)
    return lowering.define(result, acc);
  unsigned rank = rankOf(acc);
  ElementExpr expr{
      {{acc, elementMap(op.getContext(), rank)}},
      [](OpBuilder &, Location, ValueRange elements) { return elements[0]; }};
  if (op.getBias())
    expr = ElementExpr::combine(
        {expr, lowering.read(op.getBias(), columnMap(op.getContext(), rank))},
        [](OpBuilder &builder, Location loc, ValueRange elements) {
          return FloatBuilder(builder, loc).add(elements[0], elements[1]);
        });
  lowering.define(result, expr);
}

/// The space is [..., m, n, k].
static void lowerMatmul(KernelLowering &lowering, MatmulOp op) {
  MLIRContext *context = op.getContext();
  Location loc = op.getLoc();
  auto result = cast<OpResult>(op.getResult());
  unsigned rank = rankOf(op.getResult());
  AffineMap space = elementMap(context, rank + 1);
  SmallVector<AffineExpr> rhs(space.getResults().take_front(rank - 2));
  AffineExpr n = space.getResult(rank - 1), k = space.getResult(rank);
  llvm::append_range(rhs, op.getTransposeRhs() ? ArrayRef({n, k})
                                               : ArrayRef({k, n}));
  Dims dims = lowering.dimsOf(op.getLhs());
  dims.back() =
      lowering.dimsOf(op.getRhs())[op.getTransposeRhs() ? rank - 2 : rank - 1];
  bool direct = !lowering.isDeferred(result);
  Value sums = direct ? lowering.destination(result)
                      : lowering.temporary(loc, dims,
                                           lowering.getBuilder().getF32Type());
  Value acc = buildContraction(
      lowering, loc, lowering.lookup(op.getLhs()), space.dropResult(rank - 1),
      lowering.lookup(op.getRhs()), AffineMap::get(rank + 1, 0, rhs, context),
      zeros(lowering, loc, sums), multiplyAddFloats);
  if (direct)
    return lowering.define(result, acc);
  lowering.define(result, {{{acc, elementMap(context, rank)}},
                           [](OpBuilder &, Location, ValueRange elements) {
                             return elements[0];
                           }});
}

LogicalResult tq::lowerContraction(KernelLowering &lowering, Operation *op) {
  if (auto linear = dyn_cast<QuantizedLinearOp>(op))
    lowerQuantizedLinear(lowering, linear);
  else if (auto linear = dyn_cast<StaticLinearOp>(op))
    lowerStaticLinear(lowering, linear);
  else if (auto linear = dyn_cast<LinearOp>(op))
    lowerLinear(lowering, linear);
  else
    lowerMatmul(lowering, cast<MatmulOp>(op));
  return success();
}
