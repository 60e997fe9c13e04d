//===- State.h - What a session keeps from run to run -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// States are memory and numbers that entries of a program read and write, such
// as the keys and values of the tokens so far. Generated code gets their
// memory behind the inputs of an entry, and their sizes and values behind the
// inputs' dimensions; it gives new values behind the outputs' dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_STATE_H
#define TQ_LIB_RUNTIME_STATE_H

#include "Support.h"
#include "tq/Runtime/Program.h"

struct tq_session;

namespace tq::rt {

struct State {
  uint8_t *memory; ///< of a tensor
  int64_t bytes;
  int64_t value; ///< of a number
};

/// Makes the states of a session, zeros, of the sizes that `options` gives.
tq_status makeStates(tq_session &session, const tq_session_options &options);
void freeStates(tq_session &session);
void resetStates(tq_session &session);

/// The number of dimensions and values of all states.
int64_t countStateWords(const tq_program &program);

/// Puts the states behind the inputs that are bound to the session.
void bindStates(tq_session &session);

/// Appends the values of numbers, as "'length' is 4", for messages.
void describeNumbers(const tq_session &session, Bytes &to);

/// Takes the new values of numbers after a run.
void commitStates(tq_session &session);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_STATE_H
