//===- InputFiles.h - The files that a run reads ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_INPUTFILES_H
#define TQ_SUPPORT_INPUTFILES_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <map>
#include <string>

namespace tq {

/// Files by what they are, not by their names: two links to one are the same.
class InputFiles {
public:
  /// Notes how the file is now, if it is there.
  void add(llvm::StringRef path);

  /// Adds the files in `directory` and in the directories there.
  void addDirectory(llvm::StringRef directory);

  /// Adds the file, if it is not known yet, as one of weights: it must stay as
  /// it was when it was added first.
  void addWeights(llvm::StringRef path);

  /// The name by which the file `path` was added; "" if it was not.
  llvm::StringRef find(llvm::StringRef path) const;
  llvm::StringRef findWeights(llvm::StringRef path) const;

  /// Fails if a file of weights is no longer what it was.
  llvm::Error checkUnchanged() const;

private:
  struct File {
    std::string path;
    uint64_t size;
    llvm::sys::TimePoint<> modified;
    bool isWeights = false;
  };

  File *addFile(llvm::StringRef path);
  const File *findFile(llvm::StringRef path) const;

  std::map<llvm::sys::fs::UniqueID, File> files;
};

} // namespace tq

#endif // TQ_SUPPORT_INPUTFILES_H
