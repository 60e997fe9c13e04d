//===- CrashHandler.h - One line for every end ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever ends the compiler, in whichever thread, is told in one line, gives a
// documented exit code and leaves no files behind: crashes, a full stack, too
// little memory, fatal errors of LLVM, files that shrink under a mapping.
// Signals that ask it to end leave no files behind either. Handlers call only
// what is safe in signal handlers: a crash may hold the lock of the heap.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_CRASHHANDLER_H
#define TQ_LIB_PIPELINES_CRASHHANDLER_H

#include "tq/Pipelines/Driver.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ThreadPool.h"

#include <string>

namespace tq {

/// What is said of the ends to come, each on a line.
struct CrashReport {
  std::string crash;    ///< of a crash
  std::string noMemory; ///< where memory ran out, with ExitCode::Unsupported
  std::string fatal;    ///< before what LLVM calls a fatal error
  ExitCode code;
};

/// Sets the report. No other thread may do so at the same time.
void setCrashReport(const CrashReport &report);

/// Installs all handlers, once. With `verbose`, a crash goes on to the handlers
/// that were there before when it has been told.
void installCrashHandlers(bool verbose);

/// Runs `body` on a stack that suits deep IR, and returns when it is done.
void runOnLargeStack(llvm::function_ref<void()> body);

/// A pool whose threads can tell that their stack is full.
class GuardedThreadPool : public llvm::ThreadPoolInterface {
public:
  void wait() override { pool.wait(); }
  void wait(llvm::ThreadPoolTaskGroup &group) override { pool.wait(group); }
  unsigned getMaxConcurrency() const override {
    return pool.getMaxConcurrency();
  }

private:
  void asyncEnqueue(llvm::unique_function<void()> task,
                    llvm::ThreadPoolTaskGroup *group) override;

  llvm::StdThreadPool pool;
};

} // namespace tq

#endif // TQ_LIB_PIPELINES_CRASHHANDLER_H
