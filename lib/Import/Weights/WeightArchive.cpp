//===- WeightArchive.cpp - Mapped safetensors files -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Weights/WeightArchive.h"

#include "tq/Support/FileDigest.h"
#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <limits>

using namespace llvm;
using namespace tq;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
struct TypeInfo {
  WeightType type;
  const char *name;
  unsigned bytes;
};
} // namespace

/// In the order of the enum.
static constexpr TypeInfo typeInfos[] = {
    {WeightType::F64, "F64", 8},        {WeightType::F32, "F32", 4},
    {WeightType::F16, "F16", 2},        {WeightType::BF16, "BF16", 2},
    {WeightType::F8E4M3, "F8_E4M3", 1}, {WeightType::F8E5M2, "F8_E5M2", 1},
    {WeightType::I64, "I64", 8},        {WeightType::I32, "I32", 4},
    {WeightType::I16, "I16", 2},        {WeightType::I8, "I8", 1},
    {WeightType::U64, "U64", 8},        {WeightType::U32, "U32", 4},
    {WeightType::U16, "U16", 2},        {WeightType::U8, "U8", 1},
    {WeightType::Bool, "BOOL", 1},
};

StringRef tq::getWeightTypeName(WeightType type) {
  return typeInfos[static_cast<size_t>(type)].name;
}

unsigned tq::getWeightTypeBytes(WeightType type) {
  return typeInfos[static_cast<size_t>(type)].bytes;
}

std::string tq::formatShape(ArrayRef<int64_t> shape) {
  std::string result = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    result += (i ? ", " : "") + std::to_string(shape[i]);
  return result + "]";
}

//===----------------------------------------------------------------------===//
// The header of a file
//===----------------------------------------------------------------------===//

namespace {
/// Turns the entries of one header into weights.
class HeaderReader {
public:
  HeaderReader(StringRef path, uint64_t headerBytes, uint64_t dataBytes,
               const uint8_t *file)
      : path(path), dataBegin(8 + headerBytes), dataBytes(dataBytes),
        file(file) {}

  Expected<std::vector<Weight>> read(const json::Object &header);

private:
  Expected<Weight> readEntry(StringRef name, const json::Value &value);
  Error readType(const json::Object &entry, Weight &weight);
  Error readShape(const json::Object &entry, Weight &weight);
  Error readOffsets(const json::Object &entry, Weight &weight);
  Error checkLayout(ArrayRef<Weight> weights);

  Error error(const Weight &weight, const Twine &message) {
    return makeFileError(path,
                         "tensor '" + printable(weight.name) + "': " + message);
  }

  StringRef path;
  uint64_t dataBegin;
  uint64_t dataBytes;
  const uint8_t *file;
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
  for (const TypeInfo &info : typeInfos) {
    if (*name != info.name)
      continue;
    weight.type = info.type;
    return Error::success();
  }
  std::string known;
  for (const TypeInfo &info : typeInfos)
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  return error(weight, "expected a dtype of " + known + ", but got '" +
                           printable(*name) + "'");
}

Error HeaderReader::readShape(const json::Object &entry, Weight &weight) {
  constexpr size_t maxRank = 32;
  const json::Array *shape = entry.getArray("shape");
  if (!shape || shape->size() > maxRank)
    return error(weight, "expected 'shape', an array of at most " +
                             Twine(maxRank) + " sizes");
  int64_t bytes = getWeightTypeBytes(weight.type);
  for (const json::Value &value : *shape) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0)
      return error(weight, "expected sizes of at least 0 in 'shape'");
    weight.shape.push_back(*size);
  }
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
  weight.data = file + weight.offset;
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

//===----------------------------------------------------------------------===//
// WeightFile
//===----------------------------------------------------------------------===//

/// Maps an open file at the size that this very file has: the name may mean
/// another by now.
static Expected<sys::fs::mapped_file_region> mapOpenFile(StringRef path,
                                                         sys::fs::file_t file) {
  constexpr uint64_t maxFileBytes = std::numeric_limits<int64_t>::max();
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(file, status))
    return makeFileError(path, "expected a readable file, but got: " +
                                   error.message());
  Expected<uint64_t> size = checkRegularFile(path, status, maxFileBytes);
  if (!size)
    return size.takeError();
  if (*size < 8)
    return makeFileError(path, "expected at least 8 bytes of safetensors, but "
                               "got " +
                                   Twine(*size));
  std::error_code error;
  sys::fs::mapped_file_region region(
      file, sys::fs::mapped_file_region::readonly, *size, /*offset=*/0, error);
  if (error)
    return makeFileError(path, "expected a file that can be mapped, but got: " +
                                   error.message());
  return region;
}

static Expected<sys::fs::mapped_file_region> mapFile(StringRef path) {
  // Opening a pipe would wait for its other end.
  Expected<uint64_t> size =
      checkRegularFile(path, std::numeric_limits<int64_t>::max());
  if (!size)
    return size.takeError();
  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return makeFileError(path, "expected a readable file, but got: " +
                                   toString(file.takeError()));
  Expected<sys::fs::mapped_file_region> region = mapOpenFile(path, *file);
  sys::fs::closeFile(*file);
  return region;
}

Expected<std::unique_ptr<WeightFile>> WeightFile::open(StringRef path) {
  Expected<sys::fs::mapped_file_region> region = mapFile(path);
  if (!region)
    return region.takeError();
  uint64_t size = region->size();
  StringRef foreign =
      describeForeignContent(StringRef(region->const_data(), size));
  if (!foreign.empty())
    return makeFileError(path, "expected safetensors, but got " + foreign);

  const auto *bytes = reinterpret_cast<const uint8_t *>(region->const_data());
  uint64_t headerBytes = support::endian::read64le(bytes);
  if (headerBytes > maxJSONBytes)
    return makeFileError(path, "expected a header of at most " +
                                   Twine(maxJSONBytes) + " bytes, but got " +
                                   Twine(headerBytes));
  if (headerBytes > size - 8)
    return makeFileError(path, "expected a header of " + Twine(headerBytes) +
                                   " bytes, but got a file that ends after " +
                                   Twine(size - 8) + " bytes of it");
  StringRef text(reinterpret_cast<const char *>(bytes) + 8, headerBytes);
  Expected<json::Object> header = parseJSONObject(path, text);
  if (!header)
    return header.takeError();

  HeaderReader reader(path, headerBytes, size - 8 - headerBytes, bytes);
  Expected<std::vector<Weight>> weights = reader.read(*header);
  if (!weights)
    return weights.takeError();

  uint64_t digest = getFileDigest({bytes, size});
  for (Weight &weight : *weights)
    weight.fileDigest = digest;

  std::unique_ptr<WeightFile> file(new WeightFile());
  file->path = path.str();
  file->region = std::move(*region);
  file->weights = std::move(*weights);
  return file;
}

//===----------------------------------------------------------------------===//
// WeightArchive
//===----------------------------------------------------------------------===//

Error WeightArchive::addFile(StringRef filePath) {
  Expected<std::unique_ptr<WeightFile>> file = WeightFile::open(filePath);
  if (!file)
    return file.takeError();
  for (const Weight &weight : (*file)->getWeights()) {
    auto [entry, inserted] = byName.try_emplace(weight.name, &weight);
    if (!inserted)
      return makeFileError(filePath, "tensor '" + printable(weight.name) +
                                         "': expected it once, but " +
                                         entry->second->path + " has it too");
  }
  files.push_back(std::move(*file));
  return Error::success();
}

Error WeightArchive::addShards(StringRef directory) {
  Expected<json::Object> index = readJSONObject(path);
  if (!index)
    return index.takeError();
  const json::Object *weightMap = index->getObject("weight_map");
  if (!weightMap)
    return makeFileError(path, "expected an object 'weight_map'");

  StringSet<> opened;
  // Sorted, so that the first error does not depend on hashing.
  std::vector<std::pair<StringRef, StringRef>> entries;
  for (const auto &[name, value] : *weightMap) {
    std::optional<StringRef> shard = value.getAsString();
    if (!shard || !isInsideDirectory(*shard))
      return makeFileError(
          path, "tensor '" + printable(name) +
                    "': expected a shard in the directory of the "
                    "index, but got '" +
                    printable(shard.value_or("something else")) + "'");
    entries.emplace_back(*shard, name);
  }
  llvm::sort(entries);
  for (auto [shard, name] : entries) {
    SmallString<128> shardPath(directory);
    sys::path::append(shardPath, shard);
    if (opened.insert(shard).second)
      if (Error error = addFile(shardPath))
        return error;
    const Weight *weight = lookup(name);
    if (!weight || weight->path != shardPath)
      return makeFileError(path, "expected tensor '" + printable(name) +
                                     "' in shard '" + printable(shard) +
                                     "', which has none of that name");
  }
  return Error::success();
}

/// The file or index of weights in `directory`.
static Expected<std::string> findWeights(StringRef directory) {
  for (StringRef name : {"model.safetensors", "model.safetensors.index.json"}) {
    std::string path = joinPath(directory, name);
    Expected<bool> exists = isThere(path);
    if (!exists)
      return exists.takeError();
    if (*exists)
      return path;
  }
  return makeFileError(directory, "expected model.safetensors or "
                                  "model.safetensors.index.json in this "
                                  "directory, but got " +
                                      describeOtherWeights(directory));
}

Expected<WeightArchive> WeightArchive::open(StringRef path) {
  WeightArchive archive;
  archive.path = path.str();
  if (sys::fs::is_directory(path)) {
    Expected<std::string> found = findWeights(path);
    if (!found)
      return found.takeError();
    archive.path = *found;
  }
  Error error = StringRef(archive.path).ends_with(".json")
                    ? archive.addShards(sys::path::parent_path(archive.path))
                    : archive.addFile(archive.path);
  if (error)
    return error;
  return archive;
}
