//===- Golden.h - What a program tests itself with --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_GOLDEN_H
#define TQ_EMIT_GOLDEN_H

#include "tq/Emit/ProgramTables.h"
#include "tq/Support/TempFiles.h"

namespace tq {

/// Runs the program, by `command` and more arguments, once, on numbers made
/// from a fixed seed and with some padding, and returns inputs and outputs as
/// `tq_program::golden` wants them: what `--selftest` on another machine has to
/// reproduce bit for bit. See makeOutputError and makeMemoryError for errors
/// that are not about the program.
llvm::Expected<std::vector<uint8_t>>
computeGolden(const ProgramInfo &info, std::vector<std::string> command,
              TempFiles &files);

} // namespace tq

#endif // TQ_EMIT_GOLDEN_H
