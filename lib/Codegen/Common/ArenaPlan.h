//===- ArenaPlan.h - Places of a schedule's temporaries ---------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_COMMON_ARENAPLAN_H
#define TQ_LIB_CODEGEN_COMMON_ARENAPLAN_H

#include "ScheduleAnalysis.h"
#include "ShapeFormulas.h"

namespace tq {

/// Gives all buffers but the outputs, and the scratch of kernels, a slot; the
/// calls and their groups are known. Returns the arena's bytes as a formula.
std::string planArena(mlir::ModuleOp module, Schedule &schedule,
                      ShapeFormulas &shapes);

} // namespace tq

#endif // TQ_LIB_CODEGEN_COMMON_ARENAPLAN_H
