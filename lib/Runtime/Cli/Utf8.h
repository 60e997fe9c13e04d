//===- Utf8.h - Bounds of UTF-8 characters ----------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_CLI_UTF8_H
#define TQ_LIB_RUNTIME_CLI_UTF8_H

#include <stdint.h>

namespace tq::rt {

/// Bytes of the character at `text`, 0 if these bytes are no valid character.
inline int utf8Length(const char *text, int64_t bytes) {
  auto *c = reinterpret_cast<const unsigned char *>(text);
  if (bytes < 1)
    return 0;
  if (c[0] < 0x80)
    return 1;
  int length = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
  if (c[0] < 0xc2 || c[0] > 0xf4 || bytes < length)
    return 0;
  for (int i = 1; i < length; ++i)
    if ((c[i] & 0xc0) != 0x80)
      return 0;
  // Overlong forms, surrogates, and what lies past U+10FFFF.
  bool bad = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
             (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f);
  return bad ? 0 : length;
}

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_CLI_UTF8_H
