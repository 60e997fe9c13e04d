//===- ModelBuilder.h - Layers, weights and ports of a model ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What importers have in common. They say which layers a model has; here
// tensors of a checkpoint become weights of a module, layers become ops of tq,
// and what is not as expected becomes one error at its file.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_MODELBUILDER_MODELBUILDER_H
#define TQ_IMPORT_MODELBUILDER_MODELBUILDER_H

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Import/Weights/WeightArchive.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace tq {

/// Where errors and warnings of a file are. Line 0 keeps handlers from showing
/// a line of what may be a binary file.
mlir::Location atFile(mlir::MLIRContext *context, llvm::StringRef path);

/// An input or output of the program, as its user sees it.
struct Port {
  llvm::StringRef name;
  mlir::RankedTensorType type;
  /// One name a dimension; of use where the dimension is dynamic.
  llvm::SmallVector<llvm::StringRef> dims;
  // Of inputs:
  int64_t limit = 0; ///< ids are in [0, limit); 0: they are not checked
  program::Fill fill = program::Fill::None; ///< where it may be left out
  bool isPadding = false; ///< zeros at the end of a row are padding
};

/// Where the tensors of layers come from. Their symbols are the tensors' names
/// behind `prefix`, so that several checkpoints can be parts of one model.
struct Checkpoint {
  const WeightArchive &archive;
  std::string prefix;
};

/// Builds the function of one model. The first tensor that is missing or
/// misshapen is an error; layers give null then, and where an operand is null.
class ModelBuilder {
public:
  using Value = mlir::Value;
  using Shape = llvm::ArrayRef<int64_t>;

  /// With `checkFinite`, weights that are read are searched for NaN and
  /// infinity, which is a warning.
  ModelBuilder(mlir::ModuleOp module, bool checkFinite);

  /// Adds the function; ops go into it, and weights before it.
  mlir::func::FuncOp createFunction(llvm::StringRef name,
                                    llvm::ArrayRef<Port> inputs,
                                    llvm::ArrayRef<Port> outputs);
  /// Ends the function, unless there was an error.
  mlir::LogicalResult finish(llvm::StringRef name, mlir::ValueRange results);

  mlir::OpBuilder &getOps() { return ops; }
  /// Ops of a layer have its name as their location.
  mlir::Location at(llvm::StringRef layer);
  mlir::RankedTensorType floatType(Shape shape);
  /// An error at a file. Only the first one is told.
  void fail(llvm::StringRef path, const llvm::Twine &message);
  void fail(llvm::StringRef path, llvm::Error error);

  // Layers of a checkpoint.
  Value linear(const Checkpoint &from, llvm::StringRef layer, Value input,
               int64_t outputs, bool hasBias = true);
  Value layerNorm(const Checkpoint &from, llvm::StringRef layer, Value input,
                  float epsilon);
  Value table(const Checkpoint &from, llvm::StringRef layer, Value ids,
              int64_t rows, int64_t width);
  /// The tensor of `layer` whose name ends in one of `suffixes`.
  Value weight(const Checkpoint &from, llvm::StringRef layer,
               llvm::ArrayRef<llvm::StringRef> suffixes, Shape shape);

  /// A tensor of any type, floats as f32; null and an error where there is no
  /// such type in MLIR. Equal parts of a file are one symbol.
  Value read(const Weight &weight);

  // Layers without weights.
  Value activate(llvm::StringRef layer, Activation activation, Value input);
  Value add(llvm::StringRef layer, Value lhs, Value rhs);
  Value pool(llvm::StringRef layer, PoolKind kind, Value input, Value mask);

private:
  const Weight *find(const Checkpoint &from, llvm::StringRef layer,
                     llvm::ArrayRef<llvm::StringRef> suffixes, Shape shape);
  mlir::Type findStorageType(WeightType type);
  mlir::Type getStorageType(const Weight &weight);
  /// Defines the symbol, once.
  void declare(const Weight &weight, llvm::StringRef symbol,
               mlir::Type storage);

  bool checkFinite;
  bool hasFailed = false;
  llvm::StringSet<> declared;
  llvm::StringMap<std::string> symbols; ///< by place in a file, for `read`
  mlir::OpBuilder weights;              // before the function
  mlir::OpBuilder ops;                  // in it
};

} // namespace tq

#endif // TQ_IMPORT_MODELBUILDER_MODELBUILDER_H
