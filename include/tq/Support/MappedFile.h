//===- MappedFile.h - A file as bytes in memory -----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_MAPPEDFILE_H
#define TQ_SUPPORT_MAPPEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

namespace tq {

/// A regular file of any size, mapped read-only. Its bytes stay where they are
/// when the object moves. Whoever changes the file changes them.
class MappedFile {
public:
  static llvm::Expected<MappedFile> open(llvm::StringRef path);

  llvm::ArrayRef<uint8_t> getBytes() const;
  llvm::StringRef getText() const;

private:
  explicit MappedFile(llvm::sys::fs::mapped_file_region region)
      : region(std::move(region)) {}

  llvm::sys::fs::mapped_file_region region;
};

} // namespace tq

#endif // TQ_SUPPORT_MAPPEDFILE_H
