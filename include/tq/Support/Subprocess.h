//===- Subprocess.h - Programs that the compiler runs -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_SUBPROCESS_H
#define TQ_SUPPORT_SUBPROCESS_H

#include "tq/Support/TempFiles.h"

#include "llvm/ADT/ArrayRef.h"

namespace tq {

/// How a program is run.
struct ProgramRun {
  /// The path of the program, then its arguments.
  llvm::ArrayRef<std::string> arguments;
  /// Where it starts; empty: where the compiler did.
  llvm::StringRef directory;
  /// Gets what it prints.
  llvm::StringRef log;
  /// After so many seconds it is ended; 0: never.
  unsigned maxSeconds = 0;
};

/// Runs a program and waits until it and all that it started have ended, which
/// they do with the compiler, too. Its temporary files are in the directory of
/// `files`. Returns "" if all went well, else what happened to it: "exit status
/// 1", "killed by signal 9", "took more than 20 s". Fails where it cannot run.
llvm::Expected<std::string> runProgram(const ProgramRun &run, TempFiles &files);

} // namespace tq

#endif // TQ_SUPPORT_SUBPROCESS_H
