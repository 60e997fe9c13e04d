//===- Text.cpp - Texts through a model in padded batches -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text.h"
#include "Prompt.h"
#include <inttypes.h>
#include <string.h>

namespace tq::rt {

/// For each thread: enough rows to keep it busy, few enough to show progress.
static constexpr int64_t defaultTexts = 32, defaultTokens = 2048;

//===----------------------------------------------------------------------===//
// What a program says about its text inputs
//===----------------------------------------------------------------------===//

static int32_t findIdsInput(const tq_program &program) {
  int32_t index = findTensor(program.entries->inputs,
                             program.entries->num_inputs, "input_ids");
  bool usable = index >= 0 && program.entries->inputs[index].rank == 2 &&
                program.entries->inputs[index].dtype != TQ_PROGRAM_F32;
  return usable ? index : -1;
}

static int32_t findMaskInput(const tq_program &program, int32_t idsInput) {
  int32_t index = findTensor(program.entries->inputs,
                             program.entries->num_inputs, "attention_mask");
  bool usable =
      index >= 0 && program.entries->inputs[index].rank == 2 &&
      memcmp(program.entries->inputs[index].dims,
             program.entries->inputs[idsInput].dims, 2 * sizeof(int64_t)) == 0;
  return usable ? index : -1;
}

int64_t textLimit(const tq_program &program) {
  int32_t input = findIdsInput(program);
  int64_t limit = program.max_tokens;
  if (input < 0)
    return limit;
  int64_t dim = program.entries->inputs[input].dims[1];
  int64_t most = dim >= 0 ? dim : program.symbols[-(dim + 1)].max;
  return most && (!limit || most < limit) ? most : limit;
}

tq_status requireTokenizer(const tq_model &model) {
  if (model.hasTokenizer)
    return TQ_OK;
  const char *note = model.program->tokenizer_note;
  return fail(TQ_ERROR_USAGE,
              "this program takes token ids (--input), not text: %s",
              note && *note ? note : "no tokenizer was compiled in");
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

/// Ids to make room for. An unbounded text gets what decomposition can make of
/// it.
static int64_t capacityFor(const tq_model &model, size_t bytes, int64_t limit) {
  int64_t most = 4 * int64_t(bytes) + tokenizerSpecialTokens(model.tokenizer);
  return limit && limit < most ? limit : most;
}

static size_t textBytes(const char *const *texts, const size_t *bytes,
                        int64_t index) {
  return bytes ? bytes[index] : strlen(texts[index]);
}

/// The tokenizer may know more tokens than the model has rows for. Said of the
/// text, before any runs: a run only knows rows of sorted batches.
static tq_status checkIds(const tq_program_tensor &input, const int32_t *ids,
                          int64_t count, int64_t index) {
  int64_t low, high;
  validRange(input, &low, &high);
  for (int64_t i = 0; i < count; ++i)
    if (ids[i] < low || ids[i] > high)
      return fail(TQ_ERROR_INPUT,
                  "text %" PRId64 ": expected token ids from %" PRId64
                  " to %" PRId64 ", found %d; the tokenizer has more tokens "
                  "than the model",
                  index + 1, low, high, ids[i]);
  return TQ_OK;
}

static tq_status tokenizeOne(tq_session &session, const char *text,
                             size_t bytes, int64_t limit, int64_t index,
                             Texts &texts) {
  const tq_model &model = *session.model;
  auto *offsets = reinterpret_cast<int64_t *>(session.textOffsets.data);
  text = addPrompt(session, text, &bytes);
  int32_t *ids =
      reinterpret_cast<int32_t *>(session.textIds.data) + offsets[index];
  int64_t capacity = capacityFor(model, bytes, limit);
  TokenizeResult result = {};
  if (!tokenize(model.tokenizer, text, bytes, limit, ids, capacity, &result))
    return fail(TQ_ERROR_INPUT,
                "text %" PRId64 ": expected at most %" PRId64
                " tokens, found %" PRId64,
                index + 1, capacity, result.count);
  // A row of padding alone has no meaning: what it gives depends on the model.
  if (result.count < 1)
    return fail(TQ_ERROR_INPUT,
                "text %" PRId64 ": expected at least one token, found none; "
                "this tokenizer adds none of its own to an empty text",
                index + 1);
  if (tq_status status =
          checkIds(model.program->entries->inputs[texts.idsInput], ids,
                   result.count, index))
    return status;
  offsets[index + 1] = offsets[index] + result.count;
  if (result.count > texts.longest)
    texts.longest = result.count;
  if (index == 0 || result.count < texts.shortest)
    texts.shortest = result.count;
  if (result.truncated && !texts.truncated++)
    texts.firstTruncated = index;
  return TQ_OK;
}

/// The id that fills up shorter texts has to be in the model's table too.
static tq_status checkPadding(const tq_model &model, const Texts &texts) {
  const tq_program_tensor &input =
      model.program->entries->inputs[texts.idsInput];
  bool isPadded = input.dims[1] >= 0
                      ? texts.shortest < input.dims[1]
                      : texts.maskInput >= 0 && texts.shortest < texts.longest;
  int64_t low, high, id = tokenizerPadId(model.tokenizer);
  validRange(input, &low, &high);
  if (!isPadded || (id >= low && id <= high))
    return TQ_OK;
  return fail(TQ_ERROR_INPUT,
              "padding of texts: expected a token id from %" PRId64
              " to %" PRId64 ", found %" PRId64,
              low, high, id);
}

tq_status tokenizeTexts(tq_session &session, const char *const *texts,
                        const size_t *bytes, int64_t count, Texts *result) {
  const tq_program &program = *session.model->program;
  if (tq_status status = requireTokenizer(*session.model))
    return status;
  if (count < 1 || !texts)
    return fail(TQ_ERROR_INPUT, "expected at least one text, found none");
  *result = {};
  result->count = count;
  result->idsInput = findIdsInput(program);
  if (result->idsInput < 0)
    return fail(TQ_ERROR_USAGE, "this program has a tokenizer, but no input "
                                "'input_ids' of [batch, sequence]");
  result->maskInput = findMaskInput(program, result->idsInput);
  int64_t limit = textLimit(program), room = 0;
  size_t prompt = strlen(session.prompt), most = 0;
  for (int64_t i = 0; i < count; ++i) {
    size_t size = textBytes(texts, bytes, i);
    most = size > most ? size : most;
    room += capacityFor(*session.model, prompt + size, limit);
  }
  if (!bufferReserve(session.textIds, 4 * room) ||
      !bufferReserve(session.textOffsets, 8 * (count + 1)) ||
      !reservePrompted(session, most))
    return fail(TQ_ERROR_RESOURCE,
                "the tokens of %" PRId64 " texts need %" PRId64
                " bytes, and this machine does not have them",
                count, 4 * room);
  reinterpret_cast<int64_t *>(session.textOffsets.data)[0] = 0;
  for (int64_t i = 0; i < count; ++i)
    if (tq_status status = tokenizeOne(
            session, texts[i], textBytes(texts, bytes, i), limit, i, *result))
      return status;
  return checkPadding(*session.model, *result);
}

/// Sorts the texts by length, longest first, equal ones in their order.
static bool sortTexts(tq_session &session, const Texts &texts) {
  const auto *offsets =
      reinterpret_cast<const int64_t *>(session.textOffsets.data);
  return sortByLength(
      session.textOrder, texts.count, texts.longest,
      [&](int64_t text) { return offsets[text + 1] - offsets[text]; });
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

namespace {
/// The batch that runs: `count` texts of `order` from `first` on.
struct Batch {
  int64_t first;
  int64_t count;
  int64_t rows;   // count, or what a static batch dimension demands
  int64_t padded; // tokens a row
};
} // namespace

static int64_t lengthOf(const tq_session &session, int64_t place) {
  const auto *order = reinterpret_cast<const int64_t *>(session.textOrder.data);
  const auto *offsets =
      reinterpret_cast<const int64_t *>(session.textOffsets.data);
  return offsets[order[place] + 1] - offsets[order[place]];
}

/// Most texts in a batch if the user asked for `most` (0: no wish).
static int64_t largestBatch(const tq_session &session,
                            const tq_program_tensor &ids, int64_t padded,
                            int64_t most) {
  const tq_program &program = *session.model->program;
  if (ids.dims[0] >= 0)
    return ids.dims[0];
  if (!most) {
    most = defaultTokens / padded;
    most = most > defaultTexts ? defaultTexts : most < 1 ? 1 : most;
    most *= session.pool.threads();
  }
  int64_t allowed = program.symbols[-(ids.dims[0] + 1)].max;
  return allowed && allowed < most ? allowed : most;
}

static Batch nextBatch(const tq_session &session, const Texts &texts,
                       int64_t first, int64_t most) {
  const tq_program_tensor &ids =
      session.model->program->entries->inputs[texts.idsInput];
  int64_t length = lengthOf(session, first);
  Batch batch = {first, 1, 1, ids.dims[1] >= 0 ? ids.dims[1] : length};
  most = largestBatch(session, ids, batch.padded, most);
  while (batch.count < most && first + batch.count < texts.count &&
         (texts.maskInput >= 0 ||
          lengthOf(session, first + batch.count) == length))
    ++batch.count;
  batch.rows = ids.dims[0] >= 0 ? ids.dims[0] : batch.count;
  return batch;
}

static void writeMask(const tq_program_tensor &input, uint8_t *data,
                      int64_t index, bool valid) {
  if (input.dtype == TQ_PROGRAM_F32)
    reinterpret_cast<float *>(data)[index] = valid ? 1.0f : 0.0f;
  else
    reinterpret_cast<int32_t *>(data)[index] = valid;
}

/// Fills ids and mask. Rows past the texts repeat the last one.
static void fillBatch(tq_session &session, const Texts &texts,
                      const Batch &batch) {
  const tq_program &program = *session.model->program;
  const auto *order = reinterpret_cast<const int64_t *>(session.textOrder.data);
  const auto *offsets =
      reinterpret_cast<const int64_t *>(session.textOffsets.data);
  const auto *ids = reinterpret_cast<const int32_t *>(session.textIds.data);
  auto *to = reinterpret_cast<int32_t *>(session.textInputs[0].data);
  int32_t pad = tokenizerPadId(session.model->tokenizer);
  for (int64_t r = 0; r < batch.rows; ++r) {
    int64_t text = order[batch.first + (r < batch.count ? r : batch.count - 1)];
    int64_t length = offsets[text + 1] - offsets[text];
    for (int64_t i = 0; i < batch.padded; ++i) {
      int64_t at = r * batch.padded + i;
      to[at] = i < length ? ids[offsets[text] + i] : pad;
      if (texts.maskInput >= 0)
        writeMask(program.entries->inputs[texts.maskInput],
                  session.textInputs[1].data, at, i < length);
    }
  }
}

static tq_status runBatch(tq_session &session, const Texts &texts,
                          const Batch &batch) {
  const tq_program &program = *session.model->program;
  int64_t bytes;
  if (!multiply(4 * batch.rows, batch.padded, &bytes) ||
      !bufferReserve(session.textInputs[0], bytes) ||
      !bufferReserve(session.textInputs[1], bytes))
    return fail(TQ_ERROR_RESOURCE,
                "no memory for a batch of %" PRId64 " texts of %" PRId64
                " tokens",
                batch.rows, batch.padded);
  fillBatch(session, texts, batch);
  tq_tensor *inputs = session.textTensors;
  memset(inputs, 0,
         sizeof(tq_tensor) *
             (program.entries->num_inputs + program.entries->num_outputs));
  inputs[texts.idsInput] = {
      session.textInputs[0].data, {batch.rows, batch.padded}, 2, TQ_I32};
  if (texts.maskInput >= 0) {
    bool isFloat =
        program.entries->inputs[texts.maskInput].dtype == TQ_PROGRAM_F32;
    inputs[texts.maskInput] = {session.textInputs[1].data,
                               {batch.rows, batch.padded},
                               2,
                               isFloat ? TQ_F32 : TQ_I32};
  }
  return runHeld(session, inputs, program.entries->num_inputs,
                 inputs + program.entries->num_inputs,
                 program.entries->num_outputs);
}

/// The dimension of an output that follows the tokens, or -1.
static int32_t sequenceAxis(const tq_program &program, const Texts &texts,
                            const tq_program_tensor &output) {
  int64_t sequence = program.entries->inputs[texts.idsInput].dims[1];
  for (int32_t d = 1; d < output.rank; ++d)
    if (sequence < 0 && output.dims[d] == sequence)
      return d;
  return -1;
}

static void handOut(const tq_session &session, const Texts &texts,
                    const Batch &batch, int32_t index, const TextRun &run) {
  const tq_program &program = *session.model->program;
  const tq_tensor &result =
      session.textTensors[program.entries->num_inputs + index];
  const auto *order = reinterpret_cast<const int64_t *>(session.textOrder.data);
  int32_t axis = sequenceAxis(program, texts, program.entries->outputs[index]);
  TextRow row = {};
  row.output = index;
  row.padded = batch.padded;
  row.perToken = axis >= 0;
  row.outer = 1;
  row.inner = dtypeBytes(result.dtype);
  int64_t rowBytes = row.inner;
  for (int32_t d = 1; d < result.rank; ++d) {
    rowBytes *= result.dims[d];
    if (d < axis)
      row.outer *= result.dims[d];
    else if (d > axis)
      row.inner *= result.dims[d];
  }
  for (int64_t r = 0; r < batch.count; ++r) {
    row.text = order[batch.first + r];
    row.length = lengthOf(session, batch.first + r);
    row.data = static_cast<const uint8_t *>(result.data) + r * rowBytes;
    run.row(run.user, row);
  }
}

tq_status runTexts(tq_session &session, const Texts &texts,
                   const TextRun &run) {
  const tq_program &program = *session.model->program;
  session.entry = program.entries;
  if (!sortTexts(session, texts))
    return fail(TQ_ERROR_RESOURCE, "no memory to sort %" PRId64 " texts",
                texts.count);
  int64_t dims[TQ_MAX_RANK];
  for (int32_t i = 0; i < program.entries->num_outputs; ++i)
    if (!run.wanted || run.wanted[i])
      if (tq_status status = textOutputDims(*session.model, texts, i, dims))
        return status;
  for (int64_t done = 0; done < texts.count;) {
    Batch batch = nextBatch(session, texts, done, run.batch);
    if (tq_status status = runBatch(session, texts, batch))
      return status;
    for (int32_t i = 0; i < program.entries->num_outputs; ++i)
      if (!run.wanted || run.wanted[i])
        handOut(session, texts, batch, i, run);
    done += batch.count;
    if (run.progress)
      run.progress(run.user, done);
  }
  return TQ_OK;
}

tq_status textOutputDims(const tq_model &model, const Texts &texts,
                         int32_t index, int64_t *dims) {
  const tq_program &program = *model.program;
  const tq_program_tensor &output = program.entries->outputs[index];
  int64_t batch = program.entries->inputs[texts.idsInput].dims[0];
  int32_t axis = sequenceAxis(program, texts, output);
  bool fits = output.rank >= 1 && output.dims[0] == batch;
  for (int32_t d = 1; d < output.rank; ++d) {
    dims[d] = d == axis ? texts.longest : output.dims[d];
    fits &= dims[d] >= 0;
  }
  dims[0] = texts.count;
  if (fits)
    return TQ_OK;
  return fail(TQ_ERROR_USAGE,
              "output '%s' has no row of its own for each text; use --input",
              output.name);
}

void copyTextRow(const TextRow &row, int64_t longest, uint8_t *all) {
  if (!row.perToken) {
    memcpy(all + row.text * row.inner, row.data, row.inner);
    return;
  }
  uint8_t *to = all + row.text * row.outer * longest * row.inner;
  for (int64_t o = 0; o < row.outer; ++o)
    memcpy(to + o * longest * row.inner, row.data + o * row.padded * row.inner,
           row.length * row.inner);
}

} // namespace tq::rt

//===----------------------------------------------------------------------===//
// The C interface
//===----------------------------------------------------------------------===//

using namespace tq::rt;

namespace {
struct Gather {
  tq_session *session;
  int64_t longest;
};
} // namespace

static void gatherRow(void *user, const TextRow &row) {
  auto *gather = static_cast<Gather *>(user);
  copyTextRow(row, gather->longest,
              gather->session->textOutputs[row.output].data);
}

/// Memory for all rows of all outputs, zero.
static tq_status reserveRows(tq_session &session, const Texts &texts,
                             tq_tensor *outputs, int32_t numOutputs) {
  const tq_program &program = *session.model->program;
  for (int32_t i = 0; i < numOutputs; ++i) {
    const tq_program_tensor &output = program.entries->outputs[i];
    int64_t bytes;
    outputs[i].rank = output.rank;
    outputs[i].dtype = output.dtype;
    if (tq_status status =
            textOutputDims(*session.model, texts, i, outputs[i].dims))
      return status;
    if (!product(outputs[i].dims, output.rank, dtypeBytes(output.dtype),
                 &bytes) ||
        !bufferReserve(session.textOutputs[i], bytes))
      return fail(TQ_ERROR_RESOURCE,
                  "no memory for output '%s' of %" PRId64 " texts", output.name,
                  texts.count);
    memset(session.textOutputs[i].data, 0, bytes);
    outputs[i].data = session.textOutputs[i].data;
  }
  return TQ_OK;
}

tq_status tq_session_run_text(tq_session *session, const char *const *texts,
                              const size_t *bytes, int64_t count, int64_t batch,
                              tq_tensor *outputs, int32_t numOutputs,
                              int64_t *numTruncated) {
  SessionHold hold(session);
  if (hold.status())
    return hold.status();
  const tq_program &program = *session->model->program;
  if (batch < 0 || numOutputs < 0 ||
      numOutputs > program.entries->num_outputs || (numOutputs && !outputs))
    return fail(TQ_ERROR_USAGE,
                "expected at most %d outputs and a batch of 0 or more",
                program.entries->num_outputs);
  Texts tokenized;
  if (tq_status status =
          tokenizeTexts(*session, texts, bytes, count, &tokenized))
    return status;
  if (tq_status status = reserveRows(*session, tokenized, outputs, numOutputs))
    return status;
  if (numTruncated)
    *numTruncated = tokenized.truncated;
  Gather gather = {session, tokenized.longest};
  // Outputs past those asked for need not have a row a text.
  bool *wanted = session->wantedOutputs;
  for (int32_t i = 0; i < program.entries->num_outputs; ++i)
    wanted[i] = i < numOutputs;
  TextRun run;
  run.batch = batch;
  run.wanted = wanted;
  run.row = gatherRow;
  run.user = &gather;
  return runTexts(*session, tokenized, run);
}
