//===- TokenizerTest.cpp - Tests of the runtime's tokenizer ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Runtime/Tokenizer.h"

#include "TokenizerFixture.h"
#include "tq/Runtime/TokenizerFormat.h"

#include "gtest/gtest.h"

#include <memory>
#include <random>

using namespace tq::rt;
using namespace tq::test;

namespace {

TEST(TokenizerTest, LongestPieceFirst) {
  SmallTokenizer small;
  EXPECT_EQ(small.ids("unaffable"), (Ids{2, 1, 3})); // "una" leaves "ffable"
  EXPECT_EQ(small.ids("unable aab aaab"), (Ids{2, 1, 8, 10, 8, 9, 10, 3}));
  EXPECT_EQ(small.ids("una un a"), (Ids{2, 17, 5, 8, 3}));
  EXPECT_EQ(small.ids("xxx"), (Ids{2, 18, 19, 19, 3}));
  EXPECT_EQ(small.ids("xxq"), (Ids{2, 1, 3})); // no piece of it remains
}

TEST(TokenizerTest, EmptyAndBlank) {
  SmallTokenizer small;
  EXPECT_EQ(small.ids(""), (Ids{2, 3}));
  EXPECT_EQ(small.ids(" \t\n\u3000\u200B"), (Ids{2, 3}));
  EXPECT_FALSE(small.result.truncated);
  EXPECT_EQ(tokenizerPadId(small.tokenizer), 0);
}

TEST(TokenizerTest, PunctuationAndPrefix) {
  SmallTokenizer small;
  EXPECT_EQ(small.ids("a!!a"), (Ids{2, 8, 12, 12, 8, 3}));
  EXPECT_EQ(small.ids("##a"), (Ids{2, 16, 16, 8, 3}));
  EXPECT_EQ(small.ids("a中文a"), (Ids{2, 8, 13, 14, 8, 3}));
}

TEST(TokenizerTest, NormalizerSettings) {
  SmallTokenizer uncased;
  EXPECT_EQ(uncased.ids("CAFÉ Cafe"), (Ids{2, 11, 11, 3}));
  SmallTokenizer cased(smallVocabulary, R"({"do_lower_case": false})");
  EXPECT_EQ(cased.ids("Cafe café CAFE"), (Ids{2, 20, 21, 1, 3}));
  SmallTokenizer accents(smallVocabulary, R"({"strip_accents": false})");
  EXPECT_EQ(accents.ids("CAFÉ \u0130"), (Ids{2, 21, 22, 23, 3}));
  SmallTokenizer joined(smallVocabulary,
                        R"({"tokenize_chinese_chars": false})");
  EXPECT_EQ(joined.ids("中文 中"), (Ids{2, 1, 13, 3}));
}

TEST(TokenizerTest, LongWords) {
  SmallTokenizer small;
  for (size_t length : {99, 100}) {
    Ids ids = small.ids(std::string(length, 'x'));
    EXPECT_EQ(ids.size(), length + 2);
    EXPECT_EQ(ids[1], 18);
    EXPECT_EQ(ids[2], 19);
  }
  for (size_t length : {101, 1000, 100000})
    EXPECT_EQ(small.ids(std::string(length, 'x') + " a"), (Ids{2, 1, 8, 3}));
  // Characters count after normalization: a hundred of three bytes and a mark.
  std::string accented;
  for (int i = 0; i < 100; ++i)
    accented += "x\u0301";
  EXPECT_EQ(small.ids(accented).size(), 102u);
}

TEST(TokenizerTest, SpecialTokensInText) {
  SmallTokenizer small;
  EXPECT_EQ(small.ids("a[MASK]a [SEP]"), (Ids{2, 8, 4, 8, 3, 3}));
  EXPECT_EQ(small.ids("[mask]"), (Ids{2, 1, 1, 1, 3}));
  EXPECT_EQ(small.ids("[MASK"), (Ids{2, 1, 1, 3}));
  EXPECT_EQ(small.ids("[[MASK]"), (Ids{2, 1, 4, 3}));
  EXPECT_EQ(small.ids("\xE4[MASK]\xB8"), (Ids{2, 4, 3}));
}

TEST(TokenizerTest, InvalidUtf8IsDropped) {
  SmallTokenizer small;
  EXPECT_EQ(small.ids("a\xFF"
                      "a"),
            (Ids{2, 8, 9, 3}));
  EXPECT_EQ(small.ids("a\xED\xA0\x80 a\xF0\x9F"), (Ids{2, 8, 8, 3}));
}

TEST(TokenizerTest, Truncation) {
  SmallTokenizer small;
  EXPECT_EQ(small.ids("a a a", 5), (Ids{2, 8, 8, 8, 3}));
  EXPECT_FALSE(small.result.truncated);
  EXPECT_EQ(small.ids("a a a", 4), (Ids{2, 8, 8, 3}));
  EXPECT_TRUE(small.result.truncated);
  EXPECT_EQ(small.ids("xxxx", 4), (Ids{2, 18, 19, 3}));
  EXPECT_TRUE(small.result.truncated);
  EXPECT_EQ(small.ids("a", 2), (Ids{2, 3}));
  EXPECT_TRUE(small.result.truncated);
  EXPECT_EQ(small.ids(" ", 2), (Ids{2, 3}));
  EXPECT_FALSE(small.result.truncated);
  EXPECT_EQ(small.ids("a", 1), (Ids{2}));
  EXPECT_TRUE(small.result.truncated);
}

TEST(TokenizerTest, TruncationKeepsTheEnd) {
  SmallTokenizer small(smallVocabulary, R"({"truncation_side": "left"})");
  EXPECT_EQ(small.ids("a ! x", 5), (Ids{2, 8, 12, 18, 3}));
  EXPECT_FALSE(small.result.truncated);
  EXPECT_EQ(small.ids("a ! x", 4), (Ids{2, 12, 18, 3}));
  EXPECT_TRUE(small.result.truncated);
  // The room for the text wraps around any number of times.
  for (int more = 0; more < 7; ++more) {
    std::string text;
    for (int i = 0; i < more; ++i)
      text += "una ";
    EXPECT_EQ(small.ids(text + "xxx!", 5), (Ids{2, 19, 19, 12, 3})) << more;
  }
  EXPECT_EQ(small.ids("x[MASK]", 3), (Ids{2, 4, 3}));
  EXPECT_EQ(small.ids("a !", 2), (Ids{2, 3}));
  EXPECT_TRUE(small.result.truncated);
  EXPECT_EQ(small.ids("a !", 1), (Ids{2}));
  EXPECT_EQ(small.ids("a !"), (Ids{2, 8, 12, 3})); // no limit
}

TEST(TokenizerTest, LowercaseFirst) {
  SmallTokenizer cased("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[mask]\na\nб\n##σ\n##ς\n"
                       "i\u0307\nς",
                       R"({"do_lower_case": false, "mask_token": "[mask]"})",
                       /*lowercasesTexts=*/true);
  EXPECT_EQ(cased.ids("A Б"), (Ids{2, 5, 6, 3}));
  EXPECT_EQ(cased.ids("A[MASK]A"), (Ids{2, 5, 4, 5, 3}));
  EXPECT_EQ(cased.ids("İ"), (Ids{2, 9, 3}));
  // A sigma at the end of a word, whatever marks follow, is another letter.
  EXPECT_EQ(cased.ids("AΣ"), (Ids{2, 5, 8, 3}));
  EXPECT_EQ(cased.ids("AΣΣ A"), (Ids{2, 5, 7, 8, 5, 3}));
  EXPECT_EQ(cased.ids("AΣ\u0301"), (Ids{2, 1, 3}));
  EXPECT_EQ(cased.ids("Σ"), (Ids{2, 1, 3}));
  EXPECT_EQ(cased.ids("A A", 3), (Ids{2, 5, 3}));
  SmallTokenizer same("[PAD]\n[UNK]\n[CLS]\n[SEP]\na",
                      R"({"do_lower_case": false})");
  EXPECT_EQ(same.ids("A a"), (Ids{2, 1, 4, 3}));
}

TEST(TokenizerTest, CapacityTooSmall) {
  SmallTokenizer small;
  int32_t ids[4] = {-1, -1, -1, -1};
  TokenizeResult result;
  EXPECT_FALSE(tokenize(small.tokenizer, "a a a", 5, 0, ids, 3, &result));
  EXPECT_EQ(result.count, 5);
  EXPECT_EQ(Ids(ids, ids + 4), (Ids{2, 8, 8, -1}));
  SmallTokenizer end(smallVocabulary, R"({"truncation_side": "left"})");
  EXPECT_FALSE(tokenize(end.tokenizer, "a a a a", 7, 5, ids, 3, &result));
  EXPECT_EQ(result.count, 5);
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(ids[3], -1);
}

TEST(TokenizerTest, TextIsReadOnlyAsFarAsNeeded) {
  SmallTokenizer small;
  // Ten megabytes that would take far longer than the test may.
  std::string text;
  for (int i = 0; i < 5'000'000; ++i)
    text += "a ";
  for (int i = 0; i < 10000; ++i)
    ASSERT_EQ(small.ids(text, 8).size(), 8u);
  EXPECT_TRUE(small.result.truncated);
}

TEST(TokenizerTest, AnyAlignment) {
  SmallTokenizer small;
  std::vector<uint8_t> shifted(small.blob.size() + 1);
  std::copy(small.blob.begin(), small.blob.end(), shifted.begin() + 1);
  ASSERT_TRUE(
      tokenizerOpen(shifted.data() + 1, small.blob.size(), &small.tokenizer));
  EXPECT_EQ(small.ids("a una[MASK]"), (Ids{2, 8, 17, 4, 3}));
}

TEST(TokenizerOpenTest, RejectsWhatIsNoTokenizer) {
  SmallTokenizer small;
  Tokenizer view;
  std::vector<uint8_t> &blob = small.blob;
  EXPECT_TRUE(tokenizerOpen(blob.data(), blob.size(), &view));
  EXPECT_FALSE(tokenizerOpen(nullptr, 0, &view));
  EXPECT_FALSE(tokenizerOpen(blob.data(), 0, &view));
  EXPECT_FALSE(tokenizerOpen(blob.data(), sizeof(TokenizerHeader) - 1, &view));
  EXPECT_FALSE(tokenizerOpen(blob.data(), blob.size() / 2, &view));
  for (size_t field : {0, 4, 12, 24, 28}) { // magic, version, limits, counts
    std::vector<uint8_t> bad = blob;
    bad[field + 2] ^= 0x40;
    EXPECT_FALSE(tokenizerOpen(bad.data(), bad.size(), &view)) << field;
  }
}

/// Whatever the tables hold, reading stays inside them (run under sanitizers).
TEST(TokenizerOpenTest, DamagedTablesAreHarmless) {
  SmallTokenizer small(smallVocabulary, R"({"truncation_side": "left",
      "added_tokens_decoder": {"24": {"content": "un", "single_word": true}}})",
                       /*lowercasesTexts=*/true);
  std::mt19937 random(1);
  int opened = 0;
  for (int round = 0; round < 3000; ++round) {
    size_t size = small.blob.size();
    auto bad = std::make_unique<uint8_t[]>(size); // exact, for the sanitizer
    std::copy(small.blob.begin(), small.blob.end(), bad.get());
    for (int i = 0; i < 3; ++i)
      bad[random() % size] = static_cast<uint8_t>(random());
    Tokenizer view;
    if (!tokenizerOpen(bad.get(), size, &view))
      continue;
    ++opened;
    int32_t ids[64];
    TokenizeResult result;
    std::string text = "unaffable caf\u00E9 [MASK] a! \u4E2D\u6587xxx ##";
    tokenize(view, text.data(), text.size(), 64, ids, 64, &result);
    EXPECT_LE(result.count, 64);
  }
  EXPECT_GT(opened, 100);
}

TEST(TokenizerTest, ArbitraryBytes) {
  SmallTokenizer small;
  std::mt19937 random(2);
  for (int round = 0; round < 3000; ++round) {
    size_t size = random() % 64;
    auto text = std::make_unique<char[]>(size); // exact, for the sanitizer
    for (size_t i = 0; i < size; ++i)
      text[i] = static_cast<char>(random());
    Ids ids = small.ids({text.get(), size});
    ASSERT_GE(ids.size(), 2u);
    for (int32_t id : ids)
      ASSERT_LT(id, 24);
  }
}

} // namespace
