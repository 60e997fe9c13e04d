//===- InputFiles.cpp - The files that a run reads ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/InputFiles.h"

using namespace llvm;
using namespace tq;

namespace fs = llvm::sys::fs;

InputFiles::File *InputFiles::addFile(StringRef path) {
  fs::file_status status;
  if (fs::status(path, status) || !fs::is_regular_file(status))
    return nullptr;
  return &files
              .try_emplace(status.getUniqueID(),
                           File{path.str(), status.getSize(),
                                status.getLastModificationTime()})
              .first->second;
}

void InputFiles::add(StringRef path) { addFile(path); }

void InputFiles::addDirectory(StringRef directory) {
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error), end;
  while (entry != end && !error) {
    addFile(entry->path());
    if (entry.level() > 0)
      entry.no_push();
    entry.increment(error);
  }
}

void InputFiles::addWeights(StringRef path) {
  if (File *file = addFile(path))
    file->isWeights = true;
}

const InputFiles::File *InputFiles::findFile(StringRef path) const {
  fs::UniqueID id;
  if (fs::getUniqueID(path, id))
    return nullptr;
  auto entry = files.find(id);
  return entry == files.end() ? nullptr : &entry->second;
}

StringRef InputFiles::find(StringRef path) const {
  const File *file = findFile(path);
  return file ? StringRef(file->path) : "";
}

StringRef InputFiles::findWeights(StringRef path) const {
  const File *file = findFile(path);
  return file && file->isWeights ? StringRef(file->path) : "";
}

Error InputFiles::checkUnchanged() const {
  for (const auto &[id, file] : files) {
    fs::file_status status;
    if (file.isWeights &&
        (fs::status(file.path, status) || status.getUniqueID() != id ||
         status.getSize() != file.size ||
         status.getLastModificationTime() != file.modified))
      return createStringError("the file of weights " + file.path +
                               " changed while it was compiled");
  }
  return Error::success();
}
