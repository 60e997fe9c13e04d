//===- SentenceConfig.cpp - Settings of sentence-transformers -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SentenceConfig.h"

#include "tq/Import/Metadata/Tables.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace tq;

bool EncodeConfig::hasPrompts() const {
  return llvm::any_of(prompts, [](const Prompt &p) { return !p.text.empty(); });
}

const EncodeConfig::Prompt *EncodeConfig::findDefaultPrompt() const {
  for (const Prompt &prompt : prompts)
    if (prompt.name == defaultPrompt)
      return &prompt;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// sentence_bert_config.json
//===----------------------------------------------------------------------===//

namespace {
/// What a task of the Transformer module makes of a text.
struct TransformerTask {
  StringLiteral name;
  StringLiteral methodOutput; // of transformers' model
  StringLiteral moduleOutput; // what the next module reads
};
} // namespace

static constexpr TransformerTask tasks[] = {
    {"feature-extraction", "last_hidden_state", "token_embeddings"},
    {"sequence-classification", "logits", "scores"},
};

/// The files that may hold the settings; the first that says something does.
static constexpr StringLiteral textConfigNames[] = {
    "sentence_bert_config.json",       "sentence_roberta_config.json",
    "sentence_distilbert_config.json", "sentence_camembert_config.json",
    "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
};

/// Where there is no limit, transformers writes 10^30.
static int64_t readModelMaxLength(ObjectReader &reader, StringRef key) {
  constexpr double unlimited = 1e12;
  double most = reader.number(key, 1, 1e300, unlimited);
  return most < unlimited ? static_cast<int64_t>(most) : 0;
}

static void readTask(ObjectReader &reader, TextConfig &config) {
  config.task = reader.string("transformer_task", tasks[0].name);
  const auto *task = llvm::find_if(
      tasks, [&](const TransformerTask &t) { return t.name == config.task; });
  if (task == std::end(tasks))
    return reader.expected("transformer_task", "\"feature-extraction\" or "
                                               "\"sequence-classification\"");
  if (reader.string("module_output_name", task->moduleOutput) !=
      task->moduleOutput)
    return reader.expected("module_output_name",
                           "\"" + task->moduleOutput + "\"");
  const json::Value *modalities = reader.value("modality_config");
  if (!modalities)
    return;
  const json::Object *all = modalities->getAsObject();
  const json::Object *text = all ? all->getObject("text") : nullptr;
  if (!text || text->getString("method") != StringRef("forward") ||
      text->getString("method_output_name") != StringRef(task->methodOutput))
    reader.expected("modality_config", "a modality \"text\" of the method "
                                       "\"forward\" that gives \"" +
                                           task->methodOutput + "\"");
}

namespace {
/// The arguments for a loader of transformers, under their two names.
struct LoaderArguments {
  StringLiteral names[2];
  const MetadataTable &table;
};
} // namespace

static const LoaderArguments loaderArguments[] = {
    {{"model_args", "model_kwargs"}, modelArgumentsTable},
    {{"tokenizer_args", "processor_kwargs"}, tokenizerArgumentsTable},
    {{"config_args", "config_kwargs"}, configArgumentsTable},
};

/// Reads the arguments, of which one is a text's length: 0 if it is not there.
static Expected<int64_t> readLoaderArguments(StringRef path,
                                             const json::Object &object,
                                             MetadataWarnings &warnings) {
  int64_t maxTokens = 0;
  ObjectReader reader(path, object);
  for (const LoaderArguments &arguments : loaderArguments)
    for (StringRef name : arguments.names) {
      const json::Object *inner = reader.object(name);
      if (!inner)
        continue;
      std::string where = name.str() + ".";
      if (Error error =
              checkKeys(path, arguments.table, *inner, warnings, where))
        return error;
      ObjectReader innerReader(path, *inner, where);
      if (int64_t most = readModelMaxLength(innerReader, "model_max_length"))
        maxTokens = most;
      if (Error error = innerReader.takeError())
        return error;
    }
  if (Error error = reader.takeError())
    return error;
  return maxTokens;
}

/// Reads the first of the files that says something, into `object` and its
/// path.
static Error findTextConfig(StringRef directory, TextConfig &config,
                            json::Object &object) {
  for (StringRef name : textConfigNames) {
    std::string path = joinPath(directory, name);
    Expected<std::optional<json::Object>> read = readOptionalJSONObject(path);
    if (!read)
      return read.takeError();
    if (!*read)
      continue;
    config.path = path;
    object = std::move(**read);
    if (!object.empty())
      break;
  }
  return Error::success();
}

/// model_max_length of tokenizer_config.json; 0: none.
static Expected<int64_t> readTokenizerLimit(StringRef directory) {
  std::string path = joinPath(directory, "tokenizer_config.json");
  Expected<std::optional<json::Object>> object = readOptionalJSONObject(path);
  if (!object)
    return object.takeError();
  if (!*object)
    return 0;
  ObjectReader reader(path, **object);
  int64_t limit = readModelMaxLength(
      reader, reader.has("model_max_length") ? "model_max_length" : "max_len");
  if (Error error = reader.takeError())
    return error;
  return limit;
}

Expected<TextConfig> tq::readTextConfig(StringRef directory,
                                        MetadataWarnings &warnings) {
  TextConfig config;
  json::Object object;
  if (Error error = findTextConfig(directory, config, object))
    return error;
  if (Error error = checkKeys(config.path, sentenceBertTable, object, warnings))
    return error;
  ObjectReader reader(config.path, object);
  int64_t ownLimit = reader.integer("max_seq_length", 1, 1LL << 40, 0);
  config.lowerCases = reader.boolean("do_lower_case", false);
  readTask(reader, config);
  if (Error error = reader.takeError())
    return error;
  Expected<int64_t> argument =
      readLoaderArguments(config.path, object, warnings);
  if (!argument)
    return argument.takeError();
  // As in sentence-transformers, an argument of the tokenizer beats
  // max_seq_length, and either what the tokenizer says itself.
  Expected<int64_t> tokenizerLimit = readTokenizerLimit(directory);
  if (!tokenizerLimit)
    return tokenizerLimit.takeError();
  config.maxTokens = *argument  ? *argument
                     : ownLimit ? ownLimit
                                : *tokenizerLimit;
  return config;
}

//===----------------------------------------------------------------------===//
// config_sentence_transformers.json
//===----------------------------------------------------------------------===//

/// Prompts without a text that every model has.
static constexpr StringLiteral builtinPrompts[] = {"document", "query"};

static bool isPromptName(StringRef name) {
  return !name.empty() && llvm::none_of(name, [](unsigned char c) {
    return c < 0x20 || c == 0x7f;
  });
}

static void readPrompts(ObjectReader &reader, EncodeConfig &config) {
  constexpr size_t most = 1000;
  const json::Object *prompts = reader.object("prompts");
  if (!prompts)
    return;
  if (prompts->size() > most)
    return reader.fail("key 'prompts': expected at most " + Twine(most) +
                       " prompts, but got " + Twine(prompts->size()));
  for (const auto &[key, text] : *prompts) {
    StringRef name = key;
    std::optional<StringRef> prompt =
        text.getAsNull() ? StringRef() : text.getAsString();
    if (!isPromptName(name) || !prompt || prompt->contains('\0'))
      return reader.fail("key 'prompts': expected names and texts, but got '" +
                         printable(name) + "': " + printableJSON(text));
    config.prompts.push_back({name.str(), prompt->str()});
  }
  llvm::sort(config.prompts,
             [](const auto &a, const auto &b) { return a.name < b.name; });
}

static void readDefaultPrompt(ObjectReader &reader, EncodeConfig &config) {
  config.defaultPrompt = reader.string("default_prompt_name", "");
  if (config.defaultPrompt.empty() || config.findDefaultPrompt())
    return;
  if (!llvm::is_contained(builtinPrompts, config.defaultPrompt))
    reader.expected("default_prompt_name", "the name of one of the prompts");
  config.defaultPrompt.clear();
}

Expected<EncodeConfig> tq::readEncodeConfig(StringRef directory,
                                            MetadataWarnings &warnings) {
  EncodeConfig config;
  std::string path = joinPath(directory, "config_sentence_transformers.json");
  Expected<std::optional<json::Object>> object = readOptionalJSONObject(path);
  if (!object)
    return object.takeError();
  if (!*object)
    return config;
  config.path = path;
  if (Error error =
          checkKeys(path, sentenceTransformersTable, **object, warnings))
    return error;
  ObjectReader reader(path, **object);
  readPrompts(reader, config);
  readDefaultPrompt(reader, config);
  config.truncateDim = reader.integer("truncate_dim", 1, 1LL << 40, 0);
  config.modelType = reader.string("model_type", config.modelType);
  if (Error error = reader.takeError())
    return error;
  return config;
}
