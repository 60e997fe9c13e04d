//===- Files.h - Reading and writing whole files ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_CLI_FILES_H
#define TQ_LIB_RUNTIME_CLI_FILES_H

#include "Support.h"

namespace tq::rt {

/// Appends a whole file; "-" is standard input. Pipes work too.
tq_status readFile(const char *path, Bytes *bytes);

/// A file that appears under its name only when it is complete: it is written
/// under another name in the same folder. What is no regular file (a pipe,
/// /dev/null) is written directly.
class OutputFile {
public:
  OutputFile() = default;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  /// Removes what was not committed.
  ~OutputFile();

  tq_status open(const char *path);
  tq_status write(const void *data, int64_t bytes);
  /// Closes the file: all has been written after this.
  tq_status close();
  /// Gives the closed file its name.
  tq_status commit();

private:
  tq_status failWrite(const char *what);

  const char *path = nullptr; // as the user gave it
  char *target = nullptr;     // with links resolved
  char *temporary = nullptr;  // null: written directly
  int descriptor = -1;
};

/// Says early, before a long run, that a file cannot be written.
tq_status probeOutput(const char *path);

/// Writes one file.
tq_status writeFile(const char *path, const Bytes &bytes);

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8
/// become replacement characters.
void printJson(Bytes &to, const char *text);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_CLI_FILES_H
