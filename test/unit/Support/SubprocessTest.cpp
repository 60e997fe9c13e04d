//===- SubprocessTest.cpp - Programs end, with all they started -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/Subprocess.h"

#include "TestFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <csignal>

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

struct Ran {
  std::string failure; ///< "error: ..." where it did not run
  std::string printed;
};

Ran runShell(const std::string &script, unsigned maxSeconds = 0,
             StringRef directory = "") {
  TempFiles files;
  Expected<std::string> log = files.create("log");
  EXPECT_TRUE(bool(log));
  std::vector<std::string> arguments = {"/bin/sh", "-c", script};
  Expected<std::string> failure =
      runProgram({arguments, directory, *log, maxSeconds}, files);
  Ran ran;
  ran.failure = failure ? *failure : "error: " + toString(failure.takeError());
  if (auto buffer = MemoryBuffer::getFile(*log))
    ran.printed = (*buffer)->getBuffer().rtrim().str();
  return ran;
}

TEST(Subprocess, SaysHowProgramsEnd) {
  EXPECT_EQ(runShell("exit 0").failure, "");
  EXPECT_EQ(runShell("exit 3").failure, "exit status 3");
  EXPECT_EQ(runShell("kill -9 $$").failure, "killed by signal 9");
  EXPECT_EQ(runShell("echo a; echo b >&2").printed, "a\nb");
}

TEST(Subprocess, EndsWhatTakesTooLong) {
  EXPECT_EQ(runShell("sleep 600", 1).failure, "took more than 1 s");
}

TEST(Subprocess, EndsWhatIsLeftBehind) {
  // The shell ends at once, what it started would go on for minutes.
  Ran ran = runShell("sleep 600 & echo $!");
  EXPECT_EQ(ran.failure, "");
  int child = 0;
  ASSERT_FALSE(StringRef(ran.printed).getAsInteger(10, child)) << ran.printed;
  EXPECT_NE(kill(child, 0), 0);
}

TEST(Subprocess, RunsInItsDirectoryWithTemporaryFilesOfOurs) {
  TempDirectory directory;
  SmallString<128> real;
  ASSERT_FALSE(sys::fs::real_path(directory.path(), real));
  EXPECT_EQ(runShell("pwd -P", 0, directory.path()).printed, real);
  EXPECT_NE(runShell("echo $TMPDIR").printed.find("/tq-compile-"),
            std::string::npos);
}

TEST(Subprocess, SaysWhatCannotRun) {
  TempFiles files;
  Expected<std::string> log = files.create("log");
  ASSERT_TRUE(bool(log));
  std::vector<std::string> arguments = {"/nowhere/program"};
  Expected<std::string> failure = runProgram({arguments, "", *log, 0}, files);
  ASSERT_FALSE(bool(failure));
  EXPECT_EQ(toString(failure.takeError()),
            "cannot run /nowhere/program: No such file or directory");
}

} // namespace
