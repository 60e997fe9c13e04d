//===- tq-compile.cpp - From a model to a program -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/BuiltInLinker.h"
#include "tq/Pipelines/Driver.h"

int main(int argc, char **argv) {
  if (std::optional<int> code = tq::runBuiltInLinker({argv, size_t(argc)}))
    return *code;
  return static_cast<int>(tq::runCompiler(argc, argv));
}
