//===- ForkTest.cpp - Tests of sessions in a forked child -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "TestProgram.h"
#include <chrono>
#include <gtest/gtest.h>
#include <string.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace tq::rt;
using namespace tq::test;

namespace {

/// Runs `work` in a child: 0 if it returned true. A child that hangs is killed.
template <typename Work>
int inChild(Work work) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(work() ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

class ForkTest : public testing::TestWithParam<int32_t> {
protected:
  void SetUp() override {
    program = makeBatchProgram();
    ASSERT_EQ(openProgram(program, &model), TQ_OK);
    ASSERT_EQ(create(model, GetParam(), &session), TQ_OK);
  }
  void TearDown() override {
    tq_session_destroy(session);
    tq_model_close(model);
  }

  /// Runs a batch that is large enough for parts, and compares all of it.
  bool computes() {
    std::vector<int64_t> ids(rows * maxSequence);
    for (size_t i = 0; i < ids.size(); ++i)
      ids[i] = int64_t(i * 7 % vocabulary);
    tq_tensor input = {ids.data(), {rows, maxSequence}, 2, TQ_I64};
    tq_tensor output = {};
    if (tq_session_run(session, &input, 1, &output, 1) != TQ_OK)
      return false;
    std::vector<int64_t> ones(maxSequence, 1), zeros(maxSequence);
    for (int64_t r = 0; r < rows; ++r)
      for (int j = 0; j < width; ++j)
        if (static_cast<float *>(output.data)[r * width + j] !=
            expectedEmbedding(ids.data() + r * maxSequence, ones.data(),
                              zeros.data(), maxSequence, j))
          return false;
    return true;
  }

  static constexpr int64_t rows = 100;
  tq_program program;
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
};

} // namespace

TEST_P(ForkTest, AChildDestroysASession) {
  auto destroy = [&] {
    tq_session_destroy(session);
    tq_model_close(model);
    return true;
  };
  EXPECT_EQ(inChild(destroy), 0); // workers have just started
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(computes());
    EXPECT_EQ(inChild(destroy), 0); // they spin
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(inChild(destroy), 0); // they sleep
  EXPECT_TRUE(computes());
  EXPECT_EQ(tq_session_threads(session), GetParam());
}

TEST_P(ForkTest, AChildRunsASessionAlone) {
  auto run = [&] {
    bool isAlone = tq_session_threads(session) == 1;
    bool isRight = computes() && computes();
    tq_session_destroy(session);
    return isAlone && isRight;
  };
  EXPECT_EQ(inChild(run), 0);
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(computes());
    EXPECT_EQ(inChild(run), 0);
  }
  EXPECT_EQ(inChild([&] { return inChild(run) == 0; }), 0);
  EXPECT_EQ(inChild([&] { return computes() && inChild(run) == 0; }), 0);
  EXPECT_TRUE(computes());
}

TEST_P(ForkTest, AChildRefusesASessionThatWasInUse) {
  std::atomic<bool> ends = false;
  std::thread user([&] {
    while (!ends)
      EXPECT_TRUE(computes());
  });
  auto use = [&] {
    // The other thread may have been between two runs.
    bool isRefused = !computes();
    bool isExplained =
        !isRefused || strstr(tq_last_message(), "when this process was forked");
    tq_session_destroy(session);
    return isExplained;
  };
  for (int round = 0; round < 50; ++round)
    EXPECT_EQ(inChild(use), 0);
  ends = true;
  user.join();
  session->busy = true;
  EXPECT_EQ(inChild([&] { return !computes() && use(); }), 0);
  EXPECT_FALSE(computes());
  EXPECT_NE(std::string(tq_last_message()).find("by another thread"),
            std::string::npos);
  session->busy = false;
  EXPECT_TRUE(computes());
}

// ThreadSanitizer lets no child of several threads start new ones.
#if !defined(__SANITIZE_THREAD__) && !__has_feature(thread_sanitizer)
TEST_P(ForkTest, AChildMakesSessionsOfItsOwn) {
  EXPECT_EQ(inChild([&] {
              tq_session *old = session;
              if (create(model, GetParam(), &session) != TQ_OK)
                return false;
              bool isRight =
                  tq_session_threads(session) == GetParam() && computes();
              tq_session_destroy(session);
              tq_session_destroy(old);
              return isRight;
            }),
            0);
}
#endif

INSTANTIATE_TEST_SUITE_P(Threads, ForkTest, testing::Values(1, 2, 4, 16));
