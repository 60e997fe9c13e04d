//===- DistilBert.cpp - What is known of DistilBERT -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"

using namespace llvm;
using namespace tq;

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

static constexpr HeadLayer distilBertHead[] = {
    {"pre_classifier", Activation::Relu},
    {"classifier", Activation::None},
};

static constexpr EncoderFamily distilBert = {
    .modelType = "distilbert",
    .prefix = "distilbert.",
    .names = distilBertNames,
    .keys = distilBertKeys,
    .positionsSkipPadding = false,
    .pooler = "",
};

static const Architecture architectures[] = {
    {"DistilBertModel", distilBert, {}},
    {"DistilBertForMaskedLM", distilBert, {}},
    {"DistilBertForSequenceClassification", distilBert, distilBertHead},
};

ArrayRef<Architecture> tq::getDistilBertArchitectures() {
  return architectures;
}
