//===- ModelConfig.h - What a model's JSON files say ------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_MODELCONFIG_H
#define TQ_LIB_IMPORT_HUGGINGFACE_MODELCONFIG_H

#include "Architectures.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace tq {

/// config.json, checked: every number is within bounds.
struct ModelConfig {
  std::string path;
  const Architecture *architecture = nullptr;
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t intermediateSize = 0;
  int64_t numPositions = 0;
  int64_t numTokenTypes = 0; // 0: the model has none
  int64_t paddingId = 0;
  float epsilon = 0;
  Activation activation = Activation::Gelu;
  std::vector<std::string> labels; // classifiers only

  /// The longest sequence the position table allows.
  int64_t getMaxSequence() const {
    return architecture->positionsSkipPadding ? numPositions - paddingId - 1
                                              : numPositions;
  }
};

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

llvm::Expected<ModelConfig> readModelConfig(llvm::StringRef directory);

/// Reads what there is of sentence-transformers' files in `directory`.
llvm::Expected<SentenceModules> readSentenceModules(llvm::StringRef directory);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_MODELCONFIG_H
