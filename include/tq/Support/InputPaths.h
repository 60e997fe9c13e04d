//===- InputPaths.h - Paths to files nobody vouches for ---------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names in a file may lead anywhere, and what is there may be a pipe, a device,
// a link to nowhere or larger than memory.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_INPUTPATHS_H
#define TQ_SUPPORT_INPUTPATHS_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace tq {

/// Checks that `path` is a regular file (a pipe or device would block) of at
/// most `maxBytes` bytes and returns its size.
llvm::Expected<uint64_t> checkRegularFile(llvm::StringRef path,
                                          uint64_t maxBytes);

/// The same for a file whose status is known.
llvm::Expected<uint64_t>
checkRegularFile(llvm::StringRef path, const llvm::sys::fs::file_status &status,
                 uint64_t maxBytes);

/// Reads the regular file at `path`, of at most `maxBytes` bytes.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readRegularFile(llvm::StringRef path, uint64_t maxBytes);

/// `name` in `directory`.
std::string joinPath(llvm::StringRef directory, llvm::StringRef name);

/// Whether there is a file or directory at `path`, which may be absent. A link
/// that leads nowhere (a cache that is half deleted) is an error.
llvm::Expected<bool> isThere(llvm::StringRef path);

/// True if `path`, which a file names, lies in the directory of that file or
/// below. Links are followed: the caches of model hubs are made of them.
bool isInsideDirectory(llvm::StringRef path);

} // namespace tq

#endif // TQ_SUPPORT_INPUTPATHS_H
