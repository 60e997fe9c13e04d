//===- Options.h - The command line of a program ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_CLI_OPTIONS_H
#define TQ_LIB_RUNTIME_CLI_OPTIONS_H

#include "Session.h"

namespace tq::rt {

enum class Mode { Run, Help, Version, Describe, Benchmark, SelfTest };

/// NAME=VALUE of an option.
struct NamedValue {
  const char *name;
  const char *value;
};

struct Options {
  Mode mode = Mode::Run;
  NamedValue *inputs = nullptr;
  NamedValue *outputs = nullptr;
  NamedValue *shapes = nullptr;
  tq_symbol_size *sizes = nullptr; // of states
  const char **words = nullptr;    // each is one text
  int32_t numInputs = 0;
  int32_t numOutputs = 0;
  int32_t numShapes = 0;
  int32_t numSizes = 0;
  int32_t numWords = 0;
  const char *text = nullptr;    // FILE or "-"
  const char *profile = nullptr; // FILE
  const char *entry = nullptr;   // name; null: the first
  const char *targetCpu = nullptr;
  const char *prompt = nullptr; // name; "": none, null: the default
  int32_t threads = 0;          // 0: all cores
  int64_t batch = 0;            // 0: chosen
  double seconds = 2.0;
  bool json = false;

  ~Options();
};

/// The entry of this name, the first without one; null if there is none.
const tq_program_entry *findEntry(const tq_program &program, const char *name);

/// Reads the command line. The strings of `argv` are split where they stand.
tq_status parseOptions(const tq_program &program, int argc, char **argv,
                       Options *options);

/// The text of --help.
void printHelp(const tq_program &program);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_CLI_OPTIONS_H
