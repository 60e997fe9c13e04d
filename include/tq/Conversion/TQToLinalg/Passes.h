//===- Passes.h - The lower phase -------------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CONVERSION_TQTOLINALG_PASSES_H
#define TQ_CONVERSION_TQTOLINALG_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace tq {

/// Options of the lower phase: none so far.
struct LowerOptions {};

/// From tq ops, mixed with upstream tensor ops, to a schedule that calls
/// distinct kernels of linalg ops.
void buildLowerPipeline(mlir::OpPassManager &manager,
                        const LowerOptions &options);

#define GEN_PASS_DECL
#include "tq/Conversion/TQToLinalg/Passes.h.inc"

void registerTQToLinalgPasses();

} // namespace tq

#endif // TQ_CONVERSION_TQTOLINALG_PASSES_H
