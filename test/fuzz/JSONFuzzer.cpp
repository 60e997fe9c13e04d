//===- JSONFuzzer.cpp - JSON from a model's files -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"

#include "tq/Support/JSONFile.h"

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::Expected<llvm::json::Value> value =
      parseJSON("fuzz.json", toText(data, size));
  if (!value) {
    fuzz::requireOneLine(value.takeError());
    return 0;
  }
  std::string printed;
  llvm::raw_string_ostream(printed) << *value;
  // A number beyond the range of double is infinity, which has no spelling.
  if (llvm::StringRef(printed).contains("inf"))
    return 0;
  llvm::Expected<llvm::json::Value> again = parseJSON("again.json", printed);
  fuzz::require(static_cast<bool>(again), "what is printed parses");
  fuzz::require(*again == *value, "the same value from what is printed");
  return 0;
}
