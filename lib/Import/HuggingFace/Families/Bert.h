//===- Bert.h - What other families have of BERT ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_FAMILIES_BERT_H
#define TQ_LIB_IMPORT_HUGGINGFACE_FAMILIES_BERT_H

#include "Architectures.h"

namespace tq {

inline constexpr ConfigKeys bertKeys = {
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

inline constexpr EncoderNames bertNames = {
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

inline constexpr llvm::StringLiteral bertPooler = "pooler.dense";

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_FAMILIES_BERT_H
