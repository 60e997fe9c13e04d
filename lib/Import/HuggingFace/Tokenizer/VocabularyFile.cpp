//===- VocabularyFile.cpp - Read vocab.txt --------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordPieceModel.h"

#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"

using namespace llvm;
using namespace tq;

Expected<Vocabulary> tq::readVocabulary(StringRef path) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer =
      readRegularFile(path, maxJSONBytes);
  if (!buffer)
    return buffer.takeError();
  Vocabulary vocabulary;
  StringRef rest = (*buffer)->getBuffer();
  for (int64_t id = 0; !rest.empty(); ++id) {
    auto [line, next] = rest.split('\n');
    rest = next;
    if (id > maxTokenId)
      return makeFileError(path, "expected at most " + Twine(maxTokenId + 1) +
                                     " tokens");
    if (!json::isUTF8(line))
      return makeFileError(path, "expected UTF-8, but line " + Twine(id + 1) +
                                     " is '" + printable(line) + "'");
    vocabulary[line.rtrim(" \t\r\v\f").str()] = static_cast<int32_t>(id);
  }
  return vocabulary;
}
