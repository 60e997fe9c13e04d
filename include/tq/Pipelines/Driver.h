//===- Driver.h - The compiler as one function ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_PIPELINES_DRIVER_H
#define TQ_PIPELINES_DRIVER_H

namespace tq {

/// What tq-compile returns.
enum class ExitCode {
  Fine = 0,
  Usage = 1,       ///< wrong arguments, also an output that is an input
  Input = 2,       ///< a bad model, IR or weights; files that change meanwhile
  Output = 3,      ///< output or temporary files cannot be written or linked
  Unsupported = 4, ///< a phase fails, or memory runs out
};

/// tq-compile: reads INPUT, runs the phases, writes OUT.
ExitCode runCompiler(int argc, const char *const *argv);

} // namespace tq

#endif // TQ_PIPELINES_DRIVER_H
