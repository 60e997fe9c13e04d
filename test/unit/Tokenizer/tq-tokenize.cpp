//===- tq-tokenize.cpp - Ids of texts, for tests --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// tq-tokenize MODEL-DIRECTORY [MAX-TOKENS] [framed] [lowercase]: reads one text
// a line from stdin and prints its ids, one text a line; " ..." ends a
// truncated one. Framed texts may hold any byte: each is its length in decimal,
// a newline, its bytes. With "lowercase" they are lower-cased before all else.
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/TokenizerTables.h"
#include "tq/Runtime/Tokenizer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace {

int fail(const Twine &message) {
  errs() << "tq-tokenize: " << message << "\n";
  return 2;
}

/// Takes the next text off `input`; false if a frame is broken.
bool takeText(StringRef &input, bool framed, StringRef &text) {
  std::tie(text, input) = input.split('\n');
  if (!framed)
    return true;
  size_t bytes;
  if (text.getAsInteger(10, bytes) || bytes > input.size())
    return false;
  text = input.take_front(bytes);
  input = input.drop_front(bytes);
  return true;
}

void printIds(const tq::rt::Tokenizer &tokenizer, StringRef text,
              int64_t maxTokens, std::vector<int32_t> &ids) {
  tq::rt::TokenizeResult result;
  while (!tokenize(tokenizer, text.data(), text.size(), maxTokens, ids.data(),
                   ids.size(), &result))
    ids.resize(result.count);
  ListSeparator space(" ");
  for (int32_t id : ArrayRef(ids).take_front(result.count))
    outs() << space << id;
  outs() << (result.truncated ? " ...\n" : "\n");
}

} // namespace

int main(int argc, char **argv) {
  int64_t maxTokens = 0;
  bool framed = false, lowercases = false;
  for (StringRef word : ArrayRef(argv, argc).drop_front(std::min(argc, 2))) {
    framed |= word == "framed";
    lowercases |= word == "lowercase";
    if (word != "framed" && word != "lowercase" &&
        (word.getAsInteger(10, maxTokens) || maxTokens < 0))
      return fail("expected a number, framed or lowercase, but got " + word);
  }
  if (argc < 2)
    return fail("expected MODEL-DIRECTORY [MAX-TOKENS] [framed] [lowercase]");
  tq::MetadataWarnings warnings;
  Expected<tq::TokenizerTables> tables =
      tq::readTokenizerTables(argv[1], lowercases, warnings);
  for (const tq::MetadataWarning &warning : warnings)
    errs() << "tq-tokenize: warning: " << warning.message << "\n";
  if (!tables)
    return fail(toString(tables.takeError()));
  if (!tables->note.empty())
    return fail(tables->note);
  tq::rt::Tokenizer tokenizer;
  if (!tokenizerOpen(tables->blob.data(), tables->blob.size(), &tokenizer))
    return fail("expected tables that open");
  ErrorOr<std::unique_ptr<MemoryBuffer>> input = MemoryBuffer::getSTDIN();
  if (!input)
    return fail("expected to read stdin: " + input.getError().message());
  std::vector<int32_t> ids;
  StringRef text, rest = (*input)->getBuffer();
  while (!rest.empty()) {
    if (!takeText(rest, framed, text))
      return fail("expected a length and as many bytes");
    printIds(tokenizer, text, maxTokens, ids);
  }
  return 0;
}
