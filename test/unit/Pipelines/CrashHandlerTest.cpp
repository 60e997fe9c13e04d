//===- CrashHandlerTest.cpp - Every end is told in one line ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CrashHandler.h"

#include "Report.h"
#include "TestFiles.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"

#include <csignal>
#include <cstdlib>
#include <limits>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace tq;
using namespace tq::test;

// Where a sanitizer has a report of its own before the line.
#if LLVM_ADDRESS_SANITIZER_BUILD
#define TQ_SKIP_WITH_SANITIZER() GTEST_SKIP() << "a sanitizer reports first"
#else
#define TQ_SKIP_WITH_SANITIZER() (void)0
#endif

namespace {

const CrashReport kReport = {"it crashed", "too little memory", "LLVM",
                             ExitCode::Input};

/// How a process ended, and what it printed on stderr.
struct End {
  int status;
  std::string printed;
};

/// Runs `body` in a process of its own, with the handlers.
End runApart(function_ref<void()> body) {
  int pipeEnds[2];
  EXPECT_EQ(pipe(pipeEnds), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(pipeEnds[1], STDERR_FILENO);
    close(pipeEnds[0]);
    close(pipeEnds[1]);
    setCrashReport(kReport);
    installCrashHandlers(/*verbose=*/false);
    keepStderr();
    body();
    _exit(0);
  }
  close(pipeEnds[1]);
  End end = {};
  char buffer[256];
  for (ssize_t size; (size = read(pipeEnds[0], buffer, sizeof buffer)) > 0;)
    end.printed.append(buffer, size_t(size));
  close(pipeEnds[0]);
  waitpid(child, &end.status, 0);
  return end;
}

void expectEnd(const End &end, StringRef line,
               ExitCode code = ExitCode::Input) {
  EXPECT_TRUE(WIFEXITED(end.status)) << end.status;
  EXPECT_EQ(WEXITSTATUS(end.status), static_cast<int>(code));
  EXPECT_EQ(end.printed, ("error: " + line + "\n").str());
}

void crash() {
  volatile int *nothing = nullptr;
  *nothing = 1;
}

/// Fills the stack.
int recurse(volatile char *above) {
  volatile char frame[1024];
  frame[0] = *above;
  return *above ? 0 : recurse(frame) + frame[0];
}

void fillStack() {
  volatile char top = 0;
  recurse(&top);
}

/// Runs `body` in a worker thread.
void runInPool(function_ref<void()> body) {
  GuardedThreadPool pool;
  ThreadPoolTaskGroup group(pool);
  group.async([body] { body(); });
  group.wait();
}

TEST(CrashHandler, NothingIsToldWhereAllIsWell) {
  End end = runApart([] {
    int sum = 0;
    runOnLargeStack([&] { runInPool([&] { ++sum; }); });
    _exit(sum == 1 ? 0 : 1);
  });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.printed, "");
}

TEST(CrashHandler, CrashesInAnyThread) {
  expectEnd(runApart(crash), "it crashed");
  expectEnd(runApart([] { runOnLargeStack(crash); }), "it crashed");
  expectEnd(runApart([] { runInPool(crash); }), "it crashed");
  expectEnd(runApart([] { std::thread(crash).join(); }), "it crashed");
}

TEST(CrashHandler, ManyCrashesAtOnceAreOne) {
  expectEnd(runApart([] {
              std::vector<std::thread> threads;
              for (int i = 0; i < 8; ++i)
                threads.emplace_back(crash);
              for (std::thread &thread : threads)
                thread.join();
            }),
            "it crashed");
}

TEST(CrashHandler, FullStacks) {
  expectEnd(runApart([] { runOnLargeStack(fillStack); }), "it crashed");
  expectEnd(runApart([] { runInPool(fillStack); }), "it crashed");
}

TEST(CrashHandler, SpoiltHeap) {
  TQ_SKIP_WITH_SANITIZER();
  // The allocator finds it and aborts while it holds its lock, and prints a
  // line of its own.
  expectEnd(runApart([] {
              void (*volatile release)(void *) = free;
              void *memory = malloc(5000);
              release(memory);
              release(memory);
            }),
            "it crashed");
}

TEST(CrashHandler, UncaughtErrors) {
  expectEnd(runApart([] { std::terminate(); }), "it crashed");
  expectEnd(runApart([] { report_fatal_error("a limit\nand more"); }),
            "LLVM: a limit");
}

/// Leaves no memory.
void takeMemory() {
  rlimit none = {1, 1};
  setrlimit(RLIMIT_AS, &none);
}

TEST(CrashHandler, TooLittleMemory) {
  TQ_SKIP_WITH_SANITIZER();
  volatile size_t huge = std::numeric_limits<ptrdiff_t>::max();
  auto take = [&] { ::operator delete(::operator new(huge)); };
  auto expectNone = [](function_ref<void()> body) {
    expectEnd(runApart([&] {
                takeMemory();
                body();
              }),
              "too little memory", ExitCode::Unsupported);
  };
  expectNone(take);
  expectNone([] { report_bad_alloc_error("no"); });
  expectNone(crash);
  // While input is read, one that asks for all of it is malformed.
  expectEnd(runApart(take), "LLVM: it asks for more memory than there is");
  expectEnd(runApart([&] { runInPool(take); }),
            "LLVM: it asks for more memory than there is");
  expectEnd(
      runApart([] { report_fatal_error("pthread_create failed: no threads"); }),
      "LLVM: pthread_create failed: no threads", ExitCode::Unsupported);
}

TEST(CrashHandler, NothingFollowsAnError) {
  End end = runApart([] {
    printError("what was wrong");
    abort();
  });
  expectEnd(end, "what was wrong");
}

TEST(CrashHandler, FilesThatShrinkAreNamed) {
  TempDirectory directory;
  std::string path =
      directory.write("a b\tmodel.safetensors", std::string(100000, 'x'));
  End end = runApart([&] {
    std::error_code error;
    Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
    if (!file)
      _exit(1);
    sys::fs::mapped_file_region region(
        *file, sys::fs::mapped_file_region::readonly, 100000, 0, error);
    if (error || truncate(path.c_str(), 10) != 0)
      _exit(1);
    volatile char last = region.const_data()[99999];
    (void)last;
  });
  SmallString<128> real;
  ASSERT_FALSE(sys::fs::real_path(path, real));
  expectEnd(end, (real + " became shorter while it was read, or the disk "
                         "failed")
                     .str());
}

TEST(CrashHandler, SignalsFromOutsideStaySignals) {
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
    End end = runApart([&] {
      std::signal(signal, SIG_DFL);
      installCrashHandlers(/*verbose=*/false);
      raise(signal);
    });
    EXPECT_TRUE(WIFSIGNALED(end.status)) << end.status;
    EXPECT_EQ(WTERMSIG(end.status), signal);
    EXPECT_EQ(end.printed, "");
  }
}

TEST(CrashHandler, IgnoredSignalsStayIgnored) {
  std::signal(SIGHUP, SIG_IGN);
  End end = runApart([] { raise(SIGHUP); });
  std::signal(SIGHUP, SIG_DFL);
  EXPECT_EQ(end.status, 0);
}

} // namespace
