//===- Cleanup.h - What has to go when the compiler does --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Directories of temporary files and running children, known to whoever ends
// the process: a signal handler, in any thread, with the heap in any state.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_CLEANUP_H
#define TQ_SUPPORT_CLEANUP_H

#include "llvm/ADT/StringRef.h"

#include <csignal>
#include <sys/types.h>

namespace tq {

/// While one lives, no signal interrupts this thread, and cleanUp in another
/// waits: what is made inside is registered, too, and renames are done as a
/// whole. Once cleanUp runs, threads stay in the constructor.
class UninterruptedSection {
public:
  UninterruptedSection();
  UninterruptedSection(const UninterruptedSection &) = delete;
  UninterruptedSection &operator=(const UninterruptedSection &) = delete;
  ~UninterruptedSection();

  /// The signals that were blocked before.
  const sigset_t &getOuterMask() const { return outerMask; }

private:
  sigset_t outerMask;
};

/// Makes a directory that nobody else may read and that cleanUp removes, with
/// the files inside. Returns errno.
int makeTemporaryDirectory(llvm::StringRef path);

/// Removes it, and the files inside, now.
void removeTemporaryDirectory(llvm::StringRef path);

/// The group of processes that cleanUp ends; 0 for none. Only to be called in
/// an UninterruptedSection.
void setChildGroup(pid_t group);

/// Ends all processes of `group`, and waits until they have gone. May be called
/// by signal handlers.
void endChildGroup(pid_t group);

/// Ends children, then removes all temporary directories. May be called by
/// signal handlers; the process must end right after.
void cleanUp();

} // namespace tq

#endif // TQ_SUPPORT_CLEANUP_H
