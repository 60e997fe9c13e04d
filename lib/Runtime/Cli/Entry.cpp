//===- Entry.cpp - main of a program --------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"

int main(int argc, char **argv) {
  return tq::rt::runMain(tq_program_main, argc, argv);
}
