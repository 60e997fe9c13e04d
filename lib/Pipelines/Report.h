//===- Report.h - What the compiler tells its user --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_REPORT_H
#define TQ_LIB_PIPELINES_REPORT_H

#include "tq/Pipelines/CommandLine.h"

#include "mlir/IR/Diagnostics.h"

#include <chrono>

namespace tq {

/// Prints `error: MESSAGE` on stderr, on one line.
void printError(const llvm::Twine &message);

/// Prints `warning: MESSAGE` likewise.
void printWarning(const llvm::Twine &message);

/// `text` on one line, without what would confuse a terminal.
std::string oneLine(llvm::StringRef text);

/// Keeps stderr to the lines of this file: what libraries print when they end
/// the process is no line for the user.
void keepStderr();

/// Whether an error has been printed: what comes after it follows from it.
bool hasPrintedError();

/// The descriptor of stderr, also after keepStderr.
int getErrorDescriptor();

/// Prints diagnostics of MLIR, one line each: the first error, warnings, and
/// with `verbose` all the others.
class DiagnosticPrinter {
public:
  DiagnosticPrinter(mlir::MLIRContext *context, bool verbose);

  bool hasErrors() const { return errors > 0; }

private:
  void print(mlir::Diagnostic &diagnostic);

  bool verbose;
  unsigned errors = 0;
  mlir::ScopedDiagnosticHandler handler;
};

/// Prints a line a phase, with its time; on terminals with a bar where a phase
/// takes more than two seconds. On stdout: stderr is for errors.
class PhaseReport {
public:
  explicit PhaseReport(bool enabled);

  void begin(Phase phase);
  void progress(uint64_t done, uint64_t total);
  void end();

  bool isEnabled() const { return enabled; }

private:
  void clearBar();

  bool enabled;
  bool hasBar = false;
  int shown = -1;
  Phase current = Phase::Import;
  std::chrono::steady_clock::time_point start;
};

/// Prints what was made.
void printSummary(const CommandLine &line, const EmitResult &result);

} // namespace tq

#endif // TQ_LIB_PIPELINES_REPORT_H
