//===- WeightEvaluator.h - Elements of weights ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes the elements of `tq.weight`, from mapped files, elements attributes
// and initializers, through the numerics of tq/Quant. Mapped files are read in
// place. What several weights have in common (values, scales and column sums of
// one quantized weight) is computed once, as long as it fits into the cache.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_WEIGHTEVALUATOR_H
#define TQ_EMIT_WEIGHTEVALUATOR_H

#include "tq/Dialect/TQ/IR/TQ.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <list>
#include <memory>

namespace tq {

/// Dense, row-major, little-endian elements: in memory of their own, or a view
/// of a mapped file.
class TensorData {
public:
  TensorData() = default;
  TensorData(llvm::ArrayRef<uint8_t> view, std::shared_ptr<const void> owner)
      : view(view), owner(std::move(owner)) {}

  /// Zeros, aligned for every element type.
  static TensorData allocate(uint64_t bytes);

  llvm::ArrayRef<uint8_t> bytes() const { return view; }
  uint8_t *data() { return const_cast<uint8_t *>(view.data()); }

  /// The elements as an array; T's alignment is checked.
  template <typename T>
  const T *as() const {
    assert(reinterpret_cast<uintptr_t>(view.data()) % alignof(T) == 0);
    return reinterpret_cast<const T *>(view.data());
  }

private:
  llvm::ArrayRef<uint8_t> view;
  std::shared_ptr<const void> owner;
};

class WeightEvaluator {
public:
  /// `module` outlives the evaluator and is not changed meanwhile.
  explicit WeightEvaluator(mlir::ModuleOp module,
                           uint64_t cacheLimit = uint64_t(256) << 20)
      : symbols(module), cacheLimit(cacheLimit) {}

  /// The elements of `weight`, in its type.
  llvm::Expected<TensorData> evaluate(WeightOp weight);

private:
  /// Values with equal numbers have equal elements.
  llvm::Expected<unsigned> number(mlir::Value value, unsigned depth);
  llvm::Expected<unsigned> number(WeightOp weight, unsigned depth);
  unsigned intern(llvm::StringRef key);
  WeightOp lookUp(GetWeightOp op);

  llvm::Expected<TensorData> evaluateValue(mlir::Value value);
  llvm::Expected<TensorData> evaluateGet(GetWeightOp op);
  llvm::Expected<llvm::SmallVector<TensorData, 2>> compute(mlir::Operation *op);
  llvm::Expected<TensorData> readMapped(MappedAttr mapped, WeightOp weight);
  llvm::Expected<TensorData> readBytes(MappedAttr mapped, WeightOp weight,
                                       uint64_t bytes);

  const TensorData *find(unsigned number);
  void insert(unsigned number, TensorData data);

  struct MappedFile {
    std::shared_ptr<llvm::sys::fs::mapped_file_region> region;
    uint64_t digest = 0;
  };
  llvm::Expected<MappedFile *> openMapped(llvm::StringRef path);

  struct CacheEntry {
    unsigned number;
    TensorData data;
  };

  mlir::SymbolTable symbols;
  uint64_t cacheLimit;
  uint64_t cacheBytes = 0;
  std::list<CacheEntry> recent; // the one used last comes first
  llvm::DenseMap<unsigned, std::list<CacheEntry>::iterator> cache;

  llvm::StringMap<unsigned> numbers;
  llvm::DenseMap<mlir::Value, unsigned> valueNumbers;
  llvm::DenseMap<mlir::Operation *, unsigned> weightNumbers;
  llvm::StringMap<MappedFile> files;
};

} // namespace tq

#endif // TQ_EMIT_WEIGHTEVALUATOR_H
