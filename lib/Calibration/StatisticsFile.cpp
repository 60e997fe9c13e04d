//===- StatisticsFile.cpp - Statistics that outlive a run -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Calibration/StatisticsFile.h"

#include "tq/Dialect/TQ/IR/Statistics.h"
#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace tq;

static constexpr int64_t kVersion = 1;

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// Where its bytes are found plays no part.
static void describeWeight(WeightOp weight, raw_ostream &stream) {
  mlir::Attribute value = weight.getValueAttr();
  if (auto mapped = dyn_cast_or_null<MappedAttr>(value)) {
    stream << weight.getSymName() << ' ' << weight.getType() << ' '
           << mapped.getOffset() << ' ' << mapped.getDigest();
    for (int64_t stride : mapped.getStrides())
      stream << ' ' << stride;
    stream << '\n';
    return;
  }
  weight->print(stream);
  // A resource is printed by its name.
  if (auto resource = dyn_cast_or_null<mlir::DenseResourceElementsAttr>(value))
    if (mlir::AsmResourceBlob *blob = resource.getRawHandle().getBlob()) {
      ArrayRef<char> data = blob->getData();
      stream << ' '
             << xxh3_64bits({reinterpret_cast<const uint8_t *>(data.data()),
                             data.size()});
    }
  stream << '\n';
}

/// Of the weights and of what is computed, without locations and statistics.
static std::string getModelDigest(mlir::ModuleOp module) {
  std::string text;
  raw_string_ostream stream(text);
  for (auto weight : module.getOps<WeightOp>())
    describeWeight(weight, stream);
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    mlir::OwningOpRef<mlir::func::FuncOp> copy(function.clone());
    copy->walk([](ObserveOp op) { op.removeStatisticsAttr(); });
    copy->print(stream);
  }
  return utohexstr(xxh3_64bits(text), /*LowerCase=*/true, /*Width=*/16);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Nine digits tell all f32 apart.
static void writeFloats(json::OStream &out, StringRef key,
                        ArrayRef<float> values) {
  out.attributeArray(key, [&] {
    for (float value : values)
      out.value(static_cast<double>(value));
  });
}

static void writeSite(json::OStream &out, StringRef name,
                      const quant::TensorStatistics &statistics) {
  const quant::Histogram &histogram = statistics.histogram;
  out.object([&] {
    out.attribute("name", name);
    out.attribute("rows", statistics.rows);
    writeFloats(out, "low", statistics.low);
    writeFloats(out, "high", statistics.high);
    writeFloats(out, "mean", statistics.mean);
    writeFloats(out, "average",
                {statistics.averageLow, statistics.averageHigh});
    out.attributeObject("histogram", [&] {
      out.attribute("first", histogram.getFirst());
      out.attribute("width", histogram.getWidth());
      writeFloats(out, "range", {histogram.getLow(), histogram.getHigh()});
      out.attributeArray("counts", [&] {
        for (uint64_t count : histogram.getCounts())
          out.value(static_cast<int64_t>(count));
      });
    });
  });
}

Error tq::writeStatistics(mlir::ModuleOp module, raw_ostream &stream) {
  json::OStream out(stream);
  out.object([&] {
    out.attribute("version", kVersion);
    out.attribute("model", getModelDigest(module));
    out.attributeArray("values", [&] {
      module.walk([&](ObserveOp op) {
        if (StatisticsAttr statistics = op.getStatisticsAttr())
          writeSite(out, op.getSite(), getTensorStatistics(statistics));
      });
    });
  });
  stream << '\n';
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Reads one value of the file.
class SiteReader {
public:
  SiteReader(StringRef path, const json::Object &object, size_t index)
      : path(path), where(("values[" + Twine(index) + "].").str()),
        reader(path, object, where) {}

  Error read(std::string &name, quant::TensorStatistics &statistics);

private:
  std::vector<float> readFloats(ObjectReader &from, StringRef key, size_t size);
  void readHistogram(quant::TensorStatistics &statistics);

  StringRef path;
  std::string where;
  ObjectReader reader;
  std::string innerError;
};
} // namespace

/// `size` finite numbers; any number of them for 0.
std::vector<float> SiteReader::readFloats(ObjectReader &from, StringRef key,
                                          size_t size) {
  const json::Array *array = from.array(key);
  std::vector<float> values;
  for (const json::Value &value : array ? *array : json::Array()) {
    std::optional<double> number = value.getAsNumber();
    auto narrow = static_cast<float>(number.value_or(NAN));
    if (!std::isfinite(narrow)) {
      from.expected(key, "finite numbers");
      return {};
    }
    values.push_back(narrow);
  }
  if (values.empty() || (size != 0 && values.size() != size))
    from.expected(key, size ? "an array of " + Twine(size) + " numbers"
                            : Twine("an array of numbers"));
  return values;
}

void SiteReader::readHistogram(quant::TensorStatistics &statistics) {
  const json::Object *object = reader.object("histogram");
  if (!object) {
    reader.expected("histogram", "an object");
    return;
  }
  ObjectReader inner(path, *object, where + "histogram.");
  int64_t first = inner.integer("first", -(int64_t(1) << 53), int64_t(1) << 53);
  double width = inner.number("width", 0, 0x1p128, 0);
  std::vector<int64_t> counts =
      inner.integers("counts", 0, std::numeric_limits<int64_t>::max());
  std::vector<float> range = readFloats(inner, "range", 2);
  std::optional<quant::Histogram> histogram;
  if (range.size() == 2)
    histogram = quant::Histogram::restore(
        range[0], range[1], first, width,
        std::vector<uint64_t>(counts.begin(), counts.end()));
  if (Error error = inner.takeError())
    innerError = toString(std::move(error));
  else if (!histogram)
    reader.expected("histogram", "the bins of its range");
  else
    statistics.histogram = std::move(*histogram);
}

Error SiteReader::read(std::string &name, quant::TensorStatistics &statistics) {
  name = reader.string("name");
  statistics.rows = reader.integer("rows", 0, int64_t(1) << 53);
  statistics.low = readFloats(reader, "low", 0);
  statistics.high = readFloats(reader, "high", statistics.low.size());
  statistics.mean = readFloats(reader, "mean", statistics.low.size());
  std::vector<float> average = readFloats(reader, "average", 2);
  if (average.size() == 2) {
    statistics.averageLow = average[0];
    statistics.averageHigh = average[1];
  }
  for (auto [low, high] : zip(statistics.low, statistics.high))
    if (low > high)
      reader.expected("low", "numbers that are at most those of 'high'");
  readHistogram(statistics);
  if (!innerError.empty())
    return createStringError(innerError);
  return reader.takeError();
}

static Error checkModel(mlir::ModuleOp module, StringRef path,
                        const json::Object &object) {
  ObjectReader reader(path, object);
  int64_t version =
      reader.integer("version", 0, std::numeric_limits<int64_t>::max());
  std::string model = reader.string("model");
  if (Error error = reader.takeError())
    return error;
  if (version != kVersion)
    return createStringError(path + ": expected a calibration of version " +
                             Twine(kVersion) + ", but got " + Twine(version));
  std::string digest = getModelDigest(module);
  if (model != digest)
    return createStringError(path +
                             ": expected the calibration of this model, "
                             "whose digest is " +
                             digest + ", but got that of " + model);
  return Error::success();
}

Error tq::readStatistics(mlir::ModuleOp module, StringRef path) {
  Expected<json::Object> object = readJSONObject(path);
  if (!object)
    return object.takeError();
  if (Error error = checkModel(module, path, *object))
    return error;
  ObjectReader reader(path, *object);
  const json::Array *values = reader.array("values");
  if (Error error = reader.takeError())
    return error;
  StringMap<quant::TensorStatistics> sites;
  for (auto [index, value] : enumerate(values ? *values : json::Array())) {
    const json::Object *site = value.getAsObject();
    if (!site)
      return createStringError(path + ": values[" + Twine(index) +
                               "]: expected an object");
    std::string name;
    quant::TensorStatistics statistics;
    if (Error error = SiteReader(path, *site, index).read(name, statistics))
      return error;
    if (!sites.try_emplace(name, std::move(statistics)).second)
      return createStringError(path + ": values[" + Twine(index) +
                               "]: expected a name that no other value has, "
                               "but got '" +
                               printable(name) + "'");
  }
  std::string error;
  module.walk([&](ObserveOp op) {
    auto found = sites.find(op.getSite());
    auto channels = static_cast<size_t>(op.getType().getShape().back());
    if (found != sites.end() && found->second.low.size() == channels)
      op.setStatisticsAttr(makeStatistics(module.getContext(), found->second));
    else if (error.empty() && found == sites.end())
      error = "expected statistics of '" + printable(op.getSite()) +
              "' in 'values'";
    else if (error.empty())
      error = ("expected '" + printable(op.getSite()) + "' to have " +
               Twine(channels) + " channels, but got " +
               Twine(found->second.low.size()))
                  .str();
  });
  if (!error.empty())
    return createStringError(path + ": " + error);
  return Error::success();
}
