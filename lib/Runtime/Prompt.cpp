//===- Prompt.cpp - What is put before each text --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prompt.h"
#include <string.h>

namespace tq::rt {

const char *defaultPrompt(const tq_program &program) {
  return program.default_prompt
             ? program.prompts[program.default_prompt - 1].text
             : "";
}

bool reservePrompted(tq_session &session, size_t bytes) {
  size_t prompt = strlen(session.prompt);
  int64_t all;
  return !prompt || (!__builtin_add_overflow(prompt, bytes, &all) &&
                     bufferReserve(session.promptedText, all));
}

const char *addPrompt(tq_session &session, const char *text, size_t *bytes) {
  size_t prompt = strlen(session.prompt);
  if (!prompt)
    return text;
  auto *to = reinterpret_cast<char *>(session.promptedText.data);
  memcpy(to, session.prompt, prompt);
  memcpy(to + prompt, text, *bytes);
  *bytes += prompt;
  return to;
}

} // namespace tq::rt

//===----------------------------------------------------------------------===//
// The C interface
//===----------------------------------------------------------------------===//

using namespace tq::rt;

int32_t tq_model_num_prompts(const tq_model *model) {
  return model->program->num_prompts;
}

const char *tq_model_prompt(const tq_model *model, int32_t index) {
  const tq_program &program = *model->program;
  bool valid = index >= 0 && index < program.num_prompts;
  return valid ? program.prompts[index].name : nullptr;
}

tq_status tq_session_set_prompt(tq_session *session, const char *name) {
  SessionHold hold(session);
  if (hold.status())
    return hold.status();
  const tq_program &program = *session->model->program;
  if (!name || !*name) {
    session->prompt = name ? "" : defaultPrompt(program);
    return TQ_OK;
  }
  for (int32_t i = 0; i < program.num_prompts; ++i) {
    if (strcmp(program.prompts[i].name, name))
      continue;
    session->prompt = program.prompts[i].text;
    return TQ_OK;
  }
  if (!program.num_prompts)
    return fail(TQ_ERROR_USAGE,
                "expected no prompt, as this model has none, "
                "found '%s'",
                name);
  return fail(TQ_ERROR_USAGE,
              "expected the name of one of %d prompts, as '%s', found '%s'; "
              "--describe lists them",
              program.num_prompts, program.prompts[0].name, name);
}
