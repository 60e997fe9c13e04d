//===- ObjectReader.cpp - Checked reads of a JSON object ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/ObjectReader.h"

#include "tq/Support/InputError.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace tq;

const json::Value *ObjectReader::value(StringRef key) const {
  const json::Value *found = object.get(key);
  return found && found->kind() != json::Value::Null ? found : nullptr;
}

Error ObjectReader::takeError() {
  return message.empty() ? Error::success() : makeFileError(path, message);
}

void ObjectReader::fail(const Twine &text) {
  if (message.empty())
    message = text.str();
}

void ObjectReader::expected(StringRef key, const Twine &what) {
  const json::Value *found = object.get(key);
  std::string text = found ? printable(formatv("{0}", *found).str())
                           : std::string("no such key");
  fail("key '" + key + "': expected " + what + ", but got " + text);
}

int64_t ObjectReader::integer(StringRef key, int64_t min, int64_t max,
                              std::optional<int64_t> byDefault) {
  const json::Value *found = value(key);
  if (!found && byDefault)
    return *byDefault;
  std::optional<int64_t> result = found ? found->getAsInteger() : std::nullopt;
  if (result && *result >= min && *result <= max)
    return *result;
  expected(key, "an integer in [" + Twine(min) + ", " + Twine(max) + "]");
  return min;
}

double ObjectReader::number(StringRef key, double min, double max,
                            double byDefault) {
  const json::Value *found = value(key);
  if (!found)
    return byDefault;
  std::optional<double> result = found->getAsNumber();
  if (result && *result >= min && *result <= max)
    return *result;
  expected(key, formatv("a number in [{0}, {1}]", min, max).str());
  return byDefault;
}

std::string ObjectReader::string(StringRef key, StringRef byDefault) {
  const json::Value *found = value(key);
  if (!found)
    return byDefault.str();
  if (std::optional<StringRef> result = found->getAsString())
    return result->str();
  expected(key, "a string");
  return "";
}

bool ObjectReader::boolean(StringRef key, bool byDefault) {
  const json::Value *found = value(key);
  if (!found)
    return byDefault;
  if (std::optional<bool> result = found->getAsBoolean())
    return *result;
  expected(key, "true or false");
  return false;
}
