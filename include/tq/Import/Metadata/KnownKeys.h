//===- KnownKeys.h - What tq does with each key of a file -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A key that a reader does not look at may change what the model computes. So
// every key of every metadata file is in a table: honoured, known to change
// nothing, or the reason of a warning or an error where its value is not one of
// those that tq computes. A key that is in no table is a warning.
// docs/Metadata.md shows these tables; a unit test compares the two.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_METADATA_KNOWNKEYS_H
#define TQ_IMPORT_METADATA_KNOWNKEYS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace tq {

enum class KeyUse {
  Honoured, ///< A reader does what it says, or refuses its value.
  Harmless, ///< Changes nothing that a program computes.
  Warned,   ///< A warning, unless the value is one of `accepted`.
  Refused,  ///< An error, unless the value is one of `accepted`.
};

struct KnownKey {
  llvm::StringLiteral name;
  KeyUse use;
  /// What it means, or why it does no harm; of a warning or an error, what tq
  /// does not do: "tq has no relative positions".
  llvm::StringLiteral meaning;
  /// A JSON array of values, for Warned and Refused; null stands for an absent
  /// key, too.
  llvm::StringLiteral accepted = "[]";
};

/// The keys of one file, or of one kind of object in it.
struct MetadataTable {
  llvm::StringLiteral title; ///< "config.json", "tokenizer.json: model"
  llvm::ArrayRef<KnownKey> keys;
};

/// What a user should know of a file that is taken all the same.
struct MetadataWarning {
  std::string path;
  std::string message;
};
using MetadataWarnings = std::vector<MetadataWarning>;

/// Looks at all keys of `object`, which was read from `path` and whose keys
/// `table` lists. Fails at the first that is refused; the others that are not
/// as expected are appended to `warnings`, unknown ones in one line. `where`
/// precedes the keys in messages: "model." for those of an inner object.
llvm::Error checkKeys(llvm::StringRef path, const MetadataTable &table,
                      const llvm::json::Object &object,
                      MetadataWarnings &warnings, llvm::StringRef where = "");

} // namespace tq

#endif // TQ_IMPORT_METADATA_KNOWNKEYS_H
