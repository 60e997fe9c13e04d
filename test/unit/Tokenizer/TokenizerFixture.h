//===- TokenizerFixture.h - Small tokenizers for tests ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_TOKENIZER_TOKENIZERFIXTURE_H
#define TQ_TEST_UNIT_TOKENIZER_TOKENIZERFIXTURE_H

#include "TestFiles.h"
#include "tq/Import/HuggingFace/TokenizerTables.h"
#include "tq/Runtime/Tokenizer.h"

#include <vector>

namespace tq::test {

using Ids = std::vector<int32_t>;

/// Ids are the numbers of the lines.
inline constexpr llvm::StringLiteral smallVocabulary = "[PAD]\n"   // 0
                                                       "[UNK]\n"   // 1
                                                       "[CLS]\n"   // 2
                                                       "[SEP]\n"   // 3
                                                       "[MASK]\n"  // 4
                                                       "un\n"      // 5
                                                       "##aff\n"   // 6
                                                       "##able\n"  // 7
                                                       "a\n"       // 8
                                                       "##a\n"     // 9
                                                       "##ab\n"    // 10
                                                       "cafe\n"    // 11
                                                       "!\n"       // 12
                                                       "中\n"      // 13
                                                       "文\n"      // 14
                                                       "##\n"      // 15
                                                       "#\n"       // 16
                                                       "una\n"     // 17
                                                       "x\n"       // 18
                                                       "##x\n"     // 19
                                                       "Cafe\n"    // 20
                                                       "café\n"    // 21
                                                       "i\n"       // 22
                                                       "##\u0307"; // 23

/// The tables of a directory, which must have some.
inline std::vector<uint8_t> readBlob(const TempDirectory &directory,
                                     bool lowercasesTexts = false) {
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables =
      readTokenizerTables(directory.path(), lowercasesTexts, warnings);
  if (!tables) {
    ADD_FAILURE() << llvm::toString(tables.takeError());
    return {};
  }
  EXPECT_EQ(tables->note, "");
  return std::move(tables->blob);
}

/// A tokenizer of a vocab.txt and a tokenizer_config.json.
class SmallTokenizer {
public:
  explicit SmallTokenizer(llvm::StringRef vocabulary = smallVocabulary,
                          llvm::StringRef config = "",
                          bool lowercasesTexts = false)
      : lowercasesTexts(lowercasesTexts) {
    directory.write("vocab.txt", vocabulary);
    if (!config.empty())
      directory.write("tokenizer_config.json", config);
    open();
  }

  /// A tokenizer of a tokenizer.json.
  static SmallTokenizer fromJSON(llvm::StringRef json) {
    return SmallTokenizer(json, FromJSON());
  }

  /// All ids, and a check that they fit exactly.
  Ids ids(llvm::StringRef text, int64_t maxTokens = 0) {
    EXPECT_EQ(rt::tokenize(tokenizer, text.data(), text.size(), maxTokens,
                           nullptr, 0, &result),
              result.count == 0);
    Ids found(result.count);
    EXPECT_TRUE(rt::tokenize(tokenizer, text.data(), text.size(), maxTokens,
                             found.data(), found.size(), &result));
    return found;
  }

  std::vector<uint8_t> blob;
  rt::Tokenizer tokenizer;
  rt::TokenizeResult result;

private:
  struct FromJSON {};
  SmallTokenizer(llvm::StringRef json, FromJSON) {
    directory.write("tokenizer.json", json);
    open();
  }

  bool lowercasesTexts = false;

  void open() {
    blob = readBlob(directory, lowercasesTexts);
    EXPECT_TRUE(rt::tokenizerOpen(blob.data(), blob.size(), &tokenizer));
  }

  TempDirectory directory;
};

} // namespace tq::test

#endif // TQ_TEST_UNIT_TOKENIZER_TOKENIZERFIXTURE_H
