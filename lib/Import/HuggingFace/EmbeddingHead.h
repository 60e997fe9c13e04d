//===- EmbeddingHead.h - What makes an embedding of tokens ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_EMBEDDINGHEAD_H
#define TQ_LIB_IMPORT_HUGGINGFACE_EMBEDDINGHEAD_H

#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Import/Weights/WeightArchive.h"

#include <optional>

namespace tq {

class EncoderBuilder;

/// What follows the encoder of a bare model.
struct EmbeddingOutput {
  std::optional<PoolKind> pooling;
  bool normalize = false;
};

/// Builds the embedding of the encoder's last layer; null after an error.
mlir::Value buildEmbedding(EncoderBuilder &encoder, mlir::Value hidden,
                           const EmbeddingOutput &output);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_EMBEDDINGHEAD_H
