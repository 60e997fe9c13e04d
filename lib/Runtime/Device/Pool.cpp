//===- Pool.cpp - Threads of one session ----------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device/Pool.h"
#include "Device/FloatControl.h"
#include "Support.h"
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tq::rt {

/// Long enough to bridge the caller's work between two kernels, short enough
/// that an idle session costs nothing.
static constexpr int64_t spinTime = 50000;

/// A thread that the system takes off its core keeps its share, and all wait
/// until it is back. So a worker offers its core between two shares, before its
/// time slice ends: where another process wants it, that one has its turn while
/// the worker holds nothing. Shorter than Linux' slices, which end at a tick.
static constexpr int64_t longestTurn = 1500000;

/// Every thread has one share of each round. Where the rounds begin, in
/// sixteenths of a loop: large shares first, as a kernel does some things once
/// a call, small ones last, so that all threads are done at about the same
/// time. The end is there twice, so that it is a round's beginning, too.
static constexpr int64_t roundBegins[] = {0, 8, 12, 14, 15, 16, 16};
static constexpr int64_t sharesPerThread = 5;
static constexpr int64_t unitsPerThread = roundBegins[sharesPerThread];

static void futexWait(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

static void futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

static inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Spins until `word` differs from (or, with `equal`, becomes) `value`.
static bool spinUntil(const std::atomic<uint32_t> &word, uint32_t value,
                      bool equal, int64_t nanoseconds) {
  if ((word.load(std::memory_order_acquire) == value) == equal)
    return true;
  if (nanoseconds <= 0)
    return false;
  int64_t end = now() + nanoseconds;
  do {
    for (int i = 0; i < 32; ++i) {
      pause();
      if ((word.load(std::memory_order_acquire) == value) == equal)
        return true;
    }
  } while (now() < end);
  return false;
}

bool Pool::awaitJob(Worker &worker, uint32_t &seen) {
  if (!spinUntil(epoch, seen, /*equal=*/false, spinNanoseconds)) {
    // The caller raises `epoch`, then reads `sleepers`; here it is the other
    // way round, so that one of the two sees the other.
    sleepers.fetch_add(1);
    while (epoch.load() == seen)
      futexWait(epoch, seen);
    sleepers.fetch_sub(1);
    worker.turnBegin = now();
  }
  // In this order, the other way round than in stop(): what ends the worker is
  // never taken for a job.
  seen = epoch.load(std::memory_order_acquire);
  return !stopping.load(std::memory_order_acquire);
}

void Pool::awaitShares() {
  if (spinUntil(pending, 0, /*equal=*/true, spinNanoseconds))
    return;
  callerSleeps.store(1);
  while (uint32_t left = pending.load())
    futexWait(pending, left);
  callerSleeps.store(0);
}

/// Where a share begins, in iterations; `share` may be their number.
int64_t Pool::beginOfShare(int64_t share) const {
  if (jobShares == jobCount) // so few that each is a share
    return share;
  int64_t round = share / numThreads, begin = roundBegins[round];
  int64_t units = begin * numThreads +
                  (roundBegins[round + 1] - begin) * (share % numThreads);
  // count * units / all, without an overflow
  int64_t all = unitsPerThread * numThreads;
  return jobCount / all * units + jobCount % all * units / all;
}

void Pool::runShare(int64_t share, int64_t thread) {
  int64_t begin = beginOfShare(share), end = beginOfShare(share + 1);
  if (begin < end)
    jobBody(jobArguments, begin, end, thread);
}

void Pool::endLongTurn(Worker &worker) {
  if (now() - worker.turnBegin < longestTurn)
    return;
  sched_yield();
  worker.turnBegin = now();
}

/// Takes shares of `job` until none is left; without `worker`, as the caller.
void Pool::runShares(uint32_t job, Worker *worker) {
  int64_t thread = worker ? worker->index : 0;
  uint64_t left = open.load(std::memory_order_acquire);
  while (uint32_t(left >> 32) == job && uint32_t(left) > 0) {
    if (worker)
      endLongTurn(*worker);
    if (!open.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel,
                                    std::memory_order_acquire))
      continue;
    // The first share first: those that follow are near it in memory.
    runShare(jobShares - uint32_t(left), thread);
    if (pending.fetch_sub(1) == 1 && callerSleeps.load())
      futexWake(pending, 1);
    left = open.load(std::memory_order_acquire);
  }
}

void *Pool::workerMain(void *argument) {
  Worker &worker = *static_cast<Worker *>(argument);
  Pool &pool = *worker.pool;
  FloatControl control;
  // Jobs start after all workers do, so the first has number 1.
  for (uint32_t seen = 0; pool.awaitJob(worker, seen);)
    pool.runShares(seen, &worker);
  return nullptr;
}

tq_status Pool::start(int32_t threads) {
  numThreads = 1;
  owner = getpid();
  spinNanoseconds = threads > availableCores() ? 0 : spinTime;
  if (threads <= 1)
    return TQ_OK;
  workers = static_cast<Worker *>(calloc(threads - 1, sizeof(Worker)));
  if (!workers)
    return fail(TQ_ERROR_RESOURCE, "no memory for %d threads", threads);
  for (; numThreads < threads; ++numThreads) {
    Worker &worker = workers[numThreads - 1];
    worker.pool = this;
    worker.index = numThreads;
    int error = pthread_create(&worker.handle, nullptr, workerMain, &worker);
    if (error) {
      int32_t started = numThreads;
      stop();
      return fail(TQ_ERROR_RESOURCE,
                  "asked for %d threads, only %d could be started: %s", threads,
                  started, strerror(error));
    }
  }
  return TQ_OK;
}

void Pool::stop() {
  forgetLostWorkers();
  stopping.store(true);
  epoch.fetch_add(1);
  futexWake(epoch, INT_MAX);
  for (int32_t i = 0; i + 1 < numThreads; ++i)
    pthread_join(workers[i].handle, nullptr);
  free(workers);
  workers = nullptr;
  numThreads = 1;
}

bool Pool::isForked() const { return getpid() != owner; }

void Pool::forgetLostWorkers() {
  if (!isForked())
    return;
  owner = getpid();
  numThreads = 1;
}

void Pool::parallelFor(tq_kernel_body body, void *arguments, int64_t count) {
  if (count <= 0)
    return;
  if (numThreads == 1 || count == 1) {
    body(arguments, 0, count, 0);
    return;
  }
  jobBody = body;
  jobArguments = arguments;
  jobCount = count;
  int64_t most = numThreads * sharesPerThread;
  jobShares = count < most ? count : most;
  pending.store(uint32_t(jobShares), std::memory_order_relaxed);
  uint32_t job = epoch.load(std::memory_order_relaxed) + 1;
  open.store(uint64_t(job) << 32 | uint64_t(jobShares),
             std::memory_order_release);
  epoch.store(job);
  if (sleepers.load())
    futexWake(epoch, INT_MAX);
  runShares(job, /*worker=*/nullptr);
  awaitShares();
}

} // namespace tq::rt
