//===- WordPieceModel.h - A WordPiece tokenizer as in files -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_TOKENIZER_WORDPIECEMODEL_H
#define TQ_IMPORT_HUGGINGFACE_TOKENIZER_WORDPIECEMODEL_H

#include "tq/Import/Metadata/Tables.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tq {

/// A token that is looked for in the text before it is cut into words. What
/// `lstrip` and `rstrip` take with it, white space, is no word anyway.
struct AddedToken {
  std::string content;
  int32_t id = -1;         ///< In its file; -1 if that gives none.
  bool normalized = false; ///< Whether it is looked for in normalized text.
  bool singleWord = false;
  bool special = false;
  bool strips = false; ///< lstrip or rstrip.

  bool operator==(const AddedToken &) const = default;
};

/// Token to id, ascending by bytes.
using Vocabulary = std::map<std::string, int32_t>;

/// Added tokens, each content once: the last that comes decides on its flags.
class AddedTokens {
public:
  /// Adds a token as the `tokenizers` library does: its id is that of the
  /// vocabulary, or else the next free one, whatever its file says. Empty ones
  /// are left out.
  void add(AddedToken token, const Vocabulary &vocabulary);

  const AddedToken *find(llvm::StringRef content) const;
  llvm::ArrayRef<AddedToken> list() const { return tokens; }

private:
  std::vector<AddedToken> tokens;
  llvm::StringMap<size_t> index;
  int64_t largestId = -1;
};

struct WordPieceModel {
  Vocabulary vocabulary;
  std::string unknownToken = "[UNK]";
  std::string continuingPrefix = "##";
  uint32_t maxWordChars = 100;
  uint32_t flags = 0;          ///< rt::NormalizerFlags, rt::TokenizerFlags
  std::vector<int32_t> before; ///< Special tokens before a text.
  std::vector<int32_t> after;
  AddedTokens added;
  bool splitsSpecialTokens = false; ///< They are text like any other.
  int32_t padId = 0;

  /// The id of an added token or one of the vocabulary, or -1.
  int32_t idOf(llvm::StringRef token) const;
};

/// What tokenizer.json or vocab.txt says: a model, or why it is not built into
/// programs. The added tokens are those of the file.
struct TokenizerDescription {
  WordPieceModel model;
  std::vector<AddedToken> added;
  bool keepsEnd = false; ///< truncation.direction
  std::string padToken;  ///< padding.pad_token
  std::string note;
};

/// A note that ends in what to do instead.
std::string tokenizerNote(const llvm::Twine &reason);

/// Largest id of a token, and the most tokens that are read.
inline constexpr int64_t maxTokenId = (int64_t(1) << 24) - 1;

/// Reads the id under `key`.
int32_t readTokenId(ObjectReader &reader, llvm::StringRef key);

/// Looks at the keys of an object that describes an added token. One warning is
/// enough for a list of them.
llvm::Error checkTokenKeys(llvm::StringRef path,
                           const llvm::json::Object &object,
                           MetadataWarnings &warnings, llvm::StringRef where);

/// Reads such an object. With `isSpecial` its token is, whatever it says.
AddedToken readAddedToken(ObjectReader &reader, bool isSpecial = false);

llvm::Expected<TokenizerDescription>
readTokenizerJSON(llvm::StringRef path, MetadataWarnings &warnings);

/// Reads vocab.txt: one token a line, its id is the number of the line.
llvm::Expected<Vocabulary> readVocabulary(llvm::StringRef path);

/// Lays out the tables of the runtime. `path` is named in errors.
llvm::Expected<std::vector<uint8_t>>
buildTokenizerBlob(llvm::StringRef path, const WordPieceModel &model);

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_TOKENIZER_WORDPIECEMODEL_H
