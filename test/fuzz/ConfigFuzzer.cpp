//===- ConfigFuzzer.cpp - config.json of a model --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

using namespace tq;
using tq::test::TinyModel;

/// Weights that suit the architecture that is asked for, so that valid files
/// become modules.
static std::string makeWeights(llvm::StringRef config) {
  bool classifies = config.contains("ForSequenceClassification");
  std::string suffix = classifies ? "ForSequenceClassification" : "Model";
  if (config.contains("DistilBert"))
    return TinyModel::distilBert("DistilBert" + suffix).safetensors();
  if (config.contains("Roberta"))
    return TinyModel::roberta("Roberta" + suffix).safetensors();
  return TinyModel::bert("Bert" + suffix).safetensors();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  llvm::StringRef config = toText(data, size);
  directory.write("config.json", config);
  directory.write("model.safetensors", makeWeights(config));
  fuzz::importModel(directory);
  return 0;
}
