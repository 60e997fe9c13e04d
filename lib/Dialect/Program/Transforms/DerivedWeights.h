//===- DerivedWeights.h - Weights made of other weights ---------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_DERIVEDWEIGHTS_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_DERIVEDWEIGHTS_H

#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/DenseMap.h"

namespace tq::program {

/// Makes weights that are computed from one other, each once. They are known by
/// what they are made of: a weight of the user may have any name, so a name
/// says nothing, and what is new gets one that nothing has.
class DerivedWeights {
public:
  explicit DerivedWeights(mlir::SymbolTable &symbols) : symbols(symbols) {}

  /// The weight of `type` that `build` computes from `source` in an
  /// initializer. `suffix` says how, and is what its name ends in if it can.
  WeightOp
  getOrCreate(WeightOp source, llvm::StringRef suffix,
              mlir::RankedTensorType type,
              llvm::function_ref<mlir::Value(mlir::OpBuilder &)> build);

private:
  mlir::SymbolTable &symbols;
  /// By source, suffix and type.
  llvm::DenseMap<std::tuple<mlir::Operation *, llvm::StringRef, mlir::Type>,
                 WeightOp>
      known;
};

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_DERIVEDWEIGHTS_H
