//===- SentenceModules.h - Files of sentence-transformers -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_SENTENCEMODULES_H
#define TQ_LIB_IMPORT_HUGGINGFACE_SENTENCEMODULES_H

#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Import/Metadata/KnownKeys.h"

#include <optional>
#include <string>

namespace tq {

/// modules.json and the files it names.
struct SentenceModules {
  /// Where config.json and the weights are.
  std::string modelDirectory;
  std::string path; // of modules.json, empty if there is none
  std::string poolingPath;
  std::optional<PoolKind> pooling;
  bool normalize = false;
  /// A module or pooling that cannot be compiled: an error, unless the user
  /// asks for something else.
  std::string unsupportedModule;
  std::string unsupportedPooling;
  int64_t maxTokens = 0; // 0: not given
  bool lowerCases = false;
};

/// Reads what there is of sentence-transformers' files in `directory`.
llvm::Expected<SentenceModules> readSentenceModules(llvm::StringRef directory,
                                                    MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_SENTENCEMODULES_H
