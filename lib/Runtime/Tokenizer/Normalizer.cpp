//===- Normalizer.cpp - BERT's text normalization -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Runtime/TokenizerNormalizer.h"

#include <utf8proc.h>

namespace tq::rt {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

struct Shift {
  uint32_t first;
  uint32_t last;
  int32_t by;
};

namespace exceptions {
#include "UnicodeExceptions.inc"
} // namespace exceptions

/// What the library takes for ideographs; it has no range for U+2B820 to
/// U+2B91F.
constexpr Range ideographs[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
    {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF},
    {0x2F800, 0x2FA1F},
};

/// The entry of a sorted table that holds `c`, or null.
template <typename Entry, size_t N>
const Entry *find(const Entry (&table)[N], uint32_t c) {
  if (c < table[0].first)
    return nullptr;
  size_t low = 0, high = N;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    (table[middle].first <= c ? low : high) = middle;
  }
  return c <= table[low].last ? &table[low] : nullptr;
}

utf8proc_category_t category(uint32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool isControl(uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r')
    return false;
  if (c < 0x80)
    return c < 0x20 || c == 0x7F;
  utf8proc_category_t kind = category(c);
  bool control = kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF ||
                 kind == UTF8PROC_CATEGORY_CO;
  return control != (find(exceptions::controls, c) != nullptr);
}

bool isNonspacingMark(uint32_t c) {
  if (c < 0x300)
    return false;
  bool mark = category(c) == UTF8PROC_CATEGORY_MN;
  return mark != (find(exceptions::marks, c) != nullptr);
}

uint32_t combiningClass(uint32_t c) {
  if (c < 0x300 || find(exceptions::unordered, c))
    return 0;
  return static_cast<uint32_t>(
      utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class);
}

uint32_t toLower(uint32_t c) {
  if (c < 0x80)
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  if (const Shift *shift = find(exceptions::lowerCase, c))
    return c + static_cast<uint32_t>(shift->by);
  return static_cast<uint32_t>(
      utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

// What Unicode calls Case_Ignorable and Cased beyond whole categories. Modifier
// letters are ignorable, so that it does not matter which of them are cased.
constexpr Range caseIgnorable[] = {
    {0x27, 0x27},     {0x2E, 0x2E},     {0x3A, 0x3A},     {0xB7, 0xB7},
    {0x387, 0x387},   {0x55F, 0x55F},   {0x5F4, 0x5F4},   {0x2018, 0x2019},
    {0x2024, 0x2024}, {0x2027, 0x2027}, {0xFE13, 0xFE13}, {0xFE52, 0xFE52},
    {0xFE55, 0xFE55}, {0xFF07, 0xFF07}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1A},
};
constexpr Range cased[] = {
    {0xAA, 0xAA},       {0xBA, 0xBA},       {0x2160, 0x217F},
    {0x24B6, 0x24E9},   {0x1F130, 0x1F149}, {0x1F150, 0x1F169},
    {0x1F170, 0x1F189},
};

bool isCaseIgnorable(uint32_t c) {
  utf8proc_category_t kind = category(c);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME ||
         kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_LM ||
         kind == UTF8PROC_CATEGORY_SK || find(caseIgnorable, c);
}

bool isCased(uint32_t c) {
  utf8proc_category_t kind = category(c);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL ||
         kind == UTF8PROC_CATEGORY_LT || find(cased, c);
}

constexpr uint32_t capitalIWithDot = 0x130, dotAbove = 0x307;

/// Whether `byte` may follow `first` in a sequence of UTF-8: beside the usual
/// range this keeps out overlong forms, surrogates and numbers above U+10FFFF.
bool isSecondByte(uint8_t first, uint8_t byte) {
  uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return byte >= low && byte <= high;
}

} // namespace

uint32_t decodeUtf8(const uint8_t *text, size_t bytes, size_t *position) {
  constexpr uint32_t replacement = 0xFFFD;
  size_t at = *position;
  uint8_t first = text[at++];
  *position = at;
  if (first < 0x80)
    return first;
  if (first < 0xC2 || first > 0xF4)
    return replacement;
  unsigned rest = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  uint32_t c = first & (0x3Fu >> rest);
  for (unsigned i = 0; i < rest; ++i, ++at) {
    if (at == bytes ||
        (i == 0 ? !isSecondByte(first, text[at]) : (text[at] & 0xC0) != 0x80)) {
      *position = at;
      return replacement;
    }
    c = c << 6 | (text[at] & 0x3F);
  }
  *position = at;
  return c;
}

unsigned encodeUtf8(uint32_t c, uint8_t *out) {
  if (c < 0x80) {
    out[0] = static_cast<uint8_t>(c);
    return 1;
  }
  unsigned rest = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  for (unsigned i = rest; i > 0; --i, c >>= 6)
    out[i] = static_cast<uint8_t>(0x80 | (c & 0x3F));
  out[0] = static_cast<uint8_t>((0xFF00u >> (rest + 1) & 0xF0) | c);
  return rest + 1;
}

bool isWhitespace(uint32_t c) {
  if (c < 0x80)
    return c == ' ' || (c >= '\t' && c <= '\r');
  if (c == 0x85)
    return true;
  utf8proc_category_t kind = category(c);
  return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL ||
         kind == UTF8PROC_CATEGORY_ZP;
}

bool isPunctuation(uint32_t c) {
  if (c < 0x80)
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) ||
           (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  utf8proc_category_t kind = category(c);
  bool punctuation =
      kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
  return punctuation != (find(exceptions::punctuation, c) != nullptr);
}

bool isWordCharacter(uint32_t c) {
  if (c < 0x80)
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
  utf8proc_category_t kind = category(c);
  bool word = (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_NL) ||
              kind == UTF8PROC_CATEGORY_PC;
  return word != (find(exceptions::wordCharacters, c) != nullptr);
}

bool TextLowercaser::isFinalSigma() const {
  if (!isAfterLetter)
    return false;
  for (size_t at = position; at < bytes;) {
    uint32_t c = decodeUtf8(text, bytes, &at);
    if (!isCaseIgnorable(c))
      return !isCased(c);
  }
  return true;
}

unsigned TextLowercaser::next(uint32_t out[2]) {
  constexpr uint32_t capitalSigma = 0x3A3, sigma = 0x3C3, finalSigma = 0x3C2;
  uint32_t c = decodeUtf8(text, bytes, &position);
  if (c == capitalSigma)
    out[0] = isFinalSigma() ? finalSigma : sigma;
  else if (c == capitalIWithDot)
    out[0] = 'i', out[1] = dotAbove;
  else
    out[0] = toLower(c);
  if (!isCaseIgnorable(c))
    isAfterLetter = isCased(c);
  return c == capitalIWithDot ? 2 : 1;
}

void Normalizer::push(uint32_t c) {
  if (flags & kCleanText) {
    if (c == 0 || c == 0xFFFD || isControl(c))
      return;
    if (isWhitespace(c))
      c = ' ';
  }
  bool spaced = (flags & kSpaceChinese) && find(ideographs, c);
  if (spaced)
    pushCleaned(' ');
  pushCleaned(c);
  if (spaced)
    pushCleaned(' ');
}

void Normalizer::pushCleaned(uint32_t c) {
  if (!(flags & kStripAccents))
    return emit(c);
  if (c < 0xC0 || find(exceptions::composed, c))
    return pushDecomposed(c);
  // No character has a longer canonical decomposition than four.
  constexpr utf8proc_ssize_t size = 18;
  utf8proc_int32_t parts[size];
  int boundClass = 0;
  utf8proc_ssize_t count = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(c), parts, size,
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE),
      &boundClass);
  if (count < 0 || count > size)
    return pushDecomposed(c);
  for (utf8proc_ssize_t i = 0; i < count; ++i)
    pushDecomposed(static_cast<uint32_t>(parts[i]));
}

void Normalizer::pushDecomposed(uint32_t c) {
  uint32_t order = combiningClass(c);
  if (order == 0)
    flushMarks();
  if (isNonspacingMark(c))
    return;
  if (order == 0)
    return emit(c);
  if (numMarks == maxMarks)
    flushMarks();
  // Canonical order: ascending by class, else as they came.
  uint32_t at = numMarks++;
  for (; at > 0 && marks[at - 1] >> 24 > order; --at)
    marks[at] = marks[at - 1];
  marks[at] = order << 24 | c;
}

void Normalizer::flushMarks() {
  for (uint32_t i = 0; i < numMarks; ++i)
    emit(marks[i] & 0xFFFFFF);
  numMarks = 0;
}

void Normalizer::emit(uint32_t c) {
  if (!(flags & kLowercase))
    return sink(context, c);
  // The only character whose lower case is two.
  if (c == capitalIWithDot) {
    sink(context, 'i');
    return sink(context, dotAbove);
  }
  sink(context, toLower(c));
}

} // namespace tq::rt
