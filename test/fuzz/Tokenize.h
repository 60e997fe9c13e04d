//===- Tokenize.h - What every use of a tokenizer has to keep ---*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_FUZZ_TOKENIZE_H
#define TQ_TEST_FUZZ_TOKENIZE_H

#include "Fuzz.h"

#include "tq/Runtime/Tokenizer.h"
#include "tq/Runtime/TokenizerFormat.h"

#include <cstring>
#include <vector>

namespace tq::fuzz {

/// Tokenizes with room for nothing, too little and enough: the same ids.
inline std::vector<int32_t> tokenizeText(const rt::Tokenizer &tokenizer,
                                         llvm::StringRef text,
                                         int64_t maxTokens) {
  rt::TokenizeResult counted, cut, whole;
  bool fits = tokenize(tokenizer, text.data(), text.size(), maxTokens, nullptr,
                       0, &counted);
  require(fits == (counted.count == 0), "no ids fit where there is no room");
  require(maxTokens == 0 || counted.count <= maxTokens, "at most maxTokens");
  std::vector<int32_t> ids(counted.count), half(counted.count / 2);
  require(tokenize(tokenizer, text.data(), text.size(), maxTokens, ids.data(),
                   ids.size(), &whole),
          "as many ids as were counted");
  tokenize(tokenizer, text.data(), text.size(), maxTokens, half.data(),
           half.size(), &cut);
  require(whole.count == counted.count && cut.count == counted.count &&
              whole.truncated == counted.truncated &&
              cut.truncated == counted.truncated,
          "the same count whatever the room");
  rt::TokenizerHeader header;
  memcpy(&header, tokenizer.blob, sizeof(header));
  bool lostItsBeginning = (header.flags & rt::kKeepEnd) && whole.truncated;
  require(lostItsBeginning || std::equal(half.begin(), half.end(), ids.begin()),
          "the same ids whatever the room");
  return ids;
}

} // namespace tq::fuzz

#endif // TQ_TEST_FUZZ_TOKENIZE_H
