//===- SafetensorsArchive.h - Mapped safetensors files ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tensors of `model.safetensors`, or of the shards that
// `model.safetensors.index.json` lists. Files are mapped read-only; nothing but
// the header is copied. Each check fails with one line that names the file,
// what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_WEIGHTS_SAFETENSORSARCHIVE_H
#define TQ_LIB_IMPORT_WEIGHTS_SAFETENSORSARCHIVE_H

#include "tq/Import/Weights/WeightArchive.h"

namespace tq {

/// Opens a safetensors file.
llvm::Expected<std::unique_ptr<WeightArchive>>
openSafetensors(llvm::StringRef path);

/// Opens an index and its shards, which lie in its directory or below.
llvm::Expected<std::unique_ptr<WeightArchive>>
openSafetensorsIndex(llvm::StringRef path);

} // namespace tq

#endif // TQ_LIB_IMPORT_WEIGHTS_SAFETENSORSARCHIVE_H
