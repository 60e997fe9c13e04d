//===- Emit.h - From a module after codegen to a program --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_EMIT_H
#define TQ_EMIT_EMIT_H

#include "tq/Emit/ProgramTables.h"
#include "tq/Emit/WeightSection.h"
#include "tq/Support/InputFiles.h"
#include "tq/Target/Target.h"

#include <optional>

namespace tq {

enum class OutputKind {
  Executable,
  SharedLibrary, ///< and a C header next to it
  Object,
  Assembly, ///< and the weights next to it, in OUTPUT.weights
  LLVMIR,   ///< like Assembly
};

struct EmitOptions {
  OutputKind kind = OutputKind::Executable;
  std::string output;
  /// What --describe says about the options of the compiler, beside the
  /// targets.
  std::string options;
  /// Where the libraries of the runtime are.
  std::string runtimeDirectory;
  /// Store inputs and outputs for --selftest. The program is run once for it,
  /// if this machine can run it.
  bool golden = true;
  /// None of these may have changed when the weights are written.
  const InputFiles *inputs = nullptr;
};

struct EmitResult {
  ProgramInfo program;
  uint64_t fileBytes = 0;
  /// Why there is no self-test; empty if there is one.
  std::string goldenNote;
};

/// "tq 0.1.0 (LLVM 22.1.8)".
std::string getCompilerVersion();

/// The file that emitProgram writes beside `output`: the header of a library,
/// the weights of assembly and LLVM IR, if there are any. "" if there is none.
std::string getSideOutput(OutputKind kind, llvm::StringRef output);

/// Makes a program of `module`, which the codegen phase left. Everything is
/// written as a whole or not at all, and no other file stays. `progress`
/// follows the weights. See makeOutputError for errors about what is written,
/// and makeMemoryError; others are about what was given.
llvm::Expected<EmitResult> emitProgram(mlir::ModuleOp module,
                                       const EmitOptions &options,
                                       ProgressFn progress);

} // namespace tq

#endif // TQ_EMIT_EMIT_H
