//===- TempFiles.h - Files that do not outlive the compiler -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_TEMPFILES_H
#define TQ_SUPPORT_TEMPFILES_H

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

/// An error about the memory of this machine: its code is
/// `std::errc::not_enough_memory`.
llvm::Error makeMemoryError(const llvm::Twine &message);

/// The code of `error`, which stays.
std::error_code getErrorCode(llvm::Error &error);

/// Temporary files, in directories of their own, and the outputs that they
/// become. All are removed when the object goes, and when the process does.
class TempFiles {
public:
  TempFiles() = default;
  TempFiles(const TempFiles &) = delete;
  TempFiles &operator=(const TempFiles &) = delete;
  ~TempFiles();

  /// Creates an empty file in the directory for temporary files.
  llvm::Expected<std::string> create(llvm::StringRef suffix);

  /// The directory of the files that create makes.
  llvm::Expected<std::string> getDirectory();

  /// Creates an empty file that publish gives the name `path`; where that is a
  /// symbolic link, the name that it points at.
  llvm::Expected<std::string> createOutput(llvm::StringRef path);

  /// Gives all outputs their names: after a failure none has changed.
  llvm::Error publish();

private:
  struct Output {
    std::string file;
    std::string path;   ///< as given, for messages
    std::string target; ///< without links
    std::string before; ///< what was there; empty if nothing was
  };

  llvm::Expected<std::string> createIn(llvm::StringRef directory,
                                       llvm::StringRef suffix);
  std::error_code keepBefore(Output &output);
  void takeBack(const Output &output);

  std::string directory;
  /// One for each directory of outputs, which comes first.
  llvm::SmallVector<std::pair<std::string, std::string>, 1> outputDirectories;
  llvm::SmallVector<Output, 2> outputs;
  unsigned count = 0;
};

/// Writes `file`, which is there already, through `write`. Fails where not
/// everything could be written, on a full disk for instance.
llvm::Error
writeFile(llvm::StringRef file,
          llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)>);

/// Where `path` leads: what its symbolic links point at, whether or not that is
/// there.
llvm::Expected<std::string> resolveLinks(llvm::StringRef path);

/// Whether `path` is a terminal, a pipe or the like, as /dev/stdout may be, or
/// a file that is already open.
bool isDevice(llvm::StringRef path);

/// Writes `path` as a whole or not at all; devices directly.
llvm::Error
writeOutput(llvm::StringRef path,
            llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)>);

} // namespace tq

#endif // TQ_SUPPORT_TEMPFILES_H
