//===- Architectures.cpp - What is known of each architecture -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace tq {

static constexpr ConfigKeys bertKeys = {
    .hiddenSize = "hidden_size",
    .numLayers = "num_hidden_layers",
    .numHeads = "num_attention_heads",
    .intermediateSize = "intermediate_size",
    .activation = "hidden_act",
    .epsilon = "layer_norm_eps",
    .numTokenTypes = "type_vocab_size",
    .defaultEpsilon = 1e-12,
    .defaultPaddingId = 0,
};

static constexpr ConfigKeys robertaKeys = {
    .hiddenSize = "hidden_size",
    .numLayers = "num_hidden_layers",
    .numHeads = "num_attention_heads",
    .intermediateSize = "intermediate_size",
    .activation = "hidden_act",
    .epsilon = "layer_norm_eps",
    .numTokenTypes = "type_vocab_size",
    .defaultEpsilon = 1e-12,
    .defaultPaddingId = 1,
};

static constexpr ConfigKeys distilBertKeys = {
    .hiddenSize = "dim",
    .numLayers = "n_layers",
    .numHeads = "n_heads",
    .intermediateSize = "hidden_dim",
    .activation = "activation",
    .epsilon = "",
    .numTokenTypes = "",
    .defaultEpsilon = 1e-12,
    .defaultPaddingId = 0,
};

static constexpr EncoderNames bertNames = {
    .wordTable = "embeddings.word_embeddings",
    .positionTable = "embeddings.position_embeddings",
    .tokenTypeTable = "embeddings.token_type_embeddings",
    .embeddingNorm = "embeddings.LayerNorm",
    .layer = "encoder.layer.",
    .attention = "attention.self",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .attentionOutput = "attention.output.dense",
    .attentionNorm = "attention.output.LayerNorm",
    .intermediate = "intermediate.dense",
    .output = "output.dense",
    .outputNorm = "output.LayerNorm",
};

static constexpr EncoderNames distilBertNames = {
    .wordTable = "embeddings.word_embeddings",
    .positionTable = "embeddings.position_embeddings",
    .tokenTypeTable = "",
    .embeddingNorm = "embeddings.LayerNorm",
    .layer = "transformer.layer.",
    .attention = "attention",
    .query = "attention.q_lin",
    .key = "attention.k_lin",
    .value = "attention.v_lin",
    .attentionOutput = "attention.out_lin",
    .attentionNorm = "sa_layer_norm",
    .intermediate = "ffn.lin1",
    .output = "ffn.lin2",
    .outputNorm = "output_layer_norm",
};

static constexpr HeadLayer bertHead[] = {
    {"pooler.dense", Activation::Tanh, /*inEncoder=*/true},
    {"classifier", Activation::None},
};

static constexpr HeadLayer distilBertHead[] = {
    {"pre_classifier", Activation::Relu},
    {"classifier", Activation::None},
};

static constexpr HeadLayer robertaHead[] = {
    {"classifier.dense", Activation::Tanh},
    {"classifier.out_proj", Activation::None},
};

static const Architecture architectures[] = {
    {"BertModel", "bert.", bertNames, bertKeys, false, {}},
    {"BertForSequenceClassification", "bert.", bertNames, bertKeys, false,
     bertHead},
    {"DistilBertModel",
     "distilbert.",
     distilBertNames,
     distilBertKeys,
     false,
     {}},
    {"DistilBertForSequenceClassification", "distilbert.", distilBertNames,
     distilBertKeys, false, distilBertHead},
    {"RobertaModel", "roberta.", bertNames, robertaKeys, true, {}},
    {"RobertaForSequenceClassification", "roberta.", bertNames, robertaKeys,
     true, robertaHead},
};

static constexpr std::pair<StringLiteral, Activation> activations[] = {
    {"gelu", Activation::Gelu},
    {"gelu_python", Activation::Gelu},
    {"gelu_new", Activation::GeluTanh},
    {"gelu_pytorch_tanh", Activation::GeluTanh},
    {"relu", Activation::Relu},
    {"silu", Activation::Silu},
    {"swish", Activation::Silu},
    {"tanh", Activation::Tanh},
};

ArrayRef<Architecture> getArchitectures() { return architectures; }

const Architecture *findArchitecture(StringRef name) {
  const auto *row = llvm::find_if(
      architectures, [&](const Architecture &a) { return a.name == name; });
  return row == std::end(architectures) ? nullptr : row;
}

std::optional<Activation> findActivation(StringRef name) {
  for (const auto &[known, activation] : activations)
    if (known == name)
      return activation;
  return std::nullopt;
}

std::string listActivations() {
  return llvm::join(llvm::make_first_range(activations), ", ");
}

std::vector<StringRef> getSupportedArchitectures() {
  std::vector<StringRef> names;
  for (const Architecture &architecture : architectures)
    names.push_back(architecture.name);
  return names;
}

} // namespace tq
