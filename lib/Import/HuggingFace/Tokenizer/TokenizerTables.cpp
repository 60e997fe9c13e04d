//===- TokenizerTables.cpp - A model's tokenizer for programs -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/TokenizerTables.h"

#include "WordPieceModel.h"

#include "tq/Import/Weights/JSONFile.h"
#include "tq/Runtime/TokenizerFormat.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <optional>

using namespace llvm;

namespace tq {

std::string tokenizerNote(const Twine &reason) {
  return (reason + "; give token ids with --input input_ids=FILE.npy").str();
}

namespace {

//===----------------------------------------------------------------------===//
// vocab.txt
//===----------------------------------------------------------------------===//

/// The settings of tokenizer_config.json that a vocabulary needs beside it.
struct TokenizerConfig {
  bool lowercase = true;
  bool spaceChinese = true;
  std::optional<bool> stripAccents;
  std::string tokenizerClass;
  std::string unknown = "[UNK]", separator = "[SEP]", pad = "[PAD]",
              classifier = "[CLS]", mask = "[MASK]";
};

Error readFlag(StringRef path, const json::Object &config, StringRef key,
               std::optional<bool> &flag) {
  const json::Value *value = config.get(key);
  if (!value || value->getAsNull())
    return Error::success();
  flag = value->getAsBoolean();
  if (!flag)
    return makeFileError(path, "expected '" + key + "' to be true or false");
  return Error::success();
}

/// A token is written as a string or as an object with its content.
Error readToken(StringRef path, const json::Object &config, StringRef key,
                std::string &token) {
  const json::Value *value = config.get(key);
  if (!value || value->getAsNull())
    return Error::success();
  std::optional<StringRef> content = value->getAsString();
  if (const json::Object *object = value->getAsObject())
    content = object->getString("content");
  if (!content)
    return makeFileError(path, "expected '" + key +
                                   "' to be a string or an object with "
                                   "'content'");
  token = content->str();
  return Error::success();
}

Expected<TokenizerConfig> readTokenizerConfig(StringRef directory) {
  TokenizerConfig config;
  std::string path = joinPath(directory, "tokenizer_config.json");
  if (!sys::fs::exists(path))
    return config;
  Expected<json::Object> object = readJSONObject(path);
  if (!object)
    return object.takeError();
  std::optional<bool> lowercase, spaceChinese;
  for (auto [key, flag] : {std::pair("do_lower_case", &lowercase),
                           std::pair("tokenize_chinese_chars", &spaceChinese),
                           std::pair("strip_accents", &config.stripAccents)})
    if (Error error = readFlag(path, *object, key, *flag))
      return error;
  config.lowercase = lowercase.value_or(true);
  config.spaceChinese = spaceChinese.value_or(true);
  for (auto [key, token] :
       {std::pair("tokenizer_class", &config.tokenizerClass),
        std::pair("unk_token", &config.unknown),
        std::pair("sep_token", &config.separator),
        std::pair("pad_token", &config.pad),
        std::pair("cls_token", &config.classifier),
        std::pair("mask_token", &config.mask)})
    if (Error error = readToken(path, *object, key, *token))
      return error;
  return config;
}

/// One token a line; its id is the number of the line.
Error readVocabulary(StringRef path, WordPieceModel &model) {
  Expected<uint64_t> size = checkRegularFile(path, maxJSONBytes);
  if (!size)
    return size.takeError();
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeFileError(path, "expected a readable file, but got: " +
                                   buffer.getError().message());
  StringRef rest = (*buffer)->getBuffer();
  for (int64_t id = 0; !rest.empty(); ++id) {
    auto [line, next] = rest.split('\n');
    rest = next;
    if (id > maxTokenId)
      return makeFileError(path, "expected at most " + Twine(maxTokenId + 1) +
                                     " tokens");
    if (!json::isUTF8(line))
      return makeFileError(path, "expected UTF-8, but line " + Twine(id + 1) +
                                     " is '" + printable(line) + "'");
    line = line.rtrim(" \t\r\v\f");
    if (!line.empty())
      model.vocabulary[line.str()] = static_cast<int32_t>(id);
  }
  return Error::success();
}

/// Whether a class of the transformers library cuts text as BERT's does.
bool isBertTokenizer(StringRef name) {
  name.consume_back("Fast");
  return name == "" || name == "BertTokenizer" ||
         name == "DistilBertTokenizer" || name == "ElectraTokenizer" ||
         name == "MobileBertTokenizer" || name == "PreTrainedTokenizer";
}

Expected<TokenizerDescription> readVocabularyFile(StringRef directory,
                                                  StringRef path) {
  TokenizerDescription description;
  Expected<TokenizerConfig> config = readTokenizerConfig(directory);
  if (!config)
    return config.takeError();
  if (!isBertTokenizer(config->tokenizerClass)) {
    description.note = tokenizerNote("this model's tokenizer is " +
                                     printable(config->tokenizerClass) +
                                     ", which is not built into programs");
    return description;
  }
  WordPieceModel &model = description.model;
  if (Error error = readVocabulary(path, model))
    return error;
  model.unknownToken = config->unknown;
  model.normalizerFlags =
      rt::kCleanText | (config->lowercase ? rt::kLowercase : 0) |
      (config->spaceChinese ? rt::kSpaceChinese : 0) |
      (config->stripAccents.value_or(config->lowercase) ? rt::kStripAccents
                                                        : 0);
  for (const std::string &token :
       {config->unknown, config->separator, config->pad, config->classifier,
        config->mask})
    if (int32_t id = model.idOf(token); id >= 0)
      model.added.push_back({token, id});
  for (const std::string &token : {config->classifier, config->separator})
    if (model.idOf(token) < 0)
      return makeFileError(path,
                           "expected the special token '" + printable(token) +
                               "' in the vocabulary, but it is not there");
  model.before = {model.idOf(config->classifier)};
  model.after = {model.idOf(config->separator)};
  model.padId = std::max(0, model.idOf(config->pad));
  return description;
}

} // namespace

Expected<TokenizerTables> readTokenizerTables(StringRef modelDirectory) {
  std::string path = joinPath(modelDirectory, "tokenizer.json");
  Expected<TokenizerDescription> description = TokenizerDescription();
  if (sys::fs::exists(path)) {
    description = readTokenizerJSON(path);
  } else if (path = joinPath(modelDirectory, "vocab.txt");
             sys::fs::exists(path)) {
    description = readVocabularyFile(modelDirectory, path);
  } else if (sys::fs::exists(joinPath(modelDirectory, "merges.txt"))) {
    description->note = tokenizerNote("this model's tokenizer is byte-level "
                                      "BPE, which is not built into programs");
  } else {
    description->note = tokenizerNote(
        "this model comes without a tokenizer (tokenizer.json or vocab.txt)");
  }
  if (!description)
    return description.takeError();
  if (!description->note.empty())
    return TokenizerTables{{}, std::move(description->note)};
  Expected<std::vector<uint8_t>> blob =
      buildTokenizerBlob(path, description->model);
  if (!blob)
    return blob.takeError();
  return TokenizerTables{std::move(*blob), ""};
}

} // namespace tq
