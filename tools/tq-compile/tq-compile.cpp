//===- tq-compile.cpp - From a model to a program -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Pipelines/Driver.h"

int main(int argc, char **argv) {
  return static_cast<int>(tq::runCompiler(argc, argv));
}
