//===- ModelConfig.cpp - What a model's JSON files say --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelConfig.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"
#include "tq/Import/Weights/JSONFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace tq {

static std::string joinPath(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return std::string(path);
}

//===----------------------------------------------------------------------===//
// One JSON object
//===----------------------------------------------------------------------===//

namespace {
/// Reads keys of one file. The first error sticks; later reads give defaults.
class ObjectReader {
public:
  ObjectReader(StringRef path, const json::Object &object)
      : path(path), object(object) {}

  /// A key that is absent or null counts as missing.
  bool has(StringRef key) const { return value(key) != nullptr; }

  int64_t integer(StringRef key, int64_t min, int64_t max,
                  std::optional<int64_t> byDefault = std::nullopt);
  double number(StringRef key, double min, double max, double byDefault);
  std::string string(StringRef key, StringRef byDefault);
  bool boolean(StringRef key, bool byDefault);

  /// Records what is wrong with `key`, unless there is an error already.
  void expected(StringRef key, const Twine &what);
  void fail(const Twine &message);

  Error takeError() {
    return message.empty() ? Error::success() : makeFileError(path, message);
  }

private:
  const json::Value *value(StringRef key) const {
    const json::Value *found = object.get(key);
    return found && found->kind() != json::Value::Null ? found : nullptr;
  }

  StringRef path;
  const json::Object &object;
  std::string message;
};
} // namespace

void ObjectReader::fail(const Twine &text) {
  if (message.empty())
    message = text.str();
}

void ObjectReader::expected(StringRef key, const Twine &what) {
  const json::Value *found = object.get(key);
  std::string text = found ? printable(formatv("{0}", *found).str())
                           : std::string("no such key");
  fail("key '" + key + "': expected " + what + ", but got " + text);
}

int64_t ObjectReader::integer(StringRef key, int64_t min, int64_t max,
                              std::optional<int64_t> byDefault) {
  const json::Value *found = value(key);
  if (!found && byDefault)
    return *byDefault;
  std::optional<int64_t> result = found ? found->getAsInteger() : std::nullopt;
  if (result && *result >= min && *result <= max)
    return *result;
  expected(key, "an integer in [" + Twine(min) + ", " + Twine(max) + "]");
  return min;
}

double ObjectReader::number(StringRef key, double min, double max,
                            double byDefault) {
  const json::Value *found = value(key);
  if (!found)
    return byDefault;
  std::optional<double> result = found->getAsNumber();
  if (result && *result >= min && *result <= max)
    return *result;
  expected(key, formatv("a number in [{0}, {1}]", min, max).str());
  return byDefault;
}

std::string ObjectReader::string(StringRef key, StringRef byDefault) {
  const json::Value *found = value(key);
  if (!found)
    return byDefault.str();
  if (std::optional<StringRef> result = found->getAsString())
    return result->str();
  expected(key, "a string");
  return "";
}

bool ObjectReader::boolean(StringRef key, bool byDefault) {
  const json::Value *found = value(key);
  if (!found)
    return byDefault;
  if (std::optional<bool> result = found->getAsBoolean())
    return *result;
  expected(key, "true or false");
  return false;
}

//===----------------------------------------------------------------------===//
// config.json
//===----------------------------------------------------------------------===//

static constexpr int64_t maxSize = 1 << 20;
static constexpr int64_t maxVocabulary = 1 << 24;
static constexpr int64_t maxLabels = 1 << 16;

/// Returns what config.json's `architectures` names, or null after an error.
static const Architecture *readArchitecture(ObjectReader &reader,
                                            const json::Object &config) {
  std::string supported = llvm::join(getSupportedArchitectures(), ", ");
  const json::Array *names = config.getArray("architectures");
  std::optional<StringRef> name;
  if (names && names->size() == 1)
    name = names->front().getAsString();
  const Architecture *result = name ? findArchitecture(*name) : nullptr;
  if (!result)
    reader.expected("architectures", "one of " + supported);
  return result;
}

/// Class names by index; LABEL_0, LABEL_1 and so on where config.json has none.
static std::vector<std::string> readLabels(ObjectReader &reader,
                                           const json::Object &config) {
  std::vector<std::string> labels;
  const json::Object *names = config.getObject("id2label");
  if (!names) {
    if (reader.has("id2label"))
      reader.expected("id2label", "an object");
    int64_t count = reader.integer("num_labels", 1, maxLabels, 2);
    for (int64_t i = 0; i < count; ++i)
      labels.push_back("LABEL_" + std::to_string(i));
    return labels;
  }
  if (names->empty() || names->size() > static_cast<size_t>(maxLabels)) {
    reader.fail("key 'id2label': expected 1 to " + Twine(maxLabels) +
                " classes, but got " + Twine(names->size()));
    return labels;
  }
  for (size_t i = 0; i < names->size(); ++i) {
    std::optional<StringRef> label = names->getString(std::to_string(i));
    if (!label) {
      reader.fail("key 'id2label': expected a string for class " + Twine(i) +
                  " of " + Twine(names->size()) + ", but got none");
      return labels;
    }
    labels.push_back(label->str());
  }
  return labels;
}

/// Variants that share an architecture's name but compute something else.
static void rejectVariants(ObjectReader &reader) {
  if (reader.string("position_embedding_type", "absolute") != "absolute")
    reader.expected("position_embedding_type", "\"absolute\"");
  for (StringRef key : {"is_decoder", "add_cross_attention"})
    if (reader.boolean(key, false))
      reader.expected(key, "false");
}

static void readSizes(ObjectReader &reader, ModelConfig &config) {
  const ConfigKeys &keys = config.architecture->keys;
  config.vocabSize = reader.integer("vocab_size", 1, maxVocabulary);
  config.hiddenSize = reader.integer(keys.hiddenSize, 1, 1 << 16);
  config.numLayers = reader.integer(keys.numLayers, 0, 1000);
  config.numHeads = reader.integer(keys.numHeads, 1, config.hiddenSize);
  config.intermediateSize = reader.integer(keys.intermediateSize, 1, maxSize);
  config.numPositions = reader.integer("max_position_embeddings", 1, maxSize);
  config.paddingId = reader.integer("pad_token_id", 0, config.vocabSize - 1,
                                    keys.defaultPaddingId);
  if (!keys.numTokenTypes.empty())
    config.numTokenTypes = reader.integer(keys.numTokenTypes, 0, maxSize, 2);
  if (config.hiddenSize % config.numHeads)
    reader.expected(keys.numHeads, "a divisor of " + keys.hiddenSize + " = " +
                                       Twine(config.hiddenSize));
  if (config.getMaxSequence() < 1)
    reader.expected("max_position_embeddings", "at least pad_token_id + 2 = " +
                                                   Twine(config.paddingId + 2));
}

Expected<ModelConfig> readModelConfig(StringRef directory) {
  ModelConfig config;
  config.path = joinPath(directory, "config.json");
  Expected<json::Object> object = readJSONObject(config.path);
  if (!object)
    return object.takeError();
  ObjectReader reader(config.path, *object);
  config.architecture = readArchitecture(reader, *object);
  if (!config.architecture)
    return reader.takeError();
  const ConfigKeys &keys = config.architecture->keys;
  rejectVariants(reader);
  readSizes(reader, config);
  config.epsilon = static_cast<float>(
      keys.epsilon.empty()
          ? keys.defaultEpsilon
          : reader.number(keys.epsilon, 0.0, 1.0, keys.defaultEpsilon));
  std::string activation = reader.string(keys.activation, "gelu");
  if (std::optional<Activation> known = findActivation(activation))
    config.activation = *known;
  else
    reader.expected(keys.activation, "one of " + listActivations());
  if (!config.architecture->head.empty())
    config.labels = readLabels(reader, *object);
  if (Error error = reader.takeError())
    return error;
  return config;
}

//===----------------------------------------------------------------------===//
// sentence-transformers
//===----------------------------------------------------------------------===//

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
  if (!sys::fs::exists(path))
    return Error::success();
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

Expected<SentenceModules> readSentenceModules(StringRef directory) {
  SentenceModules modules;
  modules.modelDirectory = directory.str();
  std::string path = joinPath(directory, "modules.json");
  if (sys::fs::exists(path)) {
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
