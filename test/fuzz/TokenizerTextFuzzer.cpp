//===- TokenizerTextFuzzer.cpp - Any text through a tokenizer -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first byte limits the tokens, the rest is the text.
//
//===----------------------------------------------------------------------===//

#include "Tokenize.h"
#include "Vocabulary.h"

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<uint8_t> tables = fuzz::makeTables();
  if (size == 0)
    return 0;
  rt::Tokenizer tokenizer;
  fuzz::require(tokenizerOpen(tables.data(), tables.size(), &tokenizer),
                "tables that open");
  std::vector<int32_t> ids =
      fuzz::tokenizeText(tokenizer, toText(data + 1, size - 1), data[0] % 32);
  for (int32_t id : ids)
    fuzz::require(id >= 0 && id < fuzz::kVocabularySize,
                  "ids of the vocabulary");
  return 0;
}
