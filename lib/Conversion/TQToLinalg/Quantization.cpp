//===- Quantization.cpp - Quantize and dequantize in linalg ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

#include <cfloat>

using namespace mlir;
using namespace tq;

static mlir::quant::QuantizedType quantizedElement(Value value) {
  return cast<mlir::quant::QuantizedType>(
      cast<RankedTensorType>(value.getType()).getElementType());
}

static ElementExpr leaf(Value tensor, AffineMap map) {
  return {{{tensor, map}}, [](OpBuilder &, Location, ValueRange elements) {
            return elements[0];
          }};
}

//===----------------------------------------------------------------------===//
// Dynamic
//===----------------------------------------------------------------------===//

namespace {
/// Range, parameters and values of rows quantized at run time.
class DynamicQuantization {
public:
  DynamicQuantization(KernelLowering &lowering, DynamicQuantizeOp op)
      : lowering(lowering), op(op), builder(lowering.getBuilder()),
        loc(op.getLoc()), rank(rankOf(op.getInput())),
        rows(lowering.dimsOf(op.getInput())) {
    rows.pop_back();
  }

  void lower();

private:
  /// The largest of the rows' bits and `start`, compared by `Max`.
  template <typename Max>
  Value rangeEnd(int32_t start);
  Value perRow(ArrayRef<Value> numbers, ElementExpr::Body body,
               Value destination);
  OpResult result(unsigned i) { return op->getResult(i); }

  KernelLowering &lowering;
  DynamicQuantizeOp op;
  OpBuilder &builder;
  Location loc;
  unsigned rank;
  Dims rows;
};
} // namespace

template <typename Max>
Value DynamicQuantization::rangeEnd(int32_t start) {
  Value init =
      lowering.fill(loc, builder.getI32IntegerAttr(start),
                    lowering.temporary(loc, rows, builder.getI32Type()));
  Value input = lowering.lookup(op.getInput());
  return buildRowReduction(
      lowering, loc, leaf(input, elementMap(op.getContext(), rank)), input,
      init, [&](OpBuilder &nested, Value x, Value acc) -> Value {
        Value bits = FloatBuilder(nested, loc).bits(x);
        return Max::create(nested, loc, bits, acc);
      });
}

Value DynamicQuantization::perRow(ArrayRef<Value> numbers,
                                  ElementExpr::Body body, Value destination) {
  SmallVector<ElementExpr> parts;
  for (Value number : numbers)
    parts.push_back(leaf(number, elementMap(op.getContext(), rank - 1)));
  return lowering.write(loc, ElementExpr::combine(parts, body), destination);
}

/// (high - low) / 255, or 1 where that has no finite inverse.
static Value buildScale(OpBuilder &builder, Location loc, ValueRange elements) {
  FloatBuilder f(builder, loc);
  Value range = f.sub(f.fromBits(elements[0]), f.fromBits(elements[1]));
  Value scale = f.div(range, f.constant(range.getType(), 255.0f));
  return f.ifGreater(f.constant(scale.getType(), FLT_MIN), scale,
                     f.constant(scale.getType(), 1.0f), scale);
}

static Value buildInverse(OpBuilder &builder, Location loc,
                          ValueRange elements) {
  FloatBuilder f(builder, loc);
  return f.div(f.constant(elements[0].getType(), 1.0f), elements[0]);
}

/// The integer that stands for 0, from the row's low end and inverse scale.
static Value buildZeroPoint(OpBuilder &builder, Location loc,
                            ValueRange elements) {
  FloatBuilder f(builder, loc);
  Value low = f.neg(f.fromBits(elements[0]));
  return f.clampInt(f.roundProduct(low, elements[1]), 0, 255);
}

/// clamp(round(x * inverse) + zero point) as 8 bits.
static Value buildValue(OpBuilder &builder, Location loc, ValueRange elements) {
  FloatBuilder f(builder, loc);
  Value rounded = f.roundProduct(elements[0], elements[1]);
  Value moved = arith::AddIOp::create(builder, loc, rounded, elements[2]);
  return arith::TruncIOp::create(builder, loc, builder.getI8Type(),
                                 f.clampInt(moved, 0, 255));
}

void DynamicQuantization::lower() {
  MLIRContext *context = op.getContext();
  Value high = rangeEnd<arith::MaxSIOp>(0);
  Value low = rangeEnd<arith::MaxUIOp>(INT32_MIN);
  Value scale =
      perRow({high, low}, buildScale, lowering.destination(result(1)));
  Value inverse = perRow({scale}, buildInverse,
                         lowering.temporary(loc, rows, builder.getF32Type()));
  Value zero =
      perRow({low, inverse}, buildZeroPoint, lowering.destination(result(2)));
  AffineMap row = rowMap(context, rank);
  Value values =
      lowering.write(loc,
                     ElementExpr::combine({leaf(lowering.lookup(op.getInput()),
                                                elementMap(context, rank)),
                                           leaf(inverse, row), leaf(zero, row)},
                                          buildValue),
                     lowering.destination(result(0)));
  lowering.define(result(0), values);
  lowering.define(result(1), scale);
  lowering.define(result(2), zero);
}

//===----------------------------------------------------------------------===//
// With the parameters of the type
//===----------------------------------------------------------------------===//

/// x = (q - zero point) * scale.
static Value buildDequantize(OpBuilder &builder, Location loc, Value q,
                             bool isSigned, Value zero, Value scale) {
  Type i32 = builder.getI32Type();
  Value wide = isSigned
                   ? arith::ExtSIOp::create(builder, loc, i32, q).getResult()
                   : arith::ExtUIOp::create(builder, loc, i32, q).getResult();
  if (zero)
    wide = arith::SubIOp::create(builder, loc, wide, zero);
  Value number =
      arith::SIToFPOp::create(builder, loc, builder.getF32Type(), wide);
  return FloatBuilder(builder, loc).mul(number, scale);
}

namespace {
/// Scale and zero point at a place of a tensor, as the element type says.
struct TypeParameters {
  ElementExpr scale;
  ElementExpr zero;
};
} // namespace

static ElementExpr constantExpr(TypedAttr value) {
  return {{}, [=](OpBuilder &builder, Location loc, ValueRange) {
            return Value(arith::ConstantOp::create(builder, loc, value));
          }};
}

/// One number for each index of the axis, as constants of the kernel.
static ElementExpr axisExpr(KernelLowering &lowering, Location loc,
                            DenseElementsAttr values, AffineMap map) {
  Value constant =
      arith::ConstantOp::create(lowering.getBuilder(), loc, values);
  return leaf(constant, map);
}

static FailureOr<TypeParameters> typeParameters(KernelLowering &lowering,
                                                Operation *op,
                                                mlir::quant::QuantizedType type,
                                                unsigned rank) {
  OpBuilder &builder = lowering.getBuilder();
  if (auto uniform = dyn_cast<mlir::quant::UniformQuantizedType>(type))
    return TypeParameters{
        constantExpr(builder.getF32FloatAttr(uniform.getScale())),
        constantExpr(builder.getI32IntegerAttr(uniform.getZeroPoint()))};
  auto perAxis = dyn_cast<mlir::quant::UniformQuantizedPerAxisType>(type);
  if (!perAxis)
    return op->emitError("expected quantization per tensor or per axis, "
                         "but got ")
           << type;
  int64_t size = perAxis.getScales().size();
  SmallVector<float> scales(perAxis.getScales());
  SmallVector<int32_t> zeros(perAxis.getZeroPoints());
  AffineMap map = AffineMap::get(
      rank, 0,
      getAffineDimExpr(perAxis.getQuantizedDimension(), op->getContext()));
  return TypeParameters{
      axisExpr(lowering, op->getLoc(),
               DenseElementsAttr::get(
                   RankedTensorType::get(size, builder.getF32Type()),
                   ArrayRef<float>(scales)),
               map),
      axisExpr(lowering, op->getLoc(),
               DenseElementsAttr::get(
                   RankedTensorType::get(size, builder.getI32Type()),
                   ArrayRef<int32_t>(zeros)),
               map)};
}

/// A number of the whole tensor.
static AffineMap scalarMap(MLIRContext *context, unsigned rank) {
  return AffineMap::get(rank, 0, context);
}

namespace {
/// What a number is multiplied with before it is rounded, and what is added
/// behind.
struct QuantizeParameters {
  ElementExpr inverse;
  ElementExpr zero;
};
} // namespace

/// From operands: numbers of all or of each column.
static QuantizeParameters operandParameters(KernelLowering &lowering,
                                            QuantizeOp op, unsigned rank) {
  MLIRContext *context = op.getContext();
  auto read = [&](Value value) {
    return lowering.read(value, rankOf(value) == 0 ? scalarMap(context, rank)
                                                   : columnMap(context, rank));
  };
  return {read(op.getInverseScales()),
          op.getZeroPoints()
              ? read(op.getZeroPoints())
              : constantExpr(lowering.getBuilder().getI32IntegerAttr(0))};
}

static FailureOr<QuantizeParameters>
quantizeParameters(KernelLowering &lowering, QuantizeOp op, unsigned rank) {
  if (op.getInverseScales())
    return operandParameters(lowering, op, rank);
  auto parameters =
      typeParameters(lowering, op, quantizedElement(op.getResult()), rank);
  if (failed(parameters))
    return failure();
  return QuantizeParameters{
      ElementExpr::combine(parameters->scale, buildInverse), parameters->zero};
}

static LogicalResult lowerQuantize(KernelLowering &lowering, QuantizeOp op) {
  unsigned rank = rankOf(op.getResult());
  auto parameters = quantizeParameters(lowering, op, rank);
  if (failed(parameters))
    return failure();
  mlir::quant::QuantizedType type = quantizedElement(op.getResult());
  int64_t low = type.getStorageTypeMin(), high = type.getStorageTypeMax();
  auto *build = op.getCoarse() ? buildCoarseQuantize : buildQuantize;
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine(
          {lowering.read(op.getInput(), elementMap(op.getContext(), rank)),
           parameters->inverse, parameters->zero},
          [=](OpBuilder &builder, Location loc, ValueRange elements) {
            return build(builder, loc, elements[0], elements[1], elements[2],
                         low, high);
          }));
  return success();
}

/// The block of columns that a place is in.
static AffineMap blockMap(DequantizeOp op, unsigned rank) {
  int64_t columns = op.getType().getShape().back();
  int64_t blocks = op.getColumnScales().getType().getDimSize(0);
  AffineExpr column = getAffineDimExpr(rank - 1, op.getContext());
  return AffineMap::get(rank, 0, column.floorDiv(columns / blocks));
}

static LogicalResult lowerDequantize(KernelLowering &lowering,
                                     DequantizeOp op) {
  unsigned rank = rankOf(op.getResult());
  mlir::quant::QuantizedType type = quantizedElement(op.getInput());
  SmallVector<ElementExpr> parts = {
      lowering.read(op.getInput(), elementMap(op.getContext(), rank))};
  if (op.getColumnScales()) {
    parts.push_back(lowering.read(op.getColumnScales(), blockMap(op, rank)));
  } else if (op.getScales()) {
    MLIRContext *context = op.getContext();
    bool isOfAll = rankOf(op.getScales()) == 0;
    AffineMap row = isOfAll ? scalarMap(context, rank) : rowMap(context, rank);
    parts.push_back(lowering.read(op.getScales(), row));
    if (Value zeros = op.getZeroPoints())
      parts.push_back(lowering.read(zeros, isOfAll && rankOf(zeros) == 1
                                               ? columnMap(context, rank)
                                               : row));
  } else {
    auto parameters = typeParameters(lowering, op, type, rank);
    if (failed(parameters))
      return failure();
    parts.append({parameters->scale, parameters->zero});
  }
  bool isSigned = type.isSigned();
  lowering.define(
      cast<OpResult>(op.getResult()),
      ElementExpr::combine(
          parts, [=](OpBuilder &builder, Location loc, ValueRange elements) {
            return buildDequantize(builder, loc, elements[0], isSigned,
                                   elements.size() == 3 ? elements[2] : Value(),
                                   elements[1]);
          }));
  return success();
}

//===----------------------------------------------------------------------===//
// Column sums
//===----------------------------------------------------------------------===//

Value tq::buildColumnSums(KernelLowering &lowering, Location loc, Value weight,
                          Value destination) {
  OpBuilder &builder = lowering.getBuilder();
  Value init = lowering.fill(loc, builder.getI32IntegerAttr(0), destination);
  return buildRowReduction(
      lowering, loc, leaf(weight, elementMap(weight.getContext(), 2)), weight,
      init, [&](OpBuilder &nested, Value x, Value acc) -> Value {
        Value wide =
            arith::ExtSIOp::create(nested, loc, nested.getI32Type(), x);
        return arith::AddIOp::create(nested, loc, acc, wide);
      });
}

LogicalResult tq::lowerQuantization(KernelLowering &lowering, Operation *op) {
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return lowerQuantize(lowering, quantize);
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return lowerDequantize(lowering, dequantize);
  if (auto dynamic = dyn_cast<DynamicQuantizeOp>(op)) {
    DynamicQuantization(lowering, dynamic).lower();
    return success();
  }
  if (auto storage = dyn_cast<mlir::quant::StorageCastOp>(op)) {
    auto result = cast<OpResult>(storage.getResult());
    lowering.define(result, lowering.copy(op->getLoc(),
                                          lowering.lookup(storage.getInput()),
                                          lowering.destination(result)));
    return success();
  }
  auto sums = cast<ColumnSumsOp>(op);
  auto result = cast<OpResult>(sums.getResult());
  lowering.define(result, buildColumnSums(lowering, op->getLoc(),
                                          lowering.lookup(sums.getWeight()),
                                          lowering.destination(result)));
  return success();
}
