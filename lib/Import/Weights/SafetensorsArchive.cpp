//===- SafetensorsArchive.cpp - Mapped safetensors files ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SafetensorsArchive.h"

#include "SafetensorsHeader.h"

#include "tq/Support/FileDigest.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <limits>

using namespace llvm;
using namespace tq;

using sys::fs::mapped_file_region;

static constexpr uint64_t maxFileBytes = std::numeric_limits<int64_t>::max();

//===----------------------------------------------------------------------===//
// Mapped files
//===----------------------------------------------------------------------===//

/// Maps an open file at the size that this very file has: the name may mean
/// another by now. An empty file cannot be mapped.
static Expected<mapped_file_region> mapOpenFile(StringRef path,
                                                sys::fs::file_t file) {
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(file, status))
    return makeFileError(path, "expected a readable file, but got: " +
                                   error.message());
  Expected<uint64_t> size = checkRegularFile(path, status, maxFileBytes);
  if (!size)
    return size.takeError();
  if (*size == 0)
    return mapped_file_region();
  std::error_code error;
  mapped_file_region region(file, mapped_file_region::readonly, *size,
                            /*offset=*/0, error);
  if (error)
    return makeFileError(path, "expected a file that can be mapped, but got: " +
                                   error.message());
  return region;
}

static Expected<mapped_file_region> mapFile(StringRef path) {
  // Opening a pipe would wait for its other end.
  Expected<uint64_t> size = checkRegularFile(path, maxFileBytes);
  if (!size)
    return size.takeError();
  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return makeFileError(path, "expected a readable file, but got: " +
                                   toString(file.takeError()));
  Expected<mapped_file_region> region = mapOpenFile(path, *file);
  sys::fs::closeFile(*file);
  return region;
}

static ArrayRef<uint8_t> getBytes(const mapped_file_region &region) {
  if (!region)
    return {};
  return {reinterpret_cast<const uint8_t *>(region.const_data()),
          region.size()};
}

//===----------------------------------------------------------------------===//
// SafetensorsArchive
//===----------------------------------------------------------------------===//

namespace {
class SafetensorsArchive final : public WeightArchive {
public:
  explicit SafetensorsArchive(StringRef path) : path(path) {}

  Error addFile(StringRef filePath);
  /// Adds the files that the index lists.
  Error addShards();

  const Weight *lookup(StringRef name) const override {
    return byName.lookup(name);
  }
  ArrayRef<const Weight *> getWeights() const override { return weights; }
  StringRef getPath() const override { return path; }

private:
  using Entries = std::vector<std::pair<StringRef, StringRef>>;

  Expected<Entries> sortShards(const json::Object &weightMap) const;

  struct File {
    mapped_file_region region;
    std::vector<Weight> weights;
  };

  std::string path;
  std::vector<File> files;
  std::vector<const Weight *> weights;
  StringMap<const Weight *> byName;
};
} // namespace

Error SafetensorsArchive::addFile(StringRef filePath) {
  Expected<mapped_file_region> region = mapFile(filePath);
  if (!region)
    return region.takeError();
  ArrayRef<uint8_t> bytes = getBytes(*region);
  Expected<std::vector<Weight>> added = readSafetensorsHeader(filePath, bytes);
  if (!added)
    return added.takeError();
  uint64_t digest = getFileDigest(bytes);
  for (Weight &weight : *added) {
    weight.fileDigest = digest;
    weights.push_back(&weight);
    auto [entry, inserted] = byName.try_emplace(weight.name, &weight);
    if (!inserted)
      return makeFileError(filePath, "tensor '" + printable(weight.name) +
                                         "': expected it once, but " +
                                         entry->second->path + " has it too");
  }
  // Weights stay where they are in memory.
  files.push_back({std::move(*region), std::move(*added)});
  return Error::success();
}

/// The shard and the name of each tensor. They are sorted, so that the first
/// error does not depend on hashing.
Expected<SafetensorsArchive::Entries>
SafetensorsArchive::sortShards(const json::Object &weightMap) const {
  Entries entries;
  for (const auto &[name, value] : weightMap) {
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
  return entries;
}

Error SafetensorsArchive::addShards() {
  Expected<json::Object> index = readJSONObject(path);
  if (!index)
    return index.takeError();
  ObjectReader reader(path, *index);
  const json::Object *weightMap = reader.object("weight_map");
  if (!weightMap)
    reader.expected("weight_map", "an object");
  if (Error error = reader.takeError())
    return error;
  Expected<Entries> entries = sortShards(*weightMap);
  if (!entries)
    return entries.takeError();
  StringSet<> opened;
  for (auto [shard, name] : *entries) {
    std::string shardPath = joinPath(sys::path::parent_path(path), shard);
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

Expected<std::unique_ptr<WeightArchive>> tq::openSafetensors(StringRef path) {
  auto archive = std::make_unique<SafetensorsArchive>(path);
  if (Error error = archive->addFile(path))
    return error;
  return archive;
}

Expected<std::unique_ptr<WeightArchive>>
tq::openSafetensorsIndex(StringRef path) {
  auto archive = std::make_unique<SafetensorsArchive>(path);
  if (Error error = archive->addShards())
    return error;
  return archive;
}
