//===- AddedTokens.cpp - Tokens beside the vocabulary ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordPieceModel.h"

#include "tq/Support/InputError.h"

using namespace llvm;
using namespace tq;

void AddedTokens::add(AddedToken token, const Vocabulary &vocabulary) {
  if (token.content.empty())
    return;
  auto [known, isNew] = index.try_emplace(token.content, tokens.size());
  auto entry = vocabulary.find(token.content);
  if (entry != vocabulary.end())
    token.id = entry->second;
  else if (!isNew)
    token.id = tokens[known->second].id;
  else
    token.id = static_cast<int32_t>(
        std::max<int64_t>(largestId + 1, vocabulary.size()));
  largestId = std::max<int64_t>(largestId, token.id);
  if (isNew)
    tokens.push_back(std::move(token));
  else
    tokens[known->second] = std::move(token);
}

const AddedToken *AddedTokens::find(StringRef content) const {
  auto known = index.find(content);
  return known == index.end() ? nullptr : &tokens[known->second];
}

Error tq::checkTokenKeys(StringRef path, const json::Object &object,
                         MetadataWarnings &warnings, StringRef where) {
  MetadataWarnings found;
  if (Error error = checkKeys(path, addedTokenTable, object, found, where))
    return error;
  bool isSaid = !warnings.empty() && warnings.back().path == path &&
                StringRef(warnings.back().message).contains(where);
  if (!found.empty() && !isSaid)
    warnings.push_back(std::move(found.front()));
  return Error::success();
}

Expected<AddedToken> tq::readAddedToken(StringRef path,
                                        const json::Object &object) {
  AddedToken token;
  std::optional<StringRef> content = object.getString("content");
  if (!content)
    return makeFileError(
        path,
        "expected added tokens to be objects with a string "
        "'content', but got " +
            printable(formatv("{0}", json::Value(json::Object(object))).str()));
  token.content = content->str();
  std::optional<bool> special, normalized, singleWord, left, right;
  for (auto [key, flag] :
       {std::pair("special", &special), std::pair("normalized", &normalized),
        std::pair("single_word", &singleWord), std::pair("lstrip", &left),
        std::pair("rstrip", &right)}) {
    const json::Value *value = object.get(key);
    if (!value || value->getAsNull())
      continue;
    *flag = value->getAsBoolean();
    if (!*flag)
      return makeFileError(path, "expected '" + Twine(key) +
                                     "' of added token '" +
                                     printable(token.content) +
                                     "' to be true or false, but got " +
                                     printable(formatv("{0}", *value).str()));
  }
  token.special = special.value_or(false);
  token.normalized = normalized.value_or(!token.special);
  token.singleWord = singleWord.value_or(false);
  token.strips = left.value_or(false) || right.value_or(false);
  return token;
}
