//===- TinyModel.h - Writes tiny model directories --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_IMPORT_TINYMODEL_H
#define TQ_TEST_UNIT_IMPORT_TINYMODEL_H

#include "TestFiles.h"

#include "llvm/Support/JSON.h"

#include <map>
#include <vector>

namespace tq::test {

/// A model of 8 features, 2 heads, 12 inner features, 2 layers, 20 words, 6
/// positions. Tests change what they like and then write it.
struct TinyModel {
  using Shape = std::vector<int64_t>;

  llvm::json::Object config;
  std::map<std::string, Shape> tensors;
  std::string dtype = "F32";
  unsigned elementBytes = 4;
  std::string data; // zeros unless set

  static TinyModel bert(llvm::StringRef architecture = "BertModel");
  static TinyModel distilBert(llvm::StringRef architecture = "DistilBertModel");
  static TinyModel roberta(llvm::StringRef architecture = "RobertaModel");
  static TinyModel electra(llvm::StringRef architecture = "ElectraModel");

  void addLinear(const std::string &name, int64_t outputs, int64_t inputs) {
    tensors[name + ".weight"] = {outputs, inputs};
    tensors[name + ".bias"] = {outputs};
  }
  void addNorm(const std::string &name) {
    tensors[name + ".weight"] = {8};
    tensors[name + ".bias"] = {8};
  }
  /// Renames the tensor `from`.
  void rename(const std::string &from, const std::string &to) {
    tensors[to] = tensors.at(from);
    tensors.erase(from);
  }
  /// Puts `prefix` before all names.
  void addPrefix(const std::string &prefix) {
    std::map<std::string, Shape> renamed;
    for (auto &[name, shape] : tensors)
      renamed[prefix + name] = shape;
    tensors = std::move(renamed);
  }

  void write(const TempDirectory &directory) const {
    std::string text;
    llvm::raw_string_ostream(text)
        << llvm::json::Value(llvm::json::Object(config));
    directory.write("config.json", text);
    directory.write("model.safetensors", safetensors());
  }

  std::string safetensors() const {
    llvm::json::Object header;
    int64_t end = 0;
    for (const auto &[name, shape] : tensors) {
      int64_t begin = end;
      int64_t bytes = elementBytes;
      for (int64_t size : shape)
        bytes *= size;
      end += bytes;
      header[name] =
          llvm::json::Object{{"dtype", dtype},
                             {"shape", llvm::json::Array(shape)},
                             {"data_offsets", llvm::json::Array{begin, end}}};
    }
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(header));
    std::string bytes = data;
    bytes.resize(static_cast<size_t>(end));
    return makeSafetensors(text, bytes);
  }
};

inline TinyModel TinyModel::bert(llvm::StringRef architecture) {
  TinyModel model;
  model.config =
      llvm::json::Object{{"architectures", llvm::json::Array{architecture}},
                         {"hidden_size", 8},
                         {"num_hidden_layers", 2},
                         {"num_attention_heads", 2},
                         {"intermediate_size", 12},
                         {"vocab_size", 20},
                         {"max_position_embeddings", 6},
                         {"type_vocab_size", 2}};
  model.tensors["embeddings.word_embeddings.weight"] = {20, 8};
  model.tensors["embeddings.position_embeddings.weight"] = {6, 8};
  model.tensors["embeddings.token_type_embeddings.weight"] = {2, 8};
  model.addNorm("embeddings.LayerNorm");
  for (int i = 0; i < 2; ++i) {
    std::string layer = "encoder.layer." + std::to_string(i) + ".";
    for (const char *part : {"query", "key", "value"})
      model.addLinear(layer + "attention.self." + part, 8, 8);
    model.addLinear(layer + "attention.output.dense", 8, 8);
    model.addNorm(layer + "attention.output.LayerNorm");
    model.addLinear(layer + "intermediate.dense", 12, 8);
    model.addLinear(layer + "output.dense", 8, 12);
    model.addNorm(layer + "output.LayerNorm");
  }
  model.addLinear("pooler.dense", 8, 8);
  if (architecture.ends_with("ForSequenceClassification")) {
    model.addPrefix("bert.");
    model.addLinear("classifier", 2, 8);
  }
  return model;
}

inline TinyModel TinyModel::roberta(llvm::StringRef architecture) {
  TinyModel model = bert("BertModel");
  model.config["architectures"] = llvm::json::Array{architecture};
  model.config["type_vocab_size"] = 1;
  model.config["layer_norm_eps"] = 1e-5;
  model.tensors["embeddings.token_type_embeddings.weight"] = {1, 8};
  if (architecture.ends_with("ForSequenceClassification")) {
    model.addPrefix("roberta.");
    model.addLinear("classifier.dense", 8, 8);
    model.addLinear("classifier.out_proj", 2, 8);
  }
  return model;
}

inline TinyModel TinyModel::electra(llvm::StringRef architecture) {
  TinyModel model = bert("BertModel");
  model.config["architectures"] = llvm::json::Array{architecture};
  model.config["embedding_size"] = 8;
  model.tensors.erase("pooler.dense.weight");
  model.tensors.erase("pooler.dense.bias");
  if (architecture.ends_with("ForSequenceClassification")) {
    model.addPrefix("electra.");
    model.addLinear("classifier.dense", 8, 8);
    model.addLinear("classifier.out_proj", 2, 8);
  }
  return model;
}

inline TinyModel TinyModel::distilBert(llvm::StringRef architecture) {
  TinyModel model;
  model.config =
      llvm::json::Object{{"architectures", llvm::json::Array{architecture}},
                         {"dim", 8},
                         {"n_layers", 2},
                         {"n_heads", 2},
                         {"hidden_dim", 12},
                         {"vocab_size", 20},
                         {"max_position_embeddings", 6}};
  model.tensors["embeddings.word_embeddings.weight"] = {20, 8};
  model.tensors["embeddings.position_embeddings.weight"] = {6, 8};
  model.addNorm("embeddings.LayerNorm");
  for (int i = 0; i < 2; ++i) {
    std::string layer = "transformer.layer." + std::to_string(i) + ".";
    for (const char *part : {"q_lin", "k_lin", "v_lin", "out_lin"})
      model.addLinear(layer + "attention." + part, 8, 8);
    model.addNorm(layer + "sa_layer_norm");
    model.addLinear(layer + "ffn.lin1", 12, 8);
    model.addLinear(layer + "ffn.lin2", 8, 12);
    model.addNorm(layer + "output_layer_norm");
  }
  if (architecture.ends_with("ForSequenceClassification")) {
    model.addPrefix("distilbert.");
    model.addLinear("pre_classifier", 8, 8);
    model.addLinear("classifier", 2, 8);
  }
  return model;
}

} // namespace tq::test

#endif // TQ_TEST_UNIT_IMPORT_TINYMODEL_H
