//===- FileDigest.h - Whether a file is still the same ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_FILEDIGEST_H
#define TQ_SUPPORT_FILEDIGEST_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace tq {

/// A number in [1, 2^63) that differs, in all likelihood, from that of a file
/// of another size, or of other weights: XXH3 of the size and of 16 blocks of 4
/// KiB, the first and the last among them. Takes microseconds for any size, and
/// misses a change between the blocks.
uint64_t getFileDigest(llvm::ArrayRef<uint8_t> file);

} // namespace tq

#endif // TQ_SUPPORT_FILEDIGEST_H
