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
using namespace tq;

static constexpr ConfigKeys bertKeys = {
    .hiddenSize = "hidden_size",
    .numLayers = "num_hidden_layers",
    .numHeads = "num_attention_heads",
    .intermediateSize = "intermediate_size",
    .activation = "hidden_act",
    .epsilon = "layer_norm_eps",
    .numTokenTypes = "type_vocab_size",
    .embeddingSize = "",
    .defaultEpsilon = 1e-12,
    .defaultPaddingId = 0,
    .defaultEmbeddingSize = 0,
};

static constexpr ConfigKeys makeRobertaKeys() {
  ConfigKeys keys = bertKeys;
  keys.defaultPaddingId = 1;
  return keys;
}
static constexpr ConfigKeys robertaKeys = makeRobertaKeys();

static constexpr ConfigKeys makeElectraKeys() {
  ConfigKeys keys = bertKeys;
  keys.embeddingSize = "embedding_size";
  keys.defaultEmbeddingSize = 128;
  return keys;
}
static constexpr ConfigKeys electraKeys = makeElectraKeys();

static constexpr ConfigKeys distilBertKeys = {
    .hiddenSize = "dim",
    .numLayers = "n_layers",
    .numHeads = "n_heads",
    .intermediateSize = "hidden_dim",
    .activation = "activation",
    .epsilon = "",
    .numTokenTypes = "",
    .embeddingSize = "",
    .defaultEpsilon = 1e-12,
    .defaultPaddingId = 0,
    .defaultEmbeddingSize = 0,
};

static constexpr EncoderNames bertNames = {
    .wordTable = "embeddings.word_embeddings",
    .positionTable = "embeddings.position_embeddings",
    .tokenTypeTable = "embeddings.token_type_embeddings",
    .embeddingNorm = "embeddings.LayerNorm",
    .embeddingProjection = "embeddings_project",
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
    .embeddingProjection = "embeddings_project",
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

static constexpr HeadLayer electraHead[] = {
    {"classifier.dense", Activation::Gelu},
    {"classifier.out_proj", Activation::None},
};

static constexpr StringLiteral bertPooler = "pooler.dense";

static constexpr EncoderFamily bert = {"bert",
                                       "bert.",
                                       bertNames,
                                       bertKeys,
                                       /*positionsSkipPadding=*/false,
                                       bertPooler};
static constexpr EncoderFamily distilBert = {
    "distilbert", "distilbert.", distilBertNames, distilBertKeys, false, ""};
static constexpr EncoderFamily electra = {"electra",   "electra.", bertNames,
                                          electraKeys, false,      ""};
static constexpr EncoderFamily roberta = {"roberta",   "roberta.", bertNames,
                                          robertaKeys, true,       bertPooler};
static constexpr EncoderFamily xlmRoberta = {
    "xlm-roberta", "roberta.", bertNames, robertaKeys, true, bertPooler};
static constexpr EncoderFamily camembert = {
    "camembert", "roberta.", bertNames, robertaKeys, true, bertPooler};

/// The bare model of a family comes first.
static const Architecture architectures[] = {
    {"BertModel", bert, {}},
    {"BertForMaskedLM", bert, {}},
    {"BertForPreTraining", bert, {}},
    {"BertForSequenceClassification", bert, bertHead},
    {"DistilBertModel", distilBert, {}},
    {"DistilBertForMaskedLM", distilBert, {}},
    {"DistilBertForSequenceClassification", distilBert, distilBertHead},
    {"RobertaModel", roberta, {}},
    {"RobertaForMaskedLM", roberta, {}},
    {"RobertaForSequenceClassification", roberta, robertaHead},
    {"XLMRobertaModel", xlmRoberta, {}},
    {"XLMRobertaForMaskedLM", xlmRoberta, {}},
    {"XLMRobertaForSequenceClassification", xlmRoberta, robertaHead},
    {"CamembertModel", camembert, {}},
    {"CamembertForMaskedLM", camembert, {}},
    {"CamembertForSequenceClassification", camembert, robertaHead},
    {"ElectraModel", electra, {}},
    {"ElectraForMaskedLM", electra, {}},
    {"ElectraForPreTraining", electra, {}},
    {"ElectraForSequenceClassification", electra, electraHead},
};

/// The names of transformers; those of a function that has several differ in
/// how it is computed.
static constexpr std::pair<StringLiteral, Activation> activations[] = {
    {"gelu", Activation::Gelu},
    {"gelu_python", Activation::Gelu},
    {"gelu_new", Activation::GeluTanh},
    {"gelu_fast", Activation::GeluTanh},
    {"gelu_accurate", Activation::GeluTanh},
    {"gelu_pytorch_tanh", Activation::GeluTanh},
    {"gelu_python_tanh", Activation::GeluTanh},
    {"quick_gelu", Activation::QuickGelu},
    {"relu", Activation::Relu},
    {"silu", Activation::Silu},
    {"swish", Activation::Silu},
    {"tanh", Activation::Tanh},
    {"sigmoid", Activation::Sigmoid},
    {"linear", Activation::None},
};

const Architecture *tq::findArchitecture(StringRef name) {
  const auto *row = llvm::find_if(
      architectures, [&](const Architecture &a) { return a.name == name; });
  return row == std::end(architectures) ? nullptr : row;
}

const Architecture *tq::findBareModel(StringRef modelType) {
  const auto *row = llvm::find_if(architectures, [&](const Architecture &a) {
    return a.family.modelType == modelType;
  });
  return row == std::end(architectures) ? nullptr : row;
}

bool tq::isCompatible(const Architecture &architecture, StringRef modelType) {
  const Architecture *other = findBareModel(modelType);
  const EncoderFamily &family = architecture.family;
  return other && other->family.prefix == family.prefix &&
         &other->family.names == &family.names &&
         &other->family.keys == &family.keys;
}

std::optional<Activation> tq::findActivation(StringRef name) {
  for (const auto &[known, activation] : activations)
    if (known == name)
      return activation;
  return std::nullopt;
}

std::string tq::listActivations() {
  return llvm::join(llvm::make_first_range(activations), ", ");
}

std::string tq::listModelTypes() {
  std::vector<StringRef> types;
  for (const Architecture &architecture : architectures)
    if (!llvm::is_contained(types, architecture.family.modelType))
      types.push_back(architecture.family.modelType);
  return llvm::join(types, ", ");
}

std::vector<StringRef> tq::getSupportedArchitectures() {
  std::vector<StringRef> names;
  for (const Architecture &architecture : architectures)
    names.push_back(architecture.name);
  return names;
}
