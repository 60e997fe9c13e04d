//===- LaneEvaluator.h - Linalg bodies on vectors of lanes ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of this folder are loops that the generators write themselves;
// what happens to one vector of lanes inside them comes from the bodies of
// `linalg.generic` ops. The evaluator turns a body into vector code at a point
// of the iteration space: the rows' indices and the first of 16 lanes.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_LANEEVALUATOR_H
#define TQ_LIB_CODEGEN_CPU_LANEEVALUATOR_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// A place in the iteration space of a kernel.
struct LanePoint {
  llvm::SmallVector<mlir::Value> rows; ///< one index a row dimension
  mlir::Value lane;                    ///< index of the first lane, null in
                                       ///< scalar evaluation
  mlir::Value mask;                    ///< which lanes exist; null: all
};

/// Where the elements of a tensor value of the kernel are.
struct Storage {
  mlir::Value memref;
  /// A buffer of one row: indexed by the lane alone.
  bool isRowBuffer = false;
};

class LaneEvaluator {
public:
  /// `rowRank`: number of leading row dimensions in the maps of the ops. With
  /// `collapsed`, memrefs have them folded into one and points have one row.
  LaneEvaluator(mlir::ImplicitLocOpBuilder &builder, unsigned rowRank,
                bool collapsed)
      : builder(builder), rowRank(rowRank), collapsed(collapsed) {}

  /// What is the same at all points, numbers of the kernel and what is computed
  /// of them, is computed before `loop`, the one over all items.
  void setLoop(mlir::Operation *loop) { allItems = loop; }

  void bind(mlir::Value tensor, Storage storage) { memory[tensor] = storage; }
  bool isBound(mlir::Value tensor) const { return memory.contains(tensor); }

  /// Results of reductions and of ops without a lane dimension.
  void setScalar(mlir::Value tensor, mlir::Value scalar) {
    scalars[tensor] = scalar;
  }
  /// The value of `tensor` at the current point (a vector of lanes).
  void setKnown(mlir::Value tensor, mlir::Value vector) {
    known[tensor] = vector;
  }
  /// Forgets what held at the last point; in the last block of code; in the
  /// row.
  void clearKnown() { known.clear(); }
  void clearBlock() {
    known.clear();
    rowCache.clear();
  }
  void clearRow() {
    known.clear();
    scalars.clear();
    rowCache.clear();
  }

  /// Evaluates the body, of which canComputeLanes holds, at `point`;
  /// `accumulators` stand for the outs, which are read from their own tensors
  /// if it is empty.
  llvm::SmallVector<mlir::Value> evaluate(mlir::linalg::GenericOp op,
                                          const LanePoint &point,
                                          mlir::ValueRange accumulators = {});

  /// The value of `tensor`, read through `map`, at `point`: a vector where the
  /// map has the lane dimension, else a scalar.
  mlir::Value read(mlir::Value tensor, mlir::AffineMap map,
                   const LanePoint &point);

  /// Writes `value` to the storage of `tensor`, whose map is `map`.
  void write(mlir::Value tensor, mlir::AffineMap map, mlir::Value value,
             const LanePoint &point);

  /// Writes the results of `op`, `values`, that have a storage.
  void writeResults(mlir::linalg::GenericOp op, mlir::ValueRange values,
                    const LanePoint &point);

  /// A vector of lanes from a scalar; vectors stay.
  mlir::Value broadcast(mlir::Value value);

private:
  using Mapping = llvm::DenseMap<mlir::Value, mlir::Value>;

  bool isInvariant(mlir::Value tensor, mlir::AffineMap map) const;
  bool areInvariant(mlir::ValueRange values) const;
  mlir::Value computeInvariant(mlir::Operation &op, mlir::ValueRange operands);
  mlir::Value import(mlir::Value outer);
  mlir::Value lookup(mlir::Value value, const Mapping &mapping);
  mlir::Value recompute(mlir::Value tensor, bool isLane,
                        const LanePoint &point);
  llvm::SmallVector<mlir::Value>
  getIndices(Storage storage, mlir::AffineMap map, const LanePoint &point);
  mlir::Value evaluateExtract(mlir::tensor::ExtractOp op,
                              const Mapping &mapping, const LanePoint &point);
  mlir::Value evaluateIndex(mlir::linalg::IndexOp op, const LanePoint &point);
  mlir::Value evaluateElementwise(mlir::Operation &op, const Mapping &mapping);
  mlir::Value loadLanes(mlir::Value memref, mlir::ValueRange indices,
                        const LanePoint &point);
  void storeLanes(mlir::Value value, mlir::Value memref,
                  llvm::SmallVector<mlir::Value> indices,
                  const LanePoint &point);

  mlir::ImplicitLocOpBuilder &builder;
  unsigned rowRank;
  bool collapsed;
  llvm::DenseMap<mlir::Value, Storage> memory;
  Mapping scalars, known;
  mlir::Operation *allItems = nullptr;
  /// Loads, broadcasts and what is computed before all items, by tensor, scalar
  /// and op of a body.
  Mapping invariantLoads, invariantBroadcasts;
  llvm::DenseMap<mlir::Operation *, mlir::Value> invariantResults;
  llvm::DenseSet<mlir::Value> invariants;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Attribute>, mlir::Value> rowCache;
};

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_LANEEVALUATOR_H
