//===- BuiltInLinker.cpp - lld as a part of the compiler ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/BuiltInLinker.h"

using namespace llvm;
using namespace tq;

#if TQ_BUILT_IN_LINKER

#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

/// The first argument of main that makes a linker of the compiler. Not an
/// option: nobody but the compiler uses it.
static constexpr StringLiteral kMode = "--as-linker";

std::vector<std::string> tq::getBuiltInLinker() {
  static int anchor;
  std::string executable = sys::fs::getMainExecutable("tq-compile", &anchor);
  if (executable.empty())
    return {}; // without /proc
  return {std::move(executable), kMode.str()};
}

std::optional<int> tq::runBuiltInLinker(ArrayRef<const char *> arguments) {
  if (arguments.size() < 2 || arguments[1] != kMode)
    return std::nullopt;
  // lld's messages begin with its name.
  std::vector<const char *> own = {"ld.lld"};
  own.insert(own.end(), arguments.begin() + 2, arguments.end());
  return lld::elf::link(own, outs(), errs(), /*exitEarly=*/true,
                        /*disableOutput=*/false)
             ? 0
             : 1;
}

#else

std::vector<std::string> tq::getBuiltInLinker() { return {}; }

std::optional<int> tq::runBuiltInLinker(ArrayRef<const char *>) {
  return std::nullopt;
}

#endif
