//===- Model.cpp - The immutable part of the C interface ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "Text.h"
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

static tq_status checkDims(const tq_program &program, const char *name,
                           int32_t dtype, int32_t rank, const int64_t *dims) {
  if (rank < 0 || rank > TQ_MAX_RANK || !dtypeBytes(dtype))
    return fail(TQ_ERROR_RESOURCE, "damaged description of '%s'", name);
  for (int32_t d = 0; d < rank; ++d)
    if (dims[d] < -int64_t(program.num_symbols))
      return fail(TQ_ERROR_RESOURCE, "damaged dimension %d of '%s'", d, name);
  return TQ_OK;
}

static tq_status checkEntry(const tq_program &program,
                            const tq_program_entry &entry) {
  for (int32_t i = 0; i < entry.num_inputs + entry.num_outputs; ++i) {
    bool isInput = i < entry.num_inputs;
    const tq_program_tensor &tensor =
        isInput ? entry.inputs[i] : entry.outputs[i - entry.num_inputs];
    if (tq_status status = checkDims(program, tensor.name, tensor.dtype,
                                     tensor.rank, tensor.dims))
      return status;
    if (isInput && tensor.marks_padding &&
        (!entry.batch_dim || tensor.rank != 2 ||
         tensor.dims[0] != entry.batch_dim || tensor.dims[1] >= 0))
      return fail(TQ_ERROR_RESOURCE, "damaged description of '%s'",
                  tensor.name);
  }
  // Rows of a batch that run apart cannot share what a run leaves behind.
  if (entry.batch_dim > 0 || entry.batch_dim < -program.num_symbols ||
      (entry.batch_dim && program.num_states))
    return fail(TQ_ERROR_RESOURCE, "damaged description of the batch");
  return TQ_OK;
}

/// The tables come from our own compiler; this catches two that do not fit.
static tq_status checkProgram(const tq_program &program) {
  if (program.abi != TQ_PROGRAM_ABI)
    return fail(TQ_ERROR_RESOURCE,
                "expected a program of ABI %d, found %u: compile it again",
                TQ_PROGRAM_ABI, program.abi);
  if (program.num_targets < 1 || program.num_entries < 1)
    return fail(TQ_ERROR_RESOURCE, "damaged program: it has no code");
  for (int32_t i = 0; i < program.num_entries; ++i)
    if (tq_status status = checkEntry(program, program.entries[i]))
      return status;
  for (int32_t i = 0; i < program.num_states; ++i) {
    const tq_program_state &state = program.states[i];
    if (tq_status status =
            checkDims(program, state.name, state.dtype, state.rank, state.dims))
      return status;
  }
  if (program.label_scores < TQ_SCORES_NONE ||
      program.label_scores > TQ_SCORES_SIGMOID)
    return fail(TQ_ERROR_RESOURCE, "damaged description of the labels");
  return TQ_OK;
}

tq_status openProgram(const tq_program &program, const tq_model **result) {
  if (!result)
    return fail(TQ_ERROR_USAGE, "tq_model_open: no place for the model");
  *result = nullptr;
  if (tq_status status = checkProgram(program))
    return status;
  const tq_program_target *target;
  if (tq_status status = chooseTarget(program, &target))
    return status;
  auto *model = static_cast<tq_model *>(calloc(1, sizeof(tq_model)));
  if (!model)
    return fail(TQ_ERROR_RESOURCE, "no memory for a model");
  model->program = &program;
  model->target = target;
  if (program.tokenizer) {
    if (!tokenizerOpen(program.tokenizer, program.tokenizer_bytes,
                       &model->tokenizer)) {
      free(model);
      return fail(TQ_ERROR_RESOURCE, "the program's tokenizer is damaged");
    }
    model->hasTokenizer = true;
  }
  *result = model;
  return TQ_OK;
}

int32_t findTensor(const tq_program_tensor *tensors, int32_t count,
                   const char *name) {
  for (int32_t i = 0; i < count; ++i)
    if (strcmp(tensors[i].name, name) == 0)
      return i;
  return -1;
}

/// Dimensions of what has a name, for people.
static void describeDims(const tq_program &program, int32_t rank,
                         const int64_t *dims, tq_tensor_info &info) {
  info.rank = rank;
  for (int32_t d = 0; d < rank; ++d) {
    info.dims[d] = dims[d];
    if (dims[d] >= 0)
      continue;
    const tq_program_symbol &symbol = program.symbols[-(dims[d] + 1)];
    info.dims[d] = -1;
    info.symbols[d] = symbol.name;
    info.max[d] = symbol.max;
  }
}

template <typename Struct>
static tq_status give(const Struct &filled, Struct *place) {
  if (!place)
    return fail(TQ_ERROR_USAGE, "expected a place for the answer, found NULL");
  if (giveStruct(filled, place))
    return TQ_OK;
  return fail(TQ_ERROR_USAGE,
              "expected the size of the struct in its first member");
}

static tq_status describe(const tq_program &program,
                          const tq_program_tensor *tensors, int32_t count,
                          int32_t index, const char *kind,
                          tq_tensor_info *place) {
  if (index < 0 || index >= count)
    return fail(TQ_ERROR_USAGE, "there is no %s %d; the model has %d", kind,
                index, count);
  const tq_program_tensor &tensor = tensors[index];
  tq_tensor_info info = {};
  info.name = tensor.name;
  info.dtype = tensor.dtype;
  info.limit = tensor.limit;
  info.optional = tensor.fill != TQ_FILL_NONE;
  describeDims(program, tensor.rank, tensor.dims, info);
  return give(info, place);
}

static tq_status failEntry(const tq_program &program, int32_t entry) {
  return fail(TQ_ERROR_USAGE, "there is no entry %d; the model has %d", entry,
              program.num_entries);
}

} // namespace tq::rt

using namespace tq::rt;

/// Not beside `fail`, which must not know which library's function it calls.
const char *tq_last_message(void) {
  static thread_local char message[messageBytes];
  return message;
}

int32_t tq_api_version(void) { return TQ_API_VERSION; }

void tq_model_close(const tq_model *model) {
  free(const_cast<tq_model *>(model));
}

const char *tq_model_name(const tq_model *model) {
  return model->program->name;
}

int32_t tq_model_num_entries(const tq_model *model) {
  return model->program->num_entries;
}

tq_status tq_model_entry(const tq_model *model, int32_t number,
                         tq_entry_info *place) {
  const tq_program &program = *model->program;
  if (number < 0 || number >= program.num_entries)
    return failEntry(program, number);
  const tq_program_entry &entry = program.entries[number];
  tq_entry_info info = {0, entry.name, entry.num_inputs, entry.num_outputs};
  return give(info, place);
}

int32_t tq_model_find_entry(const tq_model *model, const char *name) {
  const tq_program &program = *model->program;
  for (int32_t i = 0; name && i < program.num_entries; ++i)
    if (strcmp(program.entries[i].name, name) == 0)
      return i;
  return -1;
}

tq_status tq_entry_input(const tq_model *model, int32_t number, int32_t index,
                         tq_tensor_info *info) {
  const tq_program &program = *model->program;
  if (number < 0 || number >= program.num_entries)
    return failEntry(program, number);
  const tq_program_entry &entry = program.entries[number];
  return describe(program, entry.inputs, entry.num_inputs, index, "input",
                  info);
}

tq_status tq_entry_output(const tq_model *model, int32_t number, int32_t index,
                          tq_tensor_info *info) {
  const tq_program &program = *model->program;
  if (number < 0 || number >= program.num_entries)
    return failEntry(program, number);
  const tq_program_entry &entry = program.entries[number];
  return describe(program, entry.outputs, entry.num_outputs, index, "output",
                  info);
}

int32_t tq_model_num_states(const tq_model *model) {
  return model->program->num_states;
}

tq_status tq_model_state(const tq_model *model, int32_t index,
                         tq_tensor_info *place) {
  const tq_program &program = *model->program;
  if (index < 0 || index >= program.num_states)
    return fail(TQ_ERROR_USAGE, "there is no state %d; the model has %d", index,
                program.num_states);
  const tq_program_state &state = program.states[index];
  tq_tensor_info info = {};
  info.name = state.name;
  info.dtype = state.dtype;
  describeDims(program, state.rank, state.dims, info);
  return give(info, place);
}

int32_t tq_model_num_inputs(const tq_model *model) {
  return model->program->entries->num_inputs;
}

int32_t tq_model_num_outputs(const tq_model *model) {
  return model->program->entries->num_outputs;
}

tq_status tq_model_input(const tq_model *model, int32_t index,
                         tq_tensor_info *info) {
  return tq_entry_input(model, 0, index, info);
}

tq_status tq_model_output(const tq_model *model, int32_t index,
                          tq_tensor_info *info) {
  return tq_entry_output(model, 0, index, info);
}

int32_t tq_model_num_labels(const tq_model *model) {
  return model->program->num_labels;
}

const char *tq_model_label(const tq_model *model, int32_t index) {
  const tq_program &program = *model->program;
  bool valid = index >= 0 && index < program.num_labels && program.labels;
  return valid ? program.labels[index] : nullptr;
}

int32_t tq_model_has_tokenizer(const tq_model *model) {
  return model->hasTokenizer;
}

tq_status tq_model_tokenize(const tq_model *model, const char *text,
                            size_t bytes, int32_t *ids, int64_t capacity,
                            int64_t *count, int32_t *truncated) {
  if (!text || !ids || !count || capacity < 0)
    return fail(TQ_ERROR_USAGE, "tq_model_tokenize: an argument is missing");
  if (tq_status status = requireTokenizer(*model))
    return status;
  int64_t limit = textLimit(*model->program);
  TokenizeResult result = {};
  if (!tokenize(model->tokenizer, text, bytes,
                limit && limit < capacity ? limit : capacity, ids, capacity,
                &result))
    return fail(TQ_ERROR_USAGE,
                "tq_model_tokenize: %lld ids are too few for this text",
                static_cast<long long>(capacity));
  *count = result.count;
  if (truncated)
    *truncated = result.truncated;
  return TQ_OK;
}
