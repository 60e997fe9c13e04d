//===- OpenMain.cpp - The program that is linked in -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Apart from the rest, which can be used without a program named
// tq_program_main.
//
//===----------------------------------------------------------------------===//

#include "Session.h"

tq_status tq_model_open(const tq_model **model) {
  return tq::rt::openProgram(tq_program_main, model);
}
