//===- ObjectReader.cpp - Checked reads of a JSON object ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/ObjectReader.h"

#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace tq;

const json::Value *ObjectReader::value(StringRef key) const {
  const json::Value *found = source.get(key);
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
  if (message.empty())
    message = describeMismatch(where + key.str(), what, source.get(key));
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

std::string ObjectReader::string(StringRef key,
                                 std::optional<StringRef> byDefault) {
  const json::Value *found = value(key);
  if (!found && byDefault)
    return byDefault->str();
  std::optional<StringRef> result = found ? found->getAsString() : std::nullopt;
  if (result)
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

const json::Object *ObjectReader::object(StringRef key) {
  const json::Value *found = value(key);
  const json::Object *result = found ? found->getAsObject() : nullptr;
  if (found && !result)
    expected(key, "an object");
  return result;
}

const json::Array *ObjectReader::array(StringRef key) {
  const json::Value *found = value(key);
  const json::Array *result = found ? found->getAsArray() : nullptr;
  if (found && !result)
    expected(key, "an array");
  return result;
}

std::vector<int64_t> ObjectReader::integers(StringRef key, int64_t min,
                                            int64_t max) {
  std::vector<int64_t> result;
  const json::Array *entries = source.getArray(key);
  for (size_t i = 0; entries && i < entries->size(); ++i) {
    std::optional<int64_t> entry = (*entries)[i].getAsInteger();
    if (entry && *entry >= min && *entry <= max)
      result.push_back(*entry);
  }
  if (!entries || result.size() < entries->size())
    expected(key, "an array of integers in [" + Twine(min) + ", " + Twine(max) +
                      "]");
  return result;
}
