//===- ZipFuzzer.cpp - A zip archive --------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"

#include "tq/Support/ZipArchive.h"

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  std::string path = directory.write("input.zip", toText(data, size));
  llvm::Expected<ZipArchive> archive = ZipArchive::open(path);
  if (!archive) {
    fuzz::requireOneLine(archive.takeError());
    return 0;
  }
  uint64_t stored = 0;
  for (const ZipArchive::Member &member : archive->getMembers()) {
    fuzz::require(archive->find(member.name) == &member, "a name of its own");
    stored += member.storedBytes;
    llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = archive->read(member);
    if (!bytes) {
      fuzz::requireOneLine(bytes.takeError());
      continue;
    }
    fuzz::require(bytes->size() == member.bytes, "the bytes that it has");
    volatile uint8_t sink = 0;
    for (uint8_t byte : *bytes)
      sink = byte;
    (void)sink;
  }
  fuzz::require(stored <= size, "members that do not overlap");
  return 0;
}
