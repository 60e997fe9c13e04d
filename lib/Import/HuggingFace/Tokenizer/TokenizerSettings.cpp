//===- TokenizerSettings.cpp - What stands around a vocabulary ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenizerSettings.h"

#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace tq;

namespace {

/// Classes that rebuild BERT's tokenizer from a vocabulary and settings.
constexpr StringLiteral bertClasses[] = {
    "BertTokenizer",
    "ConvBertTokenizer",
    "DPRContextEncoderTokenizer",
    "DPRQuestionEncoderTokenizer",
    "DPRReaderTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "LayoutLMTokenizer",
    "LxmertTokenizer",
    "MobileBertTokenizer",
    "SqueezeBertTokenizer",
};

/// Classes that take tokenizer.json as it is.
constexpr StringLiteral fileClasses[] = {
    "PreTrainedTokenizer",
    "PythonBackend",
    "TokenizersBackend",
};

/// Types of models whose tokenizer is BERT's where no file names a class, and
/// types that then have another one. All others get tokenizer.json as it is.
constexpr StringLiteral bertTypes[] = {
    "bert",     "convbert",      "distilbert", "electra",
    "layoutlm", "megatron-bert", "mobilebert", "squeezebert",
};
constexpr StringLiteral otherTypes[] = {
    "albert",  "camembert", "deberta",     "deberta-v2", "mpnet",
    "roberta", "xlm",       "xlm-roberta", "roformer",   "roberta-prelayernorm",
};

constexpr StringLiteral namedTokens[NumNamedTokens] = {
    "bos_token", "eos_token", "unk_token", "sep_token",
    "pad_token", "cls_token", "mask_token"};

/// Reads the file `name` of `directory`; none if it is absent.
Expected<std::optional<json::Object>> readOptional(StringRef directory,
                                                   StringRef name) {
  std::string path = joinPath(directory, name);
  Expected<bool> exists = isThere(path);
  if (!exists)
    return exists.takeError();
  if (!*exists)
    return std::nullopt;
  Expected<json::Object> object = readJSONObject(path);
  if (!object)
    return object.takeError();
  return std::move(*object);
}

class SettingsReader {
public:
  SettingsReader(StringRef directory, MetadataWarnings &warnings)
      : directory(directory), warnings(warnings) {
    settings.path = joinPath(directory, "tokenizer_config.json");
  }

  Expected<TokenizerSettings> read();

private:
  Error readModelConfig();
  Error readConfig(const json::Object &config);
  Error readFlags(const json::Object &config);
  Error readSpecialTokensMap(const json::Object &map);
  Error readNamedTokens(StringRef path, const json::Object &object, bool isMap);
  Error readExtraTokens(StringRef path, const json::Object &object,
                        StringRef key, std::vector<AddedToken> *to = nullptr);
  Error readAddedDecoder(const json::Object &decoder);
  Error readAddedTokens(const json::Object &tokens);
  Expected<AddedToken> readToken(StringRef path, StringRef key,
                                 const json::Value &value, bool isMap);
  Error readId(StringRef path, const AddedToken &token,
               std::optional<int64_t> id);

  StringRef directory;
  MetadataWarnings &warnings;
  TokenizerSettings settings;
  /// Whether tokenizer_config.json has a list of further tokens.
  bool hasExtraTokens = false;
  /// Those of special_tokens_map.json under the old key.
  std::vector<AddedToken> mapTokens;
};

/// A token is written as a string or as an object with its content. Those of
/// special_tokens_map.json are all special.
Expected<AddedToken> SettingsReader::readToken(StringRef path, StringRef key,
                                               const json::Value &value,
                                               bool isMap) {
  if (std::optional<StringRef> text = value.getAsString()) {
    AddedToken token;
    token.content = text->str();
    token.special = true;
    return token;
  }
  const json::Object *object = value.getAsObject();
  if (!object || !object->getString("content"))
    return makeFileError(path, "expected '" + key +
                                   "' to be a string or an object with "
                                   "'content', but got " +
                                   printable(formatv("{0}", value).str()));
  if (Error error = checkTokenKeys(path, *object, warnings, (key + ".").str()))
    return error;
  json::Object copy(*object);
  if (isMap)
    copy["special"] = true;
  return readAddedToken(path, copy);
}

Error SettingsReader::readNamedTokens(StringRef path,
                                      const json::Object &object, bool isMap) {
  for (auto [key, token] : llvm::zip_equal(namedTokens, settings.named)) {
    const json::Value *value = object.get(key);
    if (!value || value->getAsNull())
      continue;
    Expected<AddedToken> read = readToken(path, key, *value, isMap);
    if (!read)
      return read.takeError();
    read->special = true;
    token = std::move(*read);
  }
  return Error::success();
}

Error SettingsReader::readExtraTokens(StringRef path,
                                      const json::Object &object, StringRef key,
                                      std::vector<AddedToken> *to) {
  const json::Value *value = object.get(key);
  if (!value || value->getAsNull())
    return Error::success();
  SmallVector<const json::Value *> values;
  const json::Object *names = value->getAsObject();
  if (const json::Array *list = value->getAsArray())
    for (const json::Value &entry : *list)
      values.push_back(&entry);
  else if (names)
    for (const auto &entry : *names)
      values.push_back(&entry.second);
  else
    return makeFileError(path, "expected '" + key +
                                   "' to be a list or an object of tokens, "
                                   "but got " +
                                   printable(formatv("{0}", *value).str()));
  for (const json::Value *entry : values) {
    Expected<AddedToken> token = readToken(path, key, *entry, false);
    if (!token)
      return token.takeError();
    if (!to)
      to = names ? &settings.unordered : &settings.extra;
    to->push_back(std::move(*token));
  }
  return Error::success();
}

Error SettingsReader::readId(StringRef path, const AddedToken &token,
                             std::optional<int64_t> id) {
  if (!id || *id < 0 || *id > maxTokenId)
    return makeFileError(
        path, "expected added token '" + printable(token.content) +
                  "' to have an id between 0 and " + Twine(maxTokenId));
  settings.added.push_back(token);
  settings.added.back().id = static_cast<int32_t>(*id);
  return Error::success();
}

/// added_tokens_decoder: {"77": {"content": ...}}
Error SettingsReader::readAddedDecoder(const json::Object &decoder) {
  for (const auto &[key, value] : decoder) {
    const json::Object *object = value.getAsObject();
    int64_t id = -1;
    if (!object || StringRef(key).getAsInteger(10, id))
      return makeFileError(settings.path,
                           "expected 'added_tokens_decoder' to map ids to "
                           "objects, but got '" +
                               printable(key) + "'");
    if (Error error = checkTokenKeys(settings.path, *object, warnings,
                                     "added_tokens_decoder."))
      return error;
    Expected<AddedToken> token = readAddedToken(settings.path, *object);
    if (!token)
      return token.takeError();
    if (Error error = readId(settings.path, *token, id))
      return error;
  }
  return Error::success();
}

/// added_tokens.json: {"[NEW]": 77}
Error SettingsReader::readAddedTokens(const json::Object &tokens) {
  std::string path = joinPath(directory, "added_tokens.json");
  StringSet<> special, specialBefore;
  for (const std::optional<AddedToken> &token : settings.named)
    if (token)
      special.insert(token->content);
  for (const AddedToken &token : settings.extra)
    special.insert(token.content);
  for (const AddedToken &token : mapTokens)
    specialBefore.insert(token.content);
  for (const auto &[content, value] : tokens) {
    AddedToken token;
    token.content = content.str();
    token.special = special.contains(token.content);
    token.normalized = !token.special;
    if (Error error = readId(path, token, value.getAsInteger()))
      return error;
    if (!token.special && specialBefore.erase(token.content)) {
      specialBefore.clear(); // One warning is enough.
      warnings.push_back(
          {path, "'" + printable(token.content) +
                     "' is in additional_special_tokens of "
                     "special_tokens_map.json: transformers 5 takes it for an "
                     "ordinary token nonetheless, and so does tq; transformers "
                     "4 takes it for a special one"});
    }
  }
  return Error::success();
}

/// Its tokens override those of tokenizer_config.json. A list of further tokens
/// under the old key counts only where that file has none, even an empty one.
Error SettingsReader::readSpecialTokensMap(const json::Object &map) {
  std::string path = joinPath(directory, "special_tokens_map.json");
  if (Error error = checkKeys(path, specialTokensMapTable, map, warnings))
    return error;
  if (Error error = readNamedTokens(path, map, /*isMap=*/true))
    return error;
  if (Error error = readExtraTokens(path, map, "extra_special_tokens"))
    return error;
  return readExtraTokens(path, map, "additional_special_tokens",
                         hasExtraTokens ? &settings.ignored : &mapTokens);
}

Error SettingsReader::readFlags(const json::Object &config) {
  ObjectReader reader(settings.path, config);
  for (auto [key, flag] :
       {std::pair("do_lower_case", &settings.lowercase),
        std::pair("tokenize_chinese_chars", &settings.spaceChinese)}) {
    if (config.get(key) && !reader.has(key))
      reader.expected(key, "true or false");
    *flag = reader.boolean(key, true);
  }
  if (reader.has("strip_accents"))
    settings.stripAccents = reader.boolean("strip_accents", false);
  settings.splitsSpecialTokens = reader.boolean("split_special_tokens", false);
  if (reader.has("truncation_side")) {
    std::string side = reader.string("truncation_side", "");
    if (side != "left" && side != "right")
      reader.expected("truncation_side", "\"left\" or \"right\"");
    settings.keepsEnd = side == "left";
  }
  settings.tokenizerClass = reader.string("tokenizer_class", "");
  return reader.takeError();
}

Error SettingsReader::readConfig(const json::Object &config) {
  if (Error error = readFlags(config))
    return error;
  if (Error error = readNamedTokens(settings.path, config, /*isMap=*/false))
    return error;
  if (Error error =
          readExtraTokens(settings.path, config, "extra_special_tokens"))
    return error;
  hasExtraTokens = config.get("extra_special_tokens") ||
                   config.get("additional_special_tokens");
  if (settings.extra.empty() && settings.unordered.empty())
    if (Error error =
            readExtraTokens(settings.path, config, "additional_special_tokens"))
      return error;
  const json::Value *decoder = config.get("added_tokens_decoder");
  if (!decoder || decoder->getAsNull())
    return Error::success();
  if (!decoder->getAsObject())
    return makeFileError(settings.path,
                         "expected 'added_tokens_decoder' to be an object");
  settings.hasAddedDecoder = true;
  return readAddedDecoder(*decoder->getAsObject());
}

/// Its other keys are the business of the model's reader.
Error SettingsReader::readModelConfig() {
  Expected<std::optional<json::Object>> config =
      readOptional(directory, "config.json");
  if (!config || !*config)
    return config.takeError();
  std::string path = joinPath(directory, "config.json");
  ObjectReader reader(path, **config);
  settings.modelType = reader.string("model_type", "");
  if (settings.tokenizerClass.empty())
    settings.tokenizerClass = reader.string("tokenizer_class", "");
  return reader.takeError();
}

Expected<TokenizerSettings> SettingsReader::read() {
  Expected<std::optional<json::Object>> config =
      readOptional(directory, "tokenizer_config.json");
  if (!config)
    return config.takeError();
  if (*config)
    if (Error error = readConfig(**config))
      return error;
  if (Error error = readModelConfig())
    return error;
  bool isBuiltIn = settings.getFamily(true) != TokenizerFamily::Other;
  if (*config && isBuiltIn)
    if (Error error =
            checkKeys(settings.path, tokenizerConfigTable, **config, warnings))
      return error;
  if (settings.hasAddedDecoder)
    return std::move(settings);
  auto readPart = [&](StringRef name, auto part) -> Error {
    Expected<std::optional<json::Object>> object =
        readOptional(directory, name);
    if (!object || !*object)
      return object.takeError();
    return (this->*part)(**object);
  };
  if (Error error = readPart("special_tokens_map.json",
                             &SettingsReader::readSpecialTokensMap))
    return error;
  if (Error error =
          readPart("added_tokens.json", &SettingsReader::readAddedTokens))
    return error;
  llvm::append_range(settings.extra, mapTokens);
  return std::move(settings);
}

} // namespace

TokenizerFamily TokenizerSettings::getFamily(bool hasTokenizerJSON) const {
  StringRef name = tokenizerClass;
  while (name.consume_back("Fast"))
    ;
  auto isOf = [](ArrayRef<StringLiteral> list, StringRef what) {
    return llvm::is_contained(list, what);
  };
  if (isOf(bertClasses, name) || (name.empty() && isOf(bertTypes, modelType)))
    return TokenizerFamily::Bert;
  if (isOf(fileClasses, name))
    return TokenizerFamily::File;
  if (!name.empty() || isOf(otherTypes, modelType))
    return TokenizerFamily::Other;
  return hasTokenizerJSON ? TokenizerFamily::File : TokenizerFamily::Bert;
}

Expected<TokenizerSettings>
tq::readTokenizerSettings(StringRef directory, MetadataWarnings &warnings) {
  return SettingsReader(directory, warnings).read();
}
