//===- JSONFile.cpp - JSON from files nobody vouches for ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/JSONFile.h"

#include "tq/Support/ForeignFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

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

std::string tq::joinPath(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return std::string(path);
}

Expected<bool> tq::isThere(StringRef path) {
  if (sys::fs::exists(path))
    return true;
  sys::fs::file_status link;
  if (sys::fs::status(path, link, /*follow=*/false))
    return false;
  return makeFileError(path, "expected a file, but got a link to one that does "
                             "not exist");
}

bool tq::isInsideDirectory(StringRef path) {
  if (path.empty() || path.contains('\0') || sys::path::is_absolute(path))
    return false;
  return llvm::none_of(
      llvm::make_range(sys::path::begin(path), sys::path::end(path)),
      [](StringRef component) { return component == ".."; });
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

/// Returns the end of the string literal that opens at `begin`, one past its
/// closing quote.
static size_t skipString(StringRef text, size_t begin) {
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return text.size();
}

/// Checks what json::parse does not: the depth, before it recurses, and keys
/// that come twice, of which it would silently keep the last. Everything else
/// that is wrong with `text` is left to the parser.
static Error checkDepthAndKeys(StringRef path, StringRef text) {
  constexpr size_t maxDepth = 64;
  SmallVector<StringSet<>, 8> keysOfOpenScopes;
  for (size_t i = 0; i < text.size();) {
    char c = text[i];
    if (c == '{' || c == '[') {
      if (keysOfOpenScopes.size() == maxDepth)
        return makeFileError(path,
                             "expected JSON nested at most " + Twine(maxDepth) +
                                 " deep, but got more at byte " + Twine(i));
      keysOfOpenScopes.emplace_back();
    } else if ((c == '}' || c == ']') && !keysOfOpenScopes.empty()) {
      keysOfOpenScopes.pop_back();
    }
    if (c != '"') {
      ++i;
      continue;
    }
    size_t end = skipString(text, i);
    StringRef literal = text.slice(i, end);
    i = end;
    if (!text.drop_front(end).ltrim(" \t\r\n").starts_with(":") ||
        keysOfOpenScopes.empty())
      continue;
    // Decoded, so that "a" and "\u0061" are the same key.
    Expected<json::Value> key = json::parse(literal);
    if (!key) {
      consumeError(key.takeError());
      return Error::success();
    }
    std::optional<StringRef> name = key->getAsString();
    if (name && !keysOfOpenScopes.back().insert(*name).second)
      return makeFileError(path, "expected each name once, but got '" +
                                     printable(*name) + "' twice");
  }
  return Error::success();
}

/// The number of an escape "\uXXXX" at `at`, if one is there.
static std::optional<uint32_t> unicodeEscape(StringRef text, size_t at) {
  uint32_t number;
  StringRef escape = text.substr(at, 6);
  if (escape.size() < 6 || !escape.consume_front("\\u") ||
      escape.getAsInteger(16, number))
    return std::nullopt;
  return number;
}

/// Writes escaped surrogate pairs as the characters they stand for: LLVM 22's
/// parser gets those of every second plane wrong ("\ud840\udc00" becomes
/// U+10000 instead of U+20000).
static std::string joinSurrogatePairs(StringRef text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    size_t plain = std::min(text.find('\\', i), text.size());
    result += text.slice(i, plain);
    i = plain;
    std::optional<uint32_t> high = unicodeEscape(text, i);
    std::optional<uint32_t> low = unicodeEscape(text, i + 6);
    if (high && low && *high >= 0xD800 && *high < 0xDC00 && *low >= 0xDC00 &&
        *low < 0xE000) {
      uint32_t c = 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00);
      for (unsigned shift : {18, 12, 6, 0})
        result += static_cast<char>((shift == 18 ? 0xF0 : 0x80) |
                                    (c >> shift & 0x3F));
      i += 12;
    } else {
      result += text.substr(i, 2);
      i += 2;
    }
  }
  return result;
}

Expected<json::Value> tq::parseJSON(StringRef path, StringRef text) {
  if (text.size() > maxJSONBytes)
    return makeFileError(path, "expected at most " + Twine(maxJSONBytes) +
                                   " bytes of JSON, but got " +
                                   Twine(text.size()));
  std::string joined;
  if (text.contains_insensitive("\\ud"))
    text = joined = joinSurrogatePairs(text);
  if (Error error = checkDepthAndKeys(path, text))
    return error;
  Expected<json::Value> value = json::parse(text);
  if (value)
    return value;
  std::string reason = printable(toString(value.takeError()));
  StringRef foreign = describeForeignContent(text);
  return makeFileError(
      path, "expected valid JSON, but got " +
                (foreign.empty() ? "an error at " + reason : foreign.str()));
}

static Expected<json::Object> toObject(StringRef path,
                                       Expected<json::Value> value) {
  if (!value)
    return value.takeError();
  if (json::Object *object = value->getAsObject())
    return std::move(*object);
  return makeFileError(path, "expected a JSON object");
}

Expected<json::Object> tq::parseJSONObject(StringRef path, StringRef text) {
  return toObject(path, parseJSON(path, text));
}

Expected<uint64_t> tq::checkRegularFile(StringRef path, uint64_t maxBytes) {
  Expected<bool> exists = isThere(path);
  if (!exists)
    return exists.takeError();
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return makeFileError(path, "expected a readable file, but got: " +
                                   error.message());
  return checkRegularFile(path, status, maxBytes);
}

Expected<uint64_t> tq::checkRegularFile(StringRef path,
                                        const sys::fs::file_status &status,
                                        uint64_t maxBytes) {
  if (status.type() != sys::fs::file_type::regular_file)
    return makeFileError(path,
                         "expected a regular file, but got something else");
  if (status.getSize() > maxBytes)
    return makeFileError(path, "expected at most " + Twine(maxBytes) +
                                   " bytes, but got " +
                                   Twine(status.getSize()));
  return status.getSize();
}

Expected<std::unique_ptr<MemoryBuffer>> tq::readRegularFile(StringRef path) {
  Expected<uint64_t> size = checkRegularFile(path, maxJSONBytes);
  if (!size)
    return size.takeError();
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeFileError(path, "expected a readable file, but got: " +
                                   buffer.getError().message());
  return std::move(*buffer);
}

Expected<json::Value> tq::readJSON(StringRef path) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer = readRegularFile(path);
  if (!buffer)
    return buffer.takeError();
  return parseJSON(path, (*buffer)->getBuffer());
}

Expected<json::Object> tq::readJSONObject(StringRef path) {
  return toObject(path, readJSON(path));
}
