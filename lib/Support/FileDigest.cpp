//===- FileDigest.cpp - Whether a file is still the same ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/FileDigest.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;

static constexpr uint64_t kBlockBytes = 4096;
static constexpr uint64_t kBlocks = 16;

uint64_t tq::getFileDigest(ArrayRef<uint8_t> file) {
  uint64_t bytes = std::min<uint64_t>(file.size(), kBlockBytes);
  uint64_t step = (file.size() - bytes) / (kBlocks - 1);
  SmallVector<uint8_t, 0> sample(sizeof(uint64_t));
  support::endian::write64le(sample.data(), file.size());
  for (uint64_t block = 0; block + 1 < kBlocks; ++block)
    llvm::append_range(sample, file.slice(block * step, bytes));
  llvm::append_range(sample, file.take_back(bytes));
  uint64_t digest = xxh3_64bits(sample) >> 1;
  return digest ? digest : 1;
}
