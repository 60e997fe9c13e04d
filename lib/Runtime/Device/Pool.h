//===- Pool.h - Threads of one session --------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The thread that runs a session works as number 0; the pool owns the others. A
// loop is split into contiguous shares, the last ones small, that depend on the
// count and the number of threads only; a thread takes the next one when it has
// done its last, so that none waits for another that the system has taken from
// its core, or has not woken yet. Where others want its core, a worker lets
// them have it between two shares. Workers wait for the next loop spinning for
// a moment, as the next kernel usually follows at once, and then asleep on a
// futex.
//
// A child of fork has none of the workers: there the caller works alone.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_DEVICE_POOL_H
#define TQ_LIB_RUNTIME_DEVICE_POOL_H

#include "Device/Cores.h"
#include "tq/Runtime/Program.h"
#include "tq/Runtime/tq.h"
#include <atomic>
#include <pthread.h>
#include <sys/types.h>

namespace tq::rt {

class Pool {
public:
  /// Starts threads - 1 workers. A failed start leaves a pool of one thread.
  tq_status start(int32_t threads);
  /// Ends and joins the workers.
  void stop();

  int32_t threads() const { return numThreads; }

  /// Whether this process is a child of the one that started the pool.
  bool isForked() const;
  /// Goes on with the calling thread alone if it is.
  void forgetLostWorkers();

  /// See tq_parallel_for.
  void parallelFor(tq_kernel_body body, void *arguments, int64_t count);

private:
  struct Worker {
    Pool *pool;
    pthread_t handle;
    int64_t index;
    int64_t turnBegin; // when it last slept or offered its core, by now()
  };

  static void *workerMain(void *worker);
  void runShares(uint32_t job, Worker *worker);
  void endLongTurn(Worker &worker);
  void runShare(int64_t share, int64_t thread);
  int64_t beginOfShare(int64_t share) const;
  /// Waits for an epoch other than `seen`, which becomes the new one; false:
  /// the pool stops.
  bool awaitJob(Worker &worker, uint32_t &seen);
  void awaitShares();

  // Written by the caller before it opens a job, read by who has a share of it.
  tq_kernel_body jobBody;
  void *jobArguments;
  int64_t jobCount;
  int64_t jobShares;

  // Each on a line of its own: workers watch the first, all take shares from
  // the second, the caller watches the third.
  alignas(64) std::atomic<uint32_t> epoch; // of the last job
  std::atomic<uint32_t> sleepers;
  /// The job, and how many of its shares nobody has taken yet: who takes one
  /// with a compare-and-swap knows that the job is not over.
  alignas(64) std::atomic<uint64_t> open;
  alignas(64) std::atomic<uint32_t> pending; // shares that are not done
  std::atomic<uint32_t> callerSleeps;
  alignas(64) std::atomic<bool> stopping;

  Worker *workers;
  int32_t numThreads;
  pid_t owner; // the process that has the workers
  int64_t spinNanoseconds;
};

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_DEVICE_POOL_H
