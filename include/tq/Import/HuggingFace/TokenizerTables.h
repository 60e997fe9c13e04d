//===- TokenizerTables.h - A model's tokenizer for programs -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns the tokenizer of a Hugging Face directory into the tables that the
// runtime works on (tq/Runtime/TokenizerFormat.h). WordPiece only; a model with
// another kind of tokenizer is no error, its program takes ids.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_TOKENIZERTABLES_H
#define TQ_IMPORT_HUGGINGFACE_TOKENIZERTABLES_H

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
};

/// Reads `tokenizer.json`, or `vocab.txt` with the settings of
/// `tokenizer_config.json`, of a model directory.
llvm::Expected<TokenizerTables>
readTokenizerTables(llvm::StringRef modelDirectory);

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_TOKENIZERTABLES_H
