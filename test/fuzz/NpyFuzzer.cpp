//===- NpyFuzzer.cpp - Arrays for a program -------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Npy.h"
#include "Fuzz.h"

#include "llvm/ADT/ScopeExit.h"

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  std::string path = directory.write("input.npy", toText(data, size));
  rt::Bytes storage;
  llvm::scope_exit freeStorage([&] { storage.free(); });
  tq_tensor tensor = {};
  if (rt::readNpy(path.c_str(), &storage, &tensor) != TQ_OK) {
    fuzz::requireOneLine(tq_last_message());
    return 0;
  }
  std::string again = directory.path("again.npy");
  rt::OutputFile file;
  fuzz::require(file.open(again.c_str()) == TQ_OK &&
                    rt::writeNpy(file, tensor) == TQ_OK &&
                    file.close() == TQ_OK && file.commit() == TQ_OK,
                "an array that can be written");
  rt::Bytes copyStorage;
  llvm::scope_exit freeCopy([&] { copyStorage.free(); });
  tq_tensor copy = {};
  fuzz::require(rt::readNpy(again.c_str(), &copyStorage, &copy) == TQ_OK,
                "what is written can be read");
  fuzz::require(copy.dtype == tensor.dtype && copy.rank == tensor.rank,
                "the same kind of array");
  return 0;
}
