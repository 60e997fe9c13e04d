//===- TokenizerSettings.h - What stands around a vocabulary ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// transformers makes a tokenizer of several files. Beside tokenizer.json or
// vocab.txt these are tokenizer_config.json, special_tokens_map.json,
// added_tokens.json, and config.json, which may name the class. This reads the
// latter four and merges them as transformers 5 does.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_TOKENIZER_TOKENIZERSETTINGS_H
#define TQ_IMPORT_HUGGINGFACE_TOKENIZER_TOKENIZERSETTINGS_H

#include "WordPieceModel.h"

#include <array>

namespace tq {

/// How a class of transformers uses the files.
enum class TokenizerFamily {
  Bert,  ///< The vocabulary of any file; all else from the settings.
  File,  ///< tokenizer.json as it is, and the added tokens of the settings.
  Other, ///< Not built into programs.
};

/// The tokens with a name of their own, in transformers' order.
enum NamedToken { Bos, Eos, Unk, Sep, Pad, Cls, Mask, NumNamedTokens };

struct TokenizerSettings {
  std::string path;           ///< tokenizer_config.json, which need not exist.
  std::string tokenizerClass; ///< "" if neither file names it.
  std::string modelType;

  bool lowercase = true;
  bool spaceChinese = true;
  std::optional<bool> stripAccents;

  std::array<std::optional<AddedToken>, NumNamedTokens> named;
  /// Further special tokens, in order.
  std::vector<AddedToken> extra;
  /// Those of an object, whose order is not known.
  std::vector<AddedToken> unordered;
  /// Those that transformers 4 takes and transformers 5 does not.
  std::vector<AddedToken> ignored;
  /// Tokens with ids: added_tokens_decoder, or else added_tokens.json.
  std::vector<AddedToken> added;
  /// Whether there is an added_tokens_decoder, which takes the place of all
  /// other lists.
  bool hasAddedDecoder = false;

  bool splitsSpecialTokens = false;
  std::optional<bool> keepsEnd; ///< truncation_side

  TokenizerFamily getFamily(bool hasTokenizerJSON) const;
};

llvm::Expected<TokenizerSettings>
readTokenizerSettings(llvm::StringRef directory, MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_TOKENIZER_TOKENIZERSETTINGS_H
