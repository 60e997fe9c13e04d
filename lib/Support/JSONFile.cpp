//===- JSONFile.cpp - JSON from files nobody vouches for ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/JSONFile.h"

#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace tq;

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

Expected<json::Value> tq::readJSON(StringRef path) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer =
      readRegularFile(path, maxJSONBytes);
  if (!buffer)
    return buffer.takeError();
  return parseJSON(path, (*buffer)->getBuffer());
}

Expected<json::Object> tq::readJSONObject(StringRef path) {
  return toObject(path, readJSON(path));
}

Expected<std::optional<json::Object>>
tq::readOptionalJSONObject(StringRef path) {
  Expected<bool> exists = isThere(path);
  if (!exists)
    return exists.takeError();
  if (!*exists)
    return std::nullopt;
  Expected<json::Object> object = readJSONObject(path);
  if (!object)
    return object.takeError();
  return std::move(*object);
}

std::string tq::printableJSON(const json::Value &value) {
  return printable(formatv("{0}", value).str());
}

std::string tq::describeMismatch(StringRef key, const Twine &what,
                                 const json::Value *found) {
  return ("key '" + printable(key) + "': expected " + what + ", but got " +
          (found ? printableJSON(*found) : "no such key"))
      .str();
}
