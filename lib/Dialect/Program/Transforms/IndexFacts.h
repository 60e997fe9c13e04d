//===- IndexFacts.h - What is known of an index before a run ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_INDEXFACTS_H
#define TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_INDEXFACTS_H

#include "DimTable.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace tq::program {

/// Values up to this size can be added, four at a time, without wrapping.
inline constexpr double kSafeBound = double(int64_t(1) << 60);

struct IndexFact {
  bool isKnown = false;       ///< computed from sizes, states and constants
  bool isNonNegative = false; ///< whatever these are
  double bound = 0;           ///< of its magnitude, if nothing wraps

  bool isSafe() const { return bound <= kSafeBound; }
};

/// Facts of indices, each computed once: expressions may share their parts.
class IndexFacts {
public:
  explicit IndexFacts(const DimTable &dims) : dims(dims) {}

  const IndexFact &lookup(mlir::Value index);
  IndexFact lookup(mlir::OpFoldResult index);
  /// Of an expression whose dimensions are the first operands, and symbols the
  /// others.
  IndexFact compute(mlir::AffineExpr expr,
                    llvm::ArrayRef<mlir::OpFoldResult> operands,
                    unsigned numDims);
  /// From here on the value is taken to be safe: something checks it.
  void setSafe(mlir::Value index) { lookupMutable(index).bound = kSafeBound; }

private:
  IndexFact &lookupMutable(mlir::Value index);
  IndexFact compute(mlir::Value index);
  IndexFact compute(mlir::AffineMap map, mlir::ValueRange operands);
  IndexFact computeDim(mlir::tensor::DimOp op);

  const DimTable &dims;
  llvm::DenseMap<mlir::Value, IndexFact> facts;
};

} // namespace tq::program

#endif // TQ_LIB_DIALECT_PROGRAM_TRANSFORMS_INDEXFACTS_H
