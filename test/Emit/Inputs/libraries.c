/* Uses two libraries of tq, see libraries.test. */

#include <stdio.h>
#include <string.h>

#include "libadder.h"
#include "libtwo-more.h"

/* The first value that a model makes of zeros. */
static int runZeros(const tq_model *model) {
  tq_session *session;
  tq_session_options options = {sizeof(options), 2, 0, NULL};
  float zeros[4] = {0};
  tq_tensor in[1] = {{zeros, {1, 4}, 2, TQ_F32}};
  tq_tensor out[1] = {{0}};
  if (tq_session_create(model, &options, &session) ||
      tq_session_run(session, in, 1, out, 1)) {
    printf("%s\n", tq_last_message());
    return 1;
  }
  printf("%s gives %.1f\n", tq_model_name(model),
         ((const float *)out[0].data)[0]);
  tq_session_destroy(session);
  tq_model_close(model);
  return 0;
}

static int runOpened(tq_status (*open)(const tq_model **)) {
  const tq_model *model = (const tq_model *)"no model";
  if (open(&model) == TQ_OK)
    return runZeros(model);
  printf("%s%s\n", tq_last_message(), model ? " and a model" : "");
  return 1;
}

int main(int count, char **arguments) {
  int failed = 0;
  for (int i = 1; i < count; ++i) {
    const char *what = arguments[i];
    if (strcmp(what, "adder") == 0)
      failed |= runOpened(tq_model_open_adder);
    else if (strcmp(what, "two_more") == 0)
      failed |= runOpened(tq_model_open_two_more);
    else if (strcmp(what, "any") == 0)
      failed |= runOpened(tq_model_open);
    else if (strcmp(what, "none") == 0 && tq_model_open_two_more(NULL))
      printf("%s\n", tq_last_message());
  }
  return failed;
}
