//===- Tokenizer.cpp - WordPiece over compiled tables ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A character passes: TextReader (added tokens of the text as it is) ->
// Normalizer -> a TokenWindow (added tokens of the normalized text) ->
// WordSplitter (white space, punctuation) -> WordPieces -> IdSink. A text that
// is lower-cased first passes another TokenWindow instead of the TextReader's
// search.
//
//===----------------------------------------------------------------------===//

#include "tq/Runtime/Tokenizer.h"

#include "tq/Runtime/TokenizerFormat.h"
#include "tq/Runtime/TokenizerNormalizer.h"

#include <string.h>

namespace tq::rt {
namespace {

/// Tables need not be aligned.
uint32_t load32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, sizeof(value));
  return value;
}

TokenizerHeader loadHeader(const Tokenizer &tokenizer) {
  TokenizerHeader header;
  memcpy(&header, tokenizer.blob, sizeof(header));
  return header;
}

//===----------------------------------------------------------------------===//
// String tables
//===----------------------------------------------------------------------===//

/// Reads a sorted string table. Whatever the table holds, nothing outside it is
/// read: its extent was checked on opening, its numbers are checked on use.
class Strings {
public:
  struct Match {
    uint32_t bytes = 0; ///< 0: none.
    uint32_t id = 0;
  };

  Strings(const uint8_t *blob, const TokenizerStrings &table)
      : table(table), index(blob + table.index), ends(blob + table.ends),
        ids(blob + table.ids), chars(blob + table.bytes) {}

  bool empty() const { return table.count == 0; }
  uint32_t longest() const { return table.longest; }

  /// The longest string that `text` begins with.
  Match longestMatch(const uint8_t *text, size_t bytes) const;

private:
  struct Span {
    uint32_t begin, end;
    uint32_t size() const { return end - begin; }
  };

  Span string(uint32_t i) const {
    uint32_t begin = i == 0 ? 0 : load32(ends + (i - 1) * 4ull);
    uint32_t end = load32(ends + i * 4ull);
    if (begin > end || end > table.byteCount)
      return {0, 0};
    return {begin, end};
  }

  /// Byte `depth` of string i, or -1 behind its end.
  int byteAt(uint32_t i, uint32_t depth) const {
    Span span = string(i);
    return depth < span.size() ? chars[span.begin + depth] : -1;
  }

  /// The first string of [low, high) whose byte `depth` is at least `byte`.
  uint32_t lowerBound(uint32_t low, uint32_t high, uint32_t depth,
                      int byte) const {
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      if (byteAt(middle, depth) < byte)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  TokenizerStrings table;
  const uint8_t *index, *ends, *ids, *chars;
};

Strings::Match Strings::longestMatch(const uint8_t *text, size_t bytes) const {
  Match best;
  if (bytes == 0 || table.count == 0)
    return best;
  uint32_t low = load32(index + text[0] * 4u);
  uint32_t high = load32(index + (text[0] + 1) * 4u);
  if (high > table.count)
    return best;
  // Strings [low, high) begin with the first `depth` bytes of the text.
  for (uint32_t depth = 1; low < high; ++depth) {
    if (string(low).size() == depth) {
      best = {depth, load32(ids + low * 4ull)};
      ++low;
    }
    if (depth == bytes)
      break;
    low = lowerBound(low, high, depth, text[depth]);
    high = lowerBound(low, high, depth, text[depth] + 1);
  }
  return best;
}

bool isTableInside(const TokenizerStrings &table, uint64_t size) {
  auto inside = [size](uint64_t begin, uint64_t bytes) {
    return begin <= size && bytes <= size - begin;
  };
  return inside(table.index, 257 * 4) &&
         inside(table.ends, table.count * 4ull) &&
         inside(table.ids, table.count * 4ull) &&
         inside(table.bytes, table.byteCount) &&
         table.longest <= table.byteCount;
}

//===----------------------------------------------------------------------===//
// From the end of the way to its beginning
//===----------------------------------------------------------------------===//

/// Collects ids. Of those of the text there may be only so many: the first of
/// them, or the last, for which the later ones overwrite the earlier ones.
class IdSink {
public:
  IdSink(int32_t *ids, int64_t capacity) : ids(ids), capacity(capacity) {}

  /// From here on the text's ids come.
  void beginText(int64_t most, bool keepsEnd) {
    textBegin = count;
    mostText = most;
    keepsLast = keepsEnd && most > 0;
  }

  void putText(uint32_t id) {
    if (count - textBegin < mostText)
      return put(id);
    cut = true;
    if (!keepsLast)
      return;
    store(textBegin + oldest, id);
    oldest = oldest + 1 == mostText ? 0 : oldest + 1;
  }

  /// Puts the last ids of a text, which end anywhere in their room, in order.
  void endText() {
    if (oldest == 0 || count > capacity)
      return;
    reverse(textBegin, textBegin + oldest);
    reverse(textBegin + oldest, count);
    reverse(textBegin, count);
  }

  void put(uint32_t id) { store(count++, id); }

  /// Whether the rest of the text cannot matter any more.
  bool isFull() const { return cut && !keepsLast; }

  int64_t count = 0;
  bool cut = false; ///< Whether the text had more ids than there may be.

private:
  void store(int64_t at, uint32_t id) {
    if (at < capacity)
      ids[at] = static_cast<int32_t>(id);
  }

  void reverse(int64_t begin, int64_t end) {
    for (; begin < --end; ++begin) {
      int32_t id = ids[begin];
      ids[begin] = ids[end];
      ids[end] = id;
    }
  }

  int32_t *ids;
  int64_t capacity;
  int64_t textBegin = 0;
  int64_t mostText = INT64_MAX;
  int64_t oldest = 0; ///< Where the oldest id lies, from `textBegin`.
  bool keepsLast = false;
};

/// Splits a word into the longest tokens, from its beginning.
class WordPieces {
public:
  WordPieces(const uint8_t *blob, const TokenizerHeader &header, IdSink &sink)
      : starts(blob, header.tables[kWordStarts]),
        rests(blob, header.tables[kWordRests]), unknownId(header.unknownId),
        sink(sink) {}

  void split(const uint8_t *word, size_t bytes) {
    // Tokens are whole characters: a word has no more tokens than bytes.
    uint32_t found[kMaxTokenizerWordChars];
    uint32_t count = 0;
    for (size_t at = 0; at < bytes; ++count) {
      const Strings &strings = at == 0 ? starts : rests;
      Strings::Match match = strings.longestMatch(word + at, bytes - at);
      if (match.bytes == 0 || count == kMaxTokenizerWordChars)
        return unknown();
      found[count] = match.id;
      at += match.bytes;
    }
    for (uint32_t i = 0; i < count; ++i)
      sink.putText(found[i]);
  }

  void unknown() { sink.putText(static_cast<uint32_t>(unknownId)); }

private:
  Strings starts;
  Strings rests;
  int32_t unknownId;
  IdSink &sink;
};

/// Cuts at white space; a punctuation character is a word of its own.
class WordSplitter {
public:
  WordSplitter(uint32_t maxChars, WordPieces &pieces)
      : maxChars(maxChars), pieces(pieces) {}

  void push(uint32_t c) {
    if (isWhitespace(c))
      return finish();
    bool alone = isPunctuation(c);
    if (alone)
      finish();
    if (++chars <= maxChars)
      bytes += encodeUtf8(c, word + bytes);
    if (alone)
      finish();
  }

  void finish() {
    if (chars > maxChars)
      pieces.unknown();
    else if (chars > 0)
      pieces.split(word, bytes);
    chars = 0;
    bytes = 0;
  }

private:
  uint32_t maxChars;
  WordPieces &pieces;
  uint64_t chars = 0;
  size_t bytes = 0;
  uint8_t word[kMaxTokenizerWordChars * 4];
};

/// Looks for added tokens at one place of a text. What was found but does not
/// count (it stands inside a word, or is to stay text) is plain text up to its
/// end.
class AddedTokens {
public:
  AddedTokens(const uint8_t *blob, const TokenizerStrings &table)
      : strings(blob, table) {}

  bool empty() const { return strings.empty(); }
  uint32_t longest() const { return strings.longest(); }

  /// `previous` is the character before `text`, or 0. Returns the bytes of the
  /// token to take here, 0 if there is none.
  uint32_t match(const uint8_t *text, size_t bytes, uint32_t previous,
                 uint32_t *id) {
    if (plain > 0)
      return 0;
    Strings::Match match = strings.longestMatch(text, bytes);
    if (match.bytes == 0)
      return 0;
    *id = match.id & ~(kSingleWordId | kPlainId);
    if (counts(match, text, bytes, previous))
      return match.bytes;
    plain = match.bytes;
    return 0;
  }

  /// `bytes` of text were passed as plain text.
  void pass(size_t bytes) { plain -= plain < bytes ? plain : bytes; }
  void reset() { plain = 0; }

private:
  static bool counts(const Strings::Match &match, const uint8_t *text,
                     size_t bytes, uint32_t previous) {
    if (match.id & kPlainId)
      return false;
    if (!(match.id & kSingleWordId))
      return true;
    size_t next = match.bytes;
    return !isWordCharacter(previous) &&
           (next == bytes || !isWordCharacter(decodeUtf8(text, bytes, &next)));
  }

  Strings strings;
  size_t plain = 0;
};

/// Looks for added tokens in a text that comes character by character, through
/// a window that is just long enough for the longest of them and the character
/// behind it. What is between them goes to `next`, piece by piece.
template <typename Next>
class TokenWindow {
public:
  TokenWindow(const uint8_t *blob, const TokenizerStrings &table, Next &next,
              IdSink &sink)
      : tokens(blob, table), next(next), sink(sink) {}

  void push(uint32_t c) {
    if (tokens.empty())
      return next.push(c);
    bytes += encodeUtf8(c, window + bytes);
    while (bytes >= tokens.longest() + 4)
      step();
  }

  /// The end of a piece of text: neither words nor tokens go on behind it.
  void finish() {
    while (bytes > 0)
      step();
    next.finish();
    tokens.reset();
    previous = 0;
  }

private:
  void step() {
    uint32_t id;
    size_t taken = tokens.match(window, bytes, previous, &id);
    if (taken > 0) {
      next.finish();
      sink.putText(id);
      for (size_t at = 0; at < taken;)
        previous = decodeUtf8(window, bytes, &at);
    } else {
      previous = decodeUtf8(window, bytes, &taken);
      next.push(previous);
      tokens.pass(taken);
    }
    bytes -= taken;
    memmove(window, window + taken, bytes);
  }

  AddedTokens tokens;
  Next &next;
  IdSink &sink;
  uint32_t previous = 0;
  size_t bytes = 0;
  uint8_t window[kMaxAddedTokenBytes + 8];
};

/// What text between the added tokens of a text as it is goes through.
class PlainText {
public:
  PlainText(const uint8_t *blob, const TokenizerHeader &header, IdSink &sink)
      : pieces(blob, header, sink), words(header.maxWordChars, pieces),
        window(blob, header.tables[kAddedNormalized], words, sink),
        normalizer(
            header.flags, header.maxWordChars,
            [](void *to, uint32_t c) {
              static_cast<TokenWindow<WordSplitter> *>(to)->push(c);
            },
            &window) {}

  void push(uint32_t c) { normalizer.push(c); }

  void finish() {
    normalizer.finish();
    window.finish();
  }

private:
  WordPieces pieces;
  WordSplitter words;
  TokenWindow<WordSplitter> window;
  Normalizer normalizer;
};

/// Reads a text up to its end or until the sink is full.
class TextReader {
public:
  TextReader(const uint8_t *blob, const TokenizerHeader &header, IdSink &sink)
      : tokens(blob, header.tables[kAddedRaw]), sink(sink),
        plain(blob, header, sink) {}

  void read(const uint8_t *text, size_t bytes) {
    uint32_t previous = 0;
    for (size_t at = 0; at < bytes && !sink.isFull();) {
      uint32_t id;
      size_t taken = tokens.match(text + at, bytes - at, previous, &id);
      if (taken > 0) {
        plain.finish();
        sink.putText(id);
        for (size_t end = at + taken; at < end;)
          previous = decodeUtf8(text, bytes, &at);
        continue;
      }
      size_t begin = at;
      previous = decodeUtf8(text, bytes, &at);
      plain.push(previous);
      tokens.pass(at - begin);
    }
    plain.finish();
  }

private:
  AddedTokens tokens;
  IdSink &sink;
  PlainText plain;
};

/// The same for a text that is lower-cased first.
void readLowercased(const uint8_t *blob, const TokenizerHeader &header,
                    IdSink &sink, const uint8_t *text, size_t bytes) {
  PlainText plain(blob, header, sink);
  TokenWindow<PlainText> window(blob, header.tables[kAddedRaw], plain, sink);
  TextLowercaser lowercaser(text, bytes);
  while (!lowercaser.atEnd() && !sink.isFull()) {
    uint32_t lower[2];
    unsigned count = lowercaser.next(lower);
    for (unsigned i = 0; i < count; ++i)
      window.push(lower[i]);
  }
  window.finish();
}

} // namespace

bool tokenizerOpen(const uint8_t *blob, uint64_t size, Tokenizer *tokenizer) {
  if (!blob || size < sizeof(TokenizerHeader))
    return false;
  TokenizerHeader header = loadHeader({blob, size});
  if (header.magic != kTokenizerMagic || header.version != kTokenizerVersion ||
      header.maxWordChars == 0 ||
      header.maxWordChars > kMaxTokenizerWordChars ||
      header.numBefore > kMaxSpecialTokens ||
      header.numAfter > kMaxSpecialTokens ||
      header.tables[kAddedRaw].longest > kMaxAddedTokenBytes ||
      header.tables[kAddedNormalized].longest > kMaxAddedTokenBytes)
    return false;
  for (const TokenizerStrings &table : header.tables)
    if (!isTableInside(table, size))
      return false;
  *tokenizer = {blob, size};
  return true;
}

bool tokenize(const Tokenizer &tokenizer, const char *text, size_t bytes,
              int64_t maxTokens, int32_t *ids, int64_t capacity,
              TokenizeResult *result) {
  TokenizerHeader header = loadHeader(tokenizer);
  int64_t before = header.numBefore, after = header.numAfter;
  if (maxTokens > 0) { // Special tokens first, what is left is for the text.
    before = before < maxTokens ? before : maxTokens;
    after = after < maxTokens - before ? after : maxTokens - before;
  }
  IdSink sink(ids, capacity);
  for (int64_t i = 0; i < before; ++i)
    sink.put(static_cast<uint32_t>(header.before[i]));
  sink.beginText(maxTokens > 0 ? maxTokens - before - after : INT64_MAX,
                 header.flags & kKeepEnd);
  const auto *input = reinterpret_cast<const uint8_t *>(text);
  if (header.flags & kLowercaseFirst)
    readLowercased(tokenizer.blob, header, sink, input, bytes);
  else
    TextReader(tokenizer.blob, header, sink).read(input, bytes);
  sink.endText();
  for (int64_t i = 0; i < after; ++i)
    sink.put(static_cast<uint32_t>(header.after[i]));
  *result = {sink.count, sink.cut};
  return sink.count <= capacity;
}

int32_t tokenizerPadId(const Tokenizer &tokenizer) {
  return loadHeader(tokenizer).padId;
}

int64_t tokenizerSpecialTokens(const Tokenizer &tokenizer) {
  TokenizerHeader header = loadHeader(tokenizer);
  return int64_t(header.numBefore) + header.numAfter;
}

} // namespace tq::rt
