//===- TokenizerNormalizer.h - BERT's text normalization --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Character by character: cleaning, spaces around CJK ideographs, accent
// stripping and lower-casing as the `tokenizers` library does them. Its
// character tables are older (categories) or newer (lower case) than
// utf8proc's; lib/Runtime/Tokenizer/UnicodeExceptions.inc lists the difference.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_RUNTIME_TOKENIZERNORMALIZER_H
#define TQ_RUNTIME_TOKENIZERNORMALIZER_H

#include "tq/Runtime/TokenizerFormat.h"

#include <stddef.h>
#include <stdint.h>

namespace tq::rt {

/// Decodes the character at `text[*position]` and advances. Each maximal
/// ill-formed part gives one U+FFFD. Requires *position < bytes.
uint32_t decodeUtf8(const uint8_t *text, size_t bytes, size_t *position);

/// Writes 1 to 4 bytes, returns how many.
unsigned encodeUtf8(uint32_t c, uint8_t *out);

bool isWhitespace(uint32_t c);
/// What the pre-tokenizer makes a word of its own.
bool isPunctuation(uint32_t c);
/// What \w matches: what added tokens marked "single word" must not touch.
bool isWordCharacter(uint32_t c);

/// Lower-cases a text as Python's str.lower() does: a sigma at the end of a
/// word has a form of its own, which depends on what stands around it.
class TextLowercaser {
public:
  TextLowercaser(const uint8_t *text, size_t bytes)
      : text(text), bytes(bytes) {}

  bool atEnd() const { return position == bytes; }
  /// Takes the next character and writes the one or two that it becomes;
  /// returns how many. Requires !atEnd().
  unsigned next(uint32_t out[2]);

private:
  bool isFinalSigma() const;

  const uint8_t *text;
  size_t bytes;
  size_t position = 0;
  bool isAfterLetter = false; ///< A cased one, marks and the like left out.
};

/// Takes characters, hands normalized ones to a sink. Combining marks are held
/// back until their canonical order is known.
class Normalizer {
public:
  using Sink = void (*)(void *context, uint32_t c);

  /// Of a run of more than `maxMarks` marks that are kept, the order of those
  /// after the first `maxMarks` is not canonical; at most
  /// kMaxTokenizerWordChars.
  Normalizer(uint32_t flags, uint32_t maxMarks, Sink sink, void *context)
      : flags(flags), maxMarks(maxMarks), sink(sink), context(context) {}

  void push(uint32_t c);
  /// The end of a text: hands out what is held back.
  void finish() { flushMarks(); }

private:
  void pushCleaned(uint32_t c);
  void pushDecomposed(uint32_t c);
  void flushMarks();
  void emit(uint32_t c);

  uint32_t flags;
  uint32_t maxMarks;
  Sink sink;
  void *context;
  uint32_t numMarks = 0;
  uint32_t marks[kMaxTokenizerWordChars]; ///< Class in bits 24 and up.
};

} // namespace tq::rt

#endif // TQ_RUNTIME_TOKENIZERNORMALIZER_H
