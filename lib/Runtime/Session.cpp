//===- Session.cpp - Running a program ------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "Device/FloatControl.h"
#include "Prompt.h"
#include "State.h"
#include <inttypes.h>
#include <new>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static tq_status bindDim(tq_session &session, const tq_program_tensor &input,
                         int32_t index, int64_t found) {
  const tq_program &program = *session.model->program;
  int64_t expected = input.dims[index];
  if (expected >= 0) {
    if (found == expected)
      return TQ_OK;
    return fail(TQ_ERROR_INPUT,
                "input '%s': expected %" PRId64
                " in dimension %d, found %" PRId64,
                input.name, expected, index, found);
  }
  int64_t k = -(expected + 1);
  const tq_program_symbol &symbol = program.symbols[k];
  int64_t max = symbol.max ? symbol.max : TQ_MAX_SIZE;
  if (found < 1 || found > max) {
    if (!symbol.max && found < 1)
      return fail(TQ_ERROR_INPUT,
                  "input '%s': expected a %s of at least 1 in dimension %d, "
                  "found %" PRId64,
                  input.name, symbol.name, index, found);
    return fail(TQ_ERROR_INPUT,
                "input '%s': expected a %s of 1 to %" PRId64
                " in dimension %d, found %" PRId64,
                input.name, symbol.name, max, index, found);
  }
  if (session.symbols[k] < 0) {
    session.symbols[k] = found;
    session.symbolOrigin[k] = input.name;
  } else if (session.symbols[k] != found) {
    return fail(TQ_ERROR_INPUT,
                "input '%s': expected a %s of %" PRId64
                " as in '%s' in dimension %d, found %" PRId64,
                input.name, symbol.name, session.symbols[k],
                session.symbolOrigin[k], index, found);
  }
  return TQ_OK;
}

static tq_status bindInput(tq_session &session, int32_t index,
                           const tq_tensor &tensor) {
  const tq_program_tensor &input = session.entry->inputs[index];
  if (!dtypeBytes(tensor.dtype) ||
      (tensor.dtype == TQ_F32) != (input.dtype == TQ_F32))
    return fail(TQ_ERROR_INPUT, "input '%s': expected %s, found %s", input.name,
                input.dtype == TQ_F32 ? "f32" : "integers",
                dtypeName(tensor.dtype));
  if (tensor.rank != input.rank)
    return fail(TQ_ERROR_INPUT, "input '%s': expected rank %d, found rank %d",
                input.name, input.rank, tensor.rank);
  for (int32_t d = 0; d < input.rank; ++d)
    if (tq_status status = bindDim(session, input, d, tensor.dims[d]))
      return status;
  return TQ_OK;
}

/// Dimensions of an input from the values of the symbols.
static tq_status resolveDims(tq_session &session,
                             const tq_program_tensor &input, int64_t *dims) {
  for (int32_t d = 0; d < input.rank; ++d) {
    dims[d] = input.dims[d];
    if (dims[d] >= 0)
      continue;
    int64_t k = -(dims[d] + 1);
    if (session.symbols[k] < 0)
      return fail(TQ_ERROR_INPUT,
                  "input '%s' is missing, and no other input says how large "
                  "its %s is",
                  input.name, session.model->program->symbols[k].name);
    dims[d] = session.symbols[k];
  }
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

static tq_status failValue(const tq_program_tensor &input, const int64_t *dims,
                           int64_t position, int64_t value, int64_t low,
                           int64_t high) {
  int64_t index[TQ_MAX_RANK] = {};
  for (int32_t d = input.rank; d-- > 0; position /= dims[d])
    index[d] = position % dims[d];
  char where[192];
  return fail(TQ_ERROR_INPUT,
              "input '%s': expected values from %" PRId64 " to %" PRId64
              ", found %" PRId64 " at %s",
              input.name, low, high, value,
              shapeText(where, index, input.rank));
}

void validRange(const tq_program_tensor &input, int64_t *low, int64_t *high) {
  *low = input.limit > 0 ? 0 : integerMin(input.dtype);
  *high = integerMax(input.dtype);
  if (input.limit > 0 && input.limit - 1 < *high)
    *high = input.limit - 1;
}

static tq_status checkIntegers(const tq_program_tensor &input,
                               const tq_tensor &tensor, int64_t elements) {
  int64_t low, high;
  validRange(input, &low, &high);
  for (int64_t i = 0; i < elements; ++i) {
    int64_t value = loadInteger(tensor.dtype, tensor.data, i);
    if (value < low || value > high)
      return failValue(input, tensor.dims, i, value, low, high);
  }
  return TQ_OK;
}

static tq_status failBytes(const char *what, const char *name, int64_t bytes) {
  return fail(TQ_ERROR_RESOURCE,
              "%s '%s' needs %" PRId64
              " bytes, and this machine does not have them",
              what, name, bytes);
}

/// Gives `run` the caller's data where it has the right form, or a copy.
static tq_status bindData(tq_session &session, int32_t index,
                          const tq_tensor *tensor, const int64_t *dims) {
  const tq_program_tensor &input = session.entry->inputs[index];
  int64_t size = dtypeBytes(input.dtype), elements, bytes;
  if (!product(dims, input.rank, 1, &elements) ||
      !multiply(elements, size, &bytes))
    return fail(TQ_ERROR_INPUT, "input '%s' is larger than the address space",
                input.name);
  if (tensor && input.dtype != TQ_F32)
    if (tq_status status = checkIntegers(input, *tensor, elements))
      return status;
  bool sameForm = tensor && tensor->dtype == input.dtype &&
                  reinterpret_cast<uintptr_t>(tensor->data) % size == 0;
  if (sameForm) {
    session.inputPointers[index] = tensor->data;
    return TQ_OK;
  }
  Buffer &buffer = session.inputs[index];
  if (!bufferReserve(buffer, bytes))
    return failBytes("input", input.name, bytes);
  session.inputPointers[index] = buffer.data;
  if (!tensor) {
    memset(buffer.data, 0, bytes);
    if (input.fill == TQ_FILL_ONES && input.dtype == TQ_F32)
      for (int64_t i = 0; i < elements; ++i)
        reinterpret_cast<float *>(buffer.data)[i] = 1.0f;
    else if (input.fill == TQ_FILL_ONES)
      for (int64_t i = 0; i < elements; ++i)
        storeInteger(input.dtype, buffer.data, i, 1);
  } else if (tensor->dtype == input.dtype) {
    memcpy(buffer.data, tensor->data, bytes);
  } else {
    for (int64_t i = 0; i < elements; ++i)
      storeInteger(input.dtype, buffer.data, i,
                   loadInteger(tensor->dtype, tensor->data, i));
  }
  return TQ_OK;
}

static tq_status bindInputs(tq_session &session, const tq_tensor *inputs,
                            int32_t numInputs) {
  const tq_program &program = *session.model->program;
  const tq_program_entry &entry = *session.entry;
  if (numInputs < 0 || numInputs > entry.num_inputs)
    return fail(TQ_ERROR_USAGE, "expected at most %d inputs, found %d",
                entry.num_inputs, numInputs);
  if (numInputs && !inputs)
    return fail(TQ_ERROR_USAGE, "expected %d inputs, found NULL", numInputs);
  for (int32_t k = 0; k < program.num_symbols; ++k) {
    session.symbols[k] = session.fixedSymbols[k] ? session.fixedSymbols[k] : -1;
    session.symbolOrigin[k] = session.fixedOrigin[k];
  }
  for (int32_t i = 0; i < entry.num_inputs; ++i) {
    bool given = i < numInputs && inputs[i].data;
    if (!given && entry.inputs[i].fill == TQ_FILL_NONE)
      return fail(TQ_ERROR_INPUT, "input '%s' is missing",
                  entry.inputs[i].name);
    if (given)
      if (tq_status status = bindInput(session, i, inputs[i]))
        return status;
  }
  int64_t *dims = session.inputDims;
  for (int32_t i = 0; i < entry.num_inputs; ++i) {
    const tq_program_tensor &input = entry.inputs[i];
    bool given = i < numInputs && inputs[i].data;
    if (tq_status status = resolveDims(session, input, dims))
      return status;
    if (tq_status status =
            bindData(session, i, given ? &inputs[i] : nullptr, dims))
      return status;
    dims += input.rank;
  }
  bindStates(session);
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// Outputs and the run itself
//===----------------------------------------------------------------------===//

static tq_status checkOutput(const tq_program_tensor &output,
                             const int64_t *dims, const tq_tensor &given) {
  bool same =
      given.dtype == output.dtype && given.rank == output.rank &&
      reinterpret_cast<uintptr_t>(given.data) % dtypeBytes(output.dtype) == 0;
  for (int32_t d = 0; same && d < output.rank; ++d)
    same = given.dims[d] == dims[d];
  if (same)
    return TQ_OK;
  char expected[192], found[192];
  int32_t rank = given.rank < 0 || given.rank > TQ_MAX_RANK ? 0 : given.rank;
  return fail(TQ_ERROR_USAGE,
              "output '%s': expected aligned memory for %s %s, found %s %s",
              output.name, dtypeName(output.dtype),
              shapeText(expected, dims, output.rank), dtypeName(given.dtype),
              shapeText(found, given.dims, rank));
}

/// Parts of a batch are written while inputs of others are still to be read.
static tq_status checkOverlap(const tq_session &session,
                              const tq_program_tensor &output,
                              const tq_tensor &given) {
  const tq_program_entry &entry = *session.entry;
  auto bytesOf = [](const tq_program_tensor &tensor, const int64_t *dims) {
    int64_t bytes = 0;
    product(dims, tensor.rank, dtypeBytes(tensor.dtype), &bytes);
    return uintptr_t(bytes);
  };
  auto begin = reinterpret_cast<uintptr_t>(given.data);
  uintptr_t end = begin + bytesOf(output, given.dims);
  const int64_t *dims = session.inputDims;
  for (int32_t i = 0; i < entry.num_inputs; dims += entry.inputs[i++].rank) {
    auto input = reinterpret_cast<uintptr_t>(session.inputPointers[i]);
    if (begin < input + bytesOf(entry.inputs[i], dims) && input < end)
      return fail(TQ_ERROR_USAGE,
                  "output '%s': its memory overlaps that of input '%s'",
                  output.name, entry.inputs[i].name);
  }
  return TQ_OK;
}

static tq_status bindOutputs(tq_session &session, const tq_tensor *outputs,
                             int32_t numOutputs) {
  const tq_program_entry &entry = *session.entry;
  const int64_t *dims = session.outputDims;
  for (int32_t i = 0; i < entry.num_outputs; ++i) {
    const tq_program_tensor &output = entry.outputs[i];
    if (i < numOutputs && outputs[i].data) {
      if (tq_status status = checkOutput(output, dims, outputs[i]))
        return status;
      if (tq_status status = checkOverlap(session, output, outputs[i]))
        return status;
      session.outputPointers[i] = outputs[i].data;
    } else {
      int64_t bytes;
      if (!product(dims, output.rank, dtypeBytes(output.dtype), &bytes))
        return fail(TQ_ERROR_INPUT,
                    "output '%s' is larger than the address space",
                    output.name);
      if (!bufferReserve(session.outputs[i], bytes))
        return failBytes("output", output.name, bytes);
      session.outputPointers[i] = session.outputs[i].data;
    }
    dims += output.rank;
  }
  return TQ_OK;
}

/// "batch 8, sequence 128", for messages.
static const char *symbolValues(const tq_session &session, char (&text)[192]) {
  Bytes bytes;
  const tq_program &program = *session.model->program;
  for (int32_t k = 0; k < program.num_symbols; ++k)
    bytes.print("%s%s %" PRId64, k ? ", " : "", program.symbols[k].name,
                session.symbols[k]);
  size_t length = size_t(bytes.size) < sizeof(text) - 1 ? size_t(bytes.size)
                                                        : sizeof(text) - 1;
  if (length)
    memcpy(text, bytes.data, length);
  text[length] = 0;
  bytes.free();
  return text;
}

/// Inputs that do not fit together, all of them with their shapes.
static tq_status failCheck(const tq_session &session, const char *check) {
  const tq_program_entry &entry = *session.entry;
  const int64_t *dims = session.inputDims;
  Bytes inputs;
  for (int32_t i = 0; i < entry.num_inputs; dims += entry.inputs[i++].rank) {
    char shape[192];
    inputs.print("%s'%s' is %s", i ? ", " : "", entry.inputs[i].name,
                 shapeText(shape, dims, entry.inputs[i].rank));
  }
  describeNumbers(session, inputs);
  tq_status status = fail(TQ_ERROR_INPUT, "%.*s, but %s", int(inputs.size),
                          inputs.data ? inputs.data : "", check);
  inputs.free();
  return status;
}

static tq_status reserveArena(tq_session &session) {
  const tq_program_entry &entry = *session.entry;
  char values[192];
  int64_t bytes = getCode(session).plan(
      session.inputDims, session.pool.threads(), session.outputDims);
  if (bytes < -1)
    return failCheck(session, entry.checks[-bytes - 2]);
  if (session.parts.count)
    bytes = partsArena(session);
  if (bytes < 0)
    return fail(TQ_ERROR_RESOURCE,
                "%s: the arena would need more than 2^62 bytes",
                symbolValues(session, values));
  if (!bufferReserve(session.arena, bytes))
    return fail(TQ_ERROR_RESOURCE,
                "%s: the arena needs %" PRId64
                " bytes, and this machine does not have them",
                symbolValues(session, values), bytes);
  if (bytes > session.arenaBytes)
    session.arenaBytes = bytes;
  return TQ_OK;
}

/// Notes the shape of the run that starts. Where there is no room its events
/// are dropped.
static void profileRun(tq_session &session) {
  Profile *profile = session.context.profile;
  const tq_program_entry &entry = *session.entry;
  if (!profile)
    return;
  if (profile->numRuns == profile->runCapacity) {
    if (profile->capacity > profile->count)
      profile->capacity = profile->count;
    return;
  }
  ProfileRun &run = profile->runs[profile->numRuns++];
  run.rank = entry.num_inputs ? entry.inputs[0].rank : 0;
  memcpy(run.dims, session.inputDims, run.rank * sizeof(int64_t));
}

tq_status runHeld(tq_session &session, const tq_tensor *inputs,
                  int32_t numInputs, tq_tensor *outputs, int32_t numOutputs) {
  const tq_program &program = *session.model->program;
  const tq_program_entry &entry = *session.entry;
  if (numOutputs < 0 || numOutputs > entry.num_outputs)
    return fail(TQ_ERROR_USAGE, "expected at most %d outputs, found %d",
                entry.num_outputs, numOutputs);
  if (numOutputs && !outputs)
    return fail(TQ_ERROR_USAGE, "expected %d outputs, found NULL", numOutputs);
  if (tq_status status = bindInputs(session, inputs, numInputs))
    return status;
  if (tq_status status = cutBatch(session))
    return status;
  if (tq_status status = reserveArena(session))
    return status;
  if (tq_status status = bindOutputs(session, outputs, numOutputs))
    return status;
  if (tq_status status = reserveParts(session))
    return status;
  profileRun(session);
  {
    FloatControl control;
    if (session.parts.count)
      runParts(session);
    else
      getCode(session).run(&session.context, session.inputPointers,
                           session.inputDims, session.outputPointers,
                           session.arena.data, program.weights);
  }
  commitStates(session);
  const int64_t *dims = session.outputDims;
  for (int32_t i = 0; i < numOutputs; ++i) {
    const tq_program_tensor &output = entry.outputs[i];
    outputs[i].data = session.outputPointers[i];
    outputs[i].rank = output.rank;
    outputs[i].dtype = output.dtype;
    for (int32_t d = 0; d < output.rank; ++d)
      outputs[i].dims[d] = dims[d];
    dims += output.rank;
  }
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// Life of a session
//===----------------------------------------------------------------------===//

/// Why the session cannot be held.
static tq_status refuse(const tq_session *session) {
  if (!session)
    return fail(TQ_ERROR_USAGE, "there is no session");
  if (session->pool.isForked())
    return fail(TQ_ERROR_USAGE,
                "the session was in use when this process was forked; make "
                "another one");
  return fail(TQ_ERROR_USAGE, "the session is in use by another thread; make "
                              "one session a thread");
}

SessionHold::SessionHold(tq_session *session)
    : session(session), result(TQ_OK) {
  if (session && !session->busy.exchange(true, std::memory_order_acquire)) {
    session->pool.forgetLostWorkers();
    return;
  }
  result = refuse(session);
  this->session = nullptr;
}

SessionHold::~SessionHold() {
  if (session)
    session->busy.store(false, std::memory_order_release);
}

TensorCounts countTensors(const tq_program &program) {
  TensorCounts most = {0, 0};
  for (int32_t i = 0; i < program.num_entries; ++i) {
    const tq_program_entry &entry = program.entries[i];
    most.inputs =
        entry.num_inputs > most.inputs ? entry.num_inputs : most.inputs;
    most.outputs =
        entry.num_outputs > most.outputs ? entry.num_outputs : most.outputs;
  }
  return most;
}

static bool makeTables(tq_session &session) {
  const tq_program &program = *session.model->program;
  // As many as the entry with the most has, then the states.
  auto [numIn, numOut] = countTensors(program);
  int64_t stateWords = countStateWords(program);
  return makeArray(session.inputs, numIn) &&
         makeArray(session.outputs, numOut) &&
         makeArray(session.textOutputs, numOut) &&
         makeArray(session.textTensors, numIn + numOut) &&
         makeArray(session.wantedOutputs, numOut) &&
         makeArray(session.inputPointers, numIn + program.num_states) &&
         makeArray(session.outputPointers, numOut) &&
         makeArray(session.inputDims, numIn * TQ_MAX_RANK + stateWords) &&
         makeArray(session.outputDims, numOut * TQ_MAX_RANK + stateWords) &&
         makeArray(session.symbols, program.num_symbols) &&
         makeArray(session.symbolOrigin, program.num_symbols);
}

static void freeBuffers(Buffer *buffers, int64_t count) {
  for (int64_t i = 0; buffers && i < count; ++i)
    bufferFree(buffers[i]);
}

static void freeTables(tq_session &session) {
  auto [numIn, numOut] = countTensors(*session.model->program);
  freeBuffers(session.inputs, numIn);
  freeBuffers(session.outputs, numOut);
  freeBuffers(session.textOutputs, numOut);
  freeBuffers(session.textInputs, 2);
  bufferFree(session.arena);
  bufferFree(session.textIds);
  bufferFree(session.textOffsets);
  bufferFree(session.textOrder);
  bufferFree(session.promptedText);
  free(session.inputs);
  free(session.outputs);
  free(session.textOutputs);
  free(session.textTensors);
  free(session.wantedOutputs);
  free(session.inputPointers);
  free(session.outputPointers);
  free(session.inputDims);
  free(session.outputDims);
  free(session.symbols);
  free(session.symbolOrigin);
  freeParts(session);
  freeStates(session);
}

} // namespace tq::rt

using namespace tq::rt;

tq_status tq_session_create(const tq_model *model,
                            const tq_session_options *given,
                            tq_session **result) {
  if (!model || !result)
    return fail(TQ_ERROR_USAGE, "tq_session_create: an argument is missing");
  *result = nullptr;
  tq_session_options options = {};
  if (given && !takeStruct(given, &options))
    return fail(TQ_ERROR_USAGE,
                "tq_session_create: expected tq_session_options::size to be "
                "that of the struct, found %zu",
                given->size);
  int32_t threads = options.threads;
  if (model->program->abi != TQ_PROGRAM_ABI)
    return fail(TQ_ERROR_USAGE,
                "expected a model of ABI %d, found %u: compile all libraries "
                "of a process with one version of tq",
                TQ_PROGRAM_ABI, model->program->abi);
  if (threads < 0 || threads > maxThreads)
    return fail(TQ_ERROR_USAGE,
                "expected 1 to %d threads, or 0 for all cores, "
                "found %d",
                int(maxThreads), threads);
  void *memory = nullptr;
  if (posix_memalign(&memory, alignof(tq_session), sizeof(tq_session)))
    return fail(TQ_ERROR_RESOURCE, "no memory for a session");
  memset(memory, 0, sizeof(tq_session));
  tq_session *session = new (memory) tq_session();
  session->model = model;
  session->entry = model->program->entries;
  session->prompt = defaultPrompt(*model->program);
  session->context.pool = &session->pool;
  tq_status status = makeTables(*session)
                         ? TQ_OK
                         : fail(TQ_ERROR_RESOURCE, "no memory for a session");
  if (!threads)
    threads = availableCores();
  if (!status)
    status = makeStates(*session, options);
  if (!status && !makeParts(*session, threads))
    status = fail(TQ_ERROR_RESOURCE, "no memory for a session");
  if (!status)
    status = session->alone.start(1);
  if (!status)
    status = session->pool.start(threads);
  if (status) {
    freeTables(*session);
    free(memory);
    return status;
  }
  *result = session;
  return TQ_OK;
}

void tq_session_destroy(tq_session *session) {
  if (!session)
    return;
  session->pool.stop();
  freeTables(*session);
  free(session);
}

int32_t tq_session_threads(const tq_session *session) {
  return session->pool.isForked() ? 1 : session->pool.threads();
}

int64_t tq_session_arena_bytes(const tq_session *session) {
  return session->arenaBytes;
}

tq_status tq_session_reset(tq_session *session) {
  SessionHold hold(session);
  if (!hold.status())
    resetStates(*session);
  return hold.status();
}

tq_status tq_session_run(tq_session *session, const tq_tensor *inputs,
                         int32_t numInputs, tq_tensor *outputs,
                         int32_t numOutputs) {
  return tq_session_run_entry(session, 0, inputs, numInputs, outputs,
                              numOutputs);
}

tq_status tq_session_run_entry(tq_session *session, int32_t number,
                               const tq_tensor *inputs, int32_t numInputs,
                               tq_tensor *outputs, int32_t numOutputs) {
  SessionHold hold(session);
  if (hold.status())
    return hold.status();
  const tq_program &program = *session->model->program;
  if (number < 0 || number >= program.num_entries)
    return fail(TQ_ERROR_USAGE, "there is no entry %d; the model has %d",
                number, program.num_entries);
  session->entry = &program.entries[number];
  return runHeld(*session, inputs, numInputs, outputs, numOutputs);
}

//===----------------------------------------------------------------------===//
// What generated code calls
//===----------------------------------------------------------------------===//

void tq_parallel_for(tq_context *context, tq_kernel_body body, void *arguments,
                     int64_t count) {
  context->pool->parallelFor(body, arguments, count);
}

int64_t tq_num_threads(tq_context *context) { return context->pool->threads(); }

int64_t tq_kernel_begin(tq_context *context) {
  return context->profile ? now() : 0;
}

void tq_kernel_end(tq_context *context, int64_t call, int64_t thread,
                   int64_t begin, int64_t ops, int64_t bytes) {
  Profile *profile = context->profile;
  if (!profile)
    return;
  int64_t end = now();
  int64_t place = profile->count.fetch_add(1, std::memory_order_relaxed);
  if (place < profile->capacity)
    profile->events[place] = {
        begin,          end, ops, bytes, int32_t(call), profile->numRuns - 1,
        int32_t(thread)};
}
