//===- LinkedProgram.cpp - The hand-written program as an executable ------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"
#include <string.h>

// Emitted programs have constant tables; here they are copied before main.
extern "C" {
alignas(64) unsigned char tq_program_storage[sizeof(tq_program)];
extern const tq_program tq_program_main
    __attribute__((alias("tq_program_storage")));
}

__attribute__((constructor)) static void fillProgram() {
  tq_program program = tq::test::makeProgram();
  memcpy(tq_program_storage, &program, sizeof(program));
}
