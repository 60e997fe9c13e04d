//===- Cleanup.cpp - What has to go when the compiler does ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/Cleanup.h"

#include "llvm/ADT/STLExtras.h"

#include <atomic>
#include <cerrno>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace llvm;
using namespace tq;

/// How long cleanUp waits for others: a disk may be slow, but nothing hangs.
static constexpr int kMaxWaits = 5000; // of a millisecond

static std::atomic<bool> isEnding;
static std::atomic<int> openSections;
static thread_local int ownSections;
static std::atomic<pid_t> childGroup;

namespace {
struct Directories {
  std::mutex mutex;
  std::vector<std::string> paths;
};
} // namespace

/// Changed in sections only, and never destroyed, so that a signal handler can
/// read the paths without the lock.
static Directories &getDirectories() {
  static auto *directories = new Directories;
  return *directories;
}

static void sleepMillisecond() {
  timespec time = {0, 1000000};
  nanosleep(&time, nullptr);
}

UninterruptedSection::UninterruptedSection() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &outerMask);
  ++openSections;
  if (isEnding && ownSections == 0) {
    --openSections;
    for (;;)
      pause();
  }
  ++ownSections;
}

UninterruptedSection::~UninterruptedSection() {
  --ownSections;
  --openSections;
  pthread_sigmask(SIG_SETMASK, &outerMask, nullptr);
}

//===----------------------------------------------------------------------===//
// Directories
//===----------------------------------------------------------------------===//

/// Removes the entries of `directory` and returns how many there were. With
/// system calls alone: opendir would allocate.
static unsigned removeEntries(int directory) {
  struct Entry { // as the kernel writes it
    uint64_t inode;
    int64_t offset;
    unsigned short bytes;
    unsigned char type;
    char name[];
  };
  alignas(Entry) char buffer[4096];
  unsigned removed = 0;
  lseek(directory, 0, SEEK_SET);
  for (;;) {
    long bytes = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (bytes <= 0)
      return removed;
    for (long at = 0; at < bytes;) {
      auto *entry = reinterpret_cast<Entry *>(buffer + at);
      at += entry->bytes;
      StringRef name(entry->name);
      if (name == "." || name == "..")
        continue;
      if (unlinkat(directory, entry->name, 0) == 0 ||
          unlinkat(directory, entry->name, AT_REMOVEDIR) == 0)
        ++removed;
    }
  }
}

/// Whoever still writes into the directory ends with the process or stops when
/// it has gone.
static void removeDirectory(const char *path) {
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return;
  do
    while (removeEntries(directory) != 0)
      ;
  while (rmdir(path) != 0 && removeEntries(directory) != 0);
  close(directory);
}

int tq::makeTemporaryDirectory(StringRef path) {
  std::string name = path.str();
  UninterruptedSection section;
  if (mkdir(name.c_str(), 0700) != 0)
    return errno;
  Directories &directories = getDirectories();
  std::lock_guard<std::mutex> lock(directories.mutex);
  directories.paths.push_back(std::move(name));
  return 0;
}

void tq::removeTemporaryDirectory(StringRef path) {
  UninterruptedSection section;
  Directories &directories = getDirectories();
  std::lock_guard<std::mutex> lock(directories.mutex);
  removeDirectory(path.str().c_str());
  llvm::erase(directories.paths, path.str());
}

//===----------------------------------------------------------------------===//
// Children
//===----------------------------------------------------------------------===//

void tq::setChildGroup(pid_t group) { childGroup = group; }

void tq::endChildGroup(pid_t group) {
  kill(-group, SIGKILL);
  // Children of children become ours when their parent ends.
  for (int waits = 0; waits < kMaxWaits; ++waits) {
    pid_t ended = waitpid(-group, nullptr, WNOHANG);
    if (ended < 0 && errno != EINTR)
      return;
    if (ended == 0)
      sleepMillisecond();
  }
}

void tq::cleanUp() {
  isEnding = true;
  for (int waits = 0; openSections > ownSections && waits < kMaxWaits; ++waits)
    sleepMillisecond();
  if (pid_t group = childGroup)
    endChildGroup(group);
  // Those made later may lie in those made before.
  for (const std::string &path : llvm::reverse(getDirectories().paths))
    removeDirectory(path.c_str());
}
