//===- TestProgram.cpp - A small program written by hand ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

#include <string.h>

namespace tq::test {

static const tq_program_symbol symbols[] = {{"batch", 0},
                                            {"sequence", maxSequence}};
static const tq_program_tensor inputs[] = {
    {"input_ids", TQ_PROGRAM_I64, 2, {-1, -2}, vocabulary, 0, 0},
    {"attention_mask", TQ_PROGRAM_I64, 2, {-1, -2}, 2, 2, 0},
    {"token_type_ids", TQ_PROGRAM_I64, 2, {-1, -2}, 2, 1, 0}};
static const tq_program_tensor outputs[] = {
    {"embedding", TQ_PROGRAM_F32, 2, {-1, width}, 0, 0, 0},
    {"last_hidden_state", TQ_PROGRAM_F32, 3, {-1, -2, 2}, 0, 0, 0}};
static const tq_program_tensor classifierOutputs[] = {
    {"logits", TQ_PROGRAM_F32, 2, {-1, 2}, 0, 0, 0},
    {"last_hidden_state", TQ_PROGRAM_F32, 3, {-1, -2, 2}, 0, 0, 0}};
static const tq_program_kernel kernels[] = {{"embed"}, {"states"}};
static const uint64_t codeBytes[] = {100, 0};
static const tq_program_call calls[] = {
    {0, 0, "encoder.embed", "int8 dynamic", ""},
    {1, 0, "encoder.states", "f32", "\"quoted\" reason"}};
static const char *const labels[] = {"NEGATIVE", "POSITIVE"};
alignas(64) static const float weights[width] = {1.0f, -2.0f, 0.5f, 3.0f};

float expectedEmbedding(const int64_t *ids, const int64_t *mask,
                        const int64_t *types, int64_t length, int j) {
  float sum = 0;
  for (int64_t i = 0; i < length; ++i)
    if (mask[i])
      sum += float(ids[i] + 1000 * types[i]) * weights[j] + float(i * (j + 1));
  return sum;
}

namespace {
struct Arguments {
  const void *const *inputs;
  void *const *outputs;
  int64_t sequence;
  int64_t columns;
};
} // namespace

static void embed(void *opaque, int64_t begin, int64_t end, int64_t) {
  auto *arguments = static_cast<Arguments *>(opaque);
  int64_t n = arguments->sequence, columns = arguments->columns;
  const int64_t *rows[3];
  for (int i = 0; i < 3; ++i)
    rows[i] = static_cast<const int64_t *>(arguments->inputs[i]);
  for (int64_t r = begin; r < end; ++r)
    for (int64_t j = 0; j < columns; ++j)
      static_cast<float *>(arguments->outputs[0])[r * columns + j] =
          expectedEmbedding(rows[0] + r * n, rows[1] + r * n, rows[2] + r * n,
                            n, int(j));
}

static void states(void *opaque, int64_t begin, int64_t end, int64_t) {
  auto *arguments = static_cast<Arguments *>(opaque);
  const auto *ids = static_cast<const int64_t *>(arguments->inputs[0]);
  auto *to = static_cast<float *>(arguments->outputs[1]);
  for (int64_t i = begin; i < end; ++i) {
    to[2 * i] = float(ids[i]);
    to[2 * i + 1] = -float(ids[i]);
  }
}

static void runColumns(tq_context *context, const void *const *in,
                       const int64_t *dims, void *const *out, uint8_t *arena,
                       int64_t columns) {
  Arguments arguments = {in, out, dims[1], columns};
  // The arena is what was asked for: the last byte is ours too.
  memset(arena, 0xa5, 64 * dims[0] * dims[1]);
  int64_t begin = tq_kernel_begin(context);
  tq_parallel_for(context, embed, &arguments, dims[0]);
  tq_kernel_end(context, 0, -1, begin, 2 * dims[0] * dims[1] * columns,
                8 * dims[0]);
  begin = tq_kernel_begin(context);
  tq_parallel_for(context, states, &arguments, dims[0] * dims[1]);
  tq_kernel_end(context, 1, -1, begin, dims[0] * dims[1],
                16 * dims[0] * dims[1]);
}

static void run(tq_context *context, const void *const *in, const int64_t *dims,
                void *const *out, uint8_t *arena, const uint8_t *) {
  runColumns(context, in, dims, out, arena, width);
}

static void runClassifier(tq_context *context, const void *const *in,
                          const int64_t *dims, void *const *out, uint8_t *arena,
                          const uint8_t *) {
  runColumns(context, in, dims, out, arena, 2);
}

static int64_t planColumns(const int64_t *dims, int64_t *out, int64_t columns) {
  const int64_t result[] = {dims[0], columns, dims[0], dims[1], 2};
  memcpy(out, result, sizeof(result));
  int64_t elements, bytes;
  if (__builtin_mul_overflow(dims[0], dims[1], &elements) ||
      __builtin_mul_overflow(elements, 64, &bytes) ||
      bytes > (int64_t(1) << 62))
    return -1;
  return bytes;
}

static int64_t plan(const int64_t *dims, int64_t, int64_t *out) {
  return planColumns(dims, out, width);
}

static int64_t planClassifier(const int64_t *dims, int64_t, int64_t *out) {
  return planColumns(dims, out, 2);
}

/// Input dims and ids, masks, types; output dims and values, each padded to 8
/// bytes.
namespace {
struct Golden {
  int64_t idsDims[2] = {2, 3}, ids[6] = {1, 2, 3, 4, 5, 99};
  int64_t maskDims[2] = {2, 3}, mask[6] = {1, 1, 1, 1, 1, 0};
  int64_t typeDims[2] = {2, 3}, types[6] = {0, 0, 1, 0, 0, 0};
  int64_t embeddingDims[2] = {2, width};
  float embedding[2 * width];
  int64_t statesDims[3] = {2, 3, 2};
  float states[12];
};
} // namespace

static const uint8_t *goldenBytes() {
  static Golden golden;
  for (int r = 0; r < 2; ++r)
    for (int j = 0; j < width; ++j)
      golden.embedding[r * width + j] = expectedEmbedding(
          golden.ids + 3 * r, golden.mask + 3 * r, golden.types + 3 * r, 3, j);
  for (int i = 0; i < 6; ++i) {
    golden.states[2 * i] = float(golden.ids[i]);
    golden.states[2 * i + 1] = -float(golden.ids[i]);
  }
  return reinterpret_cast<const uint8_t *>(&golden);
}

static const tq_program_target target = {"x86-64", "", 0, 0, codeBytes};
static const tq_program_code code = {"64*batch*sequence", plan, run};
static const tq_program_code classifierCode = {"64*batch*sequence",
                                               planClassifier, runClassifier};

/// An entry that tests may change, of one program. It stays for the next
/// programs: no test makes as many.
static tq_program_entry &makeEntry(const tq_program_entry &entry) {
  static tq_program_entry entries[64];
  static unsigned next;
  return entries[next++ % 64] = entry;
}

tq_program_entry &entryOf(const tq_program &program) {
  return const_cast<tq_program_entry &>(*program.entries);
}

void setTokenizer(tq_program &program, const char *tables) {
  program.tokenizer = reinterpret_cast<const uint8_t *>(tables);
  program.tokenizer_bytes = strlen(tables);
}

tq_program makeProgram() {
  tq_program program = {};
  program.abi = TQ_PROGRAM_ABI;
  program.name = "tiny";
  program.compiler_version = "tq 0.0.0";
  program.options = "--quantize=none";
  program.num_symbols = 2;
  program.num_entries = 1;
  program.num_kernels = 2;
  program.symbols = symbols;
  program.entries =
      &makeEntry({"main", 3, 2, 2, 0, inputs, outputs, calls, nullptr, &code});
  program.kernels = kernels;
  program.num_targets = 1;
  program.targets = &target;
  program.weights = reinterpret_cast<const uint8_t *>(weights);
  program.weights_bytes = sizeof(weights);
  setTokenizer(program, "words");
  program.tokenizer_note = "";
  program.max_tokens = 12;
  program.golden = goldenBytes();
  program.golden_bytes = sizeof(Golden);
  return program;
}

tq_program makeBatchProgram() {
  static tq_program_tensor markedInputs[3];
  memcpy(markedInputs, inputs, sizeof(inputs));
  markedInputs[1].marks_padding = 1;
  tq_program program = makeProgram();
  entryOf(program).inputs = markedInputs;
  entryOf(program).batch_dim = -1;
  return program;
}

tq_program makeClassifier() {
  tq_program program = makeProgram();
  program.name = "classifier";
  entryOf(program).outputs = classifierOutputs;
  entryOf(program).codes = &classifierCode;
  program.num_labels = 2;
  program.labels = labels;
  program.label_scores = TQ_SCORES_SOFTMAX;
  program.golden = nullptr;
  program.golden_bytes = 0;
  return program;
}

} // namespace tq::test
