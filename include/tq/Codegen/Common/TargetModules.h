//===- TargetModules.h - One module for each CPU ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program carries code for several CPUs, which share everything but code. In
// the IR that is a module inside the program's for each of them, see
// `tq-split-targets` and `tq-join-targets`; their attributes have these names.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_COMMON_TARGETMODULES_H
#define TQ_CODEGEN_COMMON_TARGETMODULES_H

#include "llvm/ADT/StringRef.h"

namespace tq {

/// The CPU, as --target-cpu names it: "x86-64-v4+avx512vnni".
constexpr llvm::StringLiteral kTargetCpuAttr = "tq.target_cpu";
/// Bytes of the arena, for people; targets may differ in it.
constexpr llvm::StringLiteral kArenaFormulaAttr = "tq.arena_formula";
/// What describes the program to the runtime.
constexpr llvm::StringLiteral kProgramAttr = "tq.program";

} // namespace tq

#endif // TQ_CODEGEN_COMMON_TARGETMODULES_H
