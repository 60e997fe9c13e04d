//===- JSONFile.h - JSON from files nobody vouches for ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// llvm::json with the checks that a hostile file needs: bounded size and depth
// (the parser recurses), no key twice in one object, and one-line errors that
// name the file.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_JSONFILE_H
#define TQ_SUPPORT_JSONFILE_H

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace tq {

/// Largest JSON file or safetensors header that is read, in bytes.
inline constexpr uint64_t maxJSONBytes = 100'000'000;

/// Parses `text`, which was read from `path`, and returns its object.
llvm::Expected<llvm::json::Object> parseJSONObject(llvm::StringRef path,
                                                   llvm::StringRef text);

/// Parses `text`, which was read from `path`, and returns its value.
llvm::Expected<llvm::json::Value> parseJSON(llvm::StringRef path,
                                            llvm::StringRef text);

/// Reads the file at `path` and parses it as one object.
llvm::Expected<llvm::json::Object> readJSONObject(llvm::StringRef path);

/// Reads the file at `path` and parses it.
llvm::Expected<llvm::json::Value> readJSON(llvm::StringRef path);

/// Checks that `path` is a regular file (a pipe or device would block) of at
/// most `maxBytes` bytes and returns its size.
llvm::Expected<uint64_t> checkRegularFile(llvm::StringRef path,
                                          uint64_t maxBytes);

/// The same for a file whose status is known.
llvm::Expected<uint64_t>
checkRegularFile(llvm::StringRef path, const llvm::sys::fs::file_status &status,
                 uint64_t maxBytes);

/// Reads the regular file at `path`, of at most `maxJSONBytes` bytes.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readRegularFile(llvm::StringRef path);

/// `name` in `directory`.
std::string joinPath(llvm::StringRef directory, llvm::StringRef name);

/// Whether there is a file or directory at `path`, which may be absent. A link
/// that leads nowhere (a cache that is half deleted) is an error.
llvm::Expected<bool> isThere(llvm::StringRef path);

/// True if `path`, which a file names, lies in the directory of that file or
/// below. Links are followed: the caches of model hubs are made of them.
bool isInsideDirectory(llvm::StringRef path);

/// Returns `text` on one line and without control characters, cut after 120
/// bytes: what a file says about itself may go into an error.
std::string printable(llvm::StringRef text);

/// What is wrong with a file; logged as "PATH: MESSAGE".
class InputError : public llvm::ErrorInfo<InputError> {
public:
  static char ID;

  InputError(llvm::StringRef path, const llvm::Twine &message)
      : path(path.str()), message(message.str()) {}

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

  llvm::StringRef getPath() const { return path; }
  llvm::StringRef getMessage() const { return message; }

private:
  std::string path;
  std::string message;
};

/// An InputError as an error.
llvm::Error makeFileError(llvm::StringRef path, const llvm::Twine &message);

} // namespace tq

#endif // TQ_SUPPORT_JSONFILE_H
