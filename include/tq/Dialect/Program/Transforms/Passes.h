//===- Passes.h - From functions to a program -------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_TRANSFORMS_PASSES_H
#define TQ_DIALECT_PROGRAM_TRANSFORMS_PASSES_H

#include "tq/Dialect/Program/IR/Program.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace tq::program {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tq/Dialect/Program/Transforms/Passes.h.inc"

/// Names of functions in the module of a target.
std::string getPlanName(llvm::StringRef entry);
std::string getRunName(llvm::StringRef entry);

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_TRANSFORMS_PASSES_H
