//===- TokenizerTables.h - A model's tokenizer for programs -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns the tokenizer of a Hugging Face directory into the tables that the
// runtime works on (tq/Runtime/TokenizerFormat.h). The files are merged as
// transformers 5 does it. WordPiece only; a model with another kind of
// tokenizer is no error, its program takes ids.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_TOKENIZERTABLES_H
#define TQ_IMPORT_HUGGINGFACE_TOKENIZERTABLES_H

#include "tq/Import/Metadata/KnownKeys.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tq {

struct TokenizerTables {
  /// What goes into the program; empty if it gets no tokenizer.
  std::vector<uint8_t> blob;
  /// Why it gets none, for the error of --text; empty if it gets one.
  std::string note;

  // Of a tokenizer that is built in:
  std::string path;                ///< The file with its vocabulary.
  int32_t largestId = 0;           ///< The largest that a text can get.
  std::vector<int32_t> specialIds; ///< Those that each text gets.
  int32_t padId = 0;
};

/// Reads the tokenizer of a model directory: `tokenizer.json` or `vocab.txt`,
/// with the settings of the files beside it. `lowercasesTexts`: texts are
/// lower-cased before all else. Warnings are those of a tokenizer that is built
/// in.
llvm::Expected<TokenizerTables>
readTokenizerTables(llvm::StringRef modelDirectory, bool lowercasesTexts,
                    MetadataWarnings &warnings);

/// Compares the ids with the rows of the model's word table: with an id beyond
/// it that each text or batch has, no program works; others are a warning.
llvm::Error checkTokenizerIds(const TokenizerTables &tables, int64_t vocabSize,
                              MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_TOKENIZERTABLES_H
