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

#include "tq/Import/Weights/WeightArchive.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringSet.h"

namespace tq {

/// Emits tq ops for one model. The first missing or misshapen tensor is
/// reported as an error, after which the result of build() is failure.
class EncoderBuilder {
public:
  EncoderBuilder(const ModelConfig &config, const WeightArchive &archive,
                 bool checkFinite, mlir::ModuleOp module);

  /// Adds @main to the module.
  mlir::LogicalResult build(const EmbeddingOutput &output);

  // What builders of other parts of @main use, too.
  using Value = mlir::Value;
  using Shape = llvm::ArrayRef<int64_t>;

  mlir::OpBuilder &getOps() { return ops; }
  Value getMask() const { return mask; }
  Value activate(llvm::StringRef layer, Activation activation, Value input);
  /// Finds the tensor of `layer` whose name ends in one of `suffixes`; null,
  /// after an error, where there is none of that shape.
  const Weight *find(const WeightArchive &archive, llvm::StringRef layer,
                     llvm::ArrayRef<llvm::StringRef> suffixes, Shape shape);
  /// Defines the symbol of `weight`, whose name it has, and reads it.
  Value read(const Weight &weight);
  /// The location of a layer's ops, with the prefix of this checkpoint.
  mlir::Location at(llvm::StringRef layer);
  mlir::RankedTensorType floatType(Shape shape);
  void fail(llvm::StringRef path, const llvm::Twine &message);

private:
  mlir::func::FuncOp createMain(const EmbeddingOutput &output);
  Value buildEmbeddings();
  Value buildLayer(Value input, int64_t index);
  Value takeFirstToken(Value hidden);
  Value buildHead(Value hidden);
  /// Whether there is a `pooler_output`: where the checkpoint has the weights,
  /// unless the model's embedding is another.
  bool givesPoolerOutput(const EmbeddingOutput &output) const;
  Value buildPooler(Value hidden);
  mlir::LogicalResult finish(Value hidden, const EmbeddingOutput &output);

  Value linear(llvm::StringRef layer, Value input, int64_t outputs);
  Value layerNorm(llvm::StringRef layer, Value input);
  Value table(llvm::StringRef layer, Value ids, int64_t rows);
  Value add(llvm::StringRef layer, Value lhs, Value rhs);

  /// Reads the tensor of `layer` whose name ends in one of `suffixes`.
  Value weight(llvm::StringRef layer, llvm::ArrayRef<llvm::StringRef> suffixes,
               Shape shape);
  mlir::Type getStorageType(const Weight &weight);
  /// Defines the weight's symbol, once.
  void declare(const Weight &weight, mlir::Type storage);

  const ModelConfig &config;
  const WeightArchive &archive;
  const EncoderNames &names;
  bool checkFinite;
  bool hasFailed = false;
  std::string prefix; // what this checkpoint puts before the encoder's names
  mlir::ModuleOp module;
  llvm::StringSet<> declared;
  mlir::OpBuilder weights; // before @main
  mlir::OpBuilder ops;     // in @main
  mlir::Value ids, mask, tokenTypes;
};

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_ENCODERBUILDER_H
