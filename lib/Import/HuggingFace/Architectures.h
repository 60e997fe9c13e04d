//===- Architectures.h - What is known of each architecture -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Architectures are rows of tables: a new one that differs only in names, keys
// and its head is a new row. Each family of them is a file of Families/.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_ARCHITECTURES_H
#define TQ_LIB_IMPORT_HUGGINGFACE_ARCHITECTURES_H

#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace tq {

/// The keys of config.json. An empty key is not read: `defaultEpsilon`, "no
/// token types" or "tables as wide as the layers" hold.
struct ConfigKeys {
  llvm::StringLiteral hiddenSize;
  llvm::StringLiteral numLayers;
  llvm::StringLiteral numHeads;
  llvm::StringLiteral intermediateSize;
  llvm::StringLiteral activation;
  llvm::StringLiteral epsilon;
  llvm::StringLiteral numTokenTypes;
  llvm::StringLiteral embeddingSize;
  double defaultEpsilon;
  int64_t defaultPaddingId;
  int64_t defaultEmbeddingSize;
};

/// The names of an encoder's tensors, without ".weight" and ".bias". Those of a
/// layer follow `layer`, its number and a dot.
struct EncoderNames {
  llvm::StringLiteral wordTable;
  llvm::StringLiteral positionTable;
  llvm::StringLiteral tokenTypeTable;
  llvm::StringLiteral embeddingNorm;
  llvm::StringLiteral embeddingProjection; // where tables are narrower
  llvm::StringLiteral layer;
  llvm::StringLiteral attention; // only a location
  llvm::StringLiteral query;
  llvm::StringLiteral key;
  llvm::StringLiteral value;
  llvm::StringLiteral attentionOutput;
  llvm::StringLiteral attentionNorm;
  llvm::StringLiteral intermediate;
  llvm::StringLiteral output;
  llvm::StringLiteral outputNorm;
};

/// A linear layer of a classification head, which reads the first token. The
/// last one has a row a class, the others have `hidden_size` rows.
struct HeadLayer {
  llvm::StringLiteral name;
  Activation activation;
  /// Its name has the encoder's prefix.
  bool inEncoder = false;
};

/// What all architectures of one `model_type` share.
struct EncoderFamily {
  llvm::StringLiteral modelType;
  /// Checkpoints of a bare model have their names with or without this.
  llvm::StringLiteral prefix;
  const EncoderNames &names;
  const ConfigKeys &keys;
  /// Positions count the tokens that are not padding, from padding_id + 1.
  bool positionsSkipPadding;
  /// The layer that makes `pooler_output` of the first token; it has the prefix
  /// of the encoder, and a checkpoint need not have it.
  llvm::StringLiteral pooler;
};

struct Architecture {
  llvm::StringLiteral name;
  const EncoderFamily &family;
  /// Empty for a bare model, which gives last_hidden_state, and for one with
  /// a language model's head, of which only the encoder is taken.
  llvm::ArrayRef<HeadLayer> head;
};

/// Returns the row of `name`, or null.
const Architecture *findArchitecture(llvm::StringRef name);

/// Returns the bare model of a `model_type`, or null.
const Architecture *findBareModel(llvm::StringRef modelType);

/// Whether `modelType` is that of `architecture`, or of a family that computes
/// the same from the same names.
bool isCompatible(const Architecture &architecture, llvm::StringRef modelType);

/// Returns the activation that config.json calls `name`.
std::optional<Activation> findActivation(llvm::StringRef name);

/// Returns the model types of all families, as "bert, roberta".
std::string listModelTypes();

/// Returns the names that findActivation knows, as "gelu, relu".
std::string listActivations();

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_ARCHITECTURES_H
