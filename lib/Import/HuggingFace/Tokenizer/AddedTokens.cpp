//===- AddedTokens.cpp - Tokens beside the vocabulary ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordPieceModel.h"

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

int32_t tq::readTokenId(ObjectReader &reader, StringRef key) {
  return static_cast<int32_t>(reader.integer(key, 0, maxTokenId));
}

AddedToken tq::readAddedToken(ObjectReader &reader, bool isSpecial) {
  AddedToken token;
  token.content = reader.string("content");
  token.special = isSpecial || reader.boolean("special", false);
  token.normalized = reader.boolean("normalized", !token.special);
  token.singleWord = reader.boolean("single_word", false);
  bool left = reader.boolean("lstrip", false);
  bool right = reader.boolean("rstrip", false);
  token.strips = left || right;
  return token;
}
