//===- SelfTest.cpp - --selftest ------------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

namespace {

/// Walks over the stored tensors, see tq_program::golden.
class GoldenReader {
public:
  explicit GoldenReader(const tq_program &program)
      : at(program.golden), left(program.golden_bytes) {}

  tq_status read(const tq_program_tensor &description, tq_tensor *tensor);

private:
  const uint8_t *at;
  uint64_t left;
};

} // namespace

tq_status GoldenReader::read(const tq_program_tensor &description,
                             tq_tensor *tensor) {
  uint64_t header = 8 * uint64_t(description.rank);
  int64_t bytes = 0;
  bool whole = left >= header;
  if (whole) {
    *tensor = {};
    tensor->rank = description.rank;
    tensor->dtype = description.dtype;
    memcpy(tensor->dims, at, header);
    whole = product(tensor->dims, tensor->rank, dtypeBytes(tensor->dtype),
                    &bytes) &&
            bytes <= INT64_MAX - 8;
  }
  uint64_t padded = (uint64_t(bytes) + 7) & ~uint64_t(7);
  if (!whole || padded > left - header)
    return fail(TQ_ERROR_DIFFERS, "the stored self-test ends within '%s'",
                description.name);
  tensor->data = const_cast<uint8_t *>(at + header);
  at += header + padded;
  left -= header + padded;
  return TQ_OK;
}

static void printElement(char (&text)[64], const tq_tensor &tensor,
                         int64_t index) {
  if (tensor.dtype != TQ_F32) {
    snprintf(text, sizeof(text), "%" PRId64,
             loadInteger(tensor.dtype, tensor.data, index));
    return;
  }
  float value;
  uint32_t bits;
  memcpy(&value, static_cast<const char *>(tensor.data) + 4 * index, 4);
  memcpy(&bits, &value, 4);
  snprintf(text, sizeof(text), "%.9g (0x%08x)", double(value), bits);
}

static tq_status compare(const char *name, const tq_tensor &expected,
                         const tq_tensor &found, int32_t threads) {
  char shapeA[192], shapeB[192];
  if (memcmp(expected.dims, found.dims, 8 * expected.rank) != 0)
    return fail(TQ_ERROR_DIFFERS,
                "self-test with %d threads: expected output '%s' of %s, found "
                "%s",
                threads, name, shapeText(shapeA, expected.dims, expected.rank),
                shapeText(shapeB, found.dims, found.rank));
  int64_t size = dtypeBytes(expected.dtype), elements = 0, differing = 0;
  int64_t first = -1;
  product(expected.dims, expected.rank, 1, &elements);
  for (int64_t i = 0; i < elements; ++i)
    if (memcmp(static_cast<const char *>(expected.data) + i * size,
               static_cast<const char *>(found.data) + i * size, size) != 0) {
      first = first < 0 ? i : first;
      ++differing;
    }
  if (!differing)
    return TQ_OK;
  int64_t index[TQ_MAX_RANK] = {}, rest = first;
  for (int32_t d = expected.rank; d-- > 0; rest /= expected.dims[d])
    index[d] = rest % expected.dims[d];
  char textA[64], textB[64];
  printElement(textA, expected, first);
  printElement(textB, found, first);
  return fail(
      TQ_ERROR_DIFFERS,
      "self-test with %d threads: output '%s' at %s: expected %s, found "
      "%s; %" PRId64 " of %" PRId64 " values differ",
      threads, name, shapeText(shapeA, index, expected.rank), textA, textB,
      differing, elements);
}

static tq_status testWith(const tq_program &program, const Options &options,
                          int32_t threads, tq_tensor *tensors) {
  OpenSession session;
  if (tq_status status = session.open(program, options, threads))
    return status;
  tq_tensor *expected = tensors + program.entries->num_inputs;
  tq_tensor *found = expected + program.entries->num_outputs;
  memset(found, 0, program.entries->num_outputs * sizeof(tq_tensor));
  if (tq_status status =
          tq_session_run(&*session, tensors, program.entries->num_inputs, found,
                         program.entries->num_outputs))
    return status;
  for (int32_t i = 0; i < program.entries->num_outputs; ++i)
    if (tq_status status = compare(program.entries->outputs[i].name,
                                   expected[i], found[i], threads))
      return status;
  return TQ_OK;
}

static tq_status testAll(const tq_program &program, const Options &options,
                         tq_tensor *tensors) {
  GoldenReader reader(program);
  for (int32_t i = 0; i < program.entries->num_inputs; ++i)
    if (tq_status status = reader.read(program.entries->inputs[i], &tensors[i]))
      return status;
  for (int32_t i = 0; i < program.entries->num_outputs; ++i)
    if (tq_status status =
            reader.read(program.entries->outputs[i],
                        &tensors[program.entries->num_inputs + i]))
      return status;
  int32_t threads = options.threads ? options.threads : availableCores();
  threads = threads < 2 ? 2 : threads; // one alone is tested anyway
  if (tq_status status = testWith(program, options, 1, tensors))
    return status;
  if (tq_status status = testWith(program, options, threads, tensors))
    return status;
  int64_t values = 0;
  for (int32_t i = 0; i < program.entries->num_outputs; ++i) {
    int64_t elements = 0;
    const tq_tensor &tensor = tensors[program.entries->num_inputs + i];
    product(tensor.dims, tensor.rank, 1, &elements);
    values += elements;
  }
  printf("self-test passed: %d outputs, %" PRId64
         " values, the same bits with 1 and %d threads\n",
         program.entries->num_outputs, values, threads);
  return TQ_OK;
}

tq_status runSelfTest(const tq_program &program, const Options &options) {
  if (!program.golden)
    return fail(TQ_ERROR_USAGE, "no self-test was stored in this program");
  auto *tensors = static_cast<tq_tensor *>(
      calloc(program.entries->num_inputs + 2 * program.entries->num_outputs + 1,
             sizeof(tq_tensor)));
  if (!tensors)
    return fail(TQ_ERROR_RESOURCE, "no memory for the self-test");
  tq_status status = testAll(program, options, tensors);
  free(tensors);
  return status;
}

} // namespace tq::rt
