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

/// The tables come from our own compiler; this catches two that do not fit.
static tq_status checkProgram(const tq_program &program) {
  if (program.abi != TQ_PROGRAM_ABI)
    return fail(TQ_ERROR_RESOURCE,
                "expected a program of ABI %d, found %u: compile it again",
                TQ_PROGRAM_ABI, program.abi);
  if (program.num_targets < 1)
    return fail(TQ_ERROR_RESOURCE, "damaged program: it has no code");
  for (int32_t i = 0; i < program.num_inputs + program.num_outputs; ++i) {
    bool isInput = i < program.num_inputs;
    const tq_program_tensor &tensor =
        isInput ? program.inputs[i] : program.outputs[i - program.num_inputs];
    if (tensor.rank < 0 || tensor.rank > TQ_MAX_RANK ||
        !dtypeBytes(tensor.dtype))
      return fail(TQ_ERROR_RESOURCE, "damaged description of '%s'",
                  tensor.name);
    for (int32_t d = 0; d < tensor.rank; ++d)
      if (tensor.dims[d] < -int64_t(program.num_symbols))
        return fail(TQ_ERROR_RESOURCE, "damaged dimension %d of '%s'", d,
                    tensor.name);
  }
  for (int32_t i = 0; i < program.num_inputs; ++i) {
    const tq_program_tensor &input = program.inputs[i];
    if (input.marks_padding &&
        (!program.batch_dim || input.rank != 2 ||
         input.dims[0] != program.batch_dim || input.dims[1] >= 0))
      return fail(TQ_ERROR_RESOURCE, "damaged description of '%s'", input.name);
  }
  if (program.label_scores < TQ_SCORES_NONE ||
      program.label_scores > TQ_SCORES_SIGMOID)
    return fail(TQ_ERROR_RESOURCE, "damaged description of the labels");
  if (program.batch_dim > 0 || program.batch_dim < -program.num_symbols)
    return fail(TQ_ERROR_RESOURCE, "damaged description of the batch");
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

static tq_status describe(const tq_program &program,
                          const tq_program_tensor *tensors, int32_t count,
                          int32_t index, const char *kind,
                          tq_tensor_info *info) {
  if (!info || index < 0 || index >= count)
    return fail(TQ_ERROR_USAGE, "there is no %s %d; the model has %d", kind,
                index, count);
  const tq_program_tensor &tensor = tensors[index];
  *info = {};
  info->name = tensor.name;
  info->dtype = tensor.dtype;
  info->rank = tensor.rank;
  info->limit = tensor.limit;
  info->optional = tensor.fill != TQ_FILL_NONE;
  for (int32_t d = 0; d < tensor.rank; ++d) {
    info->dims[d] = tensor.dims[d];
    if (tensor.dims[d] >= 0)
      continue;
    const tq_program_symbol &symbol = program.symbols[-(tensor.dims[d] + 1)];
    info->dims[d] = -1;
    info->symbols[d] = symbol.name;
    info->max[d] = symbol.max;
  }
  return TQ_OK;
}

} // namespace tq::rt

using namespace tq::rt;

/// Not beside `fail`, which must not know which library's function it calls.
const char *tq_last_message(void) {
  static thread_local char message[messageBytes];
  return message;
}

void tq_model_close(const tq_model *model) {
  free(const_cast<tq_model *>(model));
}

const char *tq_model_name(const tq_model *model) {
  return model->program->name;
}

int32_t tq_model_num_inputs(const tq_model *model) {
  return model->program->num_inputs;
}

int32_t tq_model_num_outputs(const tq_model *model) {
  return model->program->num_outputs;
}

tq_status tq_model_input(const tq_model *model, int32_t index,
                         tq_tensor_info *info) {
  const tq_program &program = *model->program;
  return describe(program, program.inputs, program.num_inputs, index, "input",
                  info);
}

tq_status tq_model_output(const tq_model *model, int32_t index,
                          tq_tensor_info *info) {
  const tq_program &program = *model->program;
  return describe(program, program.outputs, program.num_outputs, index,
                  "output", info);
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
