//===- NestingCheck.cpp - Bound the nesting of IR -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestingCheck.h"

using namespace llvm;
using namespace tq;

/// The position after a string that begins at `at`.
static size_t skipString(StringRef text, size_t at) {
  for (++at; at < text.size() && text[at] != '"' && text[at] != '\n'; ++at)
    if (text[at] == '\\')
      ++at;
  return at + 1;
}

unsigned tq::findDeepNesting(StringRef text) {
  // Closing brackets count for their own kind only, so that the `>` of an arrow
  // or a comparison does not hide others.
  unsigned round = 0, square = 0, curly = 0, angle = 0, line = 1;
  auto close = [](unsigned &depth) { depth -= depth > 0; };
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c == '"') {
      at = skipString(text, at);
      continue;
    }
    if (c == '/' && text.substr(at).starts_with("//")) {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    bool isOperator = at > 0 && text[at - 1] == '-';
    isOperator |= at + 1 < text.size() && text[at + 1] == '=';
    line += c == '\n';
    round += c == '(';
    square += c == '[';
    curly += c == '{';
    angle += c == '<';
    if (c == ')')
      close(round);
    else if (c == ']')
      close(square);
    else if (c == '}')
      close(curly);
    else if (c == '>' && !isOperator)
      close(angle);
    if (round + square + curly + angle > kMaxNesting)
      return line;
    ++at;
  }
  return 0;
}
