//===- WeightArchive.cpp - The tensors of a model -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Weights/WeightArchive.h"

#include "SafetensorsArchive.h"

#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

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

std::optional<WeightType> tq::findWeightType(StringRef name) {
  for (const TypeInfo &info : typeInfos)
    if (name == info.name)
      return info.type;
  return std::nullopt;
}

std::string tq::listWeightTypes() {
  std::string list;
  for (const TypeInfo &info : typeInfos)
    list += (list.empty() ? "" : ", ") + std::string(info.name);
  return list;
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
// Formats
//===----------------------------------------------------------------------===//

namespace {
struct ArchiveFormat {
  StringLiteral fileName;  // in the directory of a model
  StringLiteral extension; // of files by other names
  Expected<std::unique_ptr<WeightArchive>> (*open)(StringRef path);
};
} // namespace

/// In a directory the first counts whose file is there.
static constexpr ArchiveFormat formats[] = {
    {"model.safetensors", ".safetensors", openSafetensors},
    {"model.safetensors.index.json", ".json", openSafetensorsIndex},
};

static Expected<std::unique_ptr<WeightArchive>>
openInDirectory(StringRef directory) {
  for (const ArchiveFormat &format : formats) {
    std::string path = joinPath(directory, format.fileName);
    Expected<bool> exists = isThere(path);
    if (!exists)
      return exists.takeError();
    if (*exists)
      return format.open(path);
  }
  auto names = llvm::map_range(
      formats, [](const ArchiveFormat &format) { return format.fileName; });
  return makeFileError(directory, "expected " + llvm::join(names, " or ") +
                                      " in this directory, but got " +
                                      describeOtherWeights(directory));
}

Expected<std::unique_ptr<WeightArchive>> tq::openWeightArchive(StringRef path) {
  if (sys::fs::is_directory(path))
    return openInDirectory(path);
  for (const ArchiveFormat &format : formats)
    if (path.ends_with(format.extension))
      return format.open(path);
  return openSafetensors(path); // whatever it is called
}
