//===- WeightArchive.h - Mapped safetensors files ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the tensors of `model.safetensors`, or of the shards that
// `model.safetensors.index.json` lists. Files are mapped read-only; nothing but
// the header is copied. Each check fails with one line that names the file,
// what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_WEIGHTS_WEIGHTARCHIVE_H
#define TQ_IMPORT_WEIGHTS_WEIGHTARCHIVE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tq {

/// Element types of safetensors files.
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

/// Returns the name of `type` as the files spell it, for example "BF16".
llvm::StringRef getWeightTypeName(WeightType type);

/// Returns the bytes of one element of `type`.
unsigned getWeightTypeBytes(WeightType type);

/// One tensor of a mapped file. `data` need not be aligned: the format
/// puts it after a header of any length and asks for no padding.
struct Weight {
  std::string name;
  WeightType type;
  llvm::SmallVector<int64_t, 4> shape;
  /// The file, as it was opened, its digest, and where in it the tensor begins.
  std::string path;
  uint64_t fileDigest;
  uint64_t offset;
  uint64_t bytes;
  const uint8_t *data;

  int64_t getNumElements() const {
    return static_cast<int64_t>(bytes / getWeightTypeBytes(type));
  }
};

/// Returns `shape` as "[2, 3]".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// One mapped safetensors file.
class WeightFile {
public:
  static llvm::Expected<std::unique_ptr<WeightFile>> open(llvm::StringRef path);

  llvm::StringRef getPath() const { return path; }

  /// The tensors in the order of their offsets.
  llvm::ArrayRef<Weight> getWeights() const { return weights; }

private:
  WeightFile() = default;

  std::string path;
  llvm::sys::fs::mapped_file_region region;
  std::vector<Weight> weights;
};

/// All tensors of a model.
class WeightArchive {
public:
  /// Opens a `.safetensors` file, an index (`.json`), or the directory that
  /// holds `model.safetensors` or `model.safetensors.index.json`.
  static llvm::Expected<WeightArchive> open(llvm::StringRef path);

  /// Returns the tensor `name`, or null.
  const Weight *lookup(llvm::StringRef name) const {
    return byName.lookup(name);
  }

  /// The file or index that was opened.
  llvm::StringRef getPath() const { return path; }

  llvm::ArrayRef<std::unique_ptr<WeightFile>> getFiles() const { return files; }

private:
  llvm::Error addFile(llvm::StringRef filePath);
  llvm::Error addShards(llvm::StringRef directory);

  std::string path;
  std::vector<std::unique_ptr<WeightFile>> files;
  llvm::StringMap<const Weight *> byName;
};

/// Looks for NaN and infinity in a tensor of floats. Returns a warning that
/// names the file, the tensor and the first index, or nothing if all are
/// finite.
std::optional<std::string> findNonFinite(const Weight &weight);

} // namespace tq

#endif // TQ_IMPORT_WEIGHTS_WEIGHTARCHIVE_H
