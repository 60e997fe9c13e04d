//===- ModelConfig.h - What config.json says --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_MODELCONFIG_H
#define TQ_LIB_IMPORT_HUGGINGFACE_MODELCONFIG_H

#include "Architectures.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Import/Metadata/KnownKeys.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace tq {

using program::LabelScores;

/// config.json, checked: every number is within bounds.
struct ModelConfig {
  std::string path;
  const Architecture *architecture = nullptr;
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t embeddingSize = 0; // columns of the tables
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t intermediateSize = 0;
  int64_t numPositions = 0;
  int64_t numTokenTypes = 0; // 0: the model has none
  int64_t paddingId = 0;
  float epsilon = 0;
  Activation activation = Activation::Gelu;
  std::vector<std::string> labels; // classifiers only
  LabelScores labelScores = LabelScores::Softmax;

  /// The longest sequence the position table allows.
  int64_t getMaxSequence() const {
    return architecture->family.positionsSkipPadding
               ? numPositions - paddingId - 1
               : numPositions;
  }
};

/// Reads config.json in `directory`; appends what a user should know.
llvm::Expected<ModelConfig> readModelConfig(llvm::StringRef directory,
                                            MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_MODELCONFIG_H
