//===- ConfigText.h - The text of a file of rules ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_TQ_TRANSFORMS_CONFIGTEXT_H
#define TQ_LIB_DIALECT_TQ_TRANSFORMS_CONFIGTEXT_H

#include "tq/Support/InputError.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <string>
#include <vector>

namespace tq {

/// The text of a file, and the first error in it.
class ConfigText {
public:
  explicit ConfigText(llvm::MemoryBufferRef buffer);

  llvm::StringRef getText() const { return text; }
  llvm::StringRef getPath() const { return path; }

  /// The line of a byte, from 1.
  size_t getLine(size_t at) const;

  /// Refuses what cannot be YAML of ours whatever it says.
  bool check();

  /// Notes an error, unless there is one. Returns false.
  bool fail(size_t at, const llvm::Twine &message);
  bool failed() const { return !error.empty(); }

  /// The error, for the caller.
  llvm::Error takeError() const { return makeFileError(where, error); }

private:
  std::string path;
  /// Ends with a zero byte, unlike the buffer.
  std::string text;
  std::vector<size_t> newlines;
  std::string where;
  std::string error;
};

} // namespace tq

#endif // TQ_LIB_DIALECT_TQ_TRANSFORMS_CONFIGTEXT_H
