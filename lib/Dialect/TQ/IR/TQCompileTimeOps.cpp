//===- TQCompileTimeOps.cpp - What is known at compile time ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

#include "tq/Quant/Pack.h"
#include "tq/Quant/Quantize.h"
#include "tq/Quant/Reference.h"
#include "tq/Quant/Smoothing.h"

using namespace mlir;
using namespace tq;

static_assert(kMaxIntegerDepth == tq::quant::kMaxQuantizedK,
              "the dialect promises what the numerics keep");
static_assert(kMaxStaticDepth == tq::quant::kMaxStaticK,
              "the dialect promises what the numerics keep");

/// Visits each op once: what is computed may share its parts.
bool tq::isCompileTimeValue(Value value) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    Operation *op = next.getDefiningOp();
    if (!op || !isa<RankedTensorType>(next.getType()))
      return false;
    if (isa<GetWeightOp, arith::ConstantOp>(op) || !seen.insert(op).second)
      continue;
    if (!isa<CompileTimeOpInterface>(op))
      return false;
    llvm::append_range(work, op->getOperands());
  }
  return true;
}

static Value cloneOnce(OpBuilder &builder, Value value, IRMapping &mapping) {
  if (!mapping.contains(value)) {
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      cloneOnce(builder, operand, mapping);
    builder.clone(*op, mapping);
  }
  return mapping.lookup(value);
}

Value tq::cloneCompileTimeValue(OpBuilder &builder, Value value) {
  IRMapping mapping;
  return cloneOnce(builder, value, mapping);
}

using Elements = ArrayRef<uint8_t>;
using MutableElements = MutableArrayRef<uint8_t>;

template <typename T>
static const T *as(Elements elements) {
  assert(reinterpret_cast<uintptr_t>(elements.data()) % alignof(T) == 0);
  return reinterpret_cast<const T *>(elements.data());
}

template <typename T>
static T *as(MutableElements elements) {
  assert(reinterpret_cast<uintptr_t>(elements.data()) % alignof(T) == 0);
  return reinterpret_cast<T *>(elements.data());
}

/// Rows and columns of a weight.
static std::pair<int64_t, int64_t> getSizes(Value weight) {
  auto type = cast<RankedTensorType>(weight.getType());
  return {type.getDimSize(0), type.getDimSize(1)};
}

StringRef QuantizeWeightOp::getWeightSuffix(OpResult result) {
  return result == getValues() ? ".q8" : ".scales";
}

void QuantizeWeightOp::evaluate(ArrayRef<Elements> operands,
                                ArrayRef<MutableElements> results) {
  auto [n, k] = getSizes(getWeight());
  tq::quant::quantizeWeights(as<float>(operands[0]), n, k,
                             as<int8_t>(results[0]), as<float>(results[1]));
}

StringRef ColumnSumsOp::getWeightSuffix(OpResult) { return ".sums"; }

void ColumnSumsOp::evaluate(ArrayRef<Elements> operands,
                            ArrayRef<MutableElements> results) {
  auto [n, k] = getSizes(getWeight());
  tq::quant::columnSums(as<int8_t>(operands[0]), n, k, as<int32_t>(results[0]));
}

StringRef ZeroPointSumsOp::getWeightSuffix(OpResult) { return ".starts"; }

void ZeroPointSumsOp::evaluate(ArrayRef<Elements> operands,
                               ArrayRef<MutableElements> results) {
  auto [n, k] = getSizes(getWeight());
  tq::quant::zeroPointSums(
      as<int8_t>(operands[0]), n, k,
      {as<int32_t>(operands[1]), operands[1].size() / sizeof(int32_t)},
      as<int32_t>(results[0]));
}

static std::span<const float> floatsOf(Elements elements) {
  return {as<float>(elements), elements.size() / sizeof(float)};
}

static std::span<float> floatsOf(MutableElements elements) {
  return {as<float>(elements), elements.size() / sizeof(float)};
}

StringRef ActivationParametersOp::getWeightSuffix(OpResult result) {
  return result == getScale()          ? ".scale"
         : result == getInverseScale() ? ".inverse_scale"
                                       : ".zero_points";
}

void ActivationParametersOp::evaluate(ArrayRef<Elements> operands,
                                      ArrayRef<MutableElements> results) {
  float scale = tq::quant::chooseActivationU8(
      {floatsOf(operands[0]), floatsOf(operands[1])},
      {as<int32_t>(results[2]), results[2].size() / sizeof(int32_t)});
  *as<float>(results[0]) = scale;
  *as<float>(results[1]) = 1.0f / scale;
}

StringRef SymmetricParametersOp::getWeightSuffix(OpResult result) {
  return result == getScales() ? ".scales" : ".inverse_scales";
}

void SymmetricParametersOp::evaluate(ArrayRef<Elements> operands,
                                     ArrayRef<MutableElements> results) {
  tq::quant::chooseActivationS8({floatsOf(operands[0]), floatsOf(operands[1])},
                                floatsOf(results[0]), floatsOf(results[1]));
}

StringRef ScoreScalesOp::getWeightSuffix(OpResult) { return ".score_scales"; }

void ScoreScalesOp::evaluate(ArrayRef<Elements> operands,
                             ArrayRef<MutableElements> results) {
  tq::quant::scoreScales(floatsOf(operands[0]), floatsOf(operands[1]),
                         getScale().convertToFloat(), floatsOf(results[0]));
}

StringRef ScoreSmoothingFactorsOp::getWeightSuffix(OpResult result) {
  return result == getQueryFactors() ? ".query_smoothing" : ".key_smoothing";
}

void ScoreSmoothingFactorsOp::evaluate(ArrayRef<Elements> operands,
                                       ArrayRef<MutableElements> results) {
  tq::quant::scoreSmoothingFactors(
      {floatsOf(operands[0]), floatsOf(operands[1])},
      {floatsOf(operands[2]), floatsOf(operands[3])},
      static_cast<int64_t>(getKvHeads()), floatsOf(results[0]),
      floatsOf(results[1]));
}

StringRef SmoothingFactorsOp::getWeightSuffix(OpResult result) {
  return result == getFactors() ? ".smoothing" : ".inverse_smoothing";
}

void SmoothingFactorsOp::evaluate(ArrayRef<Elements> operands,
                                  ArrayRef<MutableElements> results) {
  auto [n, k] = getSizes(getWeight());
  tq::quant::smoothingFactors(as<float>(operands[0]), n,
                              {floatsOf(operands[1]), floatsOf(operands[2])},
                              getAlpha().convertToFloat(),
                              as<float>(results[0]), as<float>(results[1]));
}

StringRef CorrectBiasOp::getWeightSuffix(OpResult) { return ".corrected"; }

void CorrectBiasOp::evaluate(ArrayRef<Elements> operands,
                             ArrayRef<MutableElements> results) {
  auto [n, k] = getSizes(getWeight());
  tq::quant::correctBias(as<float>(operands[0]), as<int8_t>(operands[1]),
                         as<float>(operands[2]), floatsOf(operands[3]), n,
                         getBias() ? as<float>(operands[4]) : nullptr,
                         as<float>(results[0]));
}

namespace {
/// Parameters of quantization: that of element i is number i / extent % count.
template <typename T>
struct Numbers {
  SmallVector<T> values;
  int64_t extent = 1;

  T of(int64_t i) const {
    return values.empty() ? T(0) : values[i / extent % int64_t(values.size())];
  }
};

struct Parameters {
  Numbers<float> scales;
  Numbers<int32_t> zeros;
};
} // namespace

template <typename T>
static Numbers<T> numbersOf(Elements elements, int64_t extent) {
  size_t count = elements.size() / sizeof(T);
  return {{as<T>(elements), as<T>(elements) + count}, extent};
}

/// Those that a `!quant.uniform` type has.
static Parameters parametersOf(RankedTensorType type) {
  Type element = type.getElementType();
  if (auto uniform = dyn_cast<mlir::quant::UniformQuantizedType>(element))
    return {{{static_cast<float>(uniform.getScale())}, 1},
            {{static_cast<int32_t>(uniform.getZeroPoint())}, 1}};
  auto axis = cast<mlir::quant::UniformQuantizedPerAxisType>(element);
  int64_t extent = 1;
  for (int64_t size :
       type.getShape().drop_front(axis.getQuantizedDimension() + 1))
    extent *= size;
  return {{SmallVector<float>(axis.getScales()), extent},
          {SmallVector<int32_t>(axis.getZeroPoints()), extent}};
}

/// Columns of a row: 1 where there are no dimensions.
static int64_t getColumns(RankedTensorType type) {
  return type.getRank() == 0 ? 1 : std::max<int64_t>(type.getShape().back(), 1);
}

StringRef QuantizeOp::getWeightSuffix(OpResult) { return ".quantized"; }

void QuantizeOp::evaluate(ArrayRef<Elements> operands,
                          ArrayRef<MutableElements> results) {
  auto type = cast<RankedTensorType>(getType());
  auto element = cast<mlir::quant::QuantizedType>(type.getElementType());
  Parameters parameters;
  if (getInverseScales()) {
    parameters.scales = numbersOf<float>(operands[1], 1);
    if (getZeroPoints())
      parameters.zeros = numbersOf<int32_t>(operands[2], 1);
  } else {
    parameters = parametersOf(type);
    for (float &scale : parameters.scales.values)
      scale = 1.0f / scale;
  }
  const auto *input = as<float>(operands[0]);
  auto *quantize =
      getCoarse() ? tq::quant::quantizeCoarse : tq::quant::quantizeClamped;
  for (size_t i = 0; i < results[0].size(); ++i)
    results[0][i] = static_cast<uint8_t>(
        quantize(input[i], parameters.scales.of(int64_t(i)),
                 parameters.zeros.of(int64_t(i)),
                 static_cast<int32_t>(element.getStorageTypeMin()),
                 static_cast<int32_t>(element.getStorageTypeMax())));
}

StringRef DequantizeOp::getWeightSuffix(OpResult) { return ".dequantized"; }

void DequantizeOp::evaluate(ArrayRef<Elements> operands,
                            ArrayRef<MutableElements> results) {
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t columns = getColumns(type);
  Parameters parameters;
  if (getColumnScales()) {
    int64_t blocks = getColumnScales().getType().getDimSize(0);
    parameters.scales = numbersOf<float>(operands[1], columns / blocks);
  } else if (getScales()) {
    // Zero points of columns are beside one scale only.
    bool ofRows = getScales().getType().getRank() != 0;
    parameters.scales = numbersOf<float>(operands[1], ofRows ? columns : 1);
    if (getZeroPoints())
      parameters.zeros = numbersOf<int32_t>(operands[2], ofRows ? columns : 1);
  } else {
    parameters = parametersOf(type);
  }
  bool isSigned =
      cast<mlir::quant::QuantizedType>(type.getElementType()).isSigned();
  auto *result = as<float>(results[0]);
  for (int64_t i = 0, e = int64_t(operands[0].size()); i < e; ++i) {
    int32_t q = isSigned ? int32_t(static_cast<int8_t>(operands[0][i]))
                         : int32_t(operands[0][i]);
    result[i] = static_cast<float>(q - parameters.zeros.of(i)) *
                parameters.scales.of(i);
  }
}

/// Where the right side stands for the element at `index` of the left.
static int64_t getBroadcastIndex(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs,
                                 int64_t index) {
  int64_t place = 0, stride = 1;
  for (size_t i = lhs.size(); i-- > lhs.size() - rhs.size();) {
    int64_t size = rhs[i - (lhs.size() - rhs.size())];
    if (size != 1)
      place += index % lhs[i] * stride;
    index /= lhs[i];
    stride *= size;
  }
  return place;
}

template <typename Op>
static void evaluateBinary(Op op, ArrayRef<Elements> operands,
                           ArrayRef<MutableElements> results,
                           float (*compute)(float, float)) {
  ArrayRef<int64_t> lhs = op.getLhs().getType().getShape(),
                    rhs = op.getRhs().getType().getShape();
  const auto *a = as<float>(operands[0]), *b = as<float>(operands[1]);
  auto *result = as<float>(results[0]);
  for (int64_t i = 0, e = results[0].size() / sizeof(float); i < e; ++i)
    result[i] = compute(a[i], b[getBroadcastIndex(lhs, rhs, i)]);
}

StringRef AddOp::getWeightSuffix(OpResult) { return ".sum"; }

void AddOp::evaluate(ArrayRef<Elements> operands,
                     ArrayRef<MutableElements> results) {
  evaluateBinary(*this, operands, results,
                 [](float a, float b) { return a + b; });
}

StringRef SubOp::getWeightSuffix(OpResult) { return ".difference"; }

void SubOp::evaluate(ArrayRef<Elements> operands,
                     ArrayRef<MutableElements> results) {
  evaluateBinary(*this, operands, results,
                 [](float a, float b) { return a - b; });
}

StringRef MulOp::getWeightSuffix(OpResult) { return ".scaled"; }

void MulOp::evaluate(ArrayRef<Elements> operands,
                     ArrayRef<MutableElements> results) {
  evaluateBinary(*this, operands, results,
                 [](float a, float b) { return a * b; });
}

StringRef DivOp::getWeightSuffix(OpResult) { return ".quotient"; }

void DivOp::evaluate(ArrayRef<Elements> operands,
                     ArrayRef<MutableElements> results) {
  evaluateBinary(*this, operands, results,
                 [](float a, float b) { return a / b; });
}

/// The elements of `source`, `strides` of it from one index of the result to
/// the next, from element `first` on.
static void gather(Elements source, MutableElements result, int64_t first,
                   ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                   int64_t elementBytes) {
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t at = first;
  for (size_t to = 0; to < result.size(); to += elementBytes) {
    memcpy(&result[to], &source[at * elementBytes], elementBytes);
    for (size_t dim = shape.size(); dim-- > 0;) {
      at += strides[dim];
      if (++index[dim] < shape[dim])
        break;
      at -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

static SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

StringRef PermuteOp::getWeightSuffix(OpResult) { return ".permuted"; }

void PermuteOp::evaluate(ArrayRef<Elements> operands,
                         ArrayRef<MutableElements> results) {
  auto source = cast<RankedTensorType>(getInput().getType()),
       result = cast<RankedTensorType>(getType());
  SmallVector<int64_t> stored = getStrides(source.getShape()), strides;
  for (int64_t dim : getDims())
    strides.push_back(stored[dim]);
  gather(operands[0], results[0], 0, result.getShape(), strides,
         getElementBytes(result.getElementType()));
}

StringRef PackWeightOp::getWeightSuffix(OpResult) { return ".packed"; }

void PackWeightOp::evaluate(ArrayRef<Elements> operands,
                            ArrayRef<MutableElements> results) {
  auto [n, k] = getSizes(getWeight());
  tq::quant::PanelLayout layout{int64_t(getPanel()), int64_t(getGroup())};
  if (getType().getElementType().isF32())
    tq::quant::packWeights(as<float>(operands[0]), n, k, layout,
                           as<float>(results[0]));
  else
    tq::quant::packWeights(as<int8_t>(operands[0]), n, k, layout,
                           as<int8_t>(results[0]));
}

namespace {

struct ConcatModel
    : public CompileTimeOpInterface::ExternalModel<ConcatModel,
                                                   tensor::ConcatOp> {
  StringRef getWeightSuffix(Operation *, OpResult) const { return ".concat"; }

  void evaluate(Operation *op, ArrayRef<Elements> operands,
                ArrayRef<MutableElements> results) const {
    auto concat = cast<tensor::ConcatOp>(op);
    ArrayRef<int64_t> shape = concat.getResultType().getShape();
    size_t outer = 1;
    for (int64_t dim : shape.take_front(concat.getDim()))
      outer *= size_t(dim);
    uint8_t *out = results[0].data();
    for (size_t row = 0; row < outer; ++row)
      for (Elements operand : operands) {
        size_t chunk = operand.size() / outer;
        out = llvm::copy(operand.slice(row * chunk, chunk), out);
      }
  }
};

/// The same elements in another shape, or as another type of the same bytes.
template <typename Op>
struct ReshapeModel
    : public CompileTimeOpInterface::ExternalModel<ReshapeModel<Op>, Op> {
  StringRef getWeightSuffix(Operation *, OpResult) const { return ".reshaped"; }

  void evaluate(Operation *, ArrayRef<Elements> operands,
                ArrayRef<MutableElements> results) const {
    llvm::copy(operands[0], results[0].begin());
  }
};

/// Of constant offsets: those that are operands make a slice that is not known
/// at compile time.
struct ExtractSliceModel
    : public CompileTimeOpInterface::ExternalModel<ExtractSliceModel,
                                                   tensor::ExtractSliceOp> {
  StringRef getWeightSuffix(Operation *, OpResult) const { return ".slice"; }

  void evaluate(Operation *op, ArrayRef<Elements> operands,
                ArrayRef<MutableElements> results) const {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    SmallVector<int64_t> strides = getStrides(slice.getSourceType().getShape());
    int64_t first = 0;
    for (size_t i = 0; i < strides.size(); ++i) {
      first += slice.getStaticOffsets()[i] * strides[i];
      strides[i] *= slice.getStaticStrides()[i];
    }
    gather(operands[0], results[0], first, slice.getStaticSizes(), strides,
           getElementBytes(slice.getType().getElementType()));
  }
};

} // namespace

void TQDialect::attachCompileTimeModels() {
  MLIRContext &context = *getContext();
  tensor::ConcatOp::attachInterface<ConcatModel>(context);
  tensor::CollapseShapeOp::attachInterface<
      ReshapeModel<tensor::CollapseShapeOp>>(context);
  tensor::ExpandShapeOp::attachInterface<ReshapeModel<tensor::ExpandShapeOp>>(
      context);
  tensor::ExtractSliceOp::attachInterface<ExtractSliceModel>(context);
  mlir::quant::StorageCastOp::attachInterface<
      ReshapeModel<mlir::quant::StorageCastOp>>(context);
}
