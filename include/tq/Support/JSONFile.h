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

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>
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

/// The same for a file that may be absent.
llvm::Expected<std::optional<llvm::json::Object>>
readOptionalJSONObject(llvm::StringRef path);

/// Reads the file at `path` and parses it.
llvm::Expected<llvm::json::Value> readJSON(llvm::StringRef path);

/// Returns `value` as an error may show it: on one line, and not too long.
std::string printableJSON(const llvm::json::Value &value);

/// Returns "key 'KEY': expected WHAT, but got FOUND"; null: there is no such
/// key.
std::string describeMismatch(llvm::StringRef key, const llvm::Twine &what,
                             const llvm::json::Value *found);

} // namespace tq

#endif // TQ_SUPPORT_JSONFILE_H
