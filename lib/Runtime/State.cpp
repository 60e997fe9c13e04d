//===- State.cpp - What a session keeps from run to run -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "State.h"
#include "Session.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// The index of a symbol that a state has as a dimension, -1 if there is none.
static int64_t findStateSymbol(const tq_program &program, const char *name) {
  for (int32_t i = 0; i < program.num_states; ++i)
    for (int32_t d = 0; d < program.states[i].rank; ++d) {
      int64_t k = -(program.states[i].dims[d] + 1);
      if (k >= 0 && strcmp(program.symbols[k].name, name) == 0)
        return k;
    }
  return -1;
}

static tq_status takeSizes(tq_session &session,
                           const tq_session_options &options) {
  const tq_program &program = *session.model->program;
  for (int32_t i = 0; i < options.num_sizes; ++i) {
    const tq_symbol_size &size = options.sizes[i];
    int64_t k = size.symbol ? findStateSymbol(program, size.symbol) : -1;
    if (k < 0)
      return fail(TQ_ERROR_USAGE,
                  "there is no state with a dimension '%s' to give a size to",
                  size.symbol ? size.symbol : "");
    int64_t max = program.symbols[k].max ? program.symbols[k].max : TQ_MAX_SIZE;
    if (size.value < 1 || size.value > max)
      return fail(TQ_ERROR_USAGE,
                  "expected a %s of 1 to %" PRId64 ", found %" PRId64,
                  size.symbol, max, size.value);
    if (session.fixedSymbols[k])
      return fail(TQ_ERROR_USAGE, "expected one size for '%s', found two",
                  size.symbol);
    session.fixedSymbols[k] = size.value;
  }
  return TQ_OK;
}

/// The size of dimension `d` of a state.
static tq_status resolveDim(tq_session &session, const tq_program_state &state,
                            int32_t d, int64_t *size) {
  *size = state.dims[d];
  if (*size >= 0)
    return TQ_OK;
  const tq_program &program = *session.model->program;
  int64_t k = -(state.dims[d] + 1);
  int64_t &fixed = session.fixedSymbols[k];
  if (!fixed)
    fixed = program.symbols[k].max;
  if (!fixed)
    return fail(TQ_ERROR_USAGE,
                "expected a size for '%s', which state '%s' has as dimension "
                "%d (--size %s=N)",
                program.symbols[k].name, state.name, d,
                program.symbols[k].name);
  session.fixedOrigin[k] = state.name;
  *size = fixed;
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// Life
//===----------------------------------------------------------------------===//

static tq_status makeState(tq_session &session, const tq_program_state &state,
                           State &place) {
  if (state.kind == TQ_STATE_NUMBER)
    return TQ_OK;
  int64_t dims[TQ_MAX_RANK];
  for (int32_t d = 0; d < state.rank; ++d)
    if (tq_status status = resolveDim(session, state, d, &dims[d]))
      return status;
  if (!product(dims, state.rank, dtypeBytes(state.dtype), &place.bytes))
    return fail(TQ_ERROR_USAGE, "state '%s' is larger than the address space",
                state.name);
  void *memory = nullptr;
  if (!fitsMachine(place.bytes) ||
      posix_memalign(&memory, 64, size_t(place.bytes ? place.bytes : 1)))
    return fail(TQ_ERROR_RESOURCE,
                "state '%s' needs %" PRId64
                " bytes, and this machine does not have them",
                state.name, place.bytes);
  place.memory = static_cast<uint8_t *>(memory);
  return TQ_OK;
}

tq_status makeStates(tq_session &session, const tq_session_options &options) {
  const tq_program &program = *session.model->program;
  if (options.num_sizes < 0 || (options.num_sizes && !options.sizes))
    return fail(TQ_ERROR_USAGE,
                "tq_session_create: expected %d sizes, found %s",
                options.num_sizes, options.sizes ? "an array" : "NULL");
  if (!makeArray(session.states, program.num_states) ||
      !makeArray(session.fixedSymbols, program.num_symbols) ||
      !makeArray(session.fixedOrigin, program.num_symbols))
    return fail(TQ_ERROR_RESOURCE, "no memory for a session");
  if (tq_status status = takeSizes(session, options))
    return status;
  for (int32_t i = 0; i < program.num_states; ++i)
    if (tq_status status =
            makeState(session, program.states[i], session.states[i]))
      return status;
  resetStates(session);
  return TQ_OK;
}

void freeStates(tq_session &session) {
  for (int32_t i = 0; session.states && i < session.model->program->num_states;
       ++i)
    free(session.states[i].memory);
  free(session.states);
  free(session.fixedSymbols);
  free(session.fixedOrigin);
}

void resetStates(tq_session &session) {
  for (int32_t i = 0; i < session.model->program->num_states; ++i) {
    State &state = session.states[i];
    state.value = 0;
    if (state.memory)
      memset(state.memory, 0, size_t(state.bytes));
  }
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

int64_t countStateWords(const tq_program &program) {
  int64_t words = 0;
  for (int32_t i = 0; i < program.num_states; ++i)
    words +=
        program.states[i].kind == TQ_STATE_NUMBER ? 1 : program.states[i].rank;
  return words;
}

static int64_t countDims(const tq_program_tensor *tensors, int32_t count) {
  int64_t dims = 0;
  for (int32_t i = 0; i < count; ++i)
    dims += tensors[i].rank;
  return dims;
}

void bindStates(tq_session &session) {
  const tq_program &program = *session.model->program;
  const tq_program_entry &entry = *session.entry;
  int64_t *words =
      session.inputDims + countDims(entry.inputs, entry.num_inputs);
  const void **pointers = session.inputPointers + entry.num_inputs;
  for (int32_t i = 0; i < program.num_states; ++i) {
    const tq_program_state &state = program.states[i];
    if (state.kind == TQ_STATE_NUMBER) {
      *words++ = session.states[i].value;
      continue;
    }
    *pointers++ = session.states[i].memory;
    for (int32_t d = 0; d < state.rank; ++d)
      *words++ = state.dims[d] >= 0
                     ? state.dims[d]
                     : session.fixedSymbols[-(state.dims[d] + 1)];
  }
}

void describeNumbers(const tq_session &session, Bytes &to) {
  const tq_program &program = *session.model->program;
  for (int32_t i = 0; i < program.num_states; ++i)
    if (program.states[i].kind == TQ_STATE_NUMBER)
      to.print("%s'%s' is %" PRId64, to.size ? ", " : "",
               program.states[i].name, session.states[i].value);
}

void commitStates(tq_session &session) {
  const tq_program &program = *session.model->program;
  const tq_program_entry &entry = *session.entry;
  const int64_t *words =
      session.outputDims + countDims(entry.outputs, entry.num_outputs);
  for (int32_t i = 0; i < program.num_states; ++i)
    if (program.states[i].kind == TQ_STATE_NUMBER)
      session.states[i].value = *words++;
}

} // namespace tq::rt
