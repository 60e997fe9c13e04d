//===- InputPaths.cpp - Paths to files nobody vouches for -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/InputPaths.h"

#include "tq/Support/InputError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace tq;

std::string tq::joinPath(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return std::string(path);
}

Expected<bool> tq::isThere(StringRef path) {
  if (sys::fs::exists(path))
    return true;
  sys::fs::file_status link;
  if (sys::fs::status(path, link, /*follow=*/false))
    return false;
  return makeFileError(path, "expected a file, but got a link to one that does "
                             "not exist");
}

bool tq::isInsideDirectory(StringRef path) {
  if (path.empty() || path.contains('\0') || sys::path::is_absolute(path))
    return false;
  return llvm::none_of(
      llvm::make_range(sys::path::begin(path), sys::path::end(path)),
      [](StringRef component) { return component == ".."; });
}

Expected<uint64_t> tq::checkRegularFile(StringRef path, uint64_t maxBytes) {
  Expected<bool> exists = isThere(path);
  if (!exists)
    return exists.takeError();
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return makeFileError(path, "expected a readable file, but got: " +
                                   error.message());
  return checkRegularFile(path, status, maxBytes);
}

Expected<uint64_t> tq::checkRegularFile(StringRef path,
                                        const sys::fs::file_status &status,
                                        uint64_t maxBytes) {
  if (status.type() != sys::fs::file_type::regular_file)
    return makeFileError(path,
                         "expected a regular file, but got something else");
  if (status.getSize() > maxBytes)
    return makeFileError(path, "expected at most " + Twine(maxBytes) +
                                   " bytes, but got " +
                                   Twine(status.getSize()));
  return status.getSize();
}

Expected<std::unique_ptr<MemoryBuffer>> tq::readRegularFile(StringRef path,
                                                            uint64_t maxBytes) {
  Expected<uint64_t> size = checkRegularFile(path, maxBytes);
  if (!size)
    return size.takeError();
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeFileError(path, "expected a readable file, but got: " +
                                   buffer.getError().message());
  return std::move(*buffer);
}
