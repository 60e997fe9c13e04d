//===- TokenizerBlobFuzzer.cpp - A text through damaged tables ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Damages the tables of a small tokenizer, as a program whose file is damaged
// has them: they do not open, or give some ids.
//
//===----------------------------------------------------------------------===//

#include "Tokenize.h"
#include "Vocabulary.h"

#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<uint8_t> intact = fuzz::makeTables();
  FuzzedDataProvider input(data, size);
  // On the heap with nothing behind it: reading beyond its end is seen.
  std::vector<uint8_t> tables(
      intact.begin(),
      intact.begin() + input.ConsumeIntegralInRange<size_t>(0, intact.size()));
  tables.shrink_to_fit();
  unsigned edits = input.ConsumeIntegralInRange<unsigned>(0, 8);
  for (unsigned i = 0; i < edits && tables.size() >= 4; ++i) {
    size_t words = tables.size() / 4;
    size_t word = input.ConsumeIntegralInRange<size_t>(0, words - 1);
    auto value = input.ConsumeIntegral<uint32_t>();
    memcpy(tables.data() + 4 * word, &value, 4);
  }
  int64_t maxTokens = input.ConsumeIntegralInRange<int64_t>(0, 32);
  std::string text = input.ConsumeRemainingBytesAsString();
  rt::Tokenizer tokenizer;
  if (tokenizerOpen(tables.data(), tables.size(), &tokenizer))
    fuzz::tokenizeText(tokenizer, text, maxTokens);
  return 0;
}
