//===- Blob.cpp - Lay out the tokenizer tables of the runtime -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordPieceModel.h"

#include "tq/Runtime/TokenizerFormat.h"
#include "tq/Runtime/TokenizerNormalizer.h"
#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <array>

using namespace llvm;
using namespace tq;

namespace {

/// Strings ascend by their bytes: std::string compares them as unsigned.
using Strings = std::map<std::string, uint32_t>;

class BlobWriter {
public:
  explicit BlobWriter(size_t headerBytes) : blob(headerBytes) {}

  rt::TokenizerStrings add(const Strings &strings) {
    std::vector<uint32_t> ends, ids;
    std::array<uint32_t, 257> index{};
    std::string bytes;
    size_t longest = 0;
    for (const auto &[text, id] : strings) {
      bytes += text;
      longest = std::max(longest, text.size());
      ends.push_back(bytes.size());
      ids.push_back(id);
      ++index[static_cast<uint8_t>(text[0]) + 1];
    }
    for (size_t i = 1; i < index.size(); ++i)
      index[i] += index[i - 1];
    rt::TokenizerStrings table{};
    table.count = strings.size();
    table.index = addNumbers(index);
    table.ends = addNumbers(ends);
    table.ids = addNumbers(ids);
    table.bytes = blob.size();
    table.byteCount = bytes.size();
    table.longest = longest;
    llvm::append_range(blob, bytes);
    blob.resize(alignTo(blob.size(), 4));
    return table;
  }

  std::vector<uint8_t> take(const rt::TokenizerHeader &header) {
    memcpy(blob.data(), &header, sizeof(header));
    return std::move(blob);
  }

private:
  uint32_t addNumbers(ArrayRef<uint32_t> numbers) {
    size_t begin = blob.size();
    const auto *bytes = reinterpret_cast<const uint8_t *>(numbers.data());
    blob.insert(blob.end(), bytes, bytes + numbers.size() * 4);
    return begin;
  }

  std::vector<uint8_t> blob;
};

static_assert(endianness::native == endianness::little,
              "the tables are written as they lie in memory");

std::string normalize(StringRef text, uint32_t flags) {
  std::string result;
  rt::Normalizer normalizer(
      flags, rt::kMaxTokenizerWordChars,
      [](void *to, uint32_t c) {
        uint8_t bytes[4];
        unsigned count = rt::encodeUtf8(c, bytes);
        static_cast<std::string *>(to)->append(bytes, bytes + count);
      },
      &result);
  for (size_t at = 0; at < text.size();)
    normalizer.push(rt::decodeUtf8(text.bytes_begin(), text.size(), &at));
  normalizer.finish();
  return result;
}

/// Whether a word that begins with `prefix` can only be a single character.
bool beginsNoWord(StringRef prefix) {
  return llvm::any_of(prefix, [](char c) { return isPunct(c); });
}

void splitVocabulary(const WordPieceModel &model, Strings &starts,
                     Strings &rests) {
  const std::string &prefix = model.continuingPrefix;
  bool onlyRests = beginsNoWord(prefix);
  for (const auto &[token, id] : model.vocabulary) {
    bool continues = StringRef(token).starts_with(prefix);
    if (continues && token.size() > prefix.size())
      rests[token.substr(prefix.size())] = id;
    if (!token.empty() && !(continues && onlyRests && token.size() > 1))
      starts[token] = id;
  }
}

bool touchesSpace(StringRef text) {
  size_t at = 0;
  uint32_t first = rt::decodeUtf8(text.bytes_begin(), text.size(), &at), last;
  for (last = first; at < text.size();)
    last = rt::decodeUtf8(text.bytes_begin(), text.size(), &at);
  return rt::isWhitespace(first) || rt::isWhitespace(last);
}

Error collectAdded(StringRef path, const WordPieceModel &model, Strings &raw,
                   Strings &normalized) {
  bool stripsSpace = false;
  const AddedToken *beginsOrEndsWithSpace = nullptr;
  for (const AddedToken &token : model.added.list()) {
    std::string content = token.normalized
                              ? normalize(token.content, model.flags)
                              : token.content;
    if (content.empty())
      continue;
    if (content.size() > rt::kMaxAddedTokenBytes)
      return makeFileError(path, "expected added tokens of at most " +
                                     Twine(uint32_t(rt::kMaxAddedTokenBytes)) +
                                     " bytes, but got '" + printable(content) +
                                     "'");
    uint32_t id =
        token.id | (token.singleWord ? rt::kSingleWordId : 0) |
        (token.special && model.splitsSpecialTokens ? rt::kPlainId : 0);
    (token.normalized ? normalized : raw).try_emplace(content, id);
    stripsSpace |= token.strips;
    if (touchesSpace(content))
      beginsOrEndsWithSpace = &token;
  }
  // White space that one token takes with it cannot be part of another.
  if (stripsSpace && beginsOrEndsWithSpace)
    return makeFileError(path,
                         "expected no added token with lstrip or rstrip beside "
                         "one that begins or ends with white space, but got '" +
                             printable(beginsOrEndsWithSpace->content) + "'");
  return Error::success();
}

Error checkLimits(StringRef path, const WordPieceModel &model) {
  if (model.maxWordChars == 0 ||
      model.maxWordChars > rt::kMaxTokenizerWordChars)
    return makeFileError(path,
                         "expected max_input_chars_per_word between 1 and " +
                             Twine(uint32_t(rt::kMaxTokenizerWordChars)) +
                             ", but got " + Twine(model.maxWordChars));
  if (model.before.size() > rt::kMaxSpecialTokens ||
      model.after.size() > rt::kMaxSpecialTokens)
    return makeFileError(path, "expected at most " +
                                   Twine(uint32_t(rt::kMaxSpecialTokens)) +
                                   " special tokens before and after a text, "
                                   "each, but got " +
                                   Twine(model.before.size()) + " and " +
                                   Twine(model.after.size()));
  size_t bytes = 0;
  for (const auto &entry : model.vocabulary)
    bytes += entry.first.size();
  if (bytes > maxJSONBytes)
    return makeFileError(path, "expected a vocabulary of at most " +
                                   Twine(maxJSONBytes) + " bytes, but got " +
                                   Twine(bytes));
  return Error::success();
}

} // namespace

int32_t WordPieceModel::idOf(StringRef token) const {
  if (const AddedToken *known = added.find(token))
    return known->id;
  auto found = vocabulary.find(token.str());
  return found == vocabulary.end() ? -1 : found->second;
}

Expected<std::vector<uint8_t>>
tq::buildTokenizerBlob(StringRef path, const WordPieceModel &model) {
  if (Error error = checkLimits(path, model))
    return error;
  auto unknown = model.vocabulary.find(model.unknownToken);
  if (unknown == model.vocabulary.end())
    return makeFileError(path, "expected the unknown token '" +
                                   printable(model.unknownToken) +
                                   "' in the vocabulary, but it is not there");
  Strings starts, rests, raw, normalized;
  splitVocabulary(model, starts, rests);
  if (Error error = collectAdded(path, model, raw, normalized))
    return error;

  rt::TokenizerHeader header{};
  header.magic = rt::kTokenizerMagic;
  header.version = rt::kTokenizerVersion;
  header.flags = model.flags;
  header.maxWordChars = model.maxWordChars;
  header.unknownId = unknown->second;
  header.padId = model.padId;
  header.numBefore = model.before.size();
  header.numAfter = model.after.size();
  llvm::copy(model.before, header.before);
  llvm::copy(model.after, header.after);
  BlobWriter writer(sizeof(header));
  header.tables[rt::kWordStarts] = writer.add(starts);
  header.tables[rt::kWordRests] = writer.add(rests);
  header.tables[rt::kAddedRaw] = writer.add(raw);
  header.tables[rt::kAddedNormalized] = writer.add(normalized);
  return writer.take(header);
}
