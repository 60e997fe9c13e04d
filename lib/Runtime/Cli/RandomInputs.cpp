//===- RandomInputs.cpp - Valid inputs of any shape -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

RandomInputs::~RandomInputs() {
  for (int32_t i = 0; tensors && i < count; ++i)
    free(tensors[i].data);
  free(tensors);
  free(symbols);
}

/// Reads "1x128"; false if it is something else.
static bool parseDims(const char *text, int64_t *dims, int32_t *rank) {
  for (*rank = 0; *rank < TQ_MAX_RANK; ++text) {
    if (*text < '0' || *text > '9')
      return false;
    char *end;
    long long value = strtoll(text, &end, 10);
    if (value < 1 || value > INT32_MAX)
      return false;
    dims[(*rank)++] = value;
    text = end;
    if (!*text)
      return true;
    if (*text != 'x')
      return false;
  }
  return false;
}

tq_status RandomInputs::parseShapes(const NamedValue *shapes,
                                    int32_t numShapes) {
  for (int32_t s = 0; s < numShapes; ++s) {
    int32_t index = findTensor(program->entries->inputs,
                               program->entries->num_inputs, shapes[s].name);
    if (index < 0)
      return fail(TQ_ERROR_USAGE,
                  "--shape: there is no input '%s'; --describe lists them",
                  shapes[s].name);
    const tq_program_tensor &input = program->entries->inputs[index];
    int64_t dims[TQ_MAX_RANK];
    int32_t rank;
    if (!parseDims(shapes[s].value, dims, &rank) || rank != input.rank)
      return fail(TQ_ERROR_USAGE,
                  "--shape %s: expected %d sizes such as 1x128, found '%s'",
                  input.name, input.rank, shapes[s].value);
    for (int32_t d = 0; d < rank; ++d) {
      int64_t &symbol = symbols[input.dims[d] < 0 ? -(input.dims[d] + 1) : 0];
      bool fits = input.dims[d] < 0 ? symbol < 0 || symbol == dims[d]
                                    : input.dims[d] == dims[d];
      if (!fits)
        return fail(
            TQ_ERROR_USAGE,
            "--shape %s: expected %" PRId64 " in dimension %d, found %" PRId64,
            input.name, input.dims[d] < 0 ? symbol : input.dims[d], d, dims[d]);
      if (input.dims[d] < 0)
        symbol = dims[d];
    }
  }
  return TQ_OK;
}

/// The next of a fixed sequence of numbers (splitmix64).
static uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

tq_status RandomInputs::fill(int32_t index) {
  const tq_program_tensor &input = program->entries->inputs[index];
  tq_tensor &tensor = tensors[index];
  tensor.rank = input.rank;
  tensor.dtype = input.dtype;
  for (int32_t d = 0; d < input.rank; ++d)
    tensor.dims[d] =
        input.dims[d] >= 0 ? input.dims[d] : symbols[-(input.dims[d] + 1)];
  int64_t elements, bytes;
  if (!product(tensor.dims, tensor.rank, 1, &elements) ||
      !multiply(elements, dtypeBytes(tensor.dtype), &bytes))
    return fail(TQ_ERROR_USAGE, "--shape: input '%s' overflows 64 bits",
                input.name);
  tensor.data = fitsMachine(bytes) ? malloc(bytes ? bytes : 1) : nullptr;
  if (!tensor.data)
    return fail(TQ_ERROR_RESOURCE,
                "input '%s' needs %" PRId64
                " bytes, and this machine does not have them",
                input.name, bytes);
  uint64_t state = 2 * uint64_t(index) + 1;
  int64_t range = input.limit ? input.limit : 100;
  if (range > integerMax(input.dtype))
    range = integerMax(input.dtype) + (input.dtype == TQ_PROGRAM_I1);
  for (int64_t i = 0; i < elements; ++i) {
    uint64_t random = nextRandom(state);
    if (input.dtype == TQ_PROGRAM_F32)
      static_cast<float *>(tensor.data)[i] =
          input.fill == TQ_FILL_ONES ? 1.0f
                                     : float(random >> 40) * 0x1p-23f - 1.0f;
    else
      storeInteger(tensor.dtype, tensor.data, i,
                   input.fill == TQ_FILL_NONE ? int64_t(random % range)
                                              : input.fill == TQ_FILL_ONES);
  }
  return TQ_OK;
}

/// Dimensions that states have, too, are as large as those.
void RandomInputs::takeStateSizes(const Options &options) {
  for (int32_t i = 0; i < program->num_states; ++i)
    for (int32_t d = 0; d < program->states[i].rank; ++d) {
      int64_t k = -(program->states[i].dims[d] + 1);
      if (k < 0)
        continue;
      if (program->symbols[k].max)
        symbols[k] = program->symbols[k].max;
      for (int32_t s = 0; s < options.numSizes; ++s)
        if (strcmp(options.sizes[s].symbol, program->symbols[k].name) == 0)
          symbols[k] = options.sizes[s].value;
    }
}

tq_status RandomInputs::make(const tq_program &from, const Options &options) {
  program = &from;
  tensors = static_cast<tq_tensor *>(
      calloc(from.entries->num_inputs + 1, sizeof(tq_tensor)));
  symbols =
      static_cast<int64_t *>(calloc(from.num_symbols + 1, sizeof(int64_t)));
  if (!tensors || !symbols)
    return fail(TQ_ERROR_RESOURCE, "no memory for random inputs");
  count = from.entries->num_inputs;
  for (int32_t k = 0; k < from.num_symbols; ++k)
    symbols[k] = -1;
  takeStateSizes(options);
  if (tq_status status = parseShapes(options.shapes, options.numShapes))
    return status;
  for (int32_t k = 0; k < from.num_symbols; ++k) {
    int64_t usual = strcmp(from.symbols[k].name, "batch") == 0 ? 1 : 128;
    if (symbols[k] < 0)
      symbols[k] = from.symbols[k].max && from.symbols[k].max < usual
                       ? from.symbols[k].max
                       : usual;
  }
  for (int32_t i = 0; i < count; ++i)
    if (tq_status status = fill(i))
      return status;
  return TQ_OK;
}

} // namespace tq::rt
