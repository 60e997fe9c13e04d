//===- Tokenizer.h - WordPiece over compiled tables -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tokenizer of a program: text in, token ids out, the same ids as the
// `tokenizers` library gives for the model's tokenizer.json. It works in one
// pass straight on the tables (TokenizerFormat.h) that the compiler wrote:
// nothing is built at start, nothing is allocated, and a text is read only as
// far as it is needed to fill `maxTokens` (where its last tokens are kept, to
// its end).
//
//===----------------------------------------------------------------------===//

#ifndef TQ_RUNTIME_TOKENIZER_H
#define TQ_RUNTIME_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

namespace tq::rt {

/// A view on tokenizer tables; valid as long as the tables are.
struct Tokenizer {
  const uint8_t *blob = nullptr;
  uint64_t size = 0;
};

struct TokenizeResult {
  int64_t count = 0;      ///< Number of ids, special tokens included.
  bool truncated = false; ///< Whether the text had more than fits `maxTokens`.
};

/// Checks the header and the extent of every table. Returns false if `blob` is
/// not a tokenizer of this version; then `tokenizer` is left alone.
bool tokenizerOpen(const uint8_t *blob, uint64_t size, Tokenizer *tokenizer);

/// Writes the ids of `text` (any bytes: each maximal ill-formed part of UTF-8
/// counts as U+FFFD) to `ids`. At most `maxTokens` ids, special tokens
/// included, are produced; 0 means all of them. Returns false if they do not
/// fit `capacity`: then `result->count` says how many there are, and `ids`
/// holds the first `capacity` of them (nothing of use if a text lost its first
/// tokens).
bool tokenize(const Tokenizer &tokenizer, const char *text, size_t bytes,
              int64_t maxTokens, int32_t *ids, int64_t capacity,
              TokenizeResult *result);

/// The id that fills up the shorter texts of a batch.
int32_t tokenizerPadId(const Tokenizer &tokenizer);

/// How many ids every text gets besides its own, unless it is truncated.
int64_t tokenizerSpecialTokens(const Tokenizer &tokenizer);

} // namespace tq::rt

#endif // TQ_RUNTIME_TOKENIZER_H
