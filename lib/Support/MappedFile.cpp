//===- MappedFile.cpp - A file as bytes in memory -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/MappedFile.h"

#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"

#include "llvm/ADT/StringExtras.h"

#include <limits>

using namespace llvm;
using namespace tq;

using sys::fs::mapped_file_region;

static constexpr uint64_t maxFileBytes = std::numeric_limits<int64_t>::max();

/// Maps an open file at the size that this very file has: the name may mean
/// another by now. An empty file cannot be mapped.
static Expected<mapped_file_region> mapOpenFile(StringRef path,
                                                sys::fs::file_t file) {
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(file, status))
    return makeFileError(path, "expected a readable file, but got: " +
                                   error.message());
  Expected<uint64_t> size = checkRegularFile(path, status, maxFileBytes);
  if (!size)
    return size.takeError();
  if (*size == 0)
    return mapped_file_region();
  std::error_code error;
  mapped_file_region region(file, mapped_file_region::readonly, *size,
                            /*offset=*/0, error);
  if (error)
    return makeFileError(path, "expected a file that can be mapped, but got: " +
                                   error.message());
  return region;
}

Expected<MappedFile> MappedFile::open(StringRef path) {
  // Opening a pipe would wait for its other end.
  Expected<uint64_t> size = checkRegularFile(path, maxFileBytes);
  if (!size)
    return size.takeError();
  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return makeFileError(path, "expected a readable file, but got: " +
                                   toString(file.takeError()));
  Expected<mapped_file_region> region = mapOpenFile(path, *file);
  sys::fs::closeFile(*file);
  if (!region)
    return region.takeError();
  return MappedFile(std::move(*region));
}

ArrayRef<uint8_t> MappedFile::getBytes() const {
  return arrayRefFromStringRef(getText());
}

StringRef MappedFile::getText() const {
  return region ? StringRef(region.const_data(), region.size()) : StringRef();
}
