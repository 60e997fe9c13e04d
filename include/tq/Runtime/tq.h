/*===- tq.h - C interface of a compiled model ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.*|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A shared library made by `tq-compile --emit=so` exports these functions.   *|
|*                                                                            *|
|*   const tq_model *model;                                                   *|
|*   tq_session *session;                                                     *|
|*   if (tq_model_open(&model) || tq_session_create(model, NULL, &session))   *|
|*     fprintf(stderr, "%s\n", tq_last_message());                            *|
|*   tq_tensor in[3] = {{ids, {1, 7}, 2, TQ_I64}};    // the others: filled   *|
|*   tq_tensor out[1] = {{0}};                        // session's own memory *|
|*   if (tq_session_run(session, in, 3, out, 1)) ...                          *|
|*                                                                            *|
|* A model is immutable and may be used by any number of threads. A session   *|
|* has an arena and a thread pool of its own and serves one call at a time;   *|
|* any number of sessions work in parallel. A session that has seen its       *|
|* largest shape allocates nothing more.                                      *|
|*                                                                            *|
|* A child of fork() has none of the threads of its parent's sessions: there  *|
|* they run with the calling thread alone, and destroying them frees their    *|
|* memory. One that another thread was using meanwhile can only be destroyed. *|
|* A child may make sessions of its own, and none that shares its parent's    *|
|* memory (vfork) may call anything here.                                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef TQ_RUNTIME_TQ_H
#define TQ_RUNTIME_TQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TQ_API __attribute__((visibility("default")))
#else
#define TQ_API
#endif

/** Of this header; tq_api_version is that of the library. A library of a newer
    version of tq works with callers of version 2 and above. */
#define TQ_API_VERSION 2

/** What every call returns. The values are also the exit codes of a program. */
typedef enum tq_status {
  TQ_OK = 0,
  TQ_ERROR_USAGE = 1,    /**< wrong arguments of the call itself */
  TQ_ERROR_INPUT = 2,    /**< bad tensor: rank, shape, dtype, value */
  TQ_ERROR_DIFFERS = 3,  /**< a self-test found another result */
  TQ_ERROR_RESOURCE = 4, /**< cannot run here: CPU, memory, threads */
} tq_status;

typedef enum tq_dtype {
  TQ_F32 = 0,
  TQ_I64 = 1,
  TQ_I32 = 2,
  TQ_U8 = 3,
  TQ_I8 = 4,
  TQ_BOOL = 5, /**< one byte an element, 0 or 1 */
} tq_dtype;

/** Dense data in C order. */
typedef struct tq_tensor {
  void *data;
  int64_t dims[8];
  int32_t rank;
  int32_t dtype; /**< enum tq_dtype */
} tq_tensor;

/** What an input, an output or a state looks like. `size` is that of the
   struct, set by the caller: what a later version adds is not written then. */
typedef struct tq_tensor_info {
  size_t size;
  const char *name;
  int32_t dtype; /**< enum tq_dtype */
  int32_t rank;
  int64_t dims[8];        /**< -1: dynamic, see `symbols` */
  const char *symbols[8]; /**< name of a dynamic dimension, else NULL */
  int64_t max[8];         /**< largest value of a dynamic dimension, 0: none */
  int64_t limit;          /**< integer values are in [0, limit); 0: unchecked */
  int32_t optional;       /**< 1: may be left out of a run */
} tq_tensor_info;

/** What an entry of a model looks like; `size` as above. */
typedef struct tq_entry_info {
  size_t size;
  const char *name;
  int32_t num_inputs;
  int32_t num_outputs;
} tq_entry_info;

/** The size of a dynamic dimension: {"capacity", 512}. */
typedef struct tq_symbol_size {
  const char *symbol;
  int64_t value;
} tq_symbol_size;

/** How a session is made; what is 0 is chosen. `size` as above. */
typedef struct tq_session_options {
  size_t size;
  /** Threads, of which the calling one is one; 0: as many as this process may
      use cores. */
  int32_t threads;
  /** Sizes of the dynamic dimensions of the model's states; those that are not
      given are as large as the model allows. */
  int32_t num_sizes;
  const tq_symbol_size *sizes;
} tq_session_options;

typedef struct tq_model tq_model;
typedef struct tq_session tq_session;

/** TQ_API_VERSION of the library. */
TQ_API int32_t tq_api_version(void);

/** Why the last failing call of this thread failed: one line, never NULL. */
TQ_API const char *tq_last_message(void);

/** Opens the model of this library. Fails if the CPU lacks a feature it uses,
    and if the program has several libraries of tq: each has a function of its
    own for that, tq_model_open_NAME, declared in the header next to it. */
TQ_API tq_status tq_model_open(const tq_model **model);
/** Frees a model; its sessions must be destroyed before. NULL does nothing. */
TQ_API void tq_model_close(const tq_model *model);

TQ_API const char *tq_model_name(const tq_model *model);

/** Entries are functions of a model that share its weights and the states of a
    session. Functions that take none mean the first. */
TQ_API int32_t tq_model_num_entries(const tq_model *model);
TQ_API tq_status tq_model_entry(const tq_model *model, int32_t entry,
                                tq_entry_info *info);
/** The entry of this name, -1 if there is none. */
TQ_API int32_t tq_model_find_entry(const tq_model *model, const char *name);
TQ_API tq_status tq_entry_input(const tq_model *model, int32_t entry,
                                int32_t index, tq_tensor_info *info);
TQ_API tq_status tq_entry_output(const tq_model *model, int32_t entry,
                                 int32_t index, tq_tensor_info *info);

/** What a session keeps from run to run. */
TQ_API int32_t tq_model_num_states(const tq_model *model);
TQ_API tq_status tq_model_state(const tq_model *model, int32_t index,
                                tq_tensor_info *info);

TQ_API int32_t tq_model_num_inputs(const tq_model *model);
TQ_API int32_t tq_model_num_outputs(const tq_model *model);
TQ_API tq_status tq_model_input(const tq_model *model, int32_t index,
                                tq_tensor_info *info);
TQ_API tq_status tq_model_output(const tq_model *model, int32_t index,
                                 tq_tensor_info *info);
/** Class names of a classifier; NULL if `index` is not a class. */
TQ_API int32_t tq_model_num_labels(const tq_model *model);
TQ_API const char *tq_model_label(const tq_model *model, int32_t index);

/** 1 if the model can read text itself. */
TQ_API int32_t tq_model_has_tokenizer(const tq_model *model);
/** Writes the token ids of a UTF-8 text, special tokens included. At most
    `capacity` ids are written and at most as many as the model takes;
   `truncated` (may be NULL) says whether text was left out. */
TQ_API tq_status tq_model_tokenize(const tq_model *model, const char *text,
                                   size_t bytes, int32_t *ids, int64_t capacity,
                                   int64_t *count, int32_t *truncated);

/** Names of prompts, texts that may be put before each text ("query: "); NULL
    if `index` is none. */
TQ_API int32_t tq_model_num_prompts(const tq_model *model);
TQ_API const char *tq_model_prompt(const tq_model *model, int32_t index);

/** Makes a session; `options` may be NULL. Its states are zeros. */
TQ_API tq_status tq_session_create(const tq_model *model,
                                   const tq_session_options *options,
                                   tq_session **session);
/** Makes all states zeros again. */
TQ_API tq_status tq_session_reset(tq_session *session);
/** Frees a session. NULL does nothing. */
TQ_API void tq_session_destroy(tq_session *session);
TQ_API int32_t tq_session_threads(const tq_session *session);
/** Bytes of the arena that the largest run so far took. */
TQ_API int64_t tq_session_arena_bytes(const tq_session *session);

/** Runs the model once. Inputs and outputs stand in the model's order. An input
    with `data` NULL, or past `num_inputs`, is left out. Integer inputs may have
   any integer dtype. An output with `data` NULL gets memory of the session,
   valid until its next call; otherwise `data` is filled, and dims, rank and
   dtype must be what the model gives, in memory apart from the inputs'. Outputs
   past `num_outputs` are dropped. Where an output has a row per token, tokens
   behind the last 1 of a row of the mask get zeros. */
TQ_API tq_status tq_session_run(tq_session *session, const tq_tensor *inputs,
                                int32_t num_inputs, tq_tensor *outputs,
                                int32_t num_outputs);

/** The same for an entry of the model. A run that fails leaves the states as
   they were. */
TQ_API tq_status tq_session_run_entry(tq_session *session, int32_t entry,
                                      const tq_tensor *inputs,
                                      int32_t num_inputs, tq_tensor *outputs,
                                      int32_t num_outputs);

/** Chooses what tq_session_run_text puts before each text from now on: the
    prompt of that name, "": nothing, NULL: the model's default, which holds
   from the start. tq_model_tokenize puts nothing before a text. */
TQ_API tq_status tq_session_set_prompt(tq_session *session, const char *name);

/** Tokenizes and runs `count` texts in padded batches of at most `batch` (0:
   chosen by length) and gives all rows in the order of the texts, in memory of
   the session that is valid until its next call. Where an output has a row per
   token, texts shorter than the longest end in zeros. `bytes` may be NULL:
   texts end in 0. `num_truncated` (may be NULL) counts texts that were cut to
   the model's length. */
TQ_API tq_status tq_session_run_text(tq_session *session,
                                     const char *const *texts,
                                     const size_t *bytes, int64_t count,
                                     int64_t batch, tq_tensor *outputs,
                                     int32_t num_outputs,
                                     int64_t *num_truncated);

#ifdef __cplusplus
}
#endif

#endif /* TQ_RUNTIME_TQ_H */
