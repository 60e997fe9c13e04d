//===- Quantized.cpp - Graphs that PyTorch has quantized ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops of PT2E and torchao. A tensor of integers between two of them is one
// of storage, as PyTorch has it; `quant.scast` leads to what it stands for.
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;

using Kind = TensorBuilder::Reduction;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

namespace {
/// Integers from `low` to `high` in 8 bits.
struct IntegerRange {
  int64_t low, high;
  bool isSigned;
};

/// Of a whole tensor, or one for each column; a zero point that is null is 0.
struct Parameters {
  Tensor scale, inverse, zero;
};
} // namespace

static std::optional<IntegerRange> getRange(Call &call, StringRef typeName) {
  std::optional<DType> dtype = call.dtype(typeName);
  bool isSigned = dtype == DType::I8;
  int64_t low = isSigned ? -128 : 0, high = isSigned ? 127 : 255;
  if (!call.b.expect(isSigned || dtype == DType::U8,
                     "expected a quantization to int8 or uint8"))
    return std::nullopt;
  int64_t least = call.integer("quant_min"), most = call.integer("quant_max");
  if (!call.b.expect(low <= least && least < most && most <= high,
                     "expected integers from " + Twine(low) + " to " +
                         Twine(high) + ", but got " + Twine(least) + " to " +
                         Twine(most)))
    return std::nullopt;
  return IntegerRange{least, most, isSigned};
}

static RankedTensorType getQuantType(Call &call, const Tensor &tensor,
                                     const IntegerRange &range) {
  Type element = getByteType(call.b.getOps().getContext(), range.isSigned,
                             range.low, range.high);
  return cast<RankedTensorType>(tensor.value.getType()).clone(element);
}

/// A vector that is known at compile time, where its size is.
static Tensor splat(Call &call, const SizeExpr &size, double value) {
  std::optional<int64_t> count = size.getConstant();
  if (!count)
    return call.b.full({size}, DType::F32, value);
  auto type = RankedTensorType::get(*count, call.b.getOps().getF32Type());
  auto number = static_cast<float>(value);
  return {arith::ConstantOp::create(call.b.getOps(), call.b.getLocation(),
                                    DenseElementsAttr::get(type, number)),
          {size},
          DType::F32};
}

/// 1 / scale.
static Tensor invert(Call &call, const Tensor &scale) {
  TensorBuilder &b = call.b;
  if (!scale)
    return {};
  Tensor one = scale.getRank() == 1 ? splat(call, scale.shape[0], 1)
                                    : b.full(scale.shape, DType::F32, 1);
  return b.div(one, scale);
}

/// Numbers of the node.
static std::optional<Parameters> getNumbers(Call &call,
                                            const IntegerRange &range) {
  TensorBuilder &b = call.b;
  double scale = call.number("scale");
  int64_t zero = call.integer("zero_point");
  auto inverse = static_cast<float>(1 / scale);
  if (!b.expect(static_cast<float>(scale) > 0 && std::isfinite(inverse),
                "expected a scale above 0, but got " + std::to_string(scale)) ||
      !b.expect(zero >= range.low && zero <= range.high,
                "expected a zero point from " + Twine(range.low) + " to " +
                    Twine(range.high) + ", but got " + Twine(zero)))
    return std::nullopt;
  return Parameters{b.constant(DType::F32, scale),
                    b.constant(DType::F32, double(inverse)),
                    zero ? b.constant(DType::I32, zero) : Tensor()};
}

/// Tensors of one element.
static std::optional<Parameters> getTensors(Call &call) {
  TensorBuilder &b = call.b;
  Tensor scale = call.tensor("scale"), zero = call.tensor("zero_point");
  auto isOne = [](const Tensor &tensor) {
    return product(tensor.shape) == SizeExpr(1);
  };
  if (!b.expect(scale && zero && isFloat(scale.dtype) &&
                    isInteger(zero.dtype) && isOne(scale) && isOne(zero),
                "expected a scale and a zero point of one element"))
    return std::nullopt;
  scale = b.cast(b.reshape(scale, {}), DType::F32);
  return Parameters{scale, invert(call, scale),
                    b.cast(b.reshape(zero, {}), DType::I32)};
}

//===----------------------------------------------------------------------===//
// Quantize and dequantize
//===----------------------------------------------------------------------===//

static Tensor quantize(Call &call, const Tensor &input,
                       const IntegerRange &range,
                       const Parameters &parameters) {
  TensorBuilder &b = call.b;
  if (b.hasFailed() ||
      !b.expect(isFloat(input.dtype), "expected floats to quantize"))
    return {};
  OpBuilder &ops = b.getOps();
  Value zero = parameters.zero ? parameters.zero.value : Value();
  Value quantized =
      QuantizeOp::create(ops, b.getLocation(), getQuantType(call, input, range),
                         input.value, parameters.inverse.value, zero,
                         /*coarse=*/false);
  auto storage =
      cast<RankedTensorType>(quantized.getType()).clone(ops.getIntegerType(8));
  return {mlir::quant::StorageCastOp::create(ops, b.getLocation(), storage,
                                             quantized),
          input.shape, range.isSigned ? DType::I8 : DType::U8};
}

/// What integers stand for; a cast and one back are none.
static Value fromStorage(Call &call, const Tensor &input,
                         const IntegerRange &range) {
  RankedTensorType type = getQuantType(call, input, range);
  auto source = input.value.getDefiningOp<mlir::quant::StorageCastOp>();
  if (source && source.getInput().getType() == type)
    return source.getInput();
  return mlir::quant::StorageCastOp::create(
      call.b.getOps(), call.b.getLocation(), type, input.value);
}

static bool holdsIntegers(Call &call, const Tensor &input,
                          const IntegerRange &range) {
  return call.b.expect(input && input.dtype ==
                                    (range.isSigned ? DType::I8 : DType::U8),
                       "expected a tensor of the type to dequantize") &&
         call.b.expect(!call.has("out_dtype") ||
                           isFloat(*call.dtype("out_dtype")),
                       "expected a float type of the result");
}

/// `scales`: of the whole tensor, or of each row.
static Tensor dequantize(Call &call, const Tensor &input,
                         const IntegerRange &range, const Tensor &scales,
                         const Tensor &zero) {
  if (call.b.hasFailed())
    return {};
  Value result = DequantizeOp::create(
      call.b.getOps(), call.b.getLocation(), fromStorage(call, input, range),
      scales.value, zero ? zero.value : Value(), /*column_scales=*/Value());
  return {result, input.shape, DType::F32};
}

/// A tensor without dimensions has to have one.
static Tensor asVector(Call &call, const Tensor &input) {
  return input.getRank() == 0 ? call.b.reshape(input, {SizeExpr(1)}) : input;
}

template <bool ofTensors>
static void buildQuantize(Call &call) {
  Tensor input = call.tensor("input");
  std::optional<IntegerRange> range = getRange(call, "dtype");
  if (!range)
    return;
  std::optional<Parameters> parameters =
      ofTensors ? getTensors(call) : getNumbers(call, *range);
  if (parameters)
    call.set(quantize(call, input, *range, *parameters));
}

template <bool ofTensors>
static void buildDequantize(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  std::optional<IntegerRange> range = getRange(call, "dtype");
  if (!range || !holdsIntegers(call, input, *range))
    return;
  std::optional<Parameters> parameters =
      ofTensors ? getTensors(call) : getNumbers(call, *range);
  if (!parameters)
    return;
  // A layer's weight has a scale for each of its outputs.
  bool isWeight = !ofTensors && !parameters->zero && input.getRank() == 2 &&
                  isCompileTimeValue(input.value);
  if (isWeight)
    parameters->scale = splat(call, input.shape[0], call.number("scale"));
  Tensor result = dequantize(call, asVector(call, input), *range,
                             parameters->scale, parameters->zero);
  if (result)
    call.set(b.reshape(result, input.shape));
}

//===----------------------------------------------------------------------===//
// With parameters of each channel
//===----------------------------------------------------------------------===//

namespace {
struct Channels {
  int64_t axis;
  Tensor scales; ///< [channels]
  Tensor zeros;  ///< null: all are 0
};
} // namespace

static std::optional<Channels> getChannels(Call &call, const Tensor &input) {
  TensorBuilder &b = call.b;
  Tensor scales = call.tensor("scales"), zeros = call.tensor("zero_points");
  int64_t axis = call.dim("axis", input);
  if (b.hasFailed() || !b.expect(input.getRank() > 0, "expected an axis"))
    return std::nullopt;
  auto isOfChannels = [&](const Tensor &tensor) {
    return tensor.getRank() == 1 && tensor.shape[0] == input.shape[axis];
  };
  if (!b.expect(isOfChannels(scales) && isFloat(scales.dtype) &&
                    (!zeros || (isOfChannels(zeros) && isInteger(zeros.dtype))),
                "expected scales and zero points of " + b.print(input.shape) +
                    ", one for each index of axis " + Twine(axis)))
    return std::nullopt;
  if (zeros && b.isZero(zeros))
    zeros = {};
  return Channels{axis, scales, zeros};
}

/// [channels] as a tensor that broadcasts along the axis.
static Tensor alongAxis(Call &call, const Tensor &numbers, int64_t axis,
                        int64_t rank) {
  Shape shape(rank, SizeExpr(1));
  shape[axis] = numbers.shape[0];
  return call.b.reshape(numbers, shape);
}

/// Columns are quantized one by one, so the axis becomes that of columns.
static void buildQuantizeChannels(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  std::optional<IntegerRange> range = getRange(call, "dtype");
  std::optional<Channels> channels = getChannels(call, input);
  if (!range || !channels)
    return;
  Parameters parameters{channels->scales, invert(call, channels->scales),
                        channels->zeros ? b.cast(channels->zeros, DType::I32)
                                        : Tensor()};
  Tensor columns = b.transpose(input, channels->axis, -1);
  call.set(b.transpose(quantize(call, columns, *range, parameters),
                       channels->axis, -1));
}

static void buildDequantizeChannels(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  std::optional<IntegerRange> range = getRange(call, "dtype");
  if (!range || !holdsIntegers(call, input, *range))
    return;
  std::optional<Channels> channels = getChannels(call, input);
  if (!channels)
    return;
  auto [axis, scales, zeros] = *channels;
  if (axis == 0 && input.getRank() == 2 && !zeros) {
    call.set(dequantize(call, input, *range, scales, {}));
    return;
  }
  Tensor wide = b.cast(input, DType::I32);
  if (zeros)
    wide = b.sub(wide, alongAxis(call, b.cast(zeros, DType::I32), axis,
                                 input.getRank()));
  call.set(b.mul(b.cast(wide, DType::F32),
                 alongAxis(call, scales, axis, input.getRank())));
}

//===----------------------------------------------------------------------===//
// Parameters that are found at run time
//===----------------------------------------------------------------------===//

template <typename Op>
static Tensor combine(Call &call, const Tensor &lhs, const Tensor &rhs) {
  return call.b.elementwise({lhs, rhs}, DType::F32,
                            [](OpBuilder &b, Location loc, ValueRange x) {
                              return Op::create(b, loc, x[0], x[1]);
                            });
}

static Tensor number(Call &call, const Tensor &like, double value) {
  return call.b.full(like.shape, DType::F32, value);
}

/// A float within the integers.
static Value clampTo(const IntegerRange &range, OpBuilder &ops, Location loc,
                     Value value) {
  auto end = [&](int64_t number) {
    return buildNumber(ops, loc, DType::F32, double(number));
  };
  value = arith::MaximumFOp::create(ops, loc, value, end(range.low));
  return arith::MinimumFOp::create(ops, loc, value, end(range.high));
}

/// Of ranges: (high - low) / integers, at least `least`, and the integer that
/// stands for 0.
static std::vector<Tensor> chooseAsymmetric(Call &call, Tensor low, Tensor high,
                                            const IntegerRange &range,
                                            double least) {
  TensorBuilder &b = call.b;
  low = combine<arith::MinimumFOp>(call, low, number(call, low, 0));
  high = combine<arith::MaximumFOp>(call, high, number(call, high, 0));
  Tensor scale = b.div(b.sub(high, low),
                       number(call, low, double(range.high - range.low)));
  if (!scale)
    return {{}, {}};
  scale = combine<arith::MaximumFOp>(call, scale, number(call, scale, least));
  Tensor zero = b.elementwise(
      {low, scale}, DType::F32,
      [&](OpBuilder &ops, Location loc, ValueRange x) -> Value {
        Value start = buildNumber(ops, loc, DType::F32, double(range.low));
        Value steps = math::RoundEvenOp::create(
            ops, loc, arith::DivFOp::create(ops, loc, x[0], x[1]));
        return clampTo(range, ops, loc,
                       arith::SubFOp::create(ops, loc, start, steps));
      });
  return {scale, zero};
}

/// Of ranges: the largest magnitude / half of the integers, at least `least`,
/// and the integer in the middle.
static std::vector<Tensor> chooseSymmetric(Call &call, Tensor low, Tensor high,
                                           const IntegerRange &range,
                                           double least) {
  Tensor zero = number(call, low, 0);
  low = call.b.sub(zero, combine<arith::MinimumFOp>(call, low, zero));
  high = combine<arith::MaximumFOp>(call, high, zero);
  high = combine<arith::MaximumFOp>(call, low, high);
  if (!high)
    return {{}, {}};
  Tensor scale =
      call.b.div(high, number(call, high, double(range.high - range.low) / 2));
  scale = combine<arith::MaximumFOp>(call, scale, number(call, high, least));
  return {scale, number(call, high, double((range.high + range.low + 1) / 2))};
}

static void buildChooseQparams(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  std::optional<IntegerRange> range = getRange(call, "dtype");
  if (!range ||
      !b.expect(isFloat(input.dtype), "expected floats of which to choose"))
    return;
  std::vector<Tensor> chosen =
      chooseAsymmetric(call, b.reduce(input, {}, false, Kind::Min),
                       b.reduce(input, {}, false, Kind::Max), *range,
                       static_cast<float>(call.number("eps")));
  if (b.hasFailed())
    return;
  Tensor scale = b.cast(b.reshape(chosen[0], {SizeExpr(1)}), DType::F64);
  call.set({scale, b.cast(b.reshape(chosen[1], {SizeExpr(1)}), DType::I64)});
}

/// Whether each row along the last dimension is a block.
static bool haveRowBlocks(Call &call, const Tensor &input) {
  ArrayRef<SizeExpr> block = call.sizes("block_size");
  return call.b.expect(
      input.getRank() > 0 && int64_t(block.size()) == input.getRank() &&
          block.back() == input.shape.back() &&
          llvm::all_of(
              block.drop_back(),
              [](const SizeExpr &size) { return size == SizeExpr(1); }),
      "expected blocks that are rows of " + call.b.print(input.shape));
}

static void buildChooseAffine(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  StringRef kind = call.text("mapping_type");
  std::optional<IntegerRange> range = getRange(call, "target_dtype");
  if (!range || !haveRowBlocks(call, input) ||
      !b.expect(kind == "SYMMETRIC" || kind == "ASYMMETRIC",
                "expected the mapping SYMMETRIC or ASYMMETRIC") ||
      !b.expect(isFloat(input.dtype) && call.has("eps"),
                "expected floats of which to choose, and eps"))
    return;
  int64_t last = input.getRank() - 1;
  bool keeps = call.flag("keepdim");
  auto choose = kind == "SYMMETRIC" ? chooseSymmetric : chooseAsymmetric;
  std::vector<Tensor> chosen =
      choose(call, b.reduce(input, {last}, keeps, Kind::Min),
             b.reduce(input, {last}, keeps, Kind::Max), *range,
             static_cast<float>(call.number("eps")));
  if (!b.hasFailed())
    call.set({b.cast(chosen[0], call.resultType(0)),
              b.cast(chosen[1], call.resultType(1))});
}

/// A number of each row, so that it broadcasts along the last dimension.
static Tensor ofRows(Call &call, const Tensor &numbers, const Tensor &input) {
  if (!numbers)
    return {};
  Shape shape = input.shape;
  shape.back() = SizeExpr(1);
  return call.b.reshape(numbers, shape);
}

static void buildQuantizeAffine(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  std::optional<IntegerRange> range = getRange(call, "output_dtype");
  if (!range || !haveRowBlocks(call, input))
    return;
  Tensor inverse = invert(call, ofRows(call, call.tensor("scale"), input));
  Tensor zero = ofRows(call, call.tensor("zero_point"), input);
  if (b.hasFailed())
    return;
  zero = zero ? b.cast(zero, DType::F32) : number(call, inverse, 0);
  Tensor rounded = b.elementwise(
      {input, inverse, zero}, DType::F32,
      [&](OpBuilder &ops, Location loc, ValueRange x) -> Value {
        Value scaled = arith::MulFOp::create(ops, loc, x[0], x[1]);
        Value at = arith::AddFOp::create(
            ops, loc, math::RoundEvenOp::create(ops, loc, scaled), x[2]);
        return clampTo(*range, ops, loc, at);
      });
  call.set(b.cast(rounded, call.resultType()));
}

static void buildDequantizeAffine(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  if (!haveRowBlocks(call, input))
    return;
  Tensor scale = ofRows(call, call.tensor("scale"), input);
  Tensor zero = ofRows(call, call.tensor("zero_point"), input);
  Tensor wide = b.cast(input, DType::I32);
  if (zero)
    wide = b.sub(wide, b.cast(zero, DType::I32));
  call.set(b.mul(b.cast(wide, DType::F32), scale));
}

/// Exact sums of [M, K] by [K, N] in int32.
static void buildIntMatmul(Call &call) {
  TensorBuilder &b = call.b;
  Tensor lhs = call.tensor("self"), rhs = call.tensor("mat2");
  if (!b.expect(lhs.getRank() == 2 && rhs.getRank() == 2 &&
                    (lhs.dtype == DType::I8 || lhs.dtype == DType::U8) &&
                    rhs.dtype == DType::I8,
                "expected a matrix of int8 or uint8 and one of int8"))
    return;
  b.requireEqual(lhs.shape[1], rhs.shape[0], "columns and rows of the product");
  Tensor result = b.full({lhs.shape[0], rhs.shape[1]}, DType::I32, 0);
  if (b.hasFailed())
    return;
  OpBuilder &ops = b.getOps();
  AffineExpr m, n, k;
  bindDims(ops.getContext(), m, n, k);
  using Maps = ArrayRef<ArrayRef<AffineExpr>>;
  result.value =
      linalg::GenericOp::create(
          ops, b.getLocation(), result.value.getType(),
          ValueRange{lhs.value, rhs.value}, ValueRange(result.value),
          AffineMap::inferFromExprList(Maps{{m, k}, {k, n}, {m, n}},
                                       ops.getContext()),
          ArrayRef{utils::IteratorType::parallel, utils::IteratorType::parallel,
                   utils::IteratorType::reduction},
          [&](OpBuilder &nested, Location loc, ValueRange x) {
            Value left =
                convertElement(nested, loc, x[0], lhs.dtype, DType::I32);
            Value right =
                convertElement(nested, loc, x[1], rhs.dtype, DType::I32);
            Value product = arith::MulIOp::create(nested, loc, left, right);
            Value sum = arith::AddIOp::create(nested, loc, x[2], product);
            linalg::YieldOp::create(nested, loc, sum);
          })
          .getResult(0);
  call.set(result);
}

llvm::ArrayRef<OpRow> pt2::getQuantizedOps() {
  static const OpRow rows[] = {
      {"quantized_decomposed.quantize_per_tensor.default(Tensor input, "
       "float scale, int zero_point, int quant_min, int quant_max, "
       "ScalarType dtype)",
       buildQuantize<false>},
      {"quantized_decomposed.quantize_per_tensor.tensor(Tensor input, "
       "Tensor scale, Tensor zero_point, int quant_min, int quant_max, "
       "ScalarType dtype)",
       buildQuantize<true>},
      {"quantized_decomposed.dequantize_per_tensor.default(Tensor input, "
       "float scale, int zero_point, int quant_min, int quant_max, "
       "ScalarType dtype, *, ScalarType? out_dtype=None)",
       buildDequantize<false>},
      {"quantized_decomposed.dequantize_per_tensor.tensor(Tensor input, "
       "Tensor scale, Tensor zero_point, int quant_min, int quant_max, "
       "ScalarType dtype, *, ScalarType? out_dtype=None)",
       buildDequantize<true>},
      {"quantized_decomposed.quantize_per_channel.default(Tensor input, "
       "Tensor scales, Tensor zero_points, int axis, int quant_min, "
       "int quant_max, ScalarType dtype)",
       buildQuantizeChannels},
      {"quantized_decomposed.dequantize_per_channel.default(Tensor input, "
       "Tensor scales, Tensor? zero_points, int axis, int quant_min, "
       "int quant_max, ScalarType dtype, *, ScalarType? out_dtype=None)",
       buildDequantizeChannels},
      {"quantized_decomposed.choose_qparams.tensor(Tensor input, "
       "int quant_min, int quant_max, float eps, ScalarType dtype)",
       buildChooseQparams},
      {"torchao.choose_qparams_affine.default(Tensor input, "
       "str mapping_type, int[] block_size, ScalarType target_dtype, "
       "int quant_min, int quant_max, float? eps=None, "
       "ScalarType? scale_dtype=None, ScalarType? zero_point_dtype=None, "
       "bool keepdim=False)",
       buildChooseAffine},
      {"torchao.quantize_affine.default(Tensor input, int[] block_size, "
       "Tensor scale, Tensor? zero_point, ScalarType output_dtype, "
       "int quant_min, int quant_max)",
       buildQuantizeAffine},
      {"torchao.dequantize_affine.default(Tensor input, int[] block_size, "
       "Tensor scale, Tensor? zero_point, ScalarType input_dtype, "
       "int? quant_min=None, int? quant_max=None, "
       "ScalarType? output_dtype=None)",
       buildDequantizeAffine},
      {"aten._int_mm.default(Tensor self, Tensor mat2)", buildIntMatmul},
  };
  return rows;
}
