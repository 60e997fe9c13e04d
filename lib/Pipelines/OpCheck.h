//===- OpCheck.h - What MLIR's verifier does not survive --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_OPCHECK_H
#define TQ_LIB_PIPELINES_OPCHECK_H

#include "mlir/IR/BuiltinOps.h"

namespace tq {

/// Checks ops of a module that has been read, but not verified yet: MLIR's own
/// verifiers, or what comes after them, crash on what this refuses.
llvm::LogicalResult checkUnverifiedOps(mlir::ModuleOp module);

} // namespace tq

#endif // TQ_LIB_PIPELINES_OPCHECK_H
