//===- ConfigText.cpp - The text of a file of rules -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConfigText.h"

#include "tq/Dialect/TQ/Transforms/QuantizationPolicy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;
using namespace tq;

ConfigText::ConfigText(MemoryBufferRef buffer)
    : path(buffer.getBufferIdentifier()) {
  StringRef bytes = buffer.getBuffer();
  bytes.consume_front("\xEF\xBB\xBF");
  text = bytes.take_front(kMaxQuantizeConfigBytes + 1);
  for (auto [i, c] : enumerate(text))
    if (c == '\n')
      newlines.push_back(i);
}

size_t ConfigText::getLine(size_t at) const {
  return 1 + (lower_bound(newlines, at) - newlines.begin());
}

bool ConfigText::fail(size_t at, const Twine &message) {
  if (failed())
    return false;
  at = std::min(at, text.size());
  size_t line = 1 + StringRef(text).take_front(at).rfind('\n'); // 0 for npos
  size_t column = 1;
  for (char c : StringRef(text).slice(line, at))
    column += (c & 0xC0) != 0x80; // characters, not bytes
  where = (path + ":" + Twine(getLine(at)) + ":" + Twine(column)).str();
  error = message.str();
  return false;
}

/// The first byte that is not part of valid UTF-8; the end if there is none.
static size_t findInvalidUTF8(StringRef text) {
  const auto *begin = reinterpret_cast<const UTF8 *>(text.begin());
  const auto *end = reinterpret_cast<const UTF8 *>(text.end());
  const UTF8 *at = begin;
  isLegalUTF8String(&at, end);
  return at - begin;
}

bool ConfigText::check() {
  if (text.size() > kMaxQuantizeConfigBytes)
    return fail(0, "expected at most " + Twine(kMaxQuantizeConfigBytes) +
                       " bytes, but got more");
  size_t invalid = findInvalidUTF8(text);
  bool inComment = false;
  for (size_t i = 0; i < invalid; ++i) {
    unsigned char c = text[i];
    if (c == '\n')
      inComment = false;
    else if (c == '#' && (i == 0 || isSpace(text[i - 1])))
      inComment = true;
    else if (c == '\t' && !inComment)
      return fail(i, "expected spaces, but got a tab");
    else if (c == 0x7F ||
             (c < ' ' && c != '\t' && (c != '\r' || text[i + 1] != '\n')))
      return fail(i, "expected text, but got the byte 0x" +
                         toHex(StringRef(&text[i], 1), /*LowerCase=*/true));
  }
  if (invalid < text.size())
    return fail(invalid,
                "expected UTF-8, but got the byte 0x" +
                    toHex(StringRef(&text[invalid], 1), /*LowerCase=*/true));
  return true;
}
