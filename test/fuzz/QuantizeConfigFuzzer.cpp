//===- QuantizeConfigFuzzer.cpp - Rules of quantization -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"

#include "tq/Dialect/TQ/Transforms/QuantizationPolicy.h"

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::Expected<QuantizationPolicy> policy = QuantizationPolicy::parse(
      llvm::MemoryBufferRef(toText(data, size), "fuzz.yaml"));
  if (!policy) {
    fuzz::requireOneLine(policy.takeError());
    return 0;
  }
  for (llvm::StringRef name : {"a", "encoder.layer.0.{query,key}", ""}) {
    for (llvm::StringRef op : {"linear", "attention", "embedding", "matmul"}) {
      LayerPolicy layer = policy->get(name, op);
      fuzz::require(layer.percentile > 50 && layer.percentile <= 100,
                    "a percentile in its range");
      fuzz::require(!layer.smoothing ||
                        (layer.scheme == Scheme::Static &&
                         *layer.smoothing >= 0 && *layer.smoothing < 1),
                    "smoothing in its range, where the scheme is static");
    }
  }
  for (const std::string &warning : policy->listUnmatched())
    fuzz::requireOneLine(warning);
  return 0;
}
