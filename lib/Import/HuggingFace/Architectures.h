//===- Architectures.h - What is known of each architecture -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Architectures are rows of a table: a new one that differs only in names,
// keys and its head is a new row.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_ARCHITECTURES_H
#define TQ_LIB_IMPORT_HUGGINGFACE_ARCHITECTURES_H

#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace tq {

/// The keys of config.json. An empty key is not read: `defaultEpsilon` or "no
/// token types" hold.
struct ConfigKeys {
  llvm::StringLiteral hiddenSize;
  llvm::StringLiteral numLayers;
  llvm::StringLiteral numHeads;
  llvm::StringLiteral intermediateSize;
  llvm::StringLiteral activation;
  llvm::StringLiteral epsilon;
  llvm::StringLiteral numTokenTypes;
  double defaultEpsilon;
  int64_t defaultPaddingId;
};

/// The names of an encoder's tensors, without ".weight" and ".bias". Those of a
/// layer follow `layer`, its number and a dot.
struct EncoderNames {
  llvm::StringLiteral wordTable;
  llvm::StringLiteral positionTable;
  llvm::StringLiteral tokenTypeTable;
  llvm::StringLiteral embeddingNorm;
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

struct Architecture {
  llvm::StringLiteral name;
  /// Checkpoints of a bare model have their names with or without this.
  llvm::StringLiteral prefix;
  const EncoderNames &names;
  const ConfigKeys &keys;
  /// Positions count the tokens that are not padding, from padding_id + 1.
  bool positionsSkipPadding;
  /// Empty for a bare model, which gives last_hidden_state.
  llvm::ArrayRef<HeadLayer> head;
};

llvm::ArrayRef<Architecture> getArchitectures();

/// Returns the row of `name`, or null.
const Architecture *findArchitecture(llvm::StringRef name);

/// Returns the activation that config.json calls `name`.
std::optional<Activation> findActivation(llvm::StringRef name);

/// Returns the names that findActivation knows, as "gelu, relu".
std::string listActivations();

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_ARCHITECTURES_H
