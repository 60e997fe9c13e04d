//===- StateTest.cpp - What a session keeps from run to run ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "TestProgram.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

using namespace tq::rt;
using namespace tq::test;

namespace {

// A sum for each row of a batch and the number of runs, in two entries: `add`
// adds x to the sums, `get` gives them.
const tq_program_symbol symbols[] = {{"batch", 0}, {"width", 8}};
const tq_program_state states[] = {
    {"sums", TQ_STATE_TENSOR, TQ_PROGRAM_F32, 2, 0, {-1, -2}},
    {"runs", TQ_STATE_NUMBER, TQ_PROGRAM_I64, 0, 0, {}}};
const tq_program_tensor x = {"x", TQ_PROGRAM_F32, 1, {-1}, 0, 0, 0};
const tq_program_tensor sums = {"y", TQ_PROGRAM_F32, 2, {-1, -2}, 0, 0, 0};
const char *const checks[] = {"'add' runs at most three times"};

int64_t planAdd(const int64_t *dims, int64_t, int64_t *out) {
  // batch; batch, width, runs
  out[0] = dims[3] + 1;
  return dims[3] == 3 ? -2 : 0;
}

void runAdd(tq_context *, const void *const *in, const int64_t *dims,
            void *const *, uint8_t *, const uint8_t *) {
  auto *all = static_cast<float *>(const_cast<void *>(in[1]));
  for (int64_t row = 0; row < dims[1]; ++row)
    for (int64_t i = 0; i < dims[2]; ++i)
      all[row * dims[2] + i] += static_cast<const float *>(in[0])[row];
}

int64_t planGet(const int64_t *dims, int64_t, int64_t *out) {
  out[0] = dims[0];
  out[1] = dims[1];
  out[2] = dims[2];
  return 0;
}

void runGet(tq_context *, const void *const *in, const int64_t *dims,
            void *const *out, uint8_t *, const uint8_t *) {
  memcpy(out[0], in[0], 4 * dims[0] * dims[1]);
}

const tq_program_code addCode = {"0", planAdd, runAdd};
const tq_program_code getCode = {"0", planGet, runGet};
const tq_program_entry entries[] = {
    {"add", 1, 0, 0, 0, &x, nullptr, nullptr, checks, &addCode},
    {"get", 0, 1, 0, 0, nullptr, &sums, nullptr, nullptr, &getCode}};

class StateTest : public testing::Test {
protected:
  void SetUp() override {
    program = makeProgram();
    program.num_symbols = 2;
    program.symbols = symbols;
    program.num_entries = 2;
    program.entries = entries;
    program.num_states = 2;
    program.states = states;
    ASSERT_EQ(openProgram(program, &model), TQ_OK) << tq_last_message();
  }
  void TearDown() override {
    tq_session_destroy(session);
    tq_model_close(model);
  }

  tq_status create(std::vector<tq_symbol_size> sizes) {
    tq_session_options options = {};
    options.size = sizeof(options);
    options.threads = 2;
    options.num_sizes = int32_t(sizes.size());
    options.sizes = sizes.data();
    return tq_session_create(model, &options, &session);
  }

  tq_status add(std::vector<float> values) {
    tq_tensor in = {values.data(), {int64_t(values.size())}, 1, TQ_F32};
    return tq_session_run_entry(session, 0, &in, 1, nullptr, 0);
  }

  std::vector<float> get() {
    tq_tensor out = {};
    EXPECT_EQ(tq_session_run_entry(session, 1, nullptr, 0, &out, 1), TQ_OK)
        << tq_last_message();
    EXPECT_EQ(out.rank, 2);
    auto *data = static_cast<const float *>(out.data);
    return {data, data + out.dims[0] * out.dims[1]};
  }

  tq_program program;
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
};

using Floats = std::vector<float>;

TEST_F(StateTest, OutlivesRuns) {
  ASSERT_EQ(create({{"batch", 2}, {"width", 2}}), TQ_OK) << tq_last_message();
  EXPECT_EQ(get(), (Floats{0, 0, 0, 0}));
  ASSERT_EQ(add({1, 2}), TQ_OK) << tq_last_message();
  ASSERT_EQ(add({3, 4}), TQ_OK);
  EXPECT_EQ(get(), (Floats{4, 4, 6, 6}));
  ASSERT_EQ(tq_session_reset(session), TQ_OK);
  EXPECT_EQ(get(), (Floats{0, 0, 0, 0}));
}

TEST_F(StateTest, BelongsToOneSession) {
  ASSERT_EQ(create({{"batch", 1}, {"width", 1}}), TQ_OK);
  ASSERT_EQ(add({1}), TQ_OK);
  tq_session *first = session;
  ASSERT_EQ(create({{"batch", 1}, {"width", 1}}), TQ_OK);
  EXPECT_EQ(get(), Floats{0});
  tq_session_destroy(session);
  session = first;
  EXPECT_EQ(get(), Floats{1});
}

TEST_F(StateTest, IsLeftByRunsThatFail) {
  ASSERT_EQ(create({{"batch", 1}, {"width", 1}}), TQ_OK);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(add({1}), TQ_OK);
  EXPECT_EQ(add({1}), TQ_ERROR_INPUT);
  EXPECT_STREQ(tq_last_message(),
               "'x' is [1], 'runs' is 3, but 'add' runs at most three times");
  EXPECT_EQ(get(), Floats{3});
  ASSERT_EQ(tq_session_reset(session), TQ_OK);
  EXPECT_EQ(add({1}), TQ_OK);
}

TEST_F(StateTest, HasTheSizesThatItIsGiven) {
  ASSERT_EQ(create({{"batch", 2}}), TQ_OK) << tq_last_message();
  EXPECT_EQ(get().size(), 16u); // as wide as it may be
  EXPECT_EQ(add({1}), TQ_ERROR_INPUT);
  EXPECT_STREQ(tq_last_message(), "input 'x': expected a batch of 2 as in "
                                  "'sums' in dimension 0, found 1");
}

TEST_F(StateTest, RefusesOtherSizes) {
  EXPECT_EQ(create({}), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(), "expected a size for 'batch', which state "
                                  "'sums' has as dimension 0 (--size batch=N)");
  EXPECT_EQ(create({{"batch", 1}, {"length", 1}}), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(),
               "there is no state with a dimension 'length' to give a size to");
  EXPECT_EQ(create({{"batch", 0}}), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(),
               "expected a batch of 1 to 281474976710656, found 0");
  EXPECT_EQ(create({{"batch", 1}, {"width", 9}}), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(), "expected a width of 1 to 8, found 9");
  EXPECT_EQ(create({{"batch", 1}, {"batch", 2}}), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(), "expected one size for 'batch', found two");
  EXPECT_EQ(create({{"batch", int64_t(1) << 48}}), TQ_ERROR_RESOURCE);
  EXPECT_EQ(session, nullptr);
}

TEST_F(StateTest, IsDescribed) {
  ASSERT_EQ(tq_model_num_states(model), 2);
  tq_tensor_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(tq_model_state(model, 0, &info), TQ_OK);
  EXPECT_STREQ(info.name, "sums");
  EXPECT_STREQ(info.symbols[1], "width");
  EXPECT_EQ(info.max[1], 8);
  EXPECT_EQ(tq_model_state(model, 2, &info), TQ_ERROR_USAGE);
  ASSERT_EQ(tq_entry_output(model, 1, 0, &info), TQ_OK);
  EXPECT_STREQ(info.name, "y");
  EXPECT_EQ(tq_entry_output(model, 2, 0, &info), TQ_ERROR_USAGE);
  EXPECT_EQ(tq_entry_input(model, 1, 0, &info), TQ_ERROR_USAGE);
}

TEST_F(StateTest, IsNotCutIntoParts) {
  tq_program_entry cut = entries[0];
  cut.batch_dim = -1;
  program.entries = &cut;
  program.num_entries = 1;
  const tq_model *other = nullptr;
  EXPECT_EQ(openProgram(program, &other), TQ_ERROR_RESOURCE);
}

} // namespace
