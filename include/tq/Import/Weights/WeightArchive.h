//===- WeightArchive.h - The tensors of a model -----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_WEIGHTS_WEIGHTARCHIVE_H
#define TQ_IMPORT_WEIGHTS_WEIGHTARCHIVE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>

namespace tq {

/// Element types, those of safetensors files.
enum class WeightType {
  F64,
  F32,
  F16,
  BF16,
  F8E4M3,
  F8E5M2,
  I64,
  I32,
  I16,
  I8,
  U64,
  U32,
  U16,
  U8,
  Bool,
};

/// Returns the name of `type` as safetensors files spell it, as "BF16".
llvm::StringRef getWeightTypeName(WeightType type);

/// Returns the type of that name.
std::optional<WeightType> findWeightType(llvm::StringRef name);

/// Returns the names of all types, as "F64, F32".
std::string listWeightTypes();

/// Returns the bytes of one element of `type`.
unsigned getWeightTypeBytes(WeightType type);

/// One tensor of a mapped file. `data` need not be aligned: safetensors files
/// have it after a header of any length and ask for no padding.
struct Weight {
  std::string name;
  WeightType type;
  llvm::SmallVector<int64_t, 4> shape;
  /// The file, as it was opened, its digest, and where in it the tensor begins.
  std::string path;
  uint64_t fileDigest;
  uint64_t offset;
  uint64_t bytes; ///< of all elements, one after the other
  const uint8_t *data;
  /// Elements from one index to the next, by dimension, where the elements do
  /// not follow each other row-major; else empty.
  llvm::SmallVector<int64_t, 0> strides = {};

  int64_t getNumElements() const {
    return static_cast<int64_t>(bytes / getWeightTypeBytes(type));
  }
};

/// Returns `shape` as "[2, 3]".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// All tensors of a model, in mapped files.
class WeightArchive {
public:
  virtual ~WeightArchive() = default;

  /// Returns the tensor `name`, or null.
  virtual const Weight *lookup(llvm::StringRef name) const = 0;

  /// Why the tensor `name`, which the archive has, cannot be read; empty where
  /// that is not so.
  virtual llvm::StringRef getRefusal(llvm::StringRef name) const { return ""; }

  /// The tensors, file by file in the order of their offsets.
  virtual llvm::ArrayRef<const Weight *> getWeights() const = 0;

  /// The file that was opened, of which errors tell.
  virtual llvm::StringRef getPath() const = 0;
};

/// Opens a file of weights, or that of a directory: `model.safetensors`, or the
/// shards that `model.safetensors.index.json` lists.
llvm::Expected<std::unique_ptr<WeightArchive>>
openWeightArchive(llvm::StringRef path);

/// Looks for NaN and infinity in a tensor of floats. Returns a warning that
/// names the file, the tensor and the first index, or nothing if all are
/// finite.
std::optional<std::string> findNonFinite(const Weight &weight);

} // namespace tq

#endif // TQ_IMPORT_WEIGHTS_WEIGHTARCHIVE_H
