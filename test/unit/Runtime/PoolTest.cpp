//===- PoolTest.cpp - Tests of the thread pool ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pool.h"
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

using namespace tq::rt;

namespace {

struct Job {
  std::vector<int> hits;
  std::vector<int64_t> begins, ends;
};

void visit(void *opaque, int64_t begin, int64_t end, int64_t thread) {
  Job &job = *static_cast<Job *>(opaque);
  job.begins[thread] = begin;
  job.ends[thread] = end;
  for (int64_t i = begin; i < end; ++i)
    ++job.hits[i];
}

Job makeJob(int64_t count, int32_t threads) {
  return {std::vector<int>(count), std::vector<int64_t>(threads, -1),
          std::vector<int64_t>(threads, -1)};
}

/// A started pool that stops at the end of a scope.
struct ScopedPool {
  explicit ScopedPool(int32_t threads) : pool(new Pool()) {
    EXPECT_EQ(pool->start(threads), TQ_OK);
  }
  ~ScopedPool() { pool->stop(); }
  std::unique_ptr<Pool> pool;
};

} // namespace

TEST(Pool, VisitsEveryIterationOnce) {
  for (int32_t threads : {1, 2, 3, 7, 16}) {
    ScopedPool scoped(threads);
    for (int64_t count : {0, 1, 2, 3, 5, 16, 17, 1000}) {
      Job job = makeJob(count, threads);
      scoped.pool->parallelFor(visit, &job, count);
      for (int hits : job.hits)
        ASSERT_EQ(hits, 1) << threads << " threads, count " << count;
    }
  }
}

TEST(Pool, NegativeCountDoesNothing) {
  ScopedPool scoped(3);
  Job job = makeJob(1, 3);
  scoped.pool->parallelFor(visit, &job, -5);
  EXPECT_EQ(job.hits[0], 0);
}

TEST(Pool, RangesAreContiguousAndEven) {
  ScopedPool scoped(4);
  Job job = makeJob(10, 4);
  scoped.pool->parallelFor(visit, &job, 10);
  EXPECT_EQ(job.begins, (std::vector<int64_t>{0, 3, 6, 8}));
  EXPECT_EQ(job.ends, (std::vector<int64_t>{3, 6, 8, 10}));
}

TEST(Pool, WorksAfterASleep) {
  ScopedPool scoped(3);
  for (int round = 0; round < 5; ++round) {
    Job job = makeJob(100, 3);
    scoped.pool->parallelFor(visit, &job, 100);
    for (int hits : job.hits)
      ASSERT_EQ(hits, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(Pool, StopsWithoutAJob) {
  for (int round = 0; round < 20; ++round)
    ScopedPool scoped(4);
}

// Small loops back to back, more threads than cores, several pools at once:
// what ThreadSanitizer is pointed at.
TEST(Pool, ManySmallLoops) {
  auto work = [](int32_t threads) {
    ScopedPool scoped(threads);
    auto end =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    for (int64_t round = 0; std::chrono::steady_clock::now() < end; ++round) {
      int64_t count = 1 + round % 37;
      Job job = makeJob(count, threads);
      scoped.pool->parallelFor(visit, &job, count);
      for (int hits : job.hits)
        ASSERT_EQ(hits, 1);
    }
  };
  std::thread first(work, 2), second(work, 5);
  work(3);
  first.join();
  second.join();
}

TEST(Pool, KnowsTheCores) {
  EXPECT_GE(availableCores(), 1);
  EXPECT_LE(availableCores(), maxThreads);
}
