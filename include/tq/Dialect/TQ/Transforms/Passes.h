//===- Passes.h - Passes from tq to tq --------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_TRANSFORMS_PASSES_H
#define TQ_DIALECT_TQ_TRANSFORMS_PASSES_H

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Dialect/TQ/Transforms/QuantizationPolicy.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace tq {

/// What `tq-insert-quantization` puts into integers.
enum class QuantizationMode {
  None,    ///< nothing
  Dynamic, ///< weights at compile time, activations row by row at run time
  Static,  ///< activations with parameters from calibration, where there are
};

/// What `mode` and `attention` say of layers without a rule.
BasePolicy getBasePolicy(QuantizationMode mode, Precision attention);

#define GEN_PASS_DECL
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"

} // namespace tq

#endif // TQ_DIALECT_TQ_TRANSFORMS_PASSES_H
