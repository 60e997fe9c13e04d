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
                                 const Twine &where, const json::Value &value,
                                 bool isMap);
  Expected<std::optional<json::Object>> readFile(StringRef name) {
    return readOptionalJSONObject(joinPath(directory, name));
  }

  StringRef directory;
  MetadataWarnings &warnings;
  TokenizerSettings settings;
  /// Whether tokenizer_config.json has a list of further tokens.
  bool hasExtraTokens = false;
  /// Those of special_tokens_map.json under the old key.
  std::vector<AddedToken> mapTokens;
};

/// A token is written as a string or as an object with its content. Those of
/// special_tokens_map.json are all special. `where` of the file it is, below
/// `key`.
Expected<AddedToken> SettingsReader::readToken(StringRef path, StringRef key,
                                               const Twine &where,
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
    return makeFileError(
        path, describeMismatch(where.str(),
                               "a string or an object with 'content'", &value));
  if (Error error = checkTokenKeys(path, *object, warnings, (key + ".").str()))
    return error;
  ObjectReader reader(path, *object, where + ".");
  AddedToken token = readAddedToken(reader, isMap);
  if (Error error = reader.takeError())
    return error;
  return token;
}

Error SettingsReader::readNamedTokens(StringRef path,
                                      const json::Object &object, bool isMap) {
  for (auto [key, token] : llvm::zip_equal(namedTokens, settings.named)) {
    const json::Value *value = object.get(key);
    if (!value || value->getAsNull())
      continue;
    Expected<AddedToken> read = readToken(path, key, key, *value, isMap);
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
  SmallVector<std::pair<std::string, const json::Value *>> values;
  const json::Object *names = value->getAsObject();
  if (const json::Array *list = value->getAsArray())
    for (const auto &[index, entry] : llvm::enumerate(*list))
      values.emplace_back((key + "[" + Twine(index) + "]").str(), &entry);
  else if (names)
    for (const auto &[name, entry] : *names)
      values.emplace_back((key + "." + StringRef(name)).str(), &entry);
  else
    return makeFileError(
        path, describeMismatch(key, "a list or an object of tokens", value));
  for (const auto &[where, entry] : values) {
    Expected<AddedToken> token =
        readToken(path, key, where, *entry, /*isMap=*/false);
    if (!token)
      return token.takeError();
    if (!to)
      to = names ? &settings.unordered : &settings.extra;
    to->push_back(std::move(*token));
  }
  return Error::success();
}

/// added_tokens_decoder: {"77": {"content": ...}}
Error SettingsReader::readAddedDecoder(const json::Object &decoder) {
  for (const auto &[key, value] : decoder) {
    int64_t id;
    if (StringRef(key).getAsInteger(10, id) || id < 0 || id > maxTokenId)
      return makeFileError(settings.path,
                           "key 'added_tokens_decoder': expected ids in [0, " +
                               Twine(maxTokenId) + "] as its keys, but got '" +
                               printable(key) + "'");
    std::string where = "added_tokens_decoder." + key.str();
    const json::Object *object = value.getAsObject();
    if (!object)
      return makeFileError(settings.path,
                           describeMismatch(where, "an object", &value));
    if (Error error = checkTokenKeys(settings.path, *object, warnings,
                                     "added_tokens_decoder."))
      return error;
    ObjectReader reader(settings.path, *object, where + ".");
    AddedToken token = readAddedToken(reader);
    if (Error error = reader.takeError())
      return error;
    token.id = static_cast<int32_t>(id);
    settings.added.push_back(std::move(token));
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
  ObjectReader reader(path, tokens);
  for (const auto &entry : tokens) {
    AddedToken token;
    token.content = entry.first.str();
    token.special = special.contains(token.content);
    token.normalized = !token.special;
    token.id = readTokenId(reader, token.content);
    settings.added.push_back(token);
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
  return reader.takeError();
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
  ObjectReader reader(settings.path, config);
  const json::Object *decoder = reader.object("added_tokens_decoder");
  if (!decoder)
    return reader.takeError();
  settings.hasAddedDecoder = true;
  return readAddedDecoder(*decoder);
}

/// Its other keys are the business of the model's reader.
Error SettingsReader::readModelConfig() {
  Expected<std::optional<json::Object>> config = readFile("config.json");
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
      readFile("tokenizer_config.json");
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
    Expected<std::optional<json::Object>> object = readFile(name);
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
