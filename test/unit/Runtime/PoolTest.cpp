//===- PoolTest.cpp - Tests of the thread pool ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device/Pool.h"
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

using namespace tq::rt;

namespace {

struct Job {
  std::vector<int> hits;
  std::vector<int64_t> ends;    // of the share that begins there, or 0
  std::vector<int64_t> threads; // that ran it
};

void visit(void *opaque, int64_t begin, int64_t end, int64_t thread) {
  Job &job = *static_cast<Job *>(opaque);
  job.ends[begin] = end;
  job.threads[begin] = thread;
  for (int64_t i = begin; i < end; ++i)
    ++job.hits[i];
}

Job makeJob(int64_t count) {
  return {std::vector<int>(count), std::vector<int64_t>(count),
          std::vector<int64_t>(count, -1)};
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
      Job job = makeJob(count);
      scoped.pool->parallelFor(visit, &job, count);
      for (int hits : job.hits)
        ASSERT_EQ(hits, 1) << threads << " threads, count " << count;
    }
  }
}

TEST(Pool, NegativeCountDoesNothing) {
  ScopedPool scoped(3);
  Job job = makeJob(1);
  scoped.pool->parallelFor(visit, &job, -5);
  EXPECT_EQ(job.hits[0], 0);
}

TEST(Pool, SharesAreContiguousAndGetSmaller) {
  ScopedPool scoped(4);
  Job job = makeJob(640);
  scoped.pool->parallelFor(visit, &job, 640);
  std::vector<int64_t> sizes;
  for (int64_t begin = 0; begin < 640; begin = job.ends[begin]) {
    sizes.push_back(job.ends[begin] - begin);
    ASSERT_GT(sizes.back(), 0);
    EXPECT_GE(job.threads[begin], 0);
    EXPECT_LT(job.threads[begin], 4);
  }
  std::vector<int64_t> expected;
  for (int64_t size : {80, 40, 20, 10, 10})
    expected.insert(expected.end(), 4, size);
  EXPECT_EQ(sizes, expected);
}

TEST(Pool, FewIterationsAreSharesOfTheirOwn) {
  ScopedPool scoped(4);
  Job job = makeJob(20);
  scoped.pool->parallelFor(visit, &job, 20);
  for (int64_t i = 0; i < 20; ++i)
    EXPECT_EQ(job.ends[i], i + 1);
}

namespace {
void addIterations(void *opaque, int64_t begin, int64_t end, int64_t) {
  *static_cast<std::atomic<int64_t> *>(opaque) += end - begin;
}
} // namespace

TEST(Pool, CountsBeyond32Bits) {
  ScopedPool scoped(3);
  for (int64_t count : {(int64_t(1) << 62) + 1, INT64_MAX}) {
    std::atomic<int64_t> done = 0;
    scoped.pool->parallelFor(addIterations, &done, count);
    EXPECT_EQ(done, count);
  }
}

namespace {
struct Slow {
  std::atomic<int64_t> done, byWorker;
};

/// A worker is so slow that it sees all other shares done.
void waitOnWorkers(void *opaque, int64_t begin, int64_t end, int64_t thread) {
  Slow &slow = *static_cast<Slow *>(opaque);
  auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (thread && slow.done < 8 - (end - begin) &&
         std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();
  slow.byWorker += thread;
  slow.done += end - begin;
}
} // namespace

TEST(Pool, NobodyWaitsForASlowThread) {
  ScopedPool scoped(2);
  Slow slow = {};
  scoped.pool->parallelFor(waitOnWorkers, &slow, 8);
  EXPECT_EQ(slow.done, 8);
  EXPECT_LE(slow.byWorker, 1);
}

TEST(Pool, WorksAfterASleep) {
  ScopedPool scoped(3);
  for (int round = 0; round < 5; ++round) {
    Job job = makeJob(100);
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

// A worker that comes late to the job must not miss the end.
TEST(Pool, StopsRightAfterAJob) {
  for (int round = 0; round < 3000; ++round) {
    ScopedPool scoped(4);
    std::atomic<int64_t> done = 0;
    scoped.pool->parallelFor(addIterations, &done, 4);
    EXPECT_EQ(done, 4);
  }
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
      Job job = makeJob(count);
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
