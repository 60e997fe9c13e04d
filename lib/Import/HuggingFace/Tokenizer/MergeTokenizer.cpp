//===- MergeTokenizer.cpp - One tokenizer of several files ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MergeTokenizer.h"

#include "tq/Runtime/TokenizerFormat.h"
#include "tq/Support/InputError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace tq;

namespace {

class Merger {
public:
  Merger(StringRef path, TokenizerDescription file, bool isJSON,
         const TokenizerSettings &settings, TokenizerFamily family,
         MetadataWarnings &warnings)
      : path(path), file(std::move(file)), isJSON(isJSON), settings(settings),
        isBert(family == TokenizerFamily::Bert), warnings(warnings) {}

  Expected<WordPieceModel> merge();

private:
  StringRef nameOf(NamedToken token, StringRef byDefault) const;
  uint32_t getBertFlags() const;
  void add(const AddedToken &token);
  void addMissing(AddedToken token);
  void addListed();
  void addNamed();
  Error addUnordered();
  Error setBertEnds();
  void setPad();
  bool isSeenOtherwise(const AddedToken &token) const;
  void warnOfVersions() const;
  void warnOfIgnored() const;

  StringRef path;
  TokenizerDescription file;
  bool isJSON;
  const TokenizerSettings &settings;
  bool isBert;
  MetadataWarnings &warnings;
  WordPieceModel model;
  int32_t padId = 0; ///< padding.pad_id
  bool saidIds = false;
};

/// What the classes of BERT call their tokens if no file does.
constexpr std::pair<NamedToken, StringLiteral> bertTokens[] = {
    {Unk, "[UNK]"}, {Sep, "[SEP]"},   {Pad, "[PAD]"},
    {Cls, "[CLS]"}, {Mask, "[MASK]"},
};

StringRef Merger::nameOf(NamedToken token, StringRef byDefault) const {
  const std::optional<AddedToken> &named = settings.named[token];
  return named ? StringRef(named->content) : byDefault;
}

uint32_t Merger::getBertFlags() const {
  return rt::kCleanText | (settings.lowercase ? rt::kLowercase : 0) |
         (settings.spaceChinese ? rt::kSpaceChinese : 0) |
         (settings.stripAccents.value_or(settings.lowercase) ? rt::kStripAccents
                                                             : 0);
}

/// Ids follow from the vocabulary and the order of tokens, not from what a file
/// says. One warning is enough.
void Merger::add(const AddedToken &token) {
  model.added.add(token, model.vocabulary);
  const AddedToken *added = model.added.find(token.content);
  if (!added || token.id < 0 || token.id == added->id || saidIds)
    return;
  saidIds = true;
  warnings.push_back(
      {path.str(),
       ("expected added token '" + printable(token.content) + "' to have id " +
        Twine(added->id) + ", which it gets from transformers, but got " +
        Twine(token.id))
           .str()});
}

void Merger::addMissing(AddedToken token) {
  if (!model.added.find(token.content))
    model.added.add(std::move(token), model.vocabulary);
}

/// The lists of tokens with ids, ascending. Of two with one id the later list's
/// counts.
void Merger::addListed() {
  if (!isBert)
    for (const AddedToken &token : file.added)
      add(token);
  std::map<int32_t, const AddedToken *> byId;
  for (const AddedToken &token : settings.added)
    byId[token.id] = &token;
  if (!settings.hasAddedDecoder)
    for (const AddedToken &token : file.added)
      byId[token.id] = &token;
  for (const auto &[id, token] : byId) {
    AddedToken copy = *token;
    if (const AddedToken *known = model.added.find(copy.content)) {
      copy.id = known->id;
      if (copy == *known)
        continue;
      copy.id = id;
    }
    copy.special |= llvm::any_of(settings.named, [&](const auto &named) {
      return named && named->content == copy.content;
    });
    add(copy);
  }
}

void Merger::addNamed() {
  std::array<std::optional<AddedToken>, NumNamedTokens> named = settings.named;
  if (isBert)
    for (auto [token, name] : bertTokens)
      if (!named[token])
        named[token] = AddedToken{.content = name.str(), .special = true};
  for (const std::optional<AddedToken> &token : named)
    if (token)
      addMissing(*token);
  for (const AddedToken &token : settings.extra)
    addMissing(token);
}

/// Tokens of a JSON object get their ids in an order that is not known here.
Error Merger::addUnordered() {
  const AddedToken *isNew = nullptr;
  for (const AddedToken &token : settings.unordered) {
    if (model.idOf(token.content) < 0) {
      if (isNew)
        return makeFileError(
            settings.path, "expected the ids of '" + printable(isNew->content) +
                               "' and '" + printable(token.content) +
                               "' in the vocabulary or among the added "
                               "tokens, but got them in extra_special_tokens "
                               "only");
      isNew = &token;
    }
    addMissing(token);
  }
  return Error::success();
}

/// BERT's classes put one token before a text and one behind it.
Error Merger::setBertEnds() {
  for (auto [token, name, ids] : {std::tuple(Cls, "[CLS]", &model.before),
                                  std::tuple(Sep, "[SEP]", &model.after)}) {
    StringRef content = nameOf(token, name);
    bool isListed = llvm::any_of(settings.added,
                                 [&](const AddedToken &added) {
                                   return added.content == content;
                                 }) ||
                    llvm::any_of(file.added, [&](const AddedToken &added) {
                      return added.content == content;
                    });
    if (!model.vocabulary.count(content.str()) && !isListed)
      return makeFileError(path,
                           "expected the special token '" + printable(content) +
                               "' in the vocabulary, but it is not there");
    *ids = {model.idOf(content)};
  }
  return Error::success();
}

/// It fills up shorter texts, where the mask hides it: any id of the model does
/// if no file names a token for it.
void Merger::setPad() {
  StringRef byDefault = isBert || padId == 0 ? "[PAD]" : "";
  if (!isBert && !file.padToken.empty())
    byDefault = file.padToken;
  StringRef name = nameOf(Pad, byDefault);
  bool isInFile = settings.named[Pad] || model.vocabulary.count(name.str()) ||
                  llvm::any_of(file.added, [&](const auto &token) {
                    return token.content == name;
                  });
  int32_t id = isInFile ? model.idOf(name) : -1;
  model.padId = id >= 0 ? id : isBert ? 0 : padId;
}

/// Whether transformers 4 finds an added token of tokenizer.json elsewhere than
/// transformers 5.
bool Merger::isSeenOtherwise(const AddedToken &token) const {
  if (token.content.empty())
    return false;
  const AddedToken *added = model.added.find(token.content);
  return !added || added->normalized != token.normalized ||
         added->singleWord != token.singleWord;
}

/// transformers 4 changes the tokenizer of tokenizer.json where settings
/// differ; transformers 5 makes a new one of its vocabulary and the settings.
void Merger::warnOfVersions() const {
  SmallVector<StringRef> differences;
  const WordPieceModel &old = file.model;
  if (old.unknownToken != model.unknownToken)
    differences.push_back("model.unk_token");
  if (old.continuingPrefix != model.continuingPrefix)
    differences.push_back("model.continuing_subword_prefix");
  if (old.maxWordChars != model.maxWordChars)
    differences.push_back("model.max_input_chars_per_word");
  if ((old.flags ^ model.flags) & rt::kCleanText)
    differences.push_back("normalizer.clean_text");
  // transformers 4 normalizes added tokens by the file, but texts by settings.
  if (old.flags != getBertFlags() &&
      llvm::any_of(model.added.list(),
                   [](const AddedToken &token) { return token.normalized; }))
    differences.push_back("normalizer");
  if (old.before != model.before || old.after != model.after)
    differences.push_back("post_processor");
  if (llvm::any_of(file.added, [&](const AddedToken &token) {
        return isSeenOtherwise(token);
      }))
    differences.push_back("added_tokens");
  if (!differences.empty())
    warnings.push_back(
        {path.str(),
         "'" + llvm::join(differences, "', '") +
             "': transformers 5 does not go by what this file says for a "
             "tokenizer of BERT's class, and neither does tq; transformers 4 "
             "does"});
}

void Merger::warnOfIgnored() const {
  auto token = llvm::find_if(settings.ignored, [&](const auto &token) {
    return !model.added.find(token.content);
  });
  if (token != settings.ignored.end())
    warnings.push_back(
        {settings.path,
         "'additional_special_tokens' of special_tokens_map.json: "
         "transformers 5 does not go by it beside a list here, and neither "
         "does tq; transformers 4 adds '" +
             printable(token->content) + "'"});
}

Expected<WordPieceModel> Merger::merge() {
  padId = file.model.padId;
  if (isBert) {
    model.vocabulary = std::move(file.model.vocabulary);
    model.unknownToken = nameOf(Unk, "[UNK]").str();
    model.flags = getBertFlags();
  } else {
    model = std::move(file.model);
  }
  addListed();
  addNamed();
  if (Error error = addUnordered())
    return error;
  if (isBert)
    if (Error error = setBertEnds())
      return error;
  setPad();
  if (isBert && isJSON)
    warnOfVersions();
  warnOfIgnored();
  if (settings.keepsEnd.value_or(file.keepsEnd))
    model.flags |= rt::kKeepEnd;
  model.splitsSpecialTokens = settings.splitsSpecialTokens;
  return std::move(model);
}

} // namespace

Expected<WordPieceModel>
tq::mergeTokenizer(StringRef path, TokenizerDescription file, bool isJSON,
                   const TokenizerSettings &settings, TokenizerFamily family,
                   MetadataWarnings &warnings) {
  return Merger(path, std::move(file), isJSON, settings, family, warnings)
      .merge();
}
