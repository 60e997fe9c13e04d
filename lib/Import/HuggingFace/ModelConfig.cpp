//===- ModelConfig.cpp - What config.json says ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelConfig.h"

#include "ClassifierConfig.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"
#include "tq/Import/Metadata/Tables.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace tq;

static constexpr int64_t maxWidth = 1 << 16;
static constexpr int64_t maxSize = 1 << 20;
static constexpr int64_t maxVocabulary = 1 << 24;

/// The architecture that config.json names; where it names none, the bare model
/// of its `model_type`, as AutoModel does. Null after an error.
static const Architecture *readArchitecture(ObjectReader &reader,
                                            const json::Object &config) {
  std::string modelType = reader.string("model_type", "");
  const json::Array *names = config.getArray("architectures");
  if (!reader.has("architectures") || (names && names->empty())) {
    const Architecture *bare = findBareModel(modelType);
    if (!bare && modelType.empty())
      reader.fail("expected a key 'architectures' or 'model_type', but got "
                  "neither");
    else if (!bare)
      reader.expected("model_type", "one of " + listModelTypes() +
                                        " where 'architectures' names none");
    return bare;
  }
  std::optional<StringRef> name;
  if (names && names->size() == 1)
    name = names->front().getAsString();
  const Architecture *result = name ? findArchitecture(*name) : nullptr;
  if (!result)
    reader.expected("architectures",
                    "one of " + llvm::join(getSupportedArchitectures(), ", "));
  else if (!modelType.empty() && !isCompatible(*result, modelType))
    reader.expected("model_type", "\"" + result->family.modelType +
                                      "\", that of " + result->name);
  return result;
}

/// transformers lets the keys of BERT overwrite those of DistilBERT.
static void checkAliases(ObjectReader &reader, const ConfigKeys &keys) {
  const std::pair<StringRef, StringRef> aliases[] = {
      {"hidden_size", keys.hiddenSize},
      {"num_hidden_layers", keys.numLayers},
      {"num_attention_heads", keys.numHeads},
  };
  for (auto [alias, key] : aliases)
    if (alias != key && reader.has(alias) && reader.has(key) &&
        *reader.value(alias) != *reader.value(key))
      reader.expected(alias, "the value of key '" + key + "'");
}

static void readSizes(ObjectReader &reader, ModelConfig &config) {
  const ConfigKeys &keys = config.architecture->family.keys;
  config.vocabSize = reader.integer("vocab_size", 1, maxVocabulary);
  config.hiddenSize = reader.integer(keys.hiddenSize, 1, maxWidth);
  config.embeddingSize = keys.embeddingSize.empty()
                             ? config.hiddenSize
                             : reader.integer(keys.embeddingSize, 1, maxWidth,
                                              keys.defaultEmbeddingSize);
  config.numLayers = reader.integer(keys.numLayers, 0, 1000);
  config.numHeads = reader.integer(keys.numHeads, 1, config.hiddenSize);
  config.intermediateSize = reader.integer(keys.intermediateSize, 1, maxSize);
  config.numPositions = reader.integer("max_position_embeddings", 1, maxSize);
  config.paddingId = reader.integer("pad_token_id", 0, config.vocabSize - 1,
                                    keys.defaultPaddingId);
  if (!keys.numTokenTypes.empty())
    config.numTokenTypes = reader.integer(keys.numTokenTypes, 0, maxSize, 2);
  checkAliases(reader, keys);
  if (config.hiddenSize % config.numHeads)
    reader.expected(keys.numHeads, "a divisor of " + keys.hiddenSize + " = " +
                                       Twine(config.hiddenSize));
  if (config.getMaxSequence() < 1)
    reader.expected("max_position_embeddings", "at least pad_token_id + 2 = " +
                                                   Twine(config.paddingId + 2));
}

Expected<ModelConfig> tq::readModelConfig(StringRef directory,
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
  if (Error error = checkKeys(config.path, configTable, *object, warnings))
    return error;
  const ConfigKeys &keys = config.architecture->family.keys;
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
    if (Error error = readClassifier(reader, *object, config, warnings))
      return error;
  if (Error error = reader.takeError())
    return error;
  return config;
}
