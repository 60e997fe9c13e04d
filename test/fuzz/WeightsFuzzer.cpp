//===- WeightsFuzzer.cpp - A file of weights ------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"

#include "tq/Import/Weights/WeightArchive.h"

using namespace tq;

/// All that a weight says of itself lies in the file.
static void readWeight(const Weight &weight) {
  int64_t elements = 1;
  for (int64_t extent : weight.shape)
    elements *= extent;
  fuzz::require(elements == weight.getNumElements(), "bytes as in the shape");
  volatile uint8_t sink = 0;
  for (uint64_t i = 0; i < weight.bytes; ++i)
    sink = weight.data[i];
  (void)sink;
  findNonFinite(weight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  std::string path = directory.write("model.safetensors", toText(data, size));
  llvm::Expected<std::unique_ptr<WeightArchive>> archive =
      openWeightArchive(path);
  if (!archive) {
    fuzz::requireOneLine(archive.takeError());
    return 0;
  }
  for (const Weight *weight : (*archive)->getWeights())
    readWeight(*weight);
  return 0;
}
