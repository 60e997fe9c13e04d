//===- Session.h - Models and sessions, seen from inside --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_SESSION_H
#define TQ_LIB_RUNTIME_SESSION_H

#include "Device/Pool.h"
#include "Parts.h"
#include "State.h"
#include "Support.h"
#include "tq/Runtime/Program.h"
#include "tq/Runtime/Tokenizer.h"
#include "tq/Runtime/tq.h"
#include <string.h>

struct tq_model {
  const tq_program *program; ///< first, also in libraries of other versions
  const tq_program_target *target; ///< the code that this CPU runs
  tq::rt::Tokenizer tokenizer;
  bool hasTokenizer;
};

namespace tq::rt {

/// One kernel call, or what one thread did of it, as --profile shows it.
struct ProfileEvent {
  int64_t begin; // nanoseconds of now()
  int64_t end;
  int64_t ops;
  int64_t bytes;
  int32_t call;
  int32_t run;    // index into Profile::runs
  int32_t thread; // -1: all of them
};

/// What was run: the dimensions of the first input.
struct ProfileRun {
  int64_t dims[TQ_MAX_RANK];
  int32_t rank;
};

/// What a session records when it is given one. Events past the capacity are
/// only counted: recording allocates nothing during a run.
struct Profile {
  ProfileEvent *events;
  std::atomic<int64_t> count; // of the calls: beyond `capacity` none is kept
  int64_t capacity;
  ProfileRun *runs;
  int32_t numRuns;
  int32_t runCapacity;
};

} // namespace tq::rt

/// What generated code gets to see of a session.
struct tq_context {
  tq::rt::Pool *pool;
  tq::rt::Profile *profile; // null: not recorded
};

struct tq_session {
  const tq_model *model;
  const tq_program_entry *entry; ///< the one that runs, or ran
  tq::rt::Pool pool;
  tq::rt::Pool alone; ///< the calling thread, for parts that run aside
  tq_context context;
  std::atomic<bool> busy;

  tq::rt::Buffer arena;
  int64_t arenaBytes;         ///< the most that a run has asked for
  tq::rt::Buffer *inputs;     // filled or converted inputs
  tq::rt::Buffer *outputs;    // one an output
  const void **inputPointers; // what `run` gets
  void **outputPointers;      // what `run` gets
  int64_t *inputDims;         // all inputs one after the other
  int64_t *outputDims;        // all outputs one after the other
  int64_t *symbols;           // value of each symbol in this run, -1: none yet
  const char **symbolOrigin;  // the input that gave it
  tq::rt::State *states;      // of the program
  int64_t *fixedSymbols;      // sizes of the states' symbols, 0: none
  const char **fixedOrigin;   // a state that has it
  tq::rt::Parts parts;        // of the batch
  tq::rt::Buffer textIds;     // int32_t, all texts one after the other
  tq::rt::Buffer textOffsets; // int64_t, count + 1
  tq::rt::Buffer textOrder;   // int64_t, texts by length
  tq::rt::Buffer textInputs[2]; // ids and mask of a batch
  tq::rt::Buffer *textOutputs;  // all rows of an output
  tq_tensor *textTensors;       // inputs, then outputs of a batch
  bool *wantedOutputs;          // of tq_session_run_text
  const char *prompt;           // what is put before each text
  tq::rt::Buffer promptedText;  // one text behind it
};

namespace tq::rt {

/// Opens any program, not only the one linked in. `program` has to outlive the
/// model.
tq_status openProgram(const tq_program &program, const tq_model **model);

/// Holds a session for one call; see `held`.
class SessionHold {
public:
  explicit SessionHold(tq_session *session);
  ~SessionHold();
  /// TQ_OK, or why the session cannot be used.
  tq_status status() const { return result; }

private:
  tq_session *session;
  tq_status result;
};

/// tq_session_run for a caller that holds the session.
tq_status runHeld(tq_session &session, const tq_tensor *inputs,
                  int32_t numInputs, tq_tensor *outputs, int32_t numOutputs);

/// The code that runs the session's entry on this CPU.
inline const tq_program_code &getCode(const tq_session &session) {
  return session.entry->codes[session.model->target->code];
}

/// The most inputs, and the most outputs, that an entry has.
struct TensorCounts {
  int64_t inputs, outputs;
};
TensorCounts countTensors(const tq_program &program);

// Structs that start with their size. Those of version 2 are the smallest;
// where a later one is larger, what a caller of this one does not know is 0, or
// not written.

/// Copies what this version knows of such a struct; false if its size is none,
/// or if it asks for something that only later versions know.
template <typename Struct>
bool takeStruct(const Struct *given, Struct *copy) {
  if (given->size < sizeof(Struct) || given->size > 4096)
    return false;
  for (size_t i = sizeof(Struct); i < given->size; ++i)
    if (reinterpret_cast<const char *>(given)[i])
      return false;
  *copy = *given;
  return true;
}

/// Fills what this version knows of such a struct; false if its size is none.
template <typename Struct>
bool giveStruct(Struct filled, Struct *place) {
  if (place->size < sizeof(Struct))
    return false;
  filled.size = place->size;
  *place = filled;
  return true;
}

/// Index of the named input or output, -1 if there is none.
int32_t findTensor(const tq_program_tensor *tensors, int32_t count,
                   const char *name);

/// The values an integer input may have: its limit, and what its dtype holds.
void validRange(const tq_program_tensor &input, int64_t *low, int64_t *high);

/// Whether this CPU can run the code for `target`, and the system lets it.
bool isSupported(const tq_program_target &target);

/// The first target that this CPU can run, null if there is none.
const tq_program_target *findTarget(const tq_program &program);

/// The same; without one, an error that says what the CPU lacks.
tq_status chooseTarget(const tq_program &program,
                       const tq_program_target **target);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_SESSION_H
