//===- Text.h - Texts through a model in padded batches ---------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts are tokenized first and then run from the longest to the shortest, so
// that a batch holds texts of about one length and the arena grows only once.
// Padding never changes a result (docs/Quantization.md), so the batches are
// free to choose.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_TEXT_H
#define TQ_LIB_RUNTIME_TEXT_H

#include "Session.h"

namespace tq::rt {

/// Most tokens of a text, special ones included; 0: any number.
int64_t textLimit(const tq_program &program);

/// Fails with the reason if the model cannot read text.
tq_status requireTokenizer(const tq_model &model);

/// Tokenized texts; the ids are in the session.
struct Texts {
  int64_t count = 0;
  int64_t longest = 0;
  int64_t shortest = 0;
  int64_t truncated = 0;
  int64_t firstTruncated = -1;
  int32_t idsInput = -1;
  int32_t maskInput = -1; // -1: only texts of one length share a batch
};

/// One text's part of one output.
struct TextRow {
  int64_t text;
  int32_t output;
  const uint8_t *data;
  int64_t length; // tokens of the text
  int64_t padded; // tokens of the batch
  int64_t outer;  // elements before the sequence dimension
  int64_t inner;  // bytes after it, or of the whole row
  bool perToken;  // has a sequence dimension
};

struct TextRun {
  int64_t batch = 0;            // most texts a batch, 0: chosen by length
  const bool *wanted = nullptr; // by output; null: all
  void (*row)(void *user, const TextRow &row) = nullptr;
  void (*progress)(void *user, int64_t done) = nullptr; // may be null
  void *user = nullptr;
};

/// Fails, and says which text it is, where one has no tokens or one that the
/// model does not know.
tq_status tokenizeTexts(tq_session &session, const char *const *texts,
                        const size_t *bytes, int64_t count, Texts *result);

/// Runs all texts and hands out their rows, not in the order of the texts.
tq_status runTexts(tq_session &session, const Texts &texts, const TextRun &run);

/// Dimensions of an output for all texts; fails if it has no row a text.
tq_status textOutputDims(const tq_model &model, const Texts &texts,
                         int32_t output, int64_t *dims);

/// Copies a row to its place in an array of textOutputDims that was zero
/// before.
void copyTextRow(const TextRow &row, int64_t longest, uint8_t *all);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_TEXT_H
