//===- ModelConfig.cpp - What config.json says ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelConfig.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"
#include "tq/Import/Metadata/ObjectReader.h"
#include "tq/Import/Metadata/Tables.h"
#include "tq/Import/Weights/JSONFile.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace tq {

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

Expected<ModelConfig> readModelConfig(StringRef directory,
                                      MetadataWarnings &warnings) {
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

} // namespace tq
