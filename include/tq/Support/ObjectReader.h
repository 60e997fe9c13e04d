//===- ObjectReader.h - Checked reads of a JSON object ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_OBJECTREADER_H
#define TQ_SUPPORT_OBJECTREADER_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace tq {

/// Reads keys of one object. The first error sticks; later reads give defaults.
/// A key that is absent or null counts as missing.
class ObjectReader {
public:
  /// `where` precedes the keys in messages: "model." for those of an inner
  /// object.
  ObjectReader(llvm::StringRef path, const llvm::json::Object &object,
               const llvm::Twine &where = "")
      : path(path), source(object), where(where.str()) {}

  bool has(llvm::StringRef key) const { return value(key) != nullptr; }
  /// Null if the key is missing.
  const llvm::json::Value *value(llvm::StringRef key) const;

  // Without a default, a missing key is an error.
  int64_t integer(llvm::StringRef key, int64_t min, int64_t max,
                  std::optional<int64_t> byDefault = std::nullopt);
  double number(llvm::StringRef key, double min, double max, double byDefault);
  std::string string(llvm::StringRef key,
                     std::optional<llvm::StringRef> byDefault = std::nullopt);
  bool boolean(llvm::StringRef key, bool byDefault);
  std::vector<int64_t> integers(llvm::StringRef key, int64_t min, int64_t max);
  // Null if the key is missing, and where it is something else: an error.
  const llvm::json::Object *object(llvm::StringRef key);
  const llvm::json::Array *array(llvm::StringRef key);

  /// Records what is wrong with `key`, unless there is an error already.
  void expected(llvm::StringRef key, const llvm::Twine &what);
  void fail(const llvm::Twine &message);

  llvm::Error takeError();

private:
  llvm::StringRef path;
  const llvm::json::Object &source;
  std::string where;
  std::string message;
};

} // namespace tq

#endif // TQ_SUPPORT_OBJECTREADER_H
