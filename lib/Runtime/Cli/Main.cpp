//===- Main.cpp - What a program does with its options --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

namespace tq::rt {

OpenSession::~OpenSession() {
  tq_session_destroy(session);
  tq_model_close(model);
}

tq_status OpenSession::open(const tq_program &program, const Options &options,
                            int32_t threads) {
  if (tq_status status = openProgram(program, &model))
    return status;
  tq_session_options sessionOptions = {};
  sessionOptions.size = sizeof(sessionOptions);
  sessionOptions.threads = threads;
  sessionOptions.num_sizes = options.numSizes;
  sessionOptions.sizes = options.sizes;
  return tq_session_create(model, &sessionOptions, &session);
}

/// Leaves `program` the target that the user asked for.
static tq_status restrictTarget(tq_program &program, const char *cpu) {
  if (!cpu)
    return TQ_OK;
  for (int32_t i = 0; i < program.num_targets; ++i)
    if (strcmp(program.targets[i].cpu, cpu) == 0) {
      program.targets += i;
      program.num_targets = 1;
      return TQ_OK;
    }
  return fail(TQ_ERROR_USAGE,
              "--target-cpu: there is no code for '%s'; --describe lists the "
              "targets",
              cpu);
}

/// Leaves `program` the entry that the user asked for.
static void restrictEntry(tq_program &program, const char *name) {
  const tq_program_entry *entry = findEntry(program, name);
  if (entry != program.entries)
    program.golden = nullptr; // it is that of the first
  if (!name)
    return;
  program.entries = entry;
  program.num_entries = 1;
}

static void printVersion(const tq_program &program) {
  printf("%s, compiled by %s for ", program.name, program.compiler_version);
  for (int32_t i = 0; i < program.num_targets; ++i)
    printf("%s%s", i ? ", " : "", program.targets[i].cpu);
  printf("\n");
}

static tq_status runMode(const tq_program &program, const Options &options) {
  switch (options.mode) {
  case Mode::Help:
    printHelp(program);
    return TQ_OK;
  case Mode::Version:
    printVersion(program);
    return TQ_OK;
  case Mode::Describe:
    return describeProgram(program, options.json);
  case Mode::Benchmark:
    return runBenchmark(program, options);
  case Mode::SelfTest:
    return runSelfTest(program, options);
  case Mode::Run:
    break;
  }
  if (options.numInputs)
    return runTensors(program, options);
  if (options.text || options.numWords)
    return runTextFile(program, options);
  return runRandom(program, options);
}

int runMain(const tq_program &program, int argc, char **argv) {
  Options options;
  tq_status status = parseOptions(program, argc, argv, &options);
  tq_program chosen = program;
  if (!status)
    status = restrictTarget(chosen, options.targetCpu);
  if (!status)
    restrictEntry(chosen, options.entry);
  if (!status)
    status = runMode(chosen, options);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    if (!status)
      status = fail(TQ_ERROR_INPUT, "cannot write standard output: %s",
                    strerror(errno));
    clearerr(stdout);
  }
  if (status)
    fprintf(stderr, "error: %s\n", tq_last_message());
  return status;
}

} // namespace tq::rt
