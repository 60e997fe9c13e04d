//===- Main.h - The pieces of a program's main ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_CLI_MAIN_H
#define TQ_LIB_RUNTIME_CLI_MAIN_H

#include "Cli/Options.h"
#include "Text.h"

namespace tq::rt {

/// The whole program: prints errors, returns the exit code.
int runMain(const tq_program &program, int argc, char **argv);

/// A model and a session for the length of a command.
class OpenSession {
public:
  OpenSession() = default;
  OpenSession(const OpenSession &) = delete;
  OpenSession &operator=(const OpenSession &) = delete;
  ~OpenSession();
  tq_status open(const tq_program &program, const Options &options,
                 int32_t threads);

  tq_session &operator*() const { return *session; }
  tq_session *operator->() const { return session; }

private:
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
};

// The commands, one a file.
tq_status describeProgram(const tq_program &program, bool json);
tq_status runBenchmark(const tq_program &program, const Options &options);
tq_status runSelfTest(const tq_program &program, const Options &options);
tq_status runTensors(const tq_program &program, const Options &options);
tq_status runTextFile(const tq_program &program, const Options &options);
/// --profile without anything to run: random inputs.
tq_status runRandom(const tq_program &program, const Options &options);

//===----------------------------------------------------------------------===//
// Random inputs
//===----------------------------------------------------------------------===//

/// Valid inputs of given or usual shapes: always the same ones for a shape.
class RandomInputs {
public:
  RandomInputs() = default;
  RandomInputs(const RandomInputs &) = delete;
  RandomInputs &operator=(const RandomInputs &) = delete;
  ~RandomInputs();
  tq_status make(const tq_program &program, const Options &options);

  tq_tensor *tensors = nullptr;
  int32_t count = 0;

private:
  void takeStateSizes(const Options &options);
  tq_status parseShapes(const NamedValue *shapes, int32_t numShapes);
  tq_status fill(int32_t index);

  const tq_program *program = nullptr;
  int64_t *symbols = nullptr;
};

//===----------------------------------------------------------------------===//
// Profile
//===----------------------------------------------------------------------===//

/// Records the kernels of a session for --profile.
class ProfileRecorder {
public:
  ProfileRecorder() = default;
  ProfileRecorder(const ProfileRecorder &) = delete;
  ProfileRecorder &operator=(const ProfileRecorder &) = delete;
  ~ProfileRecorder();
  /// Starts recording; `path` null does nothing.
  tq_status start(tq_session &session, const char *path);
  /// Writes the trace and prints the table.
  tq_status finish(tq_session &session, const char *path);

private:
  Profile profile = {};
};

//===----------------------------------------------------------------------===//
// Summaries on stdout
//===----------------------------------------------------------------------===//

/// What a summary of texts shows: the index of one output, the one that says
/// most.
int32_t summaryOutput(const tq_program &program);

/// A short summary of tensors.
void printTensors(const tq_program &program, const tq_tensor *outputs);

/// One line a text, and how similar they are where that makes sense. Texts come
/// in any order and are printed in their own; meanwhile a text takes the few
/// numbers that are printed, not its row.
class TextSummary {
public:
  explicit TextSummary(const tq_program &program) : program(program) {}
  TextSummary(const TextSummary &) = delete;
  TextSummary &operator=(const TextSummary &) = delete;
  ~TextSummary();

  /// Makes room for what textOutputDims says about an output.
  tq_status open(int32_t output, const tq_tensor &all);
  void take(const TextRow &row);
  void print(const char *const *texts, const size_t *bytes) const;

private:
  /// Beside the values.
  struct Entry {
    int64_t number; // tokens, or the best class
    double real;    // the norm, or the probability of that class
  };
  enum class Kind { PerToken, BestClass, Classes, Vector };

  void printRow(int64_t text) const;
  void printMatrix() const;

  const tq_program &program;
  Kind kind = Kind::Vector;
  int32_t output = -1;
  int64_t count = 0;
  int64_t width = 0; // values of a text, or of a token
  int64_t inner = 0; // values of a token that stand together
  int64_t kept = 0;  // values kept of a text
  float *values = nullptr;
  Entry *entries = nullptr;
};

//===----------------------------------------------------------------------===//
// Terminals
//===----------------------------------------------------------------------===//

/// Whether a person watches `descriptor` on a terminal that can erase a line.
bool canShowProgress(int descriptor);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_CLI_MAIN_H
