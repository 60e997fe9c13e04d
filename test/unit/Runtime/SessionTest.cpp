//===- SessionTest.cpp - Tests of models and sessions ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "TestProgram.h"
#include <atomic>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string>
#include <thread>
#include <vector>

using namespace tq::rt;
using namespace tq::test;

//===----------------------------------------------------------------------===//
// Allocations, seen through the linker's --wrap
//===----------------------------------------------------------------------===//

static std::atomic<int64_t> allocations;

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __real_posix_memalign(void **result, size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
  ++allocations;
  return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  ++allocations;
  return __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  ++allocations;
  return __real_realloc(old, size);
}
int __wrap_posix_memalign(void **result, size_t alignment, size_t size) {
  ++allocations;
  return __real_posix_memalign(result, alignment, size);
}
}

namespace {

class SessionTest : public testing::Test {
protected:
  void SetUp() override {
    program = makeProgram();
    ASSERT_EQ(openProgram(program, &model), TQ_OK);
    ASSERT_EQ(create(model, 2, &session), TQ_OK);
  }
  void TearDown() override {
    tq_session_destroy(session);
    tq_model_close(model);
  }

  tq_status run(std::vector<tq_tensor> inputs) {
    outputs[0] = outputs[1] = {};
    return tq_session_run(session, inputs.data(), int32_t(inputs.size()),
                          outputs, 2);
  }

  float embedding(int64_t index) const {
    return static_cast<const float *>(outputs[0].data)[index];
  }

  tq_program program;
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
  tq_tensor outputs[2];
};

template <typename T>
tq_tensor tensor(std::vector<T> &data, std::vector<int64_t> dims,
                 int32_t dtype) {
  tq_tensor result = {data.data(), {}, int32_t(dims.size()), dtype};
  for (size_t i = 0; i < dims.size() && i < 8; ++i)
    result.dims[i] = dims[i];
  return result;
}

void expectMessage(const char *part) {
  EXPECT_NE(std::string(tq_last_message()).find(part), std::string::npos)
      << tq_last_message();
}

} // namespace

TEST_F(SessionTest, RefusesModelsOfOtherVersions) {
  // As a library of another version of the compiler would give it.
  program.abi = TQ_PROGRAM_ABI + 1;
  tq_session *other = session;
  EXPECT_EQ(create(model, 1, &other), TQ_ERROR_USAGE);
  EXPECT_EQ(other, nullptr);
  EXPECT_NE(strstr(tq_last_message(), "one version of tq"), nullptr);
}

TEST_F(SessionTest, ComputesAndFillsMissingInputs) {
  std::vector<int64_t> ids = {7, 8, 9, 1, 2, 3};
  ASSERT_EQ(run({tensor(ids, {2, 3}, TQ_I64)}), TQ_OK) << tq_last_message();
  EXPECT_EQ(outputs[0].rank, 2);
  EXPECT_EQ(outputs[0].dims[0], 2);
  EXPECT_EQ(outputs[0].dims[1], width);
  EXPECT_EQ(outputs[1].rank, 3);
  const int64_t ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
  for (int j = 0; j < width; ++j) {
    EXPECT_EQ(embedding(j), expectedEmbedding(ids.data(), ones, zeros, 3, j));
    EXPECT_EQ(embedding(width + j),
              expectedEmbedding(ids.data() + 3, ones, zeros, 3, j));
  }
}

TEST_F(SessionTest, ConvertsIntegers) {
  std::vector<int32_t> ids = {7, 8, 9};
  std::vector<uint8_t> mask = {1, 0, 1};
  std::vector<int8_t> types = {0, 1, 1};
  ASSERT_EQ(run({tensor(ids, {1, 3}, TQ_I32), tensor(mask, {1, 3}, TQ_BOOL),
                 tensor(types, {1, 3}, TQ_I8)}),
            TQ_OK)
      << tq_last_message();
  const int64_t wide[] = {7, 8, 9}, wideMask[] = {1, 0, 1},
                wideTypes[] = {0, 1, 1};
  EXPECT_EQ(embedding(1), expectedEmbedding(wide, wideMask, wideTypes, 3, 1));
}

TEST_F(SessionTest, TakesUnalignedData) {
  alignas(8) char bytes[25] = {};
  int64_t ids[] = {7, 8, 9};
  memcpy(bytes + 1, ids, 24);
  tq_tensor input = {bytes + 1, {1, 3}, 2, TQ_I64};
  ASSERT_EQ(run({input}), TQ_OK);
  const int64_t ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
  EXPECT_EQ(embedding(0), expectedEmbedding(ids, ones, zeros, 3, 0));
}

TEST_F(SessionTest, RefusesIdsOutsideTheVocabulary) {
  std::vector<int64_t> ids = {1, 2, 3, 4, vocabulary, 6};
  EXPECT_EQ(run({tensor(ids, {2, 3}, TQ_I64)}), TQ_ERROR_INPUT);
  expectMessage(
      "input 'input_ids': expected values from 0 to 99, found 100 at [1, 1]");
  ids[4] = -1;
  EXPECT_EQ(run({tensor(ids, {2, 3}, TQ_I64)}), TQ_ERROR_INPUT);
  expectMessage("found -1 at [1, 1]");
  ids[4] = vocabulary - 1;
  EXPECT_EQ(run({tensor(ids, {2, 3}, TQ_I64)}), TQ_OK);
}

TEST_F(SessionTest, RefusesWrongShapes) {
  std::vector<int64_t> data(64, 1);
  EXPECT_EQ(run({tensor(data, {3}, TQ_I64)}), TQ_ERROR_INPUT);
  expectMessage("expected rank 2, found rank 1");
  EXPECT_EQ(run({tensor(data, {0, 3}, TQ_I64)}), TQ_ERROR_INPUT);
  expectMessage("expected a batch of at least 1 in dimension 0, found 0");
  EXPECT_EQ(run({tensor(data, {1, -3}, TQ_I64)}), TQ_ERROR_INPUT);
  EXPECT_EQ(run({tensor(data, {1, maxSequence + 1}, TQ_I64)}), TQ_ERROR_INPUT);
  expectMessage("expected a sequence of 1 to 16 in dimension 1, found 17");
  EXPECT_EQ(run({tensor(data, {1, maxSequence}, TQ_I64)}), TQ_OK);
  EXPECT_EQ(run({tensor(data, {2, 3}, TQ_I64), tensor(data, {2, 4}, TQ_I64)}),
            TQ_ERROR_INPUT);
  expectMessage("input 'attention_mask': expected a sequence of 3 as in "
                "'input_ids' in dimension 1, found 4");
}

TEST_F(SessionTest, RefusesWrongTypesAndCounts) {
  std::vector<float> floats(4);
  EXPECT_EQ(run({tensor(floats, {1, 4}, TQ_F32)}), TQ_ERROR_INPUT);
  expectMessage("expected integers, found f32");
  EXPECT_EQ(run({tensor(floats, {1, 4}, 77)}), TQ_ERROR_INPUT);
  EXPECT_EQ(run({}), TQ_ERROR_INPUT);
  expectMessage("input 'input_ids' is missing");
  EXPECT_EQ(run({{}, {}, {}, {}}), TQ_ERROR_USAGE);
  EXPECT_EQ(tq_session_run(session, nullptr, 0, outputs, 3), TQ_ERROR_USAGE);
  EXPECT_EQ(tq_session_run(nullptr, nullptr, 0, outputs, 2), TQ_ERROR_USAGE);
}

TEST_F(SessionTest, RefusesWhatMemoryCannotHold) {
  // The data is never looked at: batch and sequence come from the mask alone.
  program.symbols = nullptr;
  static const tq_program_symbol unbounded[] = {{"batch", 0}, {"sequence", 0}};
  static const tq_program_tensor floats[] = {
      {"x", TQ_PROGRAM_F32, 2, {-1, -2}, 0, 0, 0}};
  program.symbols = unbounded;
  entryOf(program).inputs = floats;
  entryOf(program).num_inputs = 1;
  program.tokenizer = nullptr;
  float value = 0;
  tq_tensor input = {&value, {int64_t(1) << 20, int64_t(1) << 20}, 2, TQ_F32};
  EXPECT_EQ(tq_session_run(session, &input, 1, outputs, 2), TQ_ERROR_RESOURCE);
  expectMessage("batch 1048576, sequence 1048576: the arena needs "
                "70368744177664 bytes");
  input.dims[0] = int64_t(1) << 39;
  EXPECT_EQ(tq_session_run(session, &input, 1, outputs, 2), TQ_ERROR_RESOURCE);
  expectMessage("more than 2^62 bytes");
  input.dims[0] = int64_t(1) << 50;
  EXPECT_EQ(tq_session_run(session, &input, 1, outputs, 2), TQ_ERROR_INPUT);
  expectMessage("expected a batch of 1 to 281474976710656");
  input.dims[0] = input.dims[1] = int64_t(1) << 48;
  EXPECT_EQ(tq_session_run(session, &input, 1, outputs, 2), TQ_ERROR_INPUT);
  expectMessage("larger than the address space");
}

TEST_F(SessionTest, WritesToTheCallersMemory) {
  std::vector<int64_t> ids = {7, 8, 9};
  std::vector<float> mine(width);
  tq_tensor input = tensor(ids, {1, 3}, TQ_I64);
  tq_tensor output = tensor(mine, {1, width}, TQ_F32);
  ASSERT_EQ(tq_session_run(session, &input, 1, &output, 1), TQ_OK)
      << tq_last_message();
  const int64_t ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
  EXPECT_EQ(mine[2], expectedEmbedding(ids.data(), ones, zeros, 3, 2));
  output.dims[0] = 2;
  EXPECT_EQ(tq_session_run(session, &input, 1, &output, 1), TQ_ERROR_USAGE);
  expectMessage("output 'embedding': expected aligned memory for f32 [1, 4], "
                "found f32 [2, 4]");
}

TEST_F(SessionTest, AllocatesNothingAfterTheLargestShape) {
  std::vector<int32_t> ids(8 * maxSequence, 5);
  ASSERT_EQ(run({tensor(ids, {8, maxSequence}, TQ_I32)}), TQ_OK);
  tq_tensor input = tensor(ids, {8, maxSequence}, TQ_I32);
  int64_t before = allocations;
  for (int64_t batch = 8; batch >= 1; --batch) {
    input.dims[0] = batch;
    input.dims[1] = maxSequence - batch;
    outputs[0] = outputs[1] = {};
    ASSERT_EQ(tq_session_run(session, &input, 1, outputs, 2), TQ_OK);
  }
  EXPECT_EQ(allocations, before);
}

TEST_F(SessionTest, SameBitsWithAnyNumberOfThreads) {
  std::vector<int64_t> ids(7 * 5);
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = int64_t(i * 31 % vocabulary);
  ASSERT_EQ(run({tensor(ids, {7, 5}, TQ_I64)}), TQ_OK);
  for (int32_t threads : {1, 3, 16}) {
    tq_session *other = nullptr;
    ASSERT_EQ(create(model, threads, &other), TQ_OK);
    EXPECT_EQ(tq_session_threads(other), threads);
    tq_tensor input = tensor(ids, {7, 5}, TQ_I64), out = {};
    ASSERT_EQ(tq_session_run(other, &input, 1, &out, 1), TQ_OK);
    EXPECT_EQ(memcmp(out.data, outputs[0].data, 7 * width * 4), 0);
    tq_session_destroy(other);
  }
}

TEST_F(SessionTest, SessionsRunInParallel) {
  std::atomic<int> good = 0;
  auto work = [&](int64_t seed) {
    tq_session *mine = nullptr;
    ASSERT_EQ(create(model, 2, &mine), TQ_OK);
    const int64_t ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
    for (int round = 0; round < 200; ++round) {
      std::vector<int64_t> ids = {seed, round % vocabulary, 3};
      tq_tensor input = tensor(ids, {1, 3}, TQ_I64), out = {};
      ASSERT_EQ(tq_session_run(mine, &input, 1, &out, 1), TQ_OK);
      good += static_cast<float *>(out.data)[0] ==
              expectedEmbedding(ids.data(), ones, zeros, 3, 0);
    }
    tq_session_destroy(mine);
  };
  std::thread a(work, 1), b(work, 2), c(work, 3);
  a.join();
  b.join();
  c.join();
  EXPECT_EQ(good, 600);
}

TEST_F(SessionTest, RefusesUseByTwoThreads) {
  SessionHold hold(session);
  std::vector<int64_t> ids = {1};
  EXPECT_EQ(run({tensor(ids, {1, 1}, TQ_I64)}), TQ_ERROR_USAGE);
  expectMessage("in use by another thread");
}

TEST_F(SessionTest, MessagesBelongToTheirThread) {
  EXPECT_EQ(run({}), TQ_ERROR_INPUT);
  std::thread([] { EXPECT_STREQ(tq_last_message(), ""); }).join();
  expectMessage("is missing");
}

TEST_F(SessionTest, RefusesSillyThreadCounts) {
  tq_session *other = nullptr;
  EXPECT_EQ(create(model, -1, &other), TQ_ERROR_USAGE);
  EXPECT_EQ(create(model, maxThreads + 1, &other), TQ_ERROR_USAGE);
  EXPECT_EQ(other, nullptr);
  ASSERT_EQ(create(model, 0, &other), TQ_OK);
  EXPECT_EQ(tq_session_threads(other), availableCores());
  tq_session_destroy(other);
}

TEST_F(SessionTest, DescribesInputsAndOutputs) {
  tq_tensor_info info = {};
  EXPECT_EQ(tq_model_input(model, 0, &info), TQ_ERROR_USAGE); // without a size
  info.size = sizeof(info);
  ASSERT_EQ(tq_model_input(model, 0, &info), TQ_OK);
  EXPECT_STREQ(info.name, "input_ids");
  EXPECT_EQ(info.dims[1], -1);
  EXPECT_STREQ(info.symbols[1], "sequence");
  EXPECT_EQ(info.max[1], maxSequence);
  EXPECT_EQ(info.limit, vocabulary);
  EXPECT_EQ(info.optional, 0);
  ASSERT_EQ(tq_model_output(model, 0, &info), TQ_OK);
  EXPECT_EQ(info.dims[1], width);
  EXPECT_EQ(info.symbols[1], nullptr);
  EXPECT_EQ(tq_model_input(model, 3, &info), TQ_ERROR_USAGE);
  EXPECT_EQ(tq_model_output(model, -1, &info), TQ_ERROR_USAGE);
  EXPECT_EQ(tq_model_label(model, 0), nullptr);
  EXPECT_STREQ(tq_model_name(model), "tiny");
}

TEST_F(SessionTest, DescribesEntries) {
  EXPECT_EQ(tq_api_version(), TQ_API_VERSION);
  ASSERT_EQ(tq_model_num_entries(model), 1);
  tq_entry_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(tq_model_entry(model, 0, &info), TQ_OK);
  EXPECT_STREQ(info.name, "main");
  EXPECT_EQ(info.num_inputs, 3);
  EXPECT_EQ(info.num_outputs, 2);
  EXPECT_EQ(tq_model_entry(model, 1, &info), TQ_ERROR_USAGE);
  EXPECT_EQ(tq_model_find_entry(model, "main"), 0);
  EXPECT_EQ(tq_model_find_entry(model, "other"), -1);
  EXPECT_EQ(tq_session_run_entry(session, 1, nullptr, 0, nullptr, 0),
            TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(), "there is no entry 1; the model has 1");
}

/// Callers that know less of a struct, or more, than this version.
TEST_F(SessionTest, ServesCallersOfOtherVersions) {
  struct {
    tq_tensor_info known;
    int64_t unknown;
  } info;
  memset(&info, 0x55, sizeof(info));
  info.known.size = sizeof(info);
  ASSERT_EQ(tq_model_input(model, 0, &info.known), TQ_OK);
  EXPECT_STREQ(info.known.name, "input_ids");
  EXPECT_EQ(info.known.rank, 2);
  EXPECT_EQ(info.unknown, 0x5555555555555555);
  info.known.size = offsetof(tq_tensor_info, dims);
  EXPECT_EQ(tq_model_input(model, 0, &info.known), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(),
               "expected the size of the struct in its first member");
  EXPECT_EQ(tq_model_input(model, 0, nullptr), TQ_ERROR_USAGE);
  EXPECT_STREQ(tq_last_message(),
               "expected a place for the answer, found NULL");

  struct {
    tq_session_options known;
    int64_t unknown;
  } later = {};
  later.known.size = sizeof(later);
  later.known.threads = 1;
  tq_session *other = nullptr;
  ASSERT_EQ(tq_session_create(model, &later.known, &other), TQ_OK);
  EXPECT_EQ(tq_session_threads(other), 1);
  tq_session_destroy(other);
  later.unknown = 1; // something that this version does not do
  EXPECT_EQ(tq_session_create(model, &later.known, &other), TQ_ERROR_USAGE);
  later.known.size = 0;
  EXPECT_EQ(tq_session_create(model, &later.known, &other), TQ_ERROR_USAGE);
  ASSERT_EQ(tq_session_create(model, nullptr, &other), TQ_OK);
  tq_session_destroy(other);
}

extern "C" int runThroughC(const tq_model *model, float *first);

TEST_F(SessionTest, ServesACProgram) {
  float first = 0;
  EXPECT_EQ(runThroughC(model, &first), 0);
  const int64_t ids[] = {7, 8, 9}, ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
  EXPECT_EQ(first, expectedEmbedding(ids, ones, zeros, 3, 0));
}

TEST(Buffer, GrowsAndKeepsItsAlignment) {
  Buffer buffer = {};
  for (int64_t bytes : {0, 1, 64, 65, 1 << 20, (8 << 20) + 1, 5}) {
    ASSERT_TRUE(bufferReserve(buffer, bytes));
    EXPECT_GE(buffer.capacity, bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data) % 64, 0u);
    memset(buffer.data, 1, bytes);
  }
  EXPECT_GT(buffer.capacity, 8 << 20);
  EXPECT_FALSE(bufferReserve(buffer, -1));
  EXPECT_FALSE(bufferReserve(buffer, int64_t(1) << 50));
  EXPECT_EQ(buffer.data, nullptr);
  bufferFree(buffer);
}

TEST(Model, RefusesAnotherAbi) {
  tq_program program = makeProgram();
  program.abi = 99;
  const tq_model *model = nullptr;
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
  expectMessage("ABI");
  EXPECT_EQ(model, nullptr);
}

TEST(Model, RefusesACpuWithoutItsFeatures) {
  tq_program program = makeProgram();
  tq_program_target target = program.targets[0];
  program.targets = &target;
  const tq_model *model = nullptr;
  target.required_features = "avx1024";
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
  expectMessage("this CPU lacks avx1024");
  target.required_features = "a,b";
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
  expectMessage("lacks a, b");
  program.num_targets = 0;
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
  expectMessage("no code");
}

TEST(Model, TakesTheFirstTargetThatTheCpuRuns) {
  tq_program program = makeProgram();
  tq_program_target targets[3] = {program.targets[0], program.targets[0],
                                  program.targets[0]};
  targets[0].required_features = "avx1024,sse3";
#if defined(__x86_64__)
  targets[1].required_features = "sse3,popcnt";
#endif
  program.targets = targets;
  program.num_targets = 3;
  EXPECT_EQ(findTarget(program), &targets[1]);
  targets[1].required_features = "sse3,avx1024";
  EXPECT_EQ(findTarget(program), &targets[2]);
  targets[2].required_features = "avx1024";
  EXPECT_EQ(findTarget(program), nullptr);
  const tq_model *model = nullptr;
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
}

TEST(Model, RefusesADamagedTokenizer) {
  tq_program program = makeProgram();
  program.tokenizer_bytes = 3;
  const tq_model *model = nullptr;
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
}

TEST(Model, RefusesDamagedTables) {
  tq_program program = makeProgram();
  tq_program_tensor broken[3] = {entryOf(program).inputs[0],
                                 entryOf(program).inputs[1],
                                 entryOf(program).inputs[2]};
  entryOf(program).inputs = broken;
  const tq_model *model = nullptr;
  broken[1].rank = 9;
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
  broken[1].rank = 2;
  broken[1].dims[0] = -3;
  EXPECT_EQ(openProgram(program, &model), TQ_ERROR_RESOURCE);
}
