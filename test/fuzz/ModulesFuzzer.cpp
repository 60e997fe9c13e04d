//===- ModulesFuzzer.cpp - The files of sentence-transformers -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

using namespace tq;

static constexpr llvm::StringRef kNames[] = {
    "modules.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
    "2_Normalize/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer_config.json",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  static const bool written = [] {
    tq::test::TinyModel model = tq::test::TinyModel::bert();
    std::string config;
    llvm::raw_string_ostream(config)
        << llvm::json::Value(llvm::json::Object(model.config));
    directory.write("config.json", config);
    directory.write("model.safetensors", model.safetensors());
    return true;
  }();
  (void)written;
  directory.writeSections(toText(data, size), kNames);
  fuzz::importModel(directory);
  return 0;
}
