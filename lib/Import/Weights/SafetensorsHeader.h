//===- SafetensorsHeader.h - The header of a safetensors file ---*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_WEIGHTS_SAFETENSORSHEADER_H
#define TQ_LIB_IMPORT_WEIGHTS_SAFETENSORSHEADER_H

#include "tq/Import/Weights/WeightArchive.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace tq {

/// Reads the header of `file`, whose bytes were read from `path`. The tensors,
/// whose data points into `file`, are in the order of their offsets.
llvm::Expected<std::vector<Weight>>
readSafetensorsHeader(llvm::StringRef path, llvm::ArrayRef<uint8_t> file);

} // namespace tq

#endif // TQ_LIB_IMPORT_WEIGHTS_SAFETENSORSHEADER_H
