/*===- CInterface.c - tq.h used from C
---------------------------------------===*\
|*                                                                            *|
|* Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.*|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "tq/Runtime/tq.h"
#include <stdio.h>

/* Runs the tokens 7, 8, 9 and gives the first value of the first output. */
int runThroughC(const tq_model *model, float *first) {
  tq_session *session;
  tq_session_options options = {sizeof(options), 1, 0, NULL};
  int64_t ids[3] = {7, 8, 9};
  tq_tensor in[1] = {{ids, {1, 3}, 2, TQ_I64}};
  tq_tensor out[1] = {{0}};
  tq_status status = tq_session_create(model, &options, &session);
  if (status == TQ_OK)
    status = tq_session_run(session, in, 1, out, 1);
  if (status == TQ_OK)
    *first = ((const float *)out[0].data)[0];
  else
    fprintf(stderr, "%s\n", tq_last_message());
  tq_session_destroy(session);
  return status;
}
