//===- Vocabulary.h - Tables of a small tokenizer ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_FUZZ_VOCABULARY_H
#define TQ_TEST_FUZZ_VOCABULARY_H

#include "Fuzz.h"

#include "tq/Import/HuggingFace/TokenizerTables.h"

#include <vector>

namespace tq::fuzz {

/// Words and rests of words that overlap, and tokens that are matched in the
/// text as it is, in the normalized text, and as whole words only.
inline constexpr char kTokenizer[] = R"({
  "version": "1.0", "truncation": null, "padding": null, "decoder": null,
  "added_tokens": [
    {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false,
     "rstrip": false, "normalized": false, "special": true},
    {"id": 4, "content": "[MASK]", "single_word": false, "lstrip": false,
     "rstrip": false, "normalized": false, "special": true},
    {"id": 16, "content": "caf\u00e9", "single_word": true, "lstrip": false,
     "rstrip": false, "normalized": true, "special": false},
    {"id": 17, "content": "bab", "single_word": false, "lstrip": false,
     "rstrip": false, "normalized": true, "special": false}],
  "normalizer": {"type": "BertNormalizer", "clean_text": true,
    "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2],
    "sep": ["[SEP]", 3]},
  "model": {"type": "WordPiece", "unk_token": "[UNK]",
    "continuing_subword_prefix": "##", "max_input_chars_per_word": 20,
    "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4,
      "a": 5, "b": 6, "ab": 7, "abc": 8, "##a": 9, "##b": 10, "##bc": 11,
      "##abc": 12, "!": 13, "\u4e2d": 14, "##\u00df": 15}}
})";

inline constexpr int32_t kVocabularySize = 18;

inline std::vector<uint8_t> makeTables() {
  Directory directory;
  directory.write("tokenizer.json", kTokenizer);
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables = readTokenizerTables(
      directory.path(), /*lowercasesTexts=*/false, warnings);
  if (!tables)
    require(false, toString(tables.takeError()));
  require(!tables->blob.empty(), "tables, but got: " + tables->note);
  return std::move(tables->blob);
}

} // namespace tq::fuzz

#endif // TQ_TEST_FUZZ_VOCABULARY_H
