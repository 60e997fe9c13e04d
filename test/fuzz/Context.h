//===- Context.h - MLIR contexts for the fuzz targets -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_FUZZ_CONTEXT_H
#define TQ_TEST_FUZZ_CONTEXT_H

#include "mlir/IR/MLIRContext.h"

#include <memory>

namespace tq::fuzz {

/// A context; a new one from time to time, as it keeps every name it has seen.
inline mlir::MLIRContext &getContext() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % 1000 == 0)
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
  return *context;
}

} // namespace tq::fuzz

#endif // TQ_TEST_FUZZ_CONTEXT_H
