//===- FakeTokenizer.cpp - A tokenizer that only counts letters -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stands in for the real one, whose tables the compiler writes: a word of n
// bytes is token 3 + n % 90, "zebra" is 100, one more than there are. What the
// program calls its tables says how many tokens 1 a text begins with and how
// many tokens 2 it ends with, and which id is padding.
//
//===----------------------------------------------------------------------===//

#include "tq/Runtime/Tokenizer.h"
#include <string.h>

namespace tq::rt {

namespace {
struct Kind {
  const char *blob;
  int64_t special; // before and after a text, each
  int32_t pad;
};
} // namespace

static constexpr Kind kinds[] = {
    {"words", 1, 0}, {"bare", 0, 0}, {"framed", 7, 0}, {"badpad", 1, 100}};

static const Kind *findKind(const Tokenizer &tokenizer) {
  for (const Kind &kind : kinds)
    if (tokenizer.size == strlen(kind.blob) &&
        memcmp(tokenizer.blob, kind.blob, tokenizer.size) == 0)
      return &kind;
  return nullptr;
}

bool tokenizerOpen(const uint8_t *blob, uint64_t size, Tokenizer *tokenizer) {
  tokenizer->blob = blob;
  tokenizer->size = size;
  return findKind(*tokenizer) != nullptr;
}

bool tokenize(const Tokenizer &tokenizer, const char *text, size_t bytes,
              int64_t maxTokens, int32_t *ids, int64_t capacity,
              TokenizeResult *result) {
  *result = {};
  auto add = [&](int32_t id) {
    if (result->count < capacity)
      ids[result->count] = id;
    ++result->count;
  };
  int64_t special = findKind(tokenizer)->special;
  for (int64_t i = 0; i < special; ++i)
    add(1);
  for (size_t i = 0; i < bytes;) {
    size_t begin = i;
    while (i < bytes && text[i] != ' ')
      ++i;
    if (i > begin && maxTokens && result->count + special >= maxTokens) {
      result->truncated = true;
      break;
    }
    if (i - begin == 5 && memcmp(text + begin, "zebra", 5) == 0)
      add(100);
    else if (i > begin)
      add(3 + int32_t((i - begin) % 90));
    i += i < bytes;
  }
  for (int64_t i = 0; i < special; ++i)
    add(2);
  return result->count <= capacity;
}

int32_t tokenizerPadId(const Tokenizer &tokenizer) {
  return findKind(tokenizer)->pad;
}

int64_t tokenizerSpecialTokens(const Tokenizer &tokenizer) {
  return 2 * findKind(tokenizer)->special;
}

} // namespace tq::rt
