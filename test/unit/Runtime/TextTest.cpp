//===- TextTest.cpp - Tests of texts in batches ---------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text.h"
#include "TestProgram.h"
#include <gtest/gtest.h>
#include <string.h>
#include <string>
#include <vector>

using namespace tq::rt;
using namespace tq::test;

namespace {

class TextTest : public testing::Test {
protected:
  void SetUp() override { open(makeProgram()); }
  void TearDown() override {
    tq_session_destroy(session);
    tq_model_close(model);
  }
  void open(tq_program from) {
    TearDown();
    program = from;
    ASSERT_EQ(openProgram(program, &model), TQ_OK);
    ASSERT_EQ(create(model, 2, &session), TQ_OK);
  }
  tq_status run(const std::vector<std::string> &texts, int64_t batch) {
    std::vector<const char *> pointers;
    std::vector<size_t> bytes;
    for (const std::string &text : texts) {
      pointers.push_back(text.data());
      bytes.push_back(text.size());
    }
    return tq_session_run_text(session, pointers.data(), bytes.data(),
                               int64_t(texts.size()), batch, outputs, 2,
                               &truncated);
  }
  std::vector<char> bytesOf(int index) const {
    int64_t bytes = 0;
    product(outputs[index].dims, outputs[index].rank, 4, &bytes);
    auto *data = static_cast<const char *>(outputs[index].data);
    return {data, data + bytes};
  }

  tq_program program;
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
  tq_tensor outputs[2] = {};
  int64_t truncated = -1;
};

} // namespace

TEST_F(TextTest, RowsStandInTheOrderOfTheTexts) {
  ASSERT_EQ(run({"a", "to be or", "", "two words"}, 0), TQ_OK)
      << tq_last_message();
  EXPECT_EQ(outputs[0].dims[0], 4);
  EXPECT_EQ(outputs[1].dims[1], 5);
  EXPECT_EQ(truncated, 0);
  const int64_t ids[4][5] = {{1, 4, 2}, {1, 5, 5, 5, 2}, {1, 2}, {1, 6, 8, 2}};
  const int64_t lengths[] = {3, 5, 2, 4}, ones[] = {1, 1, 1, 1, 1},
                zeros[5] = {};
  auto *embedding = static_cast<const float *>(outputs[0].data);
  auto *states = static_cast<const float *>(outputs[1].data);
  for (int t = 0; t < 4; ++t) {
    for (int j = 0; j < width; ++j)
      EXPECT_EQ(embedding[t * width + j],
                expectedEmbedding(ids[t], ones, zeros, lengths[t], j));
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(states[(t * 5 + i) * 2], i < lengths[t] ? float(ids[t][i]) : 0);
  }
}

TEST_F(TextTest, SameBitsWhateverTheBatch) {
  std::vector<std::string> texts;
  for (int i = 0; i < 75; ++i) {
    std::string text;
    for (int w = 0; w < i * 7 % 11; ++w)
      text += std::string(1 + (i + w) % 9, 'x') + " ";
    texts.push_back(text);
  }
  ASSERT_EQ(run(texts, 1), TQ_OK);
  std::vector<char> embedding = bytesOf(0), states = bytesOf(1);
  for (int64_t batch : {0, 2, 3, 32, 1000}) {
    ASSERT_EQ(run(texts, batch), TQ_OK);
    EXPECT_EQ(bytesOf(0), embedding) << batch;
    EXPECT_EQ(bytesOf(1), states) << batch;
  }
}

TEST_F(TextTest, CutsLongTexts) {
  std::string words;
  for (int i = 0; i < 40; ++i)
    words += "word ";
  ASSERT_EQ(run({"short", words}, 0), TQ_OK);
  EXPECT_EQ(truncated, 1);
  EXPECT_EQ(outputs[1].dims[1], 12);
  // Without a limit of its own the table of positions counts.
  program.max_tokens = 0;
  EXPECT_EQ(textLimit(program), maxSequence);
  ASSERT_EQ(run({words}, 0), TQ_OK);
  EXPECT_EQ(outputs[1].dims[1], maxSequence);
  program.max_tokens = 1000;
  EXPECT_EQ(textLimit(program), maxSequence);
}

static const tq_program_prompt prompts[] = {
    {"empty", ""}, {"none at all", "seven "}, {"query", "query: "}};

TEST_F(TextTest, PutsPromptsBeforeTexts) {
  ASSERT_EQ(run({"query: a", "query: two words"}, 0), TQ_OK);
  std::vector<char> prompted = bytesOf(0);
  ASSERT_EQ(run({"a", "two words"}, 0), TQ_OK);
  std::vector<char> bare = bytesOf(0);
  ASSERT_NE(prompted, bare);

  program.prompts = prompts;
  program.num_prompts = 3;
  program.default_prompt = 3;
  open(program);
  EXPECT_EQ(tq_model_num_prompts(model), 3);
  EXPECT_STREQ(tq_model_prompt(model, 2), "query");
  EXPECT_EQ(tq_model_prompt(model, 3), nullptr);
  EXPECT_EQ(tq_model_prompt(model, -1), nullptr);
  auto embed = [&](const char *prompt) {
    EXPECT_EQ(tq_session_set_prompt(session, prompt), TQ_OK);
    EXPECT_EQ(run({"a", "two words"}, 0), TQ_OK) << tq_last_message();
    return bytesOf(0);
  };
  ASSERT_EQ(run({"a", "two words"}, 0), TQ_OK);
  EXPECT_EQ(bytesOf(0), prompted);
  EXPECT_EQ(embed(""), bare);
  EXPECT_EQ(embed("query"), prompted);
  EXPECT_EQ(embed("empty"), bare);
  EXPECT_EQ(embed(nullptr), prompted);
  EXPECT_EQ(tq_session_set_prompt(session, "quer"), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(),
               "expected the name of one of 3 prompts, as 'empty', found "
               "'quer'; --describe lists them");
  EXPECT_EQ(tq_session_set_prompt(nullptr, "query"), TQ_ERROR_USAGE);
}

TEST_F(TextTest, CutsTextsBehindTheirPrompt) {
  program.prompts = prompts;
  program.num_prompts = 3;
  program.default_prompt = 2;
  open(program);
  std::string words;
  for (int i = 0; i < 9; ++i)
    words += "word ";
  ASSERT_EQ(run({words, ""}, 0), TQ_OK);
  EXPECT_EQ(truncated, 0);
  EXPECT_EQ(outputs[1].dims[1], 12);
  ASSERT_EQ(run({words + "more", ""}, 0), TQ_OK);
  EXPECT_EQ(truncated, 1);
  EXPECT_EQ(outputs[1].dims[1], 12);
}

TEST_F(TextTest, HasNoPromptsUnlessTheModelHas) {
  EXPECT_EQ(tq_model_num_prompts(model), 0);
  EXPECT_EQ(tq_session_set_prompt(session, ""), TQ_OK);
  EXPECT_EQ(tq_session_set_prompt(session, nullptr), TQ_OK);
  EXPECT_EQ(tq_session_set_prompt(session, "query"), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(), "expected no prompt, as this model has none, "
                                  "found 'query'");
}

TEST_F(TextTest, TokenizesThroughTheInterface) {
  int32_t ids[4], cut = -1;
  int64_t count = 0;
  ASSERT_EQ(tq_model_has_tokenizer(model), 1);
  ASSERT_EQ(tq_model_tokenize(model, "ab abc", 6, ids, 4, &count, &cut), TQ_OK);
  EXPECT_EQ(count, 4);
  EXPECT_EQ(ids[1], 5);
  EXPECT_EQ(cut, 0);
  ASSERT_EQ(tq_model_tokenize(model, "a b c d", 7, ids, 4, &count, &cut),
            TQ_OK);
  EXPECT_EQ(count, 4);
  EXPECT_EQ(cut, 1);
  EXPECT_EQ(tq_model_tokenize(model, "a", 1, ids, 1, &count, &cut),
            TQ_ERROR_USAGE);
  EXPECT_EQ(tq_model_tokenize(model, nullptr, 1, ids, 1, &count, &cut),
            TQ_ERROR_USAGE);
}

TEST_F(TextTest, SaysWhyThereIsNoTokenizer) {
  program.tokenizer = nullptr;
  program.tokenizer_note = "its tokenizer is byte-level BPE";
  open(program);
  EXPECT_EQ(tq_model_has_tokenizer(model), 0);
  EXPECT_EQ(run({"a"}, 0), TQ_ERROR_USAGE);
  EXPECT_NE(strstr(tq_last_message(), "byte-level BPE"), nullptr);
}

TEST_F(TextTest, NamesTheTextWithAnUnknownToken) {
  // The last in the order of their lengths, the second in that of the user.
  EXPECT_EQ(run({"a b", "zebra", "one two three", "zebra zebra"}, 0),
            TQ_ERROR_INPUT);
  EXPECT_STREQ(tq_last_message(),
               "text 2: expected token ids from 0 to 99, found 100; the "
               "tokenizer has more tokens than the model");
  // What is cut off does not count, and without a limit the dtype does.
  std::string words;
  for (int i = 0; i < 11; ++i)
    words += "word ";
  EXPECT_EQ(run({words + "zebra"}, 0), TQ_OK) << tq_last_message();
  static tq_program_tensor inputs[3];
  memcpy(inputs, entryOf(program).inputs, sizeof(inputs));
  entryOf(program).inputs = inputs;
  inputs[0].limit = 0;
  EXPECT_EQ(run({"zebra"}, 0), TQ_OK) << tq_last_message();
  inputs[0].limit = 101;
  EXPECT_EQ(run({"zebra"}, 0), TQ_OK) << tq_last_message();
}

TEST_F(TextTest, RefusesUnknownPaddingBeforeARun) {
  setTokenizer(program, "badpad");
  open(program);
  EXPECT_EQ(run({"a", "b c"}, 0), TQ_ERROR_INPUT);
  EXPECT_STREQ(tq_last_message(),
               "padding of texts: expected a token id from 0 to 99, found 100");
  EXPECT_EQ(run({"a", "b"}, 0), TQ_OK) << tq_last_message();
  static tq_program_tensor inputs[3];
  memcpy(inputs, entryOf(program).inputs, sizeof(inputs));
  inputs[1].name = "other_mask"; // texts of one length share a batch
  entryOf(program).inputs = inputs;
  EXPECT_EQ(run({"a", "b c"}, 0), TQ_OK) << tq_last_message();
}

TEST_F(TextTest, NamesTheTextWithoutTokens) {
  setTokenizer(program, "bare");
  open(program);
  EXPECT_EQ(run({"a b", "c", "", "d"}, 0), TQ_ERROR_INPUT);
  EXPECT_STREQ(tq_last_message(),
               "text 3: expected at least one token, found none; this "
               "tokenizer adds none of its own to an empty text");
  ASSERT_EQ(run({"a b", "c"}, 0), TQ_OK) << tq_last_message();
  EXPECT_EQ(outputs[1].dims[1], 2);
}

TEST_F(TextTest, HasRoomForAnyNumberOfSpecialTokens) {
  setTokenizer(program, "framed");
  program.max_tokens = 0;
  open(program);
  ASSERT_EQ(run({"", "a"}, 0), TQ_OK) << tq_last_message();
  EXPECT_EQ(outputs[1].dims[1], 15);
}

TEST_F(TextTest, RefusesNoTexts) {
  EXPECT_EQ(run({}, 0), TQ_ERROR_INPUT);
  EXPECT_EQ(run({"a"}, -1), TQ_ERROR_USAGE);
}

TEST_F(TextTest, WithoutAMaskBatchesHaveOneLength) {
  static tq_program_tensor inputs[3];
  memcpy(inputs, entryOf(program).inputs, sizeof(inputs));
  std::vector<std::string> texts = {"a", "b c", "d", "e f", "g h i"};
  ASSERT_EQ(run(texts, 0), TQ_OK);
  std::vector<char> embedding = bytesOf(0);
  inputs[1].name = "other_mask";
  entryOf(program).inputs = inputs;
  ASSERT_EQ(run(texts, 0), TQ_OK) << tq_last_message();
  EXPECT_EQ(bytesOf(0), embedding);
}

TEST_F(TextTest, StaticBatchesAreFilledUp) {
  static tq_program_tensor inputs[3], outs[2];
  std::vector<std::string> texts = {"a", "b c", "d", "e f", "g h i"};
  ASSERT_EQ(run(texts, 0), TQ_OK);
  std::vector<char> embedding = bytesOf(0);
  memcpy(inputs, entryOf(program).inputs, sizeof(inputs));
  memcpy(outs, entryOf(program).outputs, sizeof(outs));
  for (tq_program_tensor &input : inputs)
    input.dims[0] = 3;
  for (tq_program_tensor &output : outs)
    output.dims[0] = 3;
  entryOf(program).inputs = inputs;
  entryOf(program).outputs = outs;
  ASSERT_EQ(run(texts, 0), TQ_OK) << tq_last_message();
  EXPECT_EQ(bytesOf(0), embedding);
}

TEST_F(TextTest, RefusesOutputsWithoutARowPerText) {
  static tq_program_tensor outs[2];
  memcpy(outs, entryOf(program).outputs, sizeof(outs));
  outs[1].dims[0] = 7;
  entryOf(program).outputs = outs;
  EXPECT_EQ(run({"a"}, 0), TQ_ERROR_USAGE);
  EXPECT_NE(strstr(tq_last_message(), "last_hidden_state"), nullptr);
}
