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
#include "tq/Support/MappedFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace tq;

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
    MappedFile mapping;
    std::vector<Weight> weights;
  };

  std::string path;
  std::vector<File> files;
  std::vector<const Weight *> weights;
  StringMap<const Weight *> byName;
};
} // namespace

Error SafetensorsArchive::addFile(StringRef filePath) {
  Expected<MappedFile> mapping = MappedFile::open(filePath);
  if (!mapping)
    return mapping.takeError();
  ArrayRef<uint8_t> bytes = mapping->getBytes();
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
  files.push_back({std::move(*mapping), std::move(*added)});
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
