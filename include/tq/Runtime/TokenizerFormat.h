//===- TokenizerFormat.h - Layout of tokenizer tables -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler writes and the runtime reads in place: a header followed by
// sorted string tables. All numbers are little-endian, all positions are bytes
// from the start of the tables, which may lie at any address.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_RUNTIME_TOKENIZERFORMAT_H
#define TQ_RUNTIME_TOKENIZERFORMAT_H

#include <stdint.h>

namespace tq::rt {

enum : uint32_t {
  kTokenizerMagic = 0x4b545154, // "TQTK"
  kTokenizerVersion = 2,
  /// Special tokens before and after a text, each.
  kMaxSpecialTokens = 8,
  kMaxTokenizerWordChars = 1024,
  kMaxAddedTokenBytes = 256,
};

/// What the normalizer does, in this order.
enum NormalizerFlags : uint32_t {
  kCleanText = 1,    ///< Drop control characters, white space becomes ' '.
  kSpaceChinese = 2, ///< Put spaces around CJK ideographs.
  kStripAccents = 4, ///< Decompose (NFD) and drop nonspacing marks.
  kLowercase = 8,
};

/// More flags of a header.
enum TokenizerFlags : uint32_t {
  /// The text is lower-cased as Python does, before all else.
  kLowercaseFirst = 16,
  /// Of a text that is too long, the last tokens are kept.
  kKeepEnd = 32,
};

/// Set in ids of the tables of added tokens.
enum : uint32_t {
  kSingleWordId = 1u << 31, ///< It matches whole words only.
  /// It stays text where it is found: only hides what begins within it.
  kPlainId = 1u << 30,
};

/// Strings in ascending order of their bytes, without duplicates and empty
/// ones. `index` (257 numbers): strings that begin with byte b are [index[b],
/// index[b+1]). `ends` (count numbers): where string i ends in `bytes`; it
/// begins where string i-1 ends. `ids`: count numbers.
struct TokenizerStrings {
  uint32_t count;
  uint32_t index;
  uint32_t ends;
  uint32_t ids;
  uint32_t bytes;
  uint32_t byteCount;
  uint32_t longest; ///< Bytes of the longest string.
};

enum TokenizerTable : uint32_t {
  kWordStarts,      ///< Tokens that may begin a word.
  kWordRests,       ///< Tokens that may continue it, without their prefix.
  kAddedRaw,        ///< Added tokens, looked for in the text as it is.
  kAddedNormalized, ///< Added tokens, looked for in the normalized text.
  kNumTokenizerTables
};

struct TokenizerHeader {
  uint32_t magic;
  uint32_t version;
  uint32_t flags; ///< NormalizerFlags, TokenizerFlags
  uint32_t maxWordChars;
  int32_t unknownId;
  int32_t padId;
  uint32_t numBefore;
  uint32_t numAfter;
  int32_t before[kMaxSpecialTokens];
  int32_t after[kMaxSpecialTokens];
  TokenizerStrings tables[kNumTokenizerTables];
};

} // namespace tq::rt

#endif // TQ_RUNTIME_TOKENIZERFORMAT_H
