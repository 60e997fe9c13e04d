//===- Passes.h - Passes of Codegen/CPU -------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_PASSES_H
#define TQ_CODEGEN_CPU_PASSES_H

#include "tq/Dialect/CPU/IR/CPU.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace tq {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tq/Codegen/CPU/Passes.h.inc"

} // namespace tq

#endif // TQ_CODEGEN_CPU_PASSES_H
