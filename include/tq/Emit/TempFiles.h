//===- TempFiles.h - Files that do not outlive the compiler -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_TEMPFILES_H
#define TQ_EMIT_TEMPFILES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace tq {

/// An error about what is written, not about what was given: its code is
/// `std::errc::io_error`.
llvm::Error makeOutputError(const llvm::Twine &message);

/// Temporary files; removed when the object goes, and on signals.
class TempFiles {
public:
  TempFiles() = default;
  TempFiles(const TempFiles &) = delete;
  TempFiles &operator=(const TempFiles &) = delete;
  ~TempFiles();

  /// Creates an empty file in the directory for temporary files.
  llvm::Expected<std::string> create(llvm::StringRef suffix);

  /// Creates an empty file next to `path`, to be renamed to it.
  llvm::Expected<std::string> createNextTo(llvm::StringRef path);

  /// Renames a file made by createNextTo to `path`; it is no longer temporary.
  llvm::Error rename(llvm::StringRef file, llvm::StringRef path);

private:
  void add(llvm::StringRef file);

  llvm::SmallVector<std::string, 8> files;
};

/// Writes `file` through `write`. Fails where not everything could be written,
/// on a full disk for instance.
llvm::Error
writeFile(llvm::StringRef file,
          llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)>);

/// Whether `path` is a terminal, a pipe or the like, as /dev/stdout may be.
bool isDevice(llvm::StringRef path);

/// Writes `path` as a whole or not at all; devices directly.
llvm::Error
writeOutput(llvm::StringRef path,
            llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)>);

} // namespace tq

#endif // TQ_EMIT_TEMPFILES_H
