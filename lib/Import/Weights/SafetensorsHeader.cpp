//===- SafetensorsHeader.cpp - The header of a safetensors file -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SafetensorsHeader.h"

#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"

#include <optional>
#include <tuple>

using namespace llvm;
using namespace tq;

/// The length of the header comes before it.
static constexpr uint64_t lengthBytes = 8;

namespace {
/// Turns the entries of one header into weights.
class HeaderReader {
public:
  HeaderReader(StringRef path, ArrayRef<uint8_t> file, uint64_t dataBegin)
      : path(path), file(file), dataBegin(dataBegin),
        dataBytes(file.size() - dataBegin) {}

  Expected<std::vector<Weight>> read(const json::Object &header);

private:
  Expected<Weight> readEntry(StringRef name, const json::Value &value);
  Error readType(const json::Object &entry, Weight &weight);
  Error readShape(const json::Object &entry, Weight &weight);
  Error setBytes(Weight &weight);
  Error readOffsets(const json::Object &entry, Weight &weight);
  Error checkLayout(ArrayRef<Weight> weights);

  Error error(const Weight &weight, const Twine &message) {
    return makeFileError(path,
                         "tensor '" + printable(weight.name) + "': " + message);
  }

  StringRef path;
  ArrayRef<uint8_t> file;
  uint64_t dataBegin;
  uint64_t dataBytes;
};
} // namespace

Expected<std::vector<Weight>> HeaderReader::read(const json::Object &header) {
  std::vector<Weight> weights;
  for (const auto &[name, value] : header) {
    if (StringRef(name) == "__metadata__")
      continue;
    Expected<Weight> weight = readEntry(name, value);
    if (!weight)
      return weight.takeError();
    weights.push_back(std::move(*weight));
  }
  llvm::sort(weights, [](const Weight &a, const Weight &b) {
    return std::tie(a.offset, a.bytes, a.name) <
           std::tie(b.offset, b.bytes, b.name);
  });
  if (Error error = checkLayout(weights))
    return error;
  return weights;
}

Expected<Weight> HeaderReader::readEntry(StringRef name,
                                         const json::Value &value) {
  Weight weight;
  weight.name = name.str();
  weight.path = path.str();
  const json::Object *entry = value.getAsObject();
  if (!entry)
    return error(weight, "expected an object with dtype, shape, data_offsets");
  if (Error error = readType(*entry, weight))
    return error;
  if (Error error = readShape(*entry, weight))
    return error;
  if (Error error = readOffsets(*entry, weight))
    return error;
  return weight;
}

Error HeaderReader::readType(const json::Object &entry, Weight &weight) {
  std::optional<StringRef> name = entry.getString("dtype");
  if (!name)
    return error(weight, "expected a string 'dtype'");
  std::optional<WeightType> type = findWeightType(*name);
  if (!type)
    return error(weight, "expected a dtype of " + listWeightTypes() +
                             ", but got '" + printable(*name) + "'");
  weight.type = *type;
  return Error::success();
}

Error HeaderReader::readShape(const json::Object &entry, Weight &weight) {
  constexpr size_t maxRank = 32;
  const json::Array *shape = entry.getArray("shape");
  if (!shape || shape->size() > maxRank)
    return error(weight, "expected 'shape', an array of at most " +
                             Twine(maxRank) + " sizes");
  for (const json::Value &value : *shape) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0)
      return error(weight, "expected sizes of at least 0 in 'shape'");
    weight.shape.push_back(*size);
  }
  return setBytes(weight);
}

Error HeaderReader::setBytes(Weight &weight) {
  int64_t bytes = getWeightTypeBytes(weight.type);
  // A size of 0 makes the product 0 whatever the others are, so it comes first.
  if (llvm::is_contained(weight.shape, 0))
    bytes = 0;
  for (int64_t size : weight.shape) {
    std::optional<int64_t> product = checkedMul(bytes, size);
    if (!product)
      return error(weight, "expected less than 2^63 bytes, but got shape " +
                               formatShape(weight.shape));
    bytes = *product;
  }
  weight.bytes = static_cast<uint64_t>(bytes);
  return Error::success();
}

Error HeaderReader::readOffsets(const json::Object &entry, Weight &weight) {
  const json::Array *offsets = entry.getArray("data_offsets");
  std::optional<int64_t> begin, end;
  if (offsets && offsets->size() == 2) {
    begin = (*offsets)[0].getAsInteger();
    end = (*offsets)[1].getAsInteger();
  }
  if (!begin || !end || *begin < 0 || *end < *begin)
    return error(
        weight, "expected 'data_offsets': [BEGIN, END] with 0 <= BEGIN <= END");
  if (static_cast<uint64_t>(*end) > dataBytes)
    return error(weight, "expected data_offsets within the " +
                             Twine(dataBytes) +
                             " bytes of data in the file, but got [" +
                             Twine(*begin) + ", " + Twine(*end) + "]");
  uint64_t found = static_cast<uint64_t>(*end - *begin);
  if (found != weight.bytes)
    return error(weight, "expected " + Twine(weight.bytes) + " bytes for " +
                             getWeightTypeName(weight.type) + " " +
                             formatShape(weight.shape) + ", but got " +
                             Twine(found) + " from data_offsets");
  weight.offset = dataBegin + static_cast<uint64_t>(*begin);
  weight.data = file.data() + weight.offset;
  return Error::success();
}

/// The format wants each byte of the data in exactly one tensor.
Error HeaderReader::checkLayout(ArrayRef<Weight> weights) {
  uint64_t end = dataBegin;
  for (size_t i = 0; i < weights.size(); ++i) {
    const Weight &weight = weights[i];
    if (weight.offset < end)
      return error(weight,
                   "expected data of its own, but it overlaps tensor '" +
                       printable(weights[i - 1].name) + "' by " +
                       Twine(end - weight.offset) + " bytes");
    if (weight.offset > end)
      return error(weight, "expected data at offset " + Twine(end - dataBegin) +
                               ", right after the tensor before, but got " +
                               Twine(weight.offset - dataBegin));
    end = weight.offset + weight.bytes;
  }
  if (end - dataBegin != dataBytes)
    return makeFileError(path, "expected " + Twine(end - dataBegin) +
                                   " bytes of data, but got " +
                                   Twine(dataBytes));
  return Error::success();
}

/// The JSON of the header.
static Expected<StringRef> findHeader(StringRef path, ArrayRef<uint8_t> file) {
  if (file.size() < lengthBytes)
    return makeFileError(path, "expected at least " + Twine(lengthBytes) +
                                   " bytes of safetensors, but got " +
                                   Twine(file.size()));
  StringRef text(reinterpret_cast<const char *>(file.data()), file.size());
  StringRef foreign = describeForeignContent(text);
  if (!foreign.empty())
    return makeFileError(path, "expected safetensors, but got " + foreign);
  uint64_t bytes = support::endian::read64le(file.data());
  if (bytes > maxJSONBytes)
    return makeFileError(path, "expected a header of at most " +
                                   Twine(maxJSONBytes) + " bytes, but got " +
                                   Twine(bytes));
  text = text.drop_front(lengthBytes);
  if (bytes > text.size())
    return makeFileError(path, "expected a header of " + Twine(bytes) +
                                   " bytes, but got a file that ends after " +
                                   Twine(text.size()) + " bytes of it");
  return text.take_front(bytes);
}

Expected<std::vector<Weight>>
tq::readSafetensorsHeader(StringRef path, ArrayRef<uint8_t> file) {
  Expected<StringRef> text = findHeader(path, file);
  if (!text)
    return text.takeError();
  Expected<json::Object> header = parseJSONObject(path, *text);
  if (!header)
    return header.takeError();
  return HeaderReader(path, file, lengthBytes + text->size()).read(*header);
}
