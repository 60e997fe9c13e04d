//===- TokenizerTablesFuzzer.cpp - The files of a tokenizer ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tokenize.h"

#include "tq/Import/HuggingFace/TokenizerTables.h"

using namespace tq;

static constexpr llvm::StringRef kNames[] = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "config.json",
    "sentence_bert_config.json",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  directory.writeSections(toText(data, size), kNames);
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables = readTokenizerTables(
      directory.path(), /*lowercasesTexts=*/false, warnings);
  if (!tables) {
    fuzz::requireOneLine(tables.takeError());
    return 0;
  }
  if (tables->blob.empty()) {
    fuzz::require(!llvm::StringRef(tables->note).contains('\n'),
                  "a note of one line");
    return 0;
  }
  rt::Tokenizer tokenizer;
  fuzz::require(
      tokenizerOpen(tables->blob.data(), tables->blob.size(), &tokenizer),
      "tables that open");
  fuzz::tokenizeText(tokenizer, "A caf\xC3\xA9 [MASK] unaffable\xFF", 0);
  return 0;
}
