//===- SentenceModules.cpp - Files of sentence-transformers ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SentenceModules.h"

#include "tq/Import/Metadata/ObjectReader.h"
#include "tq/Import/Weights/JSONFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace tq {

/// Reads the pooling module's config.json.
static Error readPooling(StringRef directory, SentenceModules &modules) {
  modules.poolingPath = joinPath(directory, "config.json");
  Expected<json::Object> object = readJSONObject(modules.poolingPath);
  if (!object)
    return object.takeError();
  ObjectReader reader(modules.poolingPath, *object);
  bool mean = reader.boolean("pooling_mode_mean_tokens", true);
  bool cls = reader.boolean("pooling_mode_cls_token", false);
  std::string others;
  for (const auto &[key, value] : *object)
    if (StringRef(key).starts_with("pooling_mode_") &&
        StringRef(key) != "pooling_mode_mean_tokens" &&
        StringRef(key) != "pooling_mode_cls_token" &&
        reader.boolean(key, false))
      others = printable(key);
  if (Error error = reader.takeError())
    return error;
  if (!others.empty() || mean == cls)
    modules.unsupportedPooling =
        others.empty() ? (mean ? "both" : "neither") : others;
  else
    modules.pooling = mean ? PoolKind::Mean : PoolKind::First;
  return Error::success();
}

/// Reads sentence_bert_config.json, which need not exist.
static Error readSentenceConfig(SentenceModules &modules) {
  std::string path =
      joinPath(modules.modelDirectory, "sentence_bert_config.json");
  Expected<bool> exists = isThere(path);
  if (!exists || !*exists)
    return exists.takeError();
  Expected<json::Object> object = readJSONObject(path);
  if (!object)
    return object.takeError();
  ObjectReader reader(path, *object);
  modules.maxTokens = reader.integer("max_seq_length", 1, 1LL << 40, 0);
  modules.lowerCases = reader.boolean("do_lower_case", false);
  return reader.takeError();
}

/// Reads one entry of modules.json.
static Error readModule(StringRef directory, const json::Value &value,
                        SentenceModules &modules) {
  const json::Object *entry = value.getAsObject();
  std::optional<StringRef> type =
      entry ? entry->getString("type") : std::nullopt;
  std::optional<StringRef> path =
      entry ? entry->getString("path") : std::nullopt;
  if (!type || !path || (!path->empty() && !isInsideDirectory(*path)))
    return makeFileError(modules.path,
                         "expected modules with a 'type' and a 'path' in the "
                         "directory, but got " +
                             printable(formatv("{0}", value).str()));
  std::string moduleDirectory =
      path->empty() ? directory.str() : joinPath(directory, *path);
  StringRef kind = type->substr(type->rfind('.') + 1);
  if (kind == "Transformer")
    modules.modelDirectory = moduleDirectory;
  else if (kind == "Pooling")
    return readPooling(moduleDirectory, modules);
  else if (kind == "Normalize")
    modules.normalize = true;
  else
    modules.unsupportedModule = printable(*type);
  return Error::success();
}

Expected<SentenceModules> readSentenceModules(StringRef directory,
                                              MetadataWarnings &warnings) {
  SentenceModules modules;
  modules.modelDirectory = directory.str();
  std::string path = joinPath(directory, "modules.json");
  Expected<bool> exists = isThere(path);
  if (!exists)
    return exists.takeError();
  if (*exists) {
    modules.path = path;
    Expected<json::Value> value = readJSON(path);
    if (!value)
      return value.takeError();
    const json::Array *entries = value->getAsArray();
    if (!entries || entries->size() > 64)
      return makeFileError(path, "expected an array of at most 64 modules");
    for (const json::Value &entry : *entries)
      if (Error error = readModule(directory, entry, modules))
        return error;
  }
  if (Error error = readSentenceConfig(modules))
    return error;
  return modules;
}

} // namespace tq
