//===- SentenceConfig.h - Settings of sentence-transformers -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_SENTENCECONFIG_H
#define TQ_LIB_IMPORT_HUGGINGFACE_SENTENCECONFIG_H

#include "tq/Import/Metadata/KnownKeys.h"

#include <optional>
#include <string>

namespace tq {

/// sentence_bert_config.json: how texts enter the Transformer module.
struct TextConfig {
  std::string path; // empty if there is none
  /// Longer texts are cut; 0: not given.
  int64_t maxTokens = 0;
  bool lowerCases = false;
  /// What the Transformer module computes: "feature-extraction".
  std::string task;
};

/// config_sentence_transformers.json: what encode() does around the modules.
struct EncodeConfig {
  struct Prompt {
    std::string name, text;
  };

  std::string path; // empty if there is none
  std::vector<Prompt> prompts;
  /// The name of one of `prompts`; empty: none.
  std::string defaultPrompt;
  /// Numbers of an embedding that are kept; 0: all.
  int64_t truncateDim = 0;
  std::string modelType = "SentenceTransformer";

  bool hasPrompts() const;
  const Prompt *findDefaultPrompt() const;
};

/// Reads the settings of the Transformer module in `directory`, and where they
/// say nothing of a text's length, what the tokenizer beside them says.
llvm::Expected<TextConfig> readTextConfig(llvm::StringRef directory,
                                          MetadataWarnings &warnings);

llvm::Expected<EncodeConfig> readEncodeConfig(llvm::StringRef directory,
                                              MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_SENTENCECONFIG_H
