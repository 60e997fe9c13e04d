//===- NormalizerTest.cpp - Tests of BERT's text normalization ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Runtime/TokenizerNormalizer.h"

#include "gtest/gtest.h"

#include <string>

using namespace tq::rt;

namespace {

constexpr uint32_t all =
    kCleanText | kSpaceChinese | kStripAccents | kLowercase;

/// Normalizes UTF-8.
std::string normalize(std::string_view text, uint32_t flags = all) {
  std::string result;
  Normalizer normalizer(
      flags, 100,
      [](void *to, uint32_t c) {
        uint8_t bytes[4];
        unsigned count = encodeUtf8(c, bytes);
        static_cast<std::string *>(to)->append(bytes, bytes + count);
      },
      &result);
  for (size_t at = 0; at < text.size();)
    normalizer.push(decodeUtf8(reinterpret_cast<const uint8_t *>(text.data()),
                               text.size(), &at));
  normalizer.finish();
  return result;
}

std::u32string decode(std::string_view text) {
  std::u32string result;
  for (size_t at = 0; at < text.size();)
    result += decodeUtf8(reinterpret_cast<const uint8_t *>(text.data()),
                         text.size(), &at);
  return result;
}

/// Lower-cases UTF-8.
std::string lower(std::string_view text) {
  std::string result;
  TextLowercaser lowercaser(reinterpret_cast<const uint8_t *>(text.data()),
                            text.size());
  while (!lowercaser.atEnd()) {
    uint32_t characters[2];
    unsigned count = lowercaser.next(characters);
    for (unsigned i = 0; i < count; ++i) {
      uint8_t bytes[4];
      unsigned size = encodeUtf8(characters[i], bytes);
      result.append(bytes, bytes + size);
    }
  }
  return result;
}

TEST(LowercaseTest, AsPythonDoes) {
  EXPECT_EQ(lower("Ab ÄÖ ß \u1E9E ǅ Ⅷ"), "ab äö ß ß ǆ ⅷ");
  EXPECT_EQ(lower("İ"), "i\u0307");
  EXPECT_EQ(lower(""), "");
  EXPECT_EQ(lower("A\xFF"), "a\uFFFD");
}

TEST(LowercaseTest, Sigma) {
  EXPECT_EQ(lower("ΟΔΟΣ ΟΔΟΣ."), "οδος οδος.");
  EXPECT_EQ(lower("Σ ΣΑ ΑΣΑ 1Σ"), "σ σα ασα 1σ");
  // Marks, apostrophes and modifier letters are looked through.
  EXPECT_EQ(lower("Α\u0301Σ\u0301"), "α\u0301ς\u0301");
  EXPECT_EQ(lower("ΑΣ'Α Α'Σ ΑΣ' ʰΣ"), "ασ'α α'ς ας' ʰσ");
  EXPECT_EQ(lower("ªΣ ⅧΣ ⒶΣ 中Σ"), "ªς ⅷς ⓐς 中σ");
}

TEST(Utf8Test, RoundTrip) {
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000)
      continue;
    uint8_t bytes[4];
    unsigned count = encodeUtf8(c, bytes);
    size_t position = 0;
    ASSERT_EQ(decodeUtf8(bytes, count, &position), c);
    ASSERT_EQ(position, count);
    // One byte less is one ill-formed part.
    if (count == 1)
      continue;
    position = 0;
    ASSERT_EQ(decodeUtf8(bytes, count - 1, &position), 0xFFFDu) << c;
    ASSERT_EQ(position, count - 1);
  }
}

TEST(Utf8Test, EachMaximalIllFormedPartIsOneReplacement) {
  EXPECT_EQ(decode("\x80"), U"\uFFFD");
  EXPECT_EQ(decode("\xC3("), U"\uFFFD(");
  EXPECT_EQ(decode("\xE4\xB8x"), U"\uFFFDx");
  EXPECT_EQ(decode("\xF0\x9F\x98"), U"\uFFFD");
  EXPECT_EQ(decode("\xF0\x9F\xC3\xA9"), U"\uFFFD\u00E9");
  // Overlong forms, a surrogate, beyond the last code point: each byte.
  EXPECT_EQ(decode("\xC0\x80"), U"\uFFFD\uFFFD");
  EXPECT_EQ(decode("\xE0\x80\x80"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decode("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decode("\xF4\x90\x80\x80"), U"\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decode("\xFF"), U"\uFFFD");
}

TEST(NormalizerTest, Cleaning) {
  EXPECT_EQ(normalize({"a\0b\x01"
                       "c\x7F",
                       6}),
            "abc");
  EXPECT_EQ(normalize("a\tb\nc\rd\u00A0e\u3000f\u2028g"), "a b c d e f g");
  EXPECT_EQ(normalize("a\u200Bb\u200Dc\uFEFFd\u00ADe\uE000f\uFFFDg"),
            "abcdefg");
  EXPECT_EQ(normalize("a\tb\u200B", 0), "a\tb\u200B");
}

TEST(NormalizerTest, Ideographs) {
  EXPECT_EQ(normalize("a中文b"), "a 中  文 b");
  EXPECT_EQ(normalize("ひらカタ한", kSpaceChinese), "ひらカタ한");
  EXPECT_EQ(normalize("\U0002B740\U0002B820", kSpaceChinese),
            " \U0002B740 \U0002B820");
  EXPECT_EQ(normalize("中", all & ~kSpaceChinese), "中");
}

TEST(NormalizerTest, Accents) {
  EXPECT_EQ(normalize("Café Å\u212B E\u0301"), "cafe aa e");
  EXPECT_EQ(normalize("Café", kLowercase), "café");
  EXPECT_EQ(normalize("Café", kStripAccents), "Cafe");
  EXPECT_EQ(normalize("한", kStripAccents), "\u1112\u1161\u11AB");
  // Older than these marks, the library keeps them.
  EXPECT_EQ(normalize("a\u0898", kStripAccents), "a\u0898");
}

TEST(NormalizerTest, CanonicalOrderOfWhatIsKept) {
  // Spacing marks of classes 224 (U+302F), 9 (U+1B44) and 226 (U+1D16D).
  EXPECT_EQ(normalize("\u302F\u1B44\U0001D16D"), "\u1B44\u302F\U0001D16D");
  EXPECT_EQ(normalize("\U0001D16D\u0301\u302F"), "\u302F\U0001D16D");
  EXPECT_EQ(normalize("\u302Fa\u1B44"), "\u302Fa\u1B44");
  // A dropped mark of class 0 (U+0900) still stands between.
  EXPECT_EQ(normalize("\u302F\u0900\u1B44"), "\u302F\u1B44");
  EXPECT_EQ(normalize("\u302F\u1B44", kLowercase), "\u302F\u1B44");
}

TEST(NormalizerTest, LowerCase) {
  EXPECT_EQ(normalize("\u0130", kLowercase), "i\u0307");
  EXPECT_EQ(normalize("\u0130"), "i");
  EXPECT_EQ(normalize("ẞ ΟΣ Ǆ Ⅷ Ａ", kLowercase), "ß οσ ǆ ⅷ ａ");
  EXPECT_EQ(normalize("\uA7CB\U00016EA0", kLowercase), "\u0264\U00016EBB");
}

/// Of every code point: what it becomes and what it counts as. The sum was
/// taken when all of them agreed with tokenizers 0.23.3 (tokenizer_test.py); it
/// changes if utf8proc's tables do, and then UnicodeExceptions.inc must.
TEST(NormalizerTest, EveryCodePointStaysWhatItIs) {
  uint64_t sum = 0xCBF29CE484222325;
  auto add = [&sum](uint64_t value) { sum = (sum ^ value) * 0x100000001B3; };
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000)
      continue;
    uint8_t bytes[4];
    unsigned count = encodeUtf8(c, bytes);
    for (uint32_t flag : {kCleanText, kSpaceChinese, kStripAccents, kLowercase})
      for (char byte :
           normalize({reinterpret_cast<char *>(bytes), count}, flag) + "\n")
        add(static_cast<uint8_t>(byte));
    add(isWhitespace(c) | isPunctuation(c) << 1 | isWordCharacter(c) << 2);
  }
  EXPECT_EQ(sum, 12247341723334755466u);
}

} // namespace
