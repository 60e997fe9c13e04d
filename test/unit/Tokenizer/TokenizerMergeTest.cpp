//===- TokenizerMergeTest.cpp - Tests of tokenizers of several files ------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ids of whole directories are in test/e2e/tokenizer_directories.py; these
// are the errors, warnings and notes.
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/TokenizerTables.h"

#include "TokenizerFixture.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

using namespace tq;
using namespace tq::test;

namespace {

/// What reading says of smallVocabulary as vocab.txt and other files: an error,
/// "note: ...", or its warnings, one a line.
std::string
messages(std::initializer_list<std::pair<const char *, const char *>> files) {
  TempDirectory directory;
  directory.write("vocab.txt", smallVocabulary);
  for (auto [name, content] : files)
    directory.write(name, content);
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables =
      readTokenizerTables(directory.path(), false, warnings);
  if (!tables)
    return llvm::toString(tables.takeError());
  std::string text = tables->note.empty() ? "" : "note: " + tables->note;
  for (const MetadataWarning &warning : warnings)
    text += (text.empty() ? "" : "\n") + warning.path + ": " + warning.message;
  return text;
}

std::string config(const char *text) {
  return messages({{"tokenizer_config.json", text}});
}

TEST(TokenizerClassTest, OtherClassesGetNoTokenizer) {
  EXPECT_TRUE(isOneLineWith(
      messages({{"config.json", R"({"model_type": "bert",
                  "tokenizer_class": "BertJapaneseTokenizer"})"}}),
      {"note: ", "is BertJapaneseTokenizer, which is not built", "--input"}));
  EXPECT_TRUE(
      isOneLineWith(config(R"({"tokenizer_class": "BertJapaneseTokenizer",
                        "word_tokenizer_type": "mecab"})"),
                    {"note: ", "BertJapaneseTokenizer"}));
  EXPECT_TRUE(
      isOneLineWith(messages({{"config.json", R"({"model_type": "roberta"})"}}),
                    {"note: ", "is that of roberta, which is not built"}));
  EXPECT_TRUE(
      isOneLineWith(config(R"({"tokenizer_class": "PreTrainedTokenizerFast"})"),
                    {"note: ", "which needs a tokenizer.json"}));
  // tokenizer_config.json comes first, and nothing is said of BERT's classes.
  EXPECT_EQ(messages({{"tokenizer_config.json",
                       R"({"tokenizer_class": "ElectraTokenizerFast"})"},
                      {"config.json", R"({"model_type": "roberta",
                        "tokenizer_class": "BertJapaneseTokenizer"})"}}),
            "");
}

TEST(TokenizerClassTest, JapaneseSettingsAreRefused) {
  EXPECT_TRUE(
      isOneLineWith(config(R"({"tokenizer_class": "BertTokenizer",
                 "word_tokenizer_type": "mecab"})"),
                    {"'word_tokenizer_type'", "\"mecab\"", "Japanese"}));
}

TEST(TokenizerWarningTest, Keys) {
  EXPECT_EQ(config(R"({"do_lower_case": true, "chat_template": "x",
                       "padding_side": "right", "use_fast": false})"),
            "");
  EXPECT_TRUE(
      isOneLineWith(config(R"({"new_key": 1})"),
                    {"tokenizer_config.json", "'new_key'", "not known"}));
  EXPECT_TRUE(isOneLineWith(
      config(R"({"padding_side": "left"})"),
      {"'padding_side'", "shifts their positions", "what it gives alone"}));
  EXPECT_TRUE(
      isOneLineWith(config(R"({"auto_map": {"AutoTokenizer": ["a.B", null]}})"),
                    {"'auto_map'", "no code of a model's own"}));
  EXPECT_TRUE(isOneLineWith(
      messages({{"special_tokens_map.json", R"({"odd_token": "x"})"}}),
      {"special_tokens_map.json", "'odd_token'"}));
  EXPECT_TRUE(
      isOneLineWith(config(R"({"cls_token": {"content": "[CLS]", "odd": 1}})"),
                    {"'cls_token.odd'"}));
  // A model without a tokenizer in its program has no use for them.
  EXPECT_TRUE(isOneLineWith(
      config(R"({"tokenizer_class": "XLNetTokenizer", "new_key": 1})"),
      {"note: "}));
}

TEST(TokenizerSettingsErrorTest, Malformed) {
  for (auto [text, expected] :
       {std::pair(R"({"do_lower_case": null})", "'do_lower_case'"),
        std::pair(R"({"truncation_side": "up"})", "\"left\" or \"right\""),
        std::pair(R"({"split_special_tokens": 1})", "true or false"),
        std::pair(R"({"additional_special_tokens": "x"})",
                  "a list or an object of tokens"),
        std::pair(R"({"additional_special_tokens": [1]})",
                  "additional_special_tokens[0]'"),
        std::pair(R"({"added_tokens_decoder": []})", "expected an object"),
        std::pair(R"({"added_tokens_decoder": {"x": {"content": "y"}}})",
                  "ids in [0"),
        std::pair(R"({"added_tokens_decoder": {"-4": {"content": "y"}}})",
                  "got '-4'"),
        std::pair(R"({"added_tokens_decoder": {"4": {"special": true}}})",
                  "'added_tokens_decoder.4.content'"),
        std::pair(R"({"extra_special_tokens": {"a": "<a>", "b": "<b>"}})",
                  "the ids of '<")})
    EXPECT_TRUE(
        isOneLineWith(config(text), {"tokenizer_config.json", expected}))
        << text;
  EXPECT_TRUE(
      isOneLineWith(messages({{"added_tokens.json", R"({"x": "y"})"}}),
                    {"added_tokens.json", "'x': expected an integer in [0"}));
  EXPECT_TRUE(isOneLineWith(messages({{"special_tokens_map.json", "[]"}}),
                            {"special_tokens_map.json", "a JSON object"}));
  // One token of an object can only get the next id.
  EXPECT_EQ(config(R"({"extra_special_tokens": {"a": "<a>"}})"), "");
}

TEST(TokenizerSettingsErrorTest, SpaceThatTwoTokensWant) {
  EXPECT_TRUE(isOneLineWith(config(R"({"added_tokens_decoder": {
          "24": {"content": "<a>", "rstrip": true},
          "25": {"content": " b", "normalized": false}}})"),
                            {"lstrip or rstrip", "' b'"}));
  EXPECT_EQ(config(R"({"added_tokens_decoder": {
          "24": {"content": "<a>"},
          "25": {"content": " b", "normalized": false}}})"),
            "");
}

TEST(TokenizerFilesTest, DanglingLinksAreErrors) {
  for (const char *name :
       {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "config.json"}) {
    TempDirectory directory;
    if (llvm::StringRef(name) != "vocab.txt")
      directory.write("vocab.txt", smallVocabulary);
    ASSERT_FALSE(
        llvm::sys::fs::create_link("nowhere", directory.path() + "/" + name));
    MetadataWarnings warnings;
    llvm::Expected<TokenizerTables> tables =
        readTokenizerTables(directory.path(), false, warnings);
    ASSERT_FALSE(bool(tables)) << name;
    EXPECT_TRUE(
        isOneLineWith(llvm::toString(tables.takeError()), {name, "link"}));
  }
}

TEST(TokenizerFilesTest, NoDirectory) {
  TempDirectory directory;
  MetadataWarnings warnings;
  llvm::Expected<TokenizerTables> tables =
      readTokenizerTables(directory.path() + "/gone", false, warnings);
  ASSERT_FALSE(bool(tables));
  EXPECT_TRUE(
      isOneLineWith(llvm::toString(tables.takeError()),
                    {"gone", "the directory of the model's tokenizer"}));
}

TEST(TokenizerTablesTest, Ids) {
  TempDirectory directory;
  directory.write("vocab.txt", smallVocabulary);
  directory.write("tokenizer_config.json",
                  R"({"additional_special_tokens": ["<n>"]})");
  MetadataWarnings warnings;
  TokenizerTables tables =
      llvm::cantFail(readTokenizerTables(directory.path(), false, warnings));
  EXPECT_EQ(tables.largestId, 24);
  EXPECT_EQ(tables.specialIds, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(tables.padId, 0);
}

TEST(TokenizerIdsTest, AgainstTheModel) {
  TokenizerTables tables;
  tables.path = "f";
  tables.largestId = 9;
  tables.specialIds = {2, 3};
  tables.padId = 4;
  MetadataWarnings warnings;
  auto check = [&](int64_t vocabSize) {
    return llvm::toString(checkTokenizerIds(tables, vocabSize, warnings));
  };
  EXPECT_EQ(check(3), ""); // no tokenizer
  tables.blob = {0};
  EXPECT_EQ(check(10), "");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(check(9), "");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0].message, {"below 9", "up to id 9"}));
  EXPECT_TRUE(isOneLineWith(check(4), {"the padding token below 4", "id 4"}));
  EXPECT_TRUE(isOneLineWith(check(3), {"special tokens of each text", "id 3"}));
}

} // namespace
