//===- SentenceModules.h - Files of sentence-transformers -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_SENTENCEMODULES_H
#define TQ_LIB_IMPORT_HUGGINGFACE_SENTENCEMODULES_H

#include "EmbeddingHead.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"
#include "tq/Import/Metadata/KnownKeys.h"

#include <optional>
#include <string>

namespace tq {

/// Why a file's words cannot be compiled; empty: they can. An error, unless the
/// user asks for something else.
struct Refusal {
  std::string path, message;

  /// The first reason is the one that counts.
  void set(llvm::StringRef newPath, const llvm::Twine &newMessage) {
    if (message.empty()) {
      path = newPath.str();
      message = newMessage.str();
    }
  }
};

/// modules.json and the files it names.
struct SentenceModules {
  /// Where config.json and the weights are.
  std::string modelDirectory;
  std::string path; // of modules.json, empty if there is none
  std::string poolingPath;
  llvm::SmallVector<PoolKind> poolings; // what they give stands side by side
  int64_t poolingWidth = 0;             // 0: not given
  bool includesPrompt = true;
  std::vector<EmbeddingModule> modules; // behind the pooling
  Refusal refusal, poolingRefusal;
};

/// Reads modules.json in `directory`, which need not exist.
llvm::Expected<SentenceModules> readSentenceModules(llvm::StringRef directory,
                                                    MetadataWarnings &warnings);

/// The pooling that the user asks for, or nothing.
std::optional<PoolKind> getPoolKind(ImportPooling pooling);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_SENTENCEMODULES_H
