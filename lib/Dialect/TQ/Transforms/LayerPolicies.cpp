//===- LayerPolicies.cpp - Policies of ops --------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/Transforms/Passes.h"
#include "tq/Support/InputPaths.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace tq;

Expected<QuantizationPolicy> tq::loadPolicy(StringRef config,
                                            const BasePolicy &base) {
  if (config.empty())
    return QuantizationPolicy(base);
  auto buffer = readRegularFile(config, kMaxQuantizeConfigBytes);
  if (!buffer)
    return buffer.takeError();
  return QuantizationPolicy::parse((*buffer)->getMemBufferRef(), base);
}

mlir::FailureOr<QuantizationPolicy>
tq::loadPolicy(mlir::Operation *op, StringRef config, const BasePolicy &base) {
  Expected<QuantizationPolicy> policy = loadPolicy(config, base);
  if (policy)
    return std::move(*policy);
  return op->emitError(toString(policy.takeError()));
}

LayerPolicy tq::getPolicy(const QuantizationPolicy &policy,
                          mlir::Operation *op) {
  return policy.get(program::getLayerName(op->getLoc()),
                    op->getName().stripDialect());
}

BasePolicy tq::getBasePolicy(QuantizationMode mode, Precision attention) {
  BasePolicy base;
  base.scheme = mode == QuantizationMode::Static    ? Scheme::Static
                : mode == QuantizationMode::Dynamic ? Scheme::Dynamic
                                                    : Scheme::Float;
  if (attention == Precision::Int8)
    base.attention =
        mode == QuantizationMode::Static ? Scheme::Static : Scheme::Dynamic;
  return base;
}
