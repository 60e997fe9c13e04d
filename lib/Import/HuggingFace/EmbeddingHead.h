//===- EmbeddingHead.h - What makes an embedding of tokens ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_EMBEDDINGHEAD_H
#define TQ_LIB_IMPORT_HUGGINGFACE_EMBEDDINGHEAD_H

#include "tq/Import/ModelBuilder/ModelBuilder.h"

#include <string>
#include <vector>

namespace tq {

/// A module of sentence-transformers that takes an embedding and gives another.
struct EmbeddingModule {
  enum Kind { Dense, LayerNorm, Normalize };

  Kind kind = Normalize;
  std::string name;      ///< its folder in the model, as "2_Dense"
  std::string directory; ///< where its weights are
  std::string path;      ///< its config.json
  int64_t inputs = 0;    ///< 0: any number, of which as many come out
  int64_t outputs = 0;
  // Of Dense:
  bool hasBias = true;
  bool hasResidual = false;
  Activation activation = Activation::None;
};

/// What follows the encoder of a bare model.
struct EmbeddingOutput {
  /// What they give stands side by side; empty: there is no embedding.
  llvm::SmallVector<PoolKind> poolings;
  std::vector<EmbeddingModule> modules;
  /// Numbers of an embedding; the last modules may give more.
  int64_t width = 0;

  bool hasEmbedding() const { return !poolings.empty(); }
};

/// Builds the embedding of the encoder's last layer, `hidden`, whose tokens
/// `mask` shows; null after an error.
mlir::Value buildEmbedding(ModelBuilder &builder, mlir::Value hidden,
                           mlir::Value mask, const EmbeddingOutput &output);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_EMBEDDINGHEAD_H
