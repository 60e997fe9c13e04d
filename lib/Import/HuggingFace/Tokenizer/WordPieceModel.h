//===- WordPieceModel.h - A WordPiece tokenizer as files say it -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_TOKENIZER_WORDPIECEMODEL_H
#define TQ_IMPORT_HUGGINGFACE_TOKENIZER_WORDPIECEMODEL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tq {

/// A token that is looked for in the text before it is cut into words.
struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool normalized = false; ///< Whether it is looked for in normalized text.
  bool singleWord = false;
};

struct WordPieceModel {
  std::map<std::string, int32_t> vocabulary;
  std::string unknownToken = "[UNK]";
  std::string continuingPrefix = "##";
  uint32_t maxWordChars = 100;
  uint32_t normalizerFlags = 0; ///< tq::rt::NormalizerFlags
  std::vector<int32_t> before;  ///< Special tokens before a text.
  std::vector<int32_t> after;
  std::vector<AddedToken> added;
  int32_t padId = 0;

  /// The id of an added token or one of the vocabulary, or -1.
  int32_t idOf(llvm::StringRef token) const;
};

/// What a tokenizer.json says: a model, or why it is not built into programs.
struct TokenizerDescription {
  WordPieceModel model;
  std::string note;
};

/// A note that ends in what to do instead.
std::string tokenizerNote(const llvm::Twine &reason);

/// Largest id of a token, and the most tokens that are read.
inline constexpr int64_t maxTokenId = (int64_t(1) << 24) - 1;

llvm::Expected<TokenizerDescription> readTokenizerJSON(llvm::StringRef path);

/// Lays out the tables of the runtime. `path` is named in errors.
llvm::Expected<std::vector<uint8_t>>
buildTokenizerBlob(llvm::StringRef path, const WordPieceModel &model);

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_TOKENIZER_WORDPIECEMODEL_H
