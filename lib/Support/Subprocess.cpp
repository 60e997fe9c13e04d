//===- Subprocess.cpp - Programs that the compiler runs -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Not llvm::sys::ExecuteAndWait: its limit of time is an alarm, which another
// thread may get, and its children outlive the compiler when a signal ends it.
//
//===----------------------------------------------------------------------===//

#include "tq/Support/Subprocess.h"

#include "tq/Support/Cleanup.h"

#include "llvm/ADT/ScopeExit.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace tq;

static constexpr StringLiteral kTempVariable = "TMPDIR=";

/// The compiler's environment, with another directory for temporary files.
static std::vector<std::string> makeEnvironment(StringRef directory) {
  std::vector<std::string> result = {(kTempVariable + directory).str()};
  for (char **entry = environ; *entry; ++entry)
    if (!StringRef(*entry).starts_with(kTempVariable))
      result.push_back(*entry);
  return result;
}

/// Pointers to `strings`, as exec takes them.
static std::vector<char *> toPointers(ArrayRef<std::string> strings) {
  std::vector<char *> result;
  for (const std::string &string : strings)
    result.push_back(const_cast<char *>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

/// Starts the program in a group of processes of its own. Returns errno.
static int spawn(const ProgramRun &run, ArrayRef<std::string> environment,
                 const sigset_t &mask, pid_t &child) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  auto destroyActions =
      scope_exit([&] { posix_spawn_file_actions_destroy(&actions); });
  std::string log = run.log.str(), directory = run.directory.str();
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_APPEND, 0);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  if (!directory.empty())
    posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  auto destroyAttributes =
      scope_exit([&] { posix_spawnattr_destroy(&attributes); });
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &mask);

  std::vector<char *> arguments = toPointers(run.arguments);
  return posix_spawn(&child, arguments[0], &actions, &attributes,
                     arguments.data(), toPointers(environment).data());
}

/// Waits for `child` and says what became of it.
static std::string wait(pid_t child, unsigned maxSeconds) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point end = Clock::now() + std::chrono::seconds(maxSeconds);
  int status = 0;
  for (;;) {
    pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child)
      break;
    if (ended < 0 && errno != EINTR)
      return "it was lost";
    if (maxSeconds && Clock::now() > end)
      return ("took more than " + Twine(maxSeconds) + " s").str();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (WIFSIGNALED(status))
    return ("killed by signal " + Twine(WTERMSIG(status))).str();
  int code = WEXITSTATUS(status);
  return code ? ("exit status " + Twine(code)).str() : "";
}

static Error cannotRun(StringRef program, int error) {
  std::string message =
      ("cannot run " + program + ": " + std::generic_category().message(error))
          .str();
  return error == ENOMEM || error == EAGAIN ? makeMemoryError(message)
                                            : makeOutputError(message);
}

Expected<std::string> tq::runProgram(const ProgramRun &run, TempFiles &files) {
  Expected<std::string> directory = files.getDirectory();
  if (!directory)
    return directory.takeError();
  std::vector<std::string> environment = makeEnvironment(*directory);
  // What a child leaves behind is ours to end.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  pid_t child = 0;
  {
    UninterruptedSection section;
    if (int error = spawn(run, environment, section.getOuterMask(), child))
      return cannotRun(run.arguments[0], error);
    setChildGroup(child);
  }
  std::string result = wait(child, run.maxSeconds);
  UninterruptedSection section;
  endChildGroup(child);
  setChildGroup(0);
  return result;
}
