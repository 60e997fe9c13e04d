//===- Prompt.h - What is put before each text ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_PROMPT_H
#define TQ_LIB_RUNTIME_PROMPT_H

#include "Session.h"

namespace tq::rt {

/// The text of the model's default prompt; "" if it has none.
const char *defaultPrompt(const tq_program &program);

/// Makes room for the session's prompt with a text of at most `bytes` behind
/// it.
bool reservePrompted(tq_session &session, size_t bytes);

/// Returns `text` behind the session's prompt, if it has one, in the memory
/// that was reserved, and adds the prompt's length to `bytes`.
const char *addPrompt(tq_session &session, const char *text, size_t *bytes);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_PROMPT_H
