//===- Report.cpp - What the compiler tells its user ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "tq/Dialect/Program/IR/LayerTitle.h"
#include "tq/Support/Cleanup.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <unistd.h>

using namespace llvm;
using namespace tq;

static int errorDescriptor = STDERR_FILENO;
static std::atomic<bool> hasError;

bool tq::hasPrintedError() { return hasError; }

int tq::getErrorDescriptor() { return errorDescriptor; }

void tq::keepStderr() {
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (null >= 0 && kept >= 0 && dup2(null, STDERR_FILENO) >= 0)
    errorDescriptor = kept;
  if (null >= 0)
    close(null);
}

std::string tq::oneLine(StringRef text) {
  std::string result;
  for (char c : text.rtrim())
    result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return result;
}

static void printLine(StringRef kind, StringRef text) {
  UninterruptedSection section; // no line follows the one of an end
  raw_fd_ostream stream(errorDescriptor, /*shouldClose=*/false);
  stream << kind << ": " << oneLine(text) << '\n';
  stream.flush();
  stream.clear_error();
  hasError = hasError || kind == "error";
}

void tq::printError(const Twine &message) { printLine("error", message.str()); }

void tq::printWarning(const Twine &message) {
  printLine("warning", message.str());
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

/// "file:line:column" or the name of a layer; empty if it is not known.
static std::string describe(mlir::Location location) {
  return TypeSwitch<mlir::LocationAttr, std::string>(location)
      .Case([](mlir::FileLineColLoc file) {
        std::string text = file.getFilename().str();
        if (file.getLine() != 0)
          text += formatv(":{0}:{1}", file.getLine(), file.getColumn());
        return text;
      })
      .Case([](mlir::NameLoc name) { return program::getLayerTitle(name); })
      .Case([](mlir::CallSiteLoc call) { return describe(call.getCallee()); })
      .Case([](mlir::FusedLoc fused) {
        for (mlir::Location part : fused.getLocations())
          if (std::string text = describe(part); !text.empty())
            return text;
        return std::string();
      })
      .Default([](mlir::LocationAttr) { return std::string(); });
}

DiagnosticPrinter::DiagnosticPrinter(mlir::MLIRContext *context, bool verbose)
    : verbose(verbose), handler(context, [this](mlir::Diagnostic &diagnostic) {
        print(diagnostic);
        return mlir::success();
      }) {}

void DiagnosticPrinter::print(mlir::Diagnostic &diagnostic) {
  using Severity = mlir::DiagnosticSeverity;
  Severity severity = diagnostic.getSeverity();
  // Whatever comes after the first error follows from it.
  bool isFirst = severity == Severity::Error && errors++ == 0;
  if (!verbose && !isFirst && (severity != Severity::Warning || errors > 0))
    return;
  StringRef kind = severity == Severity::Error     ? "error"
                   : severity == Severity::Warning ? "warning"
                   : severity == Severity::Remark  ? "remark"
                                                   : "note";
  std::string where = describe(diagnostic.getLocation());
  printLine(kind, (where.empty() ? "" : where + ": ") + diagnostic.str());
  if (verbose)
    for (mlir::Diagnostic &note : diagnostic.getNotes())
      printLine("note", note.str());
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

/// Whether stdout is a terminal that knows how to clear a line.
static bool canDrawBar() {
  const char *terminal = getenv("TERM");
  return terminal && *terminal && StringRef(terminal) != "dumb" &&
         sys::Process::StandardOutIsDisplayed();
}

PhaseReport::PhaseReport(bool enabled)
    : enabled(enabled), hasBar(enabled && canDrawBar()) {}

void PhaseReport::begin(Phase phase) {
  current = phase;
  shown = -1;
  start = std::chrono::steady_clock::now();
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

void PhaseReport::progress(uint64_t done, uint64_t total) {
  if (!hasBar || total == 0 || secondsSince(start) < 2)
    return;
  int percent = static_cast<int>(double(done) / double(total) * 100);
  if (percent == shown)
    return;
  shown = percent;
  int filled = percent * 30 / 100;
  outs() << formatv("\r{0,-10} [{1}{2}] {3,3} %", getPhaseName(current),
                    std::string(filled, '#'), std::string(30 - filled, ' '),
                    percent);
  outs().flush();
}

void PhaseReport::clearBar() {
  if (shown >= 0)
    outs() << "\r\033[K";
  shown = -1;
}

void PhaseReport::end() {
  if (!enabled)
    return;
  clearBar();
  outs() << formatv("{0,-10} {1,6:F2} s\n", getPhaseName(current),
                    secondsSince(start));
  outs().flush();
}

//===----------------------------------------------------------------------===//
// Summary
//===----------------------------------------------------------------------===//

static std::string formatBytes(uint64_t bytes) {
  if (bytes >= 1000000)
    return formatv("{0:F2} MB", double(bytes) / 1e6);
  if (bytes >= 1000)
    return formatv("{0:F1} kB", double(bytes) / 1e3);
  return formatv("{0} B", bytes);
}

/// Calls by scheme, and those that stay in float by reason.
static void printSchemes(const ProgramInfo &program) {
  MapVector<StringRef, unsigned> schemes, reasons;
  for (const ProgramEntry &entry : program.entries)
    for (const ProgramCall &call : entry.calls) {
      ++schemes[call.scheme];
      if (!call.reason.empty())
        ++reasons[call.reason];
    }
  for (auto &[scheme, count] : schemes)
    outs() << formatv("  {0,-14} {1} kernel call{2}\n",
                      scheme.empty() ? StringRef("other") : scheme, count,
                      count == 1 ? "" : "s");
  for (auto &[reason, count] : reasons)
    outs() << formatv("  in float: {0}x {1}\n", count, oneLine(reason));
}

static std::string joinTargets(const ProgramInfo &program) {
  return join(map_range(program.targets,
                        [](const ProgramTarget &target) -> StringRef {
                          return target.cpu;
                        }),
              ", ");
}

/// One line an entry where all targets take as much.
static void printArenas(const ProgramInfo &program) {
  for (const ProgramEntry &entry : program.entries) {
    ArrayRef<std::string> arenas = entry.arenas;
    bool isSame = all_equal(arenas);
    std::string where =
        program.entries.size() > 1 ? " of " + entry.name : std::string();
    for (auto [target, arena] :
         zip(program.targets, isSame ? arenas.take_front() : arenas))
      if (!arena.empty())
        outs() << formatv("  {0,-14} {1} bytes{2}{3}\n", "arena",
                          oneLine(arena), oneLine(where),
                          isSame ? "" : " on " + target.cpu);
  }
}

/// Bytes of each kernel's code, a column a target.
static void printKernels(const ProgramInfo &program) {
  outs() << "\ncode bytes";
  for (const ProgramTarget &target : program.targets)
    outs() << "  " << target.cpu;
  outs() << '\n';
  for (auto [kernel, name] : enumerate(program.kernels)) {
    outs() << formatv("{0,10}", "");
    for (const ProgramTarget &target : program.targets)
      outs() << "  "
             << right_justify(kernel < target.codeBytes.size()
                                  ? utostr(target.codeBytes[kernel])
                                  : "",
                              target.cpu.size());
    outs() << "  " << name << '\n';
  }
}

void tq::printSummary(const CommandLine &line, const EmitResult &result) {
  const ProgramInfo &program = result.program;
  outs() << formatv("{0}: {1} for {2}\n", line.output,
                    formatBytes(result.fileBytes), joinTargets(program));
  uint64_t code = 0;
  for (const ProgramTarget &target : program.targets)
    code =
        std::accumulate(target.codeBytes.begin(), target.codeBytes.end(), code);
  outs() << formatv("  {0,-14} {1}\n", "weights",
                    formatBytes(program.weightsBytes));
  outs() << formatv("  {0,-14} {1}{2}\n", "kernels", program.kernels.size(),
                    code ? ", " + formatBytes(code) : "");
  printArenas(program);
  printSchemes(program);
  outs() << formatv("  {0,-14} {1}\n", "tokenizer",
                    program.tokenizer.empty()
                        ? "none: " + oneLine(program.tokenizerNote)
                        : formatBytes(program.tokenizer.size()));
  outs() << formatv("  {0,-14} {1}\n", "self-test",
                    result.goldenNote.empty()
                        ? formatBytes(program.golden.size())
                        : "none: " + oneLine(result.goldenNote));
  if (line.verbose)
    printKernels(program);
}
