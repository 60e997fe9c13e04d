//===- TQOps.cpp - Verifiers of tq ops ------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The labels (C1), (C2), ... are those of the op descriptions.

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace tq;

#define GET_OP_CLASSES
#include "tq/Dialect/TQ/IR/TQOps.cpp.inc"

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// `value`, where present, has that rank.
static LogicalResult expectRank(Operation *op, StringRef name, Value value,
                                int64_t rank) {
  if (!value || tensorOf(value).getRank() == rank)
    return success();
  return op->emitOpError("expected ")
         << name << " of rank " << rank << ", but got " << value.getType();
}

static LogicalResult expectMinRank(Operation *op, StringRef name, Value value,
                                   int64_t rank) {
  if (tensorOf(value).getRank() >= rank)
    return success();
  return op->emitOpError("expected ")
         << name << " of rank " << rank << " or more, but got "
         << value.getType();
}

static LogicalResult expectStorage(Operation *op, StringRef name, Value value,
                                   bool isSigned) {
  auto type = dyn_cast<quant::QuantizedType>(tensorOf(value).getElementType());
  if (!type)
    return success(); // the storage itself, in a kernel
  if (type.isSigned() == isSigned && type.getStorageTypeIntegralWidth() == 8)
    return success();
  return op->emitOpError("expected ")
         << name << " with " << (isSigned ? "i8" : "u8") << " storage, but got "
         << value.getType();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The bytes of a weight and of what it is made of are counted by all phases.
static LogicalResult verifyBytes(Operation *op, WeightOp weight, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || getTensorBytes(tensor))
    return success();
  return op->emitError("expected elements with a layout in memory, of at most "
                       "4 TiB, but weight @")
         << weight.getSymName() << " has " << type;
}

static LogicalResult verifyInitializer(WeightOp weight) {
  Region &region = weight.getInitializer();
  if (!region.hasOneBlock() || region.getNumArguments() != 0 ||
      region.front().empty() || !isa<YieldOp>(region.front().back()) ||
      region.front().back().getNumOperands() != 1)
    return weight.emitOpError(
        "expected an initializer of one block that ends in 'tq.yield'");
  for (Operation &op : region.front()) {
    if (!isa<GetWeightOp, YieldOp, CompileTimeOpInterface>(op))
      return op.emitError("expected an op that is evaluated at compile time in "
                          "the initializer "
                          "of a weight, but got '")
             << op.getName() << "'";
    for (Type type : op.getResultTypes())
      if (failed(verifyBytes(&op, weight, type)))
        return failure();
  }
  Type yielded = cast<YieldOp>(region.front().back()).getValue().getType();
  if (yielded != weight.getType())
    return weight.emitOpError("expected an initializer that yields ")
           << weight.getType() << ", but got " << yielded;
  return success();
}

/// Whether the strides, if there are any, suit the type.
static LogicalResult verifyStrides(WeightOp op, MappedAttr mapped,
                                   RankedTensorType type) {
  ArrayRef<int64_t> strides = mapped.getStrides();
  bool fits = strides.empty() || int64_t(strides.size()) == type.getRank();
  if (fits && llvm::all_of(strides, [](int64_t s) {
        return s >= 0 && s <= kMaxTensorBytes;
      }))
    return success();
  return op.emitOpError(
             "expected one stride of 0 to 2^42 for each dimension of ")
         << type;
}

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape())
    return emitOpError(
               "expected a ranked tensor type with static shape, but got ")
           << getType();
  if (failed(verifyBytes(*this, *this, type)))
    return failure();
  std::optional<int64_t> offset = getOffset();
  if (offset && (*offset < 0 || *offset % kWeightAlignment != 0))
    return emitOpError("expected an offset that is a multiple of ")
           << kWeightAlignment << ", but got " << *offset;
  Attribute value = getValueAttr();
  if (static_cast<bool>(value) == !getInitializer().empty())
    return emitOpError("expected either a value or an initializer");
  if (!getInitializer().empty())
    return verifyInitializer(*this);
  if (auto mapped = dyn_cast<MappedAttr>(value))
    return verifyStrides(*this, mapped, type);
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements)
    return emitOpError("expected #tq.mapped or an elements attribute, but got ")
           << value;
  if (elements.getType() != type)
    return emitOpError("expected a value of type ")
           << type << ", but got " << elements.getType();
  return success();
}

LogicalResult
GetWeightOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight =
      symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, getNameAttr());
  if (!weight)
    return emitOpError("expected the name of a 'tq.weight', but got ")
           << getNameAttr();
  auto stored = dyn_cast<RankedTensorType>(weight.getType());
  auto type = cast<RankedTensorType>(getType());
  if (!stored)
    return success(); // the weight's own verifier speaks
  if (stored.getShape() != type.getShape())
    return emitOpError("expected the shape of the weight, ")
           << stored << ", but got " << type;
  Type from = stored.getElementType(), to = type.getElementType();
  // After lower, schedules hold plain integers.
  if (auto quantized = dyn_cast<quant::QuantizedType>(from);
      quantized && to.isInteger(quantized.getStorageTypeIntegralWidth()))
    return success();
  bool isFloat = from.isF16() || from.isBF16() || from.isF64();
  if (from != to && !(to.isF32() && isFloat))
    return emitOpError("expected the element type of the weight, or f32 where "
                       "that is f16, bf16 or f64, but got ")
           << to << " for " << from;
  return success();
}

LogicalResult QuantizeWeightOp::verify() {
  return expectRank(*this, "weight", getWeight(), 2);
}

LogicalResult ColumnSumsOp::verify() {
  return expectRank(*this, "weight", getWeight(), 2);
}

LogicalResult ZeroPointSumsOp::verify() {
  if (failed(expectRank(*this, "weight", getWeight(), 2)))
    return failure();
  auto zeros = tensorOf(getZeroPoints());
  if (zeros.getRank() == 0 ||
      (zeros.getRank() == 1 && zeros.hasStaticShape() &&
       zeros.getDimSize(0) == tensorOf(getWeight()).getDimSize(1)))
    return success();
  return emitOpError("expected one zero point, or one for each input of ")
         << getWeight().getType() << ", but got " << zeros;
}

LogicalResult ActivationParametersOp::verify() {
  if (getLow().getType().hasStaticShape())
    return success();
  return emitOpError("expected a range of static size, but got ")
         << getLow().getType();
}

LogicalResult SymmetricParametersOp::verify() {
  auto low = getLow().getType(), columns = getInverseScales().getType();
  int64_t ranges = low.getDimSize(0),
          blocks = getScales().getType().getDimSize(0);
  if (low.hasStaticShape() && columns.hasStaticShape() && blocks > 0 &&
      columns.getDimSize(0) > 0 &&
      (ranges == 1 || ranges == columns.getDimSize(0)) &&
      columns.getDimSize(0) % blocks == 0)
    return success();
  return emitOpError("expected one range or one for each column, and a number "
                     "of scales that divides that of columns, but got ")
         << low << ", " << getScales().getType() << " and " << columns;
}

LogicalResult ScoreScalesOp::verify() {
  auto query = getQuery().getType(), key = getKey().getType();
  if (query.hasStaticShape() && key.hasStaticShape() && key.getDimSize(0) > 0 &&
      query.getDimSize(0) % key.getDimSize(0) == 0)
    return success();
  return emitOpError("expected a number of scales of the key that divides that "
                     "of the query, but got ")
         << query << " and " << key;
}

LogicalResult ScoreSmoothingFactorsOp::verify() {
  auto query = getQueryLow().getType(), key = getKeyLow().getType();
  auto heads = static_cast<int64_t>(getKvHeads());
  int64_t columns = key.getDimSize(0);
  if (query.hasStaticShape() && key.hasStaticShape() && heads > 0 &&
      columns > 0 && columns % heads == 0 && query.getDimSize(0) % columns == 0)
    return success();
  return emitOpError("expected columns of ")
         << heads << " heads of the key and a multiple of them of the query, "
         << "but got " << key << " and " << query;
}

LogicalResult SmoothingFactorsOp::verify() {
  if (failed(expectRank(*this, "weight", getWeight(), 2)))
    return failure();
  int64_t inputs = tensorOf(getWeight()).getDimSize(1);
  if (inputs != tensorOf(getLow()).getDimSize(0))
    return emitOpError("expected a range for each of ")
           << inputs << " inputs, but got " << getLow().getType();
  if (!(getAlpha().convertToFloat() >= 0 && getAlpha().convertToFloat() <= 1))
    return emitOpError("expected an alpha from 0 to 1, but got ")
           << getAlpha().convertToFloat();
  return success();
}

LogicalResult CorrectBiasOp::verify() {
  auto weight = tensorOf(getWeight());
  if (failed(expectRank(*this, "weight", getWeight(), 2)) ||
      failed(expectStorage(*this, "values", getValues(), /*isSigned=*/true)))
    return failure();
  int64_t outputs = weight.getDimSize(0), inputs = weight.getDimSize(1);
  bool fits = tensorOf(getValues()).getShape() == weight.getShape() &&
              tensorOf(getScales()).getDimSize(0) == outputs &&
              tensorOf(getMean()).getDimSize(0) == inputs &&
              (!getBias() || tensorOf(getBias()).getDimSize(0) == outputs);
  if (fits && weight.hasStaticShape())
    return success();
  return emitOpError("expected values, scales, mean and bias that suit a "
                     "weight of static shape, but got ")
         << getOperandTypes();
}

LogicalResult PackWeightOp::verify() {
  if (static_cast<int64_t>(getPanel()) <= 0 ||
      static_cast<int64_t>(getGroup()) <= 0)
    return emitOpError("expected a positive panel and group, but got ")
           << static_cast<int64_t>(getPanel()) << " and "
           << static_cast<int64_t>(getGroup());
  if (!getWeight().getType().hasStaticShape())
    return emitOpError("expected a weight of static shape, but got ")
           << getWeight().getType();
  return expectRank(*this, "weight", getWeight(), 2);
}

//===----------------------------------------------------------------------===//
// Float ops
//===----------------------------------------------------------------------===//

LogicalResult PositionIdsOp::verify() {
  return expectRank(*this, "ids", getIds(), 2);
}

LogicalResult EmbeddingOp::verify() {
  return expectRank(*this, "table", getTable(), 2);
}

static LogicalResult verifyLinear(Operation *op, Value input, Value weight) {
  return success(succeeded(expectMinRank(op, "input", input, 1)) &&
                 succeeded(expectRank(op, "weight", weight, 2)));
}

LogicalResult LinearOp::verify() {
  return verifyLinear(*this, getInput(), getWeight());
}

LogicalResult MatmulOp::verify() {
  if (failed(expectMinRank(*this, "lhs", getLhs(), 2)))
    return failure();
  return expectRank(*this, "rhs", getRhs(), tensorOf(getLhs()).getRank());
}

static LogicalResult verifyAttention(AttentionOpInterface op) {
  auto query = tensorOf(op.getQuery()), key = tensorOf(op.getKey());
  if (failed(expectRank(op, "query", op.getQuery(), 3)) ||
      failed(expectRank(op, "key", op.getKey(), 3)) ||
      failed(expectRank(op, "value", op.getValue(), 3)) ||
      failed(expectRank(op, "mask", op.getMask(), 2)))
    return failure();
  auto heads = static_cast<int64_t>(op.getNumHeads());
  int64_t kvHeads = op.getKvHeads();
  int64_t width = query.getDimSize(2), kvWidth = key.getDimSize(2);
  if (ShapedType::isDynamic(width) || ShapedType::isDynamic(kvWidth))
    return op->emitOpError("expected static last dimensions, but got ")
           << query << " and " << key;
  if (heads <= 0 || kvHeads <= 0 || heads % kvHeads != 0 ||
      width % heads != 0 || kvWidth % kvHeads != 0 ||
      width / heads != kvWidth / kvHeads || width == 0)
    return op->emitOpError("expected ")
           << heads << " query heads and " << kvHeads
           << " key/value heads of one size, the second dividing the first, "
              "but got "
           << query << " and " << key;
  return success();
}

LogicalResult AttentionOp::verify() { return verifyAttention(*this); }

/// A static last dimension, and epsilon >= 0.
static LogicalResult verifyNorm(Operation *op, Value input,
                                const APFloat &epsilon) {
  if (failed(expectMinRank(op, "input", input, 1)))
    return failure();
  if (ShapedType::isDynamic(tensorOf(input).getShape().back()))
    return op->emitOpError("expected a static last dimension, but got ")
           << input.getType();
  if (epsilon.isNaN() || epsilon.isNegative())
    return op->emitOpError("expected an epsilon that is not negative, but got ")
           << epsilon.convertToFloat();
  return success();
}

LogicalResult LayerNormOp::verify() {
  return verifyNorm(*this, getInput(), getEpsilon());
}

LogicalResult RmsNormOp::verify() {
  return verifyNorm(*this, getInput(), getEpsilon());
}

LogicalResult SoftmaxOp::verify() {
  return expectMinRank(*this, "input", getInput(), 1);
}

LogicalResult L2NormalizeOp::verify() {
  return expectMinRank(*this, "input", getInput(), 1);
}

static LogicalResult verifyBroadcast(Operation *op, Value lhs, Value rhs) {
  if (tensorOf(rhs).getRank() <= tensorOf(lhs).getRank())
    return success();
  return op->emitOpError("expected a rhs of no higher rank than the lhs, but "
                         "got ")
         << rhs.getType() << " for " << lhs.getType();
}

LogicalResult AddOp::verify() {
  return verifyBroadcast(*this, getLhs(), getRhs());
}
LogicalResult SubOp::verify() {
  return verifyBroadcast(*this, getLhs(), getRhs());
}
LogicalResult MulOp::verify() {
  return verifyBroadcast(*this, getLhs(), getRhs());
}
LogicalResult DivOp::verify() {
  return verifyBroadcast(*this, getLhs(), getRhs());
}

LogicalResult RotaryEmbeddingOp::verify() {
  int64_t columns = getType().getShape().back();
  if (ShapedType::isDynamic(columns) || columns % 2 != 0)
    return emitOpError("expected an even number of columns, known when "
                       "compiled, but got ")
           << getType();
  if (failed(verifyBroadcast(*this, getInput(), getCos())))
    return failure();
  return verifyBroadcast(*this, getInput(), getSin());
}

LogicalResult PoolOp::verify() {
  if (failed(expectRank(*this, "input", getInput(), 3)))
    return failure();
  bool needsMask = getKind() != PoolKind::First;
  if (needsMask != static_cast<bool>(getMask()))
    return emitOpError(needsMask ? "expected a mask for '"
                                 : "expected no mask for '")
           << stringifyPoolKind(getKind()) << "'";
  return expectRank(*this, "mask", getMask(), 2);
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

/// Numbers, where they are present, of all of `input` or of each column.
static LogicalResult expectColumnNumbers(Operation *op, StringRef name,
                                         Value input, Value numbers) {
  if (!numbers || tensorOf(numbers).getRank() == 0)
    return success();
  return success(succeeded(expectMinRank(op, "input", input, 1)) &&
                 succeeded(expectRank(op, name, numbers, 1)));
}

LogicalResult QuantizeOp::verify() {
  auto from = tensorOf(getInput()), to = tensorOf(getResult());
  if (from.getShape() != to.getShape())
    return emitOpError("expected equal shapes, but got ")
           << from << " and " << to;
  auto element = cast<quant::QuantizedType>(to.getElementType());
  if (element.getStorageTypeIntegralWidth() != 8 ||
      !element.getExpressedType() || !element.getExpressedType().isF32())
    return emitOpError("expected a result with 8-bit storage that expresses "
                       "f32, but got ")
           << element;
  bool isAny = isa<quant::AnyQuantizedType>(element);
  if (isAny != static_cast<bool>(getInverseScales()) ||
      (getZeroPoints() && !isAny))
    return emitOpError(
        isAny ? "expected inverse scales for !quant.any"
              : "expected no inverse scales or zero points for !quant.uniform");
  return success(
      succeeded(expectColumnNumbers(*this, "inverse scales", getInput(),
                                    getInverseScales())) &&
      succeeded(expectColumnNumbers(*this, "zero points", getInput(),
                                    getZeroPoints())));
}

/// The columns of `input` are blocks of one size, one for each of `scales`.
static LogicalResult verifyBlocks(Operation *op, Value input, Value scales) {
  int64_t columns = tensorOf(input).getShape().back();
  int64_t blocks = tensorOf(scales).getDimSize(0);
  if (columns > 0 && blocks > 0 && columns % blocks == 0)
    return success();
  return op->emitOpError("expected a number of column scales that divides that "
                         "of columns, but got ")
         << scales.getType() << " for " << input.getType();
}

LogicalResult DequantizeOp::verify() {
  if (failed(expectMinRank(*this, "input", getInput(), 1)))
    return failure();
  bool isAny =
      isa<quant::AnyQuantizedType>(tensorOf(getInput()).getElementType());
  int scales = (getScales() ? 1 : 0) + (getColumnScales() ? 1 : 0);
  if (scales != (isAny ? 1 : 0) || (getZeroPoints() && !getScales()))
    return emitOpError(
        isAny ? "expected scales with or without zero points, or column "
                "scales, for !quant.any"
              : "expected no scales or zero points for !quant.uniform");
  if (getColumnScales())
    return verifyBlocks(*this, getInput(), getColumnScales());
  int64_t rows = tensorOf(getInput()).getRank() - 1;
  if (getScales() && tensorOf(getScales()).getRank() == 0)
    return expectColumnNumbers(*this, "zero points", getInput(),
                               getZeroPoints());
  return success(
      succeeded(expectRank(*this, "scales", getScales(), rows)) &&
      succeeded(expectRank(*this, "zero points", getZeroPoints(), rows)));
}

LogicalResult DynamicQuantizeOp::verify() {
  return expectMinRank(*this, "input", getInput(), 1);
}

LogicalResult QuantizedEmbeddingOp::verify() {
  return expectRank(*this, "table", getTable(), 2);
}

/// A linear of u8 and s8 whose sums fit into 32 bits, and its residual.
static LogicalResult verifyIntegerLinear(Operation *op, Value input,
                                         Value weight, Value residual,
                                         int64_t maxDepth) {
  if (failed(verifyLinear(op, input, weight)) ||
      failed(expectStorage(op, "input", input, /*isSigned=*/false)) ||
      failed(expectStorage(op, "weight", weight, /*isSigned=*/true)))
    return failure();
  int64_t depth = tensorOf(weight).getDimSize(1);
  maxDepth = getMaxDepth(tensorOf(weight).getElementType(), maxDepth);
  if (!ShapedType::isDynamic(depth) && depth > maxDepth)
    return op->emitOpError("expected at most ")
           << maxDepth << " inputs, whose sum fits into 32 bits, but got "
           << depth;
  Type result = op->getResult(0).getType();
  if (residual && residual.getType() != result)
    return op->emitOpError("expected a residual of the result's type ")
           << result << ", but got " << residual.getType();
  return success();
}

LogicalResult QuantizedLinearOp::verify() {
  int64_t rows = tensorOf(getInput()).getRank() - 1;
  if (failed(verifyIntegerLinear(*this, getInput(), getWeight(), getResidual(),
                                 kMaxIntegerDepth)) ||
      failed(expectRank(*this, "input scales", getInputScales(), rows)))
    return failure();
  return expectRank(*this, "zero points", getZeroPoints(), rows);
}

LogicalResult StaticLinearOp::verify() {
  return verifyIntegerLinear(*this, getInput(), getWeight(), getResidual(),
                             kMaxStaticDepth);
}

/// Parameters of a result that is quantized.
static LogicalResult verifyInverseScales(StaticAttentionOp op) {
  Value inverse = op.getInverseScales();
  bool isFloat = tensorOf(op.getResult()).getElementType().isF32();
  if (isFloat == static_cast<bool>(inverse) || (op.getZeroPoints() && !inverse))
    return op.emitOpError(isFloat ? "expected no inverse scales or zero "
                                    "points for a result in f32"
                                  : "expected inverse scales for a result in "
                                    "u8");
  if (!isFloat &&
      failed(expectStorage(op, "a result", op.getResult(), /*isSigned=*/false)))
    return failure();
  int64_t columns = tensorOf(op.getQuery()).getDimSize(2);
  for (Value numbers : {inverse, Value(op.getZeroPoints())})
    if (numbers && tensorOf(numbers).getRank() != 0 &&
        tensorOf(numbers).getShape() != ArrayRef(columns))
      return op.emitOpError("expected inverse scales and zero points of all or "
                            "of ")
             << columns << " columns, but got " << numbers.getType();
  return success();
}

/// s8 without -128, which the bounds of all sums rely on.
static LogicalResult expectSymmetric(Operation *op, StringRef name,
                                     Value value) {
  if (failed(expectStorage(op, name, value, /*isSigned=*/true)))
    return failure();
  auto type = dyn_cast<quant::QuantizedType>(tensorOf(value).getElementType());
  if (!type || type.getStorageTypeMin() >= -127)
    return success();
  return op->emitOpError("expected ")
         << name << " with integers from -127 to 127, but got "
         << value.getType();
}

LogicalResult StaticAttentionOp::verify() {
  if (failed(verifyAttention(*this)) ||
      failed(expectSymmetric(*this, "query", getQuery())) ||
      failed(expectSymmetric(*this, "key", getKey())) ||
      failed(expectSymmetric(*this, "value", getValue())))
    return failure();
  if (getHeadSize() > kMaxIntegerHead)
    return emitOpError("expected heads of at most ")
           << kMaxIntegerHead << " columns, but got " << getHeadSize();
  if (tensorOf(getResult()).getShape() != tensorOf(getQuery()).getShape())
    return emitOpError("expected a result of the query's shape, but got ")
           << getQuery().getType() << " and " << getResult().getType();
  auto heads = static_cast<int64_t>(getNumHeads());
  int64_t channels = getKvHeads() * getHeadSize();
  if (tensorOf(getScoreScales()).getDimSize(0) != heads ||
      tensorOf(getValueScales()).getDimSize(0) != channels)
    return emitOpError("expected a scale for each of ")
           << heads << " heads and of " << channels << " columns of the value, "
           << "but got " << getScoreScales().getType() << " and "
           << getValueScales().getType();
  return verifyInverseScales(*this);
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

LogicalResult ObserveOp::verify() {
  if (failed(expectMinRank(*this, "input", getInput(), 1)))
    return failure();
  int64_t channels = tensorOf(getInput()).getShape().back();
  if (ShapedType::isDynamic(channels))
    return emitOpError("expected a static last dimension, but got ")
           << getInput().getType();
  StatisticsAttr statistics = getStatisticsAttr();
  if (statistics && statistics.getLow().getNumElements() != channels)
    return emitOpError("expected statistics of ")
           << channels << " channels, but got "
           << statistics.getLow().getNumElements();
  if (static_cast<bool>(getLow()) != static_cast<bool>(getHigh()))
    return emitOpError("expected 'low' and 'high', or none of them");
  if (getLow() && getLow().getType() != getHigh().getType())
    return emitOpError("expected 'low' and 'high' of one type, but got ")
           << getLow().getType() << " and " << getHigh().getType();
  int64_t ranges = getLow() ? tensorOf(getLow()).getDimSize(0) : 1;
  if (ranges != 1 && ranges != channels)
    return emitOpError("expected a range for each of ")
           << channels << " channels or one for all, but got " << ranges;
  return success();
}
