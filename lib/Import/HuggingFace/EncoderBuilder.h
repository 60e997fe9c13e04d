//===- EncoderBuilder.h - Builds @main of an encoder ------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_ENCODERBUILDER_H
#define TQ_LIB_IMPORT_HUGGINGFACE_ENCODERBUILDER_H

#include "EmbeddingHead.h"
#include "ModelConfig.h"

namespace tq {

/// Builds an encoder: embeddings, layers, and what follows them.
class EncoderBuilder {
public:
  EncoderBuilder(const ModelConfig &config, const WeightArchive &archive,
                 bool checkFinite, mlir::ModuleOp module);

  /// Adds @main to the module. Fails after an error.
  mlir::LogicalResult build(const EmbeddingOutput &output);

private:
  using Value = mlir::Value;

  void createMain(const EmbeddingOutput &output);
  Value buildEmbeddings();
  Value buildLayer(Value input, int64_t index);
  Value buildHead(Value hidden);
  /// Whether there is a `pooler_output`: where the checkpoint has the weights,
  /// unless the model's embedding is another.
  bool givesPoolerOutput(const EmbeddingOutput &output) const;
  Value buildPooler(Value hidden);

  Value linear(llvm::StringRef layer, Value input, int64_t outputs) {
    return builder.linear(checkpoint, layer, input, outputs);
  }
  Value layerNorm(llvm::StringRef layer, Value input) {
    return builder.layerNorm(checkpoint, layer, input, config.epsilon);
  }
  Value table(llvm::StringRef layer, Value rowIds, int64_t rows) {
    return builder.table(checkpoint, layer, rowIds, rows, config.embeddingSize);
  }

  const ModelConfig &config;
  Checkpoint checkpoint;
  const EncoderNames &names;
  ModelBuilder builder;
  std::string prefix; // what this checkpoint puts before the encoder's names
  Value ids, mask, tokenTypes;
};

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_ENCODERBUILDER_H
