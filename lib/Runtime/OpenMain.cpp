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
// Every shared library has the C interface. If a process holds two, the linker
// takes each function from the first of them. They all serve the models of any
// library, only tq_model_open would silently give the first one's model; so
// each library has a function of its own name for that, too.
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include <dlfcn.h>
#include <stdio.h>

using namespace tq::rt;

/// Whether a library that is searched after this one has the function, too: a
/// caller that names it may mean either.
static bool isAmbiguous(const char *function) {
  return dlsym(RTLD_NEXT, function) != nullptr;
}

tq_status tq_model_open(const tq_model **model) {
  if (!isAmbiguous("tq_model_open"))
    return openProgram(tq_program_main, model);
  if (model)
    *model = nullptr;
  return fail(TQ_ERROR_USAGE,
              "tq_model_open: expected one library of tq in this process, "
              "found several; tq_model_open_%s opens the model of '%s'",
              *tq_program_main.library ? tq_program_main.library : "NAME",
              tq_program_main.name);
}

int32_t tq_open_library(const tq_model **model) {
  char function[512];
  int length = snprintf(function, sizeof(function), "tq_model_open_%s",
                        tq_program_main.library);
  if (length < int(sizeof(function)) && !isAmbiguous(function))
    return openProgram(tq_program_main, model);
  if (model)
    *model = nullptr;
  return fail(TQ_ERROR_USAGE,
              "tq_model_open_%s: expected one library of this name, found "
              "several; compile one of them to a file of another name",
              tq_program_main.library);
}
