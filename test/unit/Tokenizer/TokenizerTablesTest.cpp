//===- TokenizerTablesTest.cpp - Tests of reading tokenizers --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/TokenizerTables.h"

#include "TokenizerFixture.h"

#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

using namespace tq;
using namespace tq::test;

namespace {

constexpr llvm::StringLiteral addedTokens =
    R"([{"id": 0, "content": "[PAD]", "special": true, "normalized": false},
        {"id": 1, "content": "[UNK]", "special": true, "normalized": false}])";
constexpr llvm::StringLiteral bertNormalizer =
    R"({"type": "BertNormalizer", "clean_text": true, "lowercase": true,
        "handle_chinese_chars": true, "strip_accents": null})";
constexpr llvm::StringLiteral bertProcessor =
    R"({"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]})";
constexpr llvm::StringLiteral model =
    R"({"type": "WordPiece", "unk_token": "[UNK]",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4,
                  "##b": 5, "é": 6, "z": 7}})";

/// A tokenizer.json; each part replaces the usual one.
struct File {
  std::string added = addedTokens.str();
  std::string normalizer = bertNormalizer.str();
  std::string preTokenizer = R"({"type": "BertPreTokenizer"})";
  std::string processor = bertProcessor.str();
  std::string model = ::model.str();
  std::string padding = "null";

  std::string text() const {
    return R"({"version": "1.0", "added_tokens": )" + added +
           ", \"normalizer\": " + normalizer +
           ", \"pre_tokenizer\": " + preTokenizer +
           ", \"post_processor\": " + processor + ", \"padding\": " + padding +
           ", \"model\": " + model + "}";
  }
};

std::string replaced(llvm::StringRef text, llvm::StringRef from,
                     llvm::StringRef to) {
  auto [before, after] = text.split(from);
  EXPECT_NE(before, text) << "nothing to replace";
  return (before + to + after).str();
}

std::string readError(const TempDirectory &directory) {
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables =
      readTokenizerTables(directory.path(), false, warnings);
  if (tables)
    return "no error";
  return llvm::toString(tables.takeError());
}

std::string jsonError(llvm::StringRef text) {
  TempDirectory directory;
  directory.write("tokenizer.json", text);
  return readError(directory);
}

std::string
note(std::initializer_list<std::pair<const char *, std::string>> files) {
  TempDirectory directory;
  for (const auto &[name, content] : files)
    directory.write(name, content);
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables =
      readTokenizerTables(directory.path(), false, warnings);
  if (!tables)
    return "error: " + llvm::toString(tables.takeError());
  EXPECT_TRUE(tables->blob.empty());
  return tables->note;
}

//===----------------------------------------------------------------------===//
// What is read
//===----------------------------------------------------------------------===//

TEST(TokenizerJSONTest, Usual) {
  SmallTokenizer small = SmallTokenizer::fromJSON(File().text());
  EXPECT_EQ(small.ids("AB a É"), (Ids{2, 4, 5, 4, 1, 3}));
  EXPECT_EQ(small.ids("a[PAD]a"), (Ids{2, 4, 0, 4, 3}));
}

TEST(TokenizerJSONTest, EarlyVersionsDoNotNameTheModel) {
  File file;
  file.model = replaced(file.model, R"("type": "WordPiece", )", "");
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("ab"), (Ids{2, 4, 5, 3}));
}

TEST(TokenizerJSONTest, Normalizers) {
  File file;
  file.normalizer = "null";
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("A É é"),
            (Ids{2, 1, 1, 6, 3}));
  file.normalizer =
      R"({"type": "Sequence", "normalizers": [)" + bertNormalizer.str() + "]}";
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("A"), (Ids{2, 4, 3}));
  file.normalizer = replaced(bertNormalizer, "\"strip_accents\": null",
                             "\"strip_accents\": false");
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("É"), (Ids{2, 6, 3}));
}

TEST(TokenizerJSONTest, Processors) {
  File file;
  file.processor = "null";
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("a"), (Ids{4}));
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids(""), (Ids{}));
  file.processor = R"({"type": "TemplateProcessing", "single": [
      {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
      {"SpecialToken": {"id": "two", "type_id": 0}},
      {"Sequence": {"id": "A", "type_id": 0}},
      {"SpecialToken": {"id": "[SEP]", "type_id": 0}}], "special_tokens": {
      "[CLS]": {"ids": [2]}, "two": {"ids": [7, 5]}, "[SEP]": {"ids": [3]}}})";
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("a"),
            (Ids{2, 7, 5, 4, 3}));
}

TEST(TokenizerJSONTest, CountsSpecialTokens) {
  File file;
  EXPECT_EQ(rt::tokenizerSpecialTokens(
                SmallTokenizer::fromJSON(file.text()).tokenizer),
            2);
  file.processor = "null";
  EXPECT_EQ(rt::tokenizerSpecialTokens(
                SmallTokenizer::fromJSON(file.text()).tokenizer),
            0);
  file.processor = R"({"type": "TemplateProcessing", "single": [
      {"SpecialToken": {"id": "many", "type_id": 0}},
      {"Sequence": {"id": "A", "type_id": 0}},
      {"SpecialToken": {"id": "many", "type_id": 0}}], "special_tokens": {
      "many": {"ids": [2, 2, 2, 2, 2, 2]}}})";
  SmallTokenizer many = SmallTokenizer::fromJSON(file.text());
  EXPECT_EQ(rt::tokenizerSpecialTokens(many.tokenizer), 12);
  EXPECT_EQ(many.ids("").size(), 12u);
}

TEST(TokenizerJSONTest, AddedTokens) {
  File file;
  file.added = R"([{"id": 8, "content": "New"},
      {"id": 9, "content": "Ab", "normalized": false},
      {"id": 10, "content": "ü", "normalized": true},
      {"id": 11, "content": "one", "single_word": true},
      {"id": 12, "content": "Two", "single_word": true, "normalized": false},
      {"id": 99, "content": "z"},
      {"id": 13, "content": ""}])";
  SmallTokenizer small = SmallTokenizer::fromJSON(file.text());
  EXPECT_EQ(small.ids("aNEWa"), (Ids{2, 4, 8, 4, 3}));
  EXPECT_EQ(small.ids("Ab ab AB"), (Ids{2, 9, 4, 5, 4, 5, 3}));
  // Normalization makes a "u" of it, in the token and in the text.
  EXPECT_EQ(small.ids("aÜa"), (Ids{2, 4, 10, 4, 3}));
  EXPECT_EQ(small.ids("a oNe a"), (Ids{2, 4, 11, 4, 3}));
  EXPECT_EQ(small.ids("-one."), (Ids{2, 1, 11, 1, 3}));
  EXPECT_EQ(small.ids("done ones"), (Ids{2, 1, 1, 3}));
  EXPECT_EQ(small.ids("Two Twob a Two"), (Ids{2, 12, 1, 4, 12, 3}));
  EXPECT_EQ(small.ids("z"), (Ids{2, 7, 3})); // the vocabulary's own id
}

TEST(TokenizerJSONTest, LongestAddedTokenFirst) {
  File file;
  file.added = R"([{"id": 8, "content": "<a"}, {"id": 9, "content": "<a>"},
      {"id": 10, "content": "<a>b<", "normalized": false},
      {"id": 11, "content": "<a>b", "normalized": false}])";
  SmallTokenizer small = SmallTokenizer::fromJSON(file.text());
  EXPECT_EQ(small.ids("<a<a><a>b<a>b<"), (Ids{2, 8, 9, 10, 4, 1, 1, 1, 3}));
}

TEST(TokenizerJSONTest, Padding) {
  File file;
  SmallTokenizer usual = SmallTokenizer::fromJSON(file.text());
  EXPECT_EQ(rt::tokenizerPadId(usual.tokenizer), 0);
  file.padding = R"({"pad_id": 7})";
  SmallTokenizer other = SmallTokenizer::fromJSON(file.text());
  EXPECT_EQ(rt::tokenizerPadId(other.tokenizer), 7);
}

TEST(TokenizerJSONTest, EscapedCharacters) {
  File file;
  file.model =
      replaced(file.model, "\"z\": 7",
               R"("\ud840\udc00": 7, "\ud800\udc00": 8, "\\ud840": 9)");
  file.normalizer = "null";
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("\U00020000 \U00010000"),
            (Ids{2, 7, 8, 3}));
}

TEST(TokenizerJSONTest, MoreCharactersPerWord) {
  File file;
  file.model = replaced(file.model, "100", "2");
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids("ab abb"),
            (Ids{2, 4, 5, 1, 3}));
  file.model = replaced(model, "100", "1024");
  std::string word = "a" + std::string(1023, 'b');
  EXPECT_EQ(SmallTokenizer::fromJSON(file.text()).ids(word).size(), 1026u);
}

TEST(VocabularyTest, LineEnds) {
  SmallTokenizer small("[UNK]\r\n[CLS]\r\n[SEP]\r\n\r\na\r\n");
  EXPECT_EQ(small.ids("a b"), (Ids{1, 4, 0, 2}));
  EXPECT_EQ(rt::tokenizerPadId(small.tokenizer), 0);
}

TEST(VocabularyTest, OtherNames) {
  SmallTokenizer small("<s>\n</s>\n<unk>\n<pad>\na\n", R"({
      "cls_token": "<s>", "sep_token": {"content": "</s>"},
      "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": null,
      "tokenizer_class": "BertTokenizerFast"})");
  EXPECT_EQ(small.ids("a b<pad>"), (Ids{0, 4, 2, 3, 1}));
  EXPECT_EQ(rt::tokenizerPadId(small.tokenizer), 3);
}

//===----------------------------------------------------------------------===//
// What is not built in
//===----------------------------------------------------------------------===//

TEST(TokenizerNoteTest, OtherKinds) {
  File file;
  file.model = R"({"type": "BPE", "vocab": {}, "merges": []})";
  file.preTokenizer = R"({"type": "ByteLevel"})";
  const char *byteLevel =
      "this model's tokenizer is byte-level BPE, which is not built into "
      "programs; give token ids with --input input_ids=FILE.npy";
  EXPECT_EQ(note({{"tokenizer.json", file.text()}}), byteLevel);
  EXPECT_EQ(note({{"vocab.json", "{}"}, {"merges.txt", ""}}), byteLevel);
  file.preTokenizer =
      R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}]})";
  EXPECT_EQ(note({{"tokenizer.json", file.text()}}), byteLevel);
  file.preTokenizer = "null";
  EXPECT_TRUE(isOneLineWith(note({{"tokenizer.json", file.text()}}),
                            {"tokenizer is BPE, which is not built"}));
  file.model = R"({"type": "Unigram", "vocab": []})";
  // vocab.txt does not count beside a tokenizer.json.
  EXPECT_TRUE(isOneLineWith(
      note({{"tokenizer.json", file.text()}, {"vocab.txt", "[UNK]"}}),
      {"tokenizer is Unigram, which is not built", "--input input_ids"}));
  EXPECT_TRUE(isOneLineWith(note({}), {"without a tokenizer", "--input"}));
  EXPECT_TRUE(
      isOneLineWith(note({{"vocab.txt", "a"},
                          {"tokenizer_config.json",
                           R"({"tokenizer_class": "BertweetTokenizer"})"}}),
                    {"tokenizer is BertweetTokenizer"}));
}

TEST(TokenizerNoteTest, OtherSteps) {
  File file;
  file.normalizer = R"({"type": "NFKC"})";
  EXPECT_TRUE(isOneLineWith(note({{"tokenizer.json", file.text()}}),
                            {"normalizer is NFKC"}));
  file = File();
  file.preTokenizer = R"({"type": "Whitespace"})";
  EXPECT_TRUE(isOneLineWith(note({{"tokenizer.json", file.text()}}),
                            {"pre-tokenizer is Whitespace"}));
  file.preTokenizer = "null";
  EXPECT_TRUE(isOneLineWith(note({{"tokenizer.json", file.text()}}),
                            {"pre-tokenizer is none"}));
  file = File();
  file.processor = R"({"type": "ByteLevel"})";
  EXPECT_TRUE(isOneLineWith(note({{"tokenizer.json", file.text()}}),
                            {"post-processor is ByteLevel"}));
}

//===----------------------------------------------------------------------===//
// What is malformed
//===----------------------------------------------------------------------===//

TEST(TokenizerJSONErrorTest, Model) {
  EXPECT_TRUE(
      isOneLineWith(jsonError("{"), {"tokenizer.json: expected valid"}));
  EXPECT_TRUE(isOneLineWith(jsonError("{}"),
                            {"'model': expected an object", "no such key"}));
  auto modelError = [](llvm::StringRef from, llvm::StringRef to) {
    File file;
    file.model = replaced(file.model, from, to);
    return jsonError(file.text());
  };
  EXPECT_TRUE(isOneLineWith(modelError("\"a\": 4", "\"a\": -4"),
                            {"'model.vocab.a'", "an integer in [0", "got -4"}));
  EXPECT_TRUE(isOneLineWith(modelError("\"a\": 4", "\"a\": \"4\""),
                            {"'model.vocab.a'", "got \"4\""}));
  EXPECT_TRUE(isOneLineWith(modelError("\"a\": 4", "\"a\": 4294967296"),
                            {"'model.vocab.a'", "got 4294967296"}));
  EXPECT_TRUE(isOneLineWith(modelError("\"a\": 4", "\"[UNK]\": 4"),
                            {"each name once"}));
  EXPECT_TRUE(isOneLineWith(
      modelError("\"unk_token\": \"[UNK]\"", "\"unk_token\": \"<unk>\""),
      {"unknown token '<unk>'", "not there"}));
  EXPECT_TRUE(
      isOneLineWith(modelError("\"unk_token\": \"[UNK]\"", "\"unk_token\": 1"),
                    {"'model.unk_token': expected a string", "got 1"}));
  EXPECT_TRUE(isOneLineWith(modelError("100", "0"),
                            {"max_input_chars_per_word", "got 0"}));
  EXPECT_TRUE(isOneLineWith(modelError("100", "1025"),
                            {"max_input_chars_per_word", "got 1025"}));
  EXPECT_TRUE(isOneLineWith(modelError("\"vocab\": ", "\"vocab\": [], \"v\": "),
                            {"'model.vocab': expected an object", "got []"}));
}

TEST(TokenizerJSONErrorTest, Steps) {
  File file;
  file.normalizer = "3";
  EXPECT_TRUE(isOneLineWith(jsonError(file.text()),
                            {"'normalizer': expected an object", "got 3"}));
  file.normalizer =
      replaced(bertNormalizer, "\"lowercase\": true", "\"lowercase\": 1");
  EXPECT_TRUE(
      isOneLineWith(jsonError(file.text()),
                    {"'normalizer.lowercase': expected true or false"}));
  auto processorError = [](llvm::StringRef text) {
    File other;
    other.processor = text.str();
    return jsonError(other.text());
  };
  EXPECT_TRUE(isOneLineWith(
      processorError(R"({"type": "BertProcessing", "cls": ["[CLS]", 2]})"),
      {"'post_processor.sep': expected [token, id]", "no such key"}));
  EXPECT_TRUE(isOneLineWith(
      processorError(
          R"({"type": "BertProcessing", "cls": ["a", "b"], "sep": ["c", 1]})"),
      {"'post_processor.cls': expected [token, id]", "got [\"a\",\"b\"]"}));
  EXPECT_TRUE(isOneLineWith(processorError(R"({"type": "TemplateProcessing"})"),
                            {"'post_processor.single': expected an array"}));
  EXPECT_TRUE(isOneLineWith(
      processorError(R"({"type": "TemplateProcessing", "single": []})"),
      {"hold the text"}));
  EXPECT_TRUE(
      isOneLineWith(processorError(R"({"type": "TemplateProcessing", "single": [
          {"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}]})"),
                    {"'post_processor.single[1]'", "the text once"}));
  EXPECT_TRUE(
      isOneLineWith(processorError(R"({"type": "TemplateProcessing", "single": [
          {"SpecialToken": {"id": "[X]"}}], "special_tokens": {}})"),
                    {"the ids of '[X]'"}));
  EXPECT_TRUE(
      isOneLineWith(processorError(R"({"type": "TemplateProcessing", "single": [
          {"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}],
          "special_tokens": {"x": {"ids": [1, 1, 1, 1, 1, 1, 1, 1, 1]}}})"),
                    {"at most 8 special tokens"}));
}

TEST(TokenizerJSONErrorTest, AddedTokens) {
  auto addedError = [](const std::string &text) {
    File file;
    file.added = text;
    return jsonError(file.text());
  };
  EXPECT_TRUE(isOneLineWith(addedError("1"), {"'added_tokens'", "an array"}));
  EXPECT_TRUE(isOneLineWith(
      addedError("[1]"), {"'added_tokens[0]': expected an object", "got 1"}));
  EXPECT_TRUE(isOneLineWith(addedError(R"([{"content": "q"}])"),
                            {"'added_tokens[0].id'", "no such key"}));
  EXPECT_TRUE(
      isOneLineWith(addedError(R"([{"content": "q", "id": 9, "special": 0}])"),
                    {"'added_tokens[0].special': expected true or false"}));
  EXPECT_TRUE(isOneLineWith(
      addedError(R"([{"id": 9, "content": ")" + std::string(257, 'q') + "\"}]"),
      {"at most 256 bytes", "qqq"}));
}

TEST(VocabularyErrorTest, Malformed) {
  auto vocabularyError = [](llvm::StringRef vocabulary,
                            llvm::StringRef config = "{}") {
    TempDirectory directory;
    directory.write("vocab.txt", vocabulary);
    directory.write("tokenizer_config.json", config);
    return readError(directory);
  };
  EXPECT_EQ(vocabularyError("[UNK]\n[CLS]\n[SEP]"), "no error");
  EXPECT_TRUE(isOneLineWith(vocabularyError(""),
                            {"vocab.txt", "'[CLS]'", "not there"}));
  EXPECT_TRUE(isOneLineWith(vocabularyError("[CLS]\n[SEP]"),
                            {"unknown token '[UNK]'", "not there"}));
  EXPECT_TRUE(isOneLineWith(vocabularyError("[UNK]\n[CLS]\n"),
                            {"'[SEP]'", "not there"}));
  EXPECT_TRUE(isOneLineWith(vocabularyError("[UNK]\n\xFFz\n"),
                            {"expected UTF-8", "line 2"}));
  EXPECT_TRUE(isOneLineWith(
      vocabularyError(smallVocabulary, R"({"do_lower_case": "yes"})"),
      {"tokenizer_config.json", "'do_lower_case': expected true or false"}));
  EXPECT_TRUE(
      isOneLineWith(vocabularyError(smallVocabulary, R"({"cls_token": 7})"),
                    {"'cls_token': expected a string or"}));
  EXPECT_TRUE(isOneLineWith(vocabularyError(smallVocabulary, "[]"),
                            {"expected a JSON object"}));
}

TEST(VocabularyErrorTest, NoFile) {
  TempDirectory directory;
  directory.write("vocab.txt/file", "");
  EXPECT_TRUE(isOneLineWith(readError(directory), {"a regular file"}));
}

} // namespace
