//===- TestProgram.h - A small program written by hand ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_UNITTEST_RUNTIME_TESTPROGRAM_H
#define TQ_UNITTEST_RUNTIME_TESTPROGRAM_H

#include "tq/Runtime/Program.h"
#include "tq/Runtime/tq.h"

namespace tq::test {

enum { width = 4, vocabulary = 100, maxSequence = 16 };

/// Inputs input_ids, attention_mask (filled with ones) and token_type_ids
/// (zeros), all i64 [batch, sequence] with at most 16 tokens; outputs embedding
/// f32 [batch, 4] and last_hidden_state f32 [batch, sequence, 2]. It has a
/// tokenizer of words, see FakeTokenizer.cpp, and a self-test of shape 2x3.
tq_program makeProgram();

/// The only entry of a program, to be changed.
tq_program_entry &entryOf(const tq_program &program);

/// A session with this number of threads.
inline tq_status create(const tq_model *model, int32_t threads,
                        tq_session **session) {
  tq_session_options options = {};
  options.size = sizeof(options);
  options.threads = threads;
  return tq_session_create(model, &options, session);
}

/// The same, whose batches may be cut and whose mask marks padding.
tq_program makeBatchProgram();

/// Gives a program another of the tokenizers of FakeTokenizer.cpp.
void setTokenizer(tq_program &program, const char *tables);

/// The first, with two classes: logits f32 [batch, 2] in place of the
/// embedding.
tq_program makeClassifier();

/// What the program computes for a row: element `j` of its embedding.
float expectedEmbedding(const int64_t *ids, const int64_t *mask,
                        const int64_t *types, int64_t length, int j);

} // namespace tq::test

#endif // TQ_UNITTEST_RUNTIME_TESTPROGRAM_H
