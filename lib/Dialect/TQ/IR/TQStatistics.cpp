//===- TQStatistics.cpp - Statistics as an attribute ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/Statistics.h"

#include <cmath>

using namespace mlir;
using namespace tq;

bool tq::canObserve(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() >= 1 && type.getElementType().isF32() &&
         !ShapedType::isDynamic(type.getShape().back()) &&
         !value.getDefiningOp<ObserveOp>() && !isCompileTimeValue(value);
}

template <typename T>
static DenseElementsAttr makeVector(Type element, ArrayRef<T> values) {
  auto size = static_cast<int64_t>(values.size());
  return DenseElementsAttr::get(RankedTensorType::get(size, element), values);
}

StatisticsAttr
tq::makeStatistics(MLIRContext *context,
                   const tq::quant::TensorStatistics &statistics) {
  Builder builder(context);
  // Without -0, which files do not tell from 0.
  auto floats = [&](ArrayRef<float> values) {
    auto plain = llvm::map_to_vector(values, [](float x) { return x + 0.0f; });
    return makeVector<float>(builder.getF32Type(), plain);
  };
  const tq::quant::Histogram &histogram = statistics.histogram;
  std::span<const uint64_t> counts = histogram.getCounts();
  double width = histogram.getWidth();
  double bins[] = {static_cast<double>(histogram.getFirst()) * width, width,
                   histogram.getLow(), histogram.getHigh()};
  return StatisticsAttr::get(
      context, statistics.rows, floats(statistics.low), floats(statistics.high),
      floats(statistics.mean),
      floats({statistics.averageLow, statistics.averageHigh}),
      makeVector(builder.getI64Type(),
                 ArrayRef<uint64_t>(counts.data(), counts.size())),
      makeVector(builder.getF64Type(), ArrayRef<double>(bins)));
}

static std::vector<float> readFloats(DenseElementsAttr attr) {
  auto values = attr.getValues<float>();
  return {values.begin(), values.end()};
}

/// None where the bins are not those of the range.
static std::optional<tq::quant::Histogram>
readHistogram(DenseElementsAttr bins, DenseElementsAttr histogram) {
  auto numbers = llvm::to_vector(bins.getValues<double>());
  auto counts = llvm::to_vector(histogram.getValues<uint64_t>());
  double first = numbers[0] / numbers[1];
  if (!(std::fabs(first) < 0x1p53))
    return std::nullopt;
  return tq::quant::Histogram::restore(
      static_cast<float>(numbers[2]), static_cast<float>(numbers[3]),
      static_cast<int64_t>(first), numbers[1], counts);
}

tq::quant::TensorStatistics tq::getTensorStatistics(StatisticsAttr attr) {
  tq::quant::TensorStatistics statistics;
  statistics.rows = attr.getRows();
  statistics.low = readFloats(attr.getLow());
  statistics.high = readFloats(attr.getHigh());
  statistics.mean = readFloats(attr.getMean());
  auto average = attr.getAverage().getValues<float>();
  statistics.averageLow = average[0];
  statistics.averageHigh = average[1];
  statistics.histogram = readHistogram(attr.getBins(), attr.getHistogram())
                             .value_or(tq::quant::Histogram());
  return statistics;
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

/// A vector of `size` elements (any: -1) of type `element`.
static LogicalResult
verifyVector(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef name,
             DenseElementsAttr attr, int64_t size, bool isElement) {
  ShapedType type = attr.getType();
  if (isElement && type.getRank() == 1 &&
      (size < 0 || type.getDimSize(0) == size))
    return success();
  auto error = emitError() << "expected " << name << " to be a vector of ";
  if (size >= 0)
    error << size << " ";
  return error << (name == "histogram" ? "i64"
                   : name == "bins"    ? "f64"
                                       : "f32")
               << ", but got " << type;
}

static LogicalResult
verifyHistogram(llvm::function_ref<InFlightDiagnostic()> emitError,
                DenseElementsAttr bins, DenseElementsAttr histogram) {
  if (readHistogram(bins, histogram))
    return success();
  return emitError() << "expected a histogram with the bins of its range, but "
                        "got "
                     << bins << " for " << histogram.getNumElements()
                     << " counts";
}

LogicalResult
StatisticsAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                       int64_t rows, DenseElementsAttr low,
                       DenseElementsAttr high, DenseElementsAttr mean,
                       DenseElementsAttr average, DenseElementsAttr histogram,
                       DenseElementsAttr bins) {
  if (rows < 0)
    return emitError() << "expected rows that are not negative, but got "
                       << rows;
  auto isF32 = [](DenseElementsAttr attr) {
    return attr.getElementType().isF32();
  };
  if (failed(verifyVector(emitError, "low", low, -1, isF32(low))))
    return failure();
  int64_t channels = low.getType().getDimSize(0);
  return success(
      succeeded(verifyVector(emitError, "high", high, channels, isF32(high))) &&
      succeeded(verifyVector(emitError, "mean", mean, channels, isF32(mean))) &&
      succeeded(
          verifyVector(emitError, "average", average, 2, isF32(average))) &&
      succeeded(verifyVector(emitError, "histogram", histogram, -1,
                             histogram.getElementType().isInteger(64))) &&
      succeeded(verifyVector(emitError, "bins", bins, 4,
                             bins.getElementType().isF64())) &&
      succeeded(verifyHistogram(emitError, bins, histogram)));
}
