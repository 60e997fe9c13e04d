//===- InputError.cpp - What is wrong with a file -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/InputError.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace tq;

char InputError::ID = 0;

void InputError::log(raw_ostream &os) const { os << path << ": " << message; }

std::error_code InputError::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

Error tq::makeFileError(StringRef path, const Twine &message) {
  return make_error<InputError>(path, message);
}

std::string tq::printable(StringRef text) {
  constexpr size_t longest = 120;
  std::string result;
  for (unsigned char c : text.take_front(longest)) {
    if (c >= 0x20 && c != 0x7f) {
      result += static_cast<char>(c);
      continue;
    }
    result += "\\x";
    result += hexdigit(c >> 4, /*LowerCase=*/true);
    result += hexdigit(c & 15, /*LowerCase=*/true);
  }
  if (text.size() > longest)
    result += "...";
  return json::isUTF8(result) ? result : json::fixUTF8(result);
}
