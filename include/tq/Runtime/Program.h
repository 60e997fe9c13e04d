//===- Program.h - What programs and the runtime agree on -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `Emit` writes into an object file and the runtime reads: constant tables
// that describe the program, the functions of the generated code, and the
// functions of the runtime that generated code calls. Plain C data: the emitter
// builds the same structs as LLVM constants, field by field. Change both sides,
// and TQ_PROGRAM_ABI, together.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_RUNTIME_PROGRAM_H
#define TQ_RUNTIME_PROGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TQ_PROGRAM_ABI = 7, TQ_MAX_RANK = 8 };

/** Dimensions of inputs and states, and states that are numbers, are at most
    this: programs may add and scale them without wrapping. */
#define TQ_MAX_SIZE ((int64_t)1 << 48)

/// Element types of program inputs and outputs; values equal tq_dtype in tq.h.
enum tq_program_dtype {
  TQ_PROGRAM_F32 = 0,
  TQ_PROGRAM_I64 = 1,
  TQ_PROGRAM_I32 = 2,
  TQ_PROGRAM_U8 = 3,
  TQ_PROGRAM_I8 = 4,
  TQ_PROGRAM_I1 = 5, // one byte an element, 0 or 1
};

/// What a missing input is filled with (token_type_ids: zeros, attention_mask:
/// ones).
enum tq_program_fill {
  TQ_FILL_NONE = 0, // it must be given
  TQ_FILL_ZEROS = 1,
  TQ_FILL_ONES = 2,
};

/// One input or output. A dimension is `dims[i]` elements; a negative value
/// -(k+1) names symbol k of `tq_program::symbols`.
typedef struct tq_program_tensor {
  const char *name;
  int32_t dtype; // enum tq_program_dtype
  int32_t rank;
  int64_t dims[8]; // TQ_MAX_RANK
  /// Integer inputs: valid values are [0, limit); 0 means unchecked.
  int64_t limit;
  int32_t fill; // enum tq_program_fill; outputs: TQ_FILL_NONE
  /// 1: an input [batch, sequence] whose zeros at the end of a row are padding:
  /// no other position of any output depends on what is computed there, and
  /// outputs are zero there.
  int32_t marks_padding;
} tq_program_tensor;

/// What a session keeps from run to run.
enum tq_program_state_kind {
  TQ_STATE_TENSOR = 0,
  TQ_STATE_NUMBER = 1, // an index, of rank 0
};

/// A state, which begins as zeros. Sizes of its symbols are given to the
/// session when it is made.
typedef struct tq_program_state {
  const char *name;
  int32_t kind;  // enum tq_program_state_kind
  int32_t dtype; // enum tq_program_dtype
  int32_t rank;
  int32_t reserved;
  int64_t dims[8]; // TQ_MAX_RANK, as of tq_program_tensor
} tq_program_state;

/// A dynamic dimension shared by inputs and outputs, for example "batch".
typedef struct tq_program_symbol {
  const char *name;
  int64_t max; // largest allowed value (position table), 0 = unbounded
} tq_program_symbol;

/// A distinct kernel: one copy of code for a CPU, called for many layers.
typedef struct tq_program_kernel {
  const char *name;
} tq_program_kernel;

/// One call of a kernel by an entry's schedule, in the order of execution.
typedef struct tq_program_call {
  int32_t kernel; // index into `kernels`
  int32_t reserved;
  const char *layer;  // for example "encoder.layer.0.attention.self.query"
  const char *scheme; // "int8 dynamic", "f32", ...
  const char *reason; // why it stayed in float, or ""
} tq_program_call;

/// What makes scores of the logits of a classifier.
enum tq_program_label_scores {
  TQ_SCORES_NONE = 0, // they are the scores: a regression
  TQ_SCORES_SOFTMAX = 1,
  TQ_SCORES_SIGMOID = 2, // each label by itself
};

/// The runtime's state during a run; opaque to generated code.
typedef struct tq_context tq_context;

/// Where generated code finds its data during a run. `inputs` are those of the
/// entry, then the tensors among the program's states, which it may write.
/// `in_dims` holds all dimensions of all inputs, input by input, then of each
/// state its dimensions or its value.
typedef void (*tq_program_run_fn)(tq_context *context,
                                  const void *const *inputs,
                                  const int64_t *in_dims, void *const *outputs,
                                  uint8_t *arena, const uint8_t *weights);

/// Returns the arena's bytes for these input dimensions and this number of
/// threads, -1 if it would overflow 2^62, or -(k+2) if check k of
/// `tq_program_entry::checks` does not hold; writes all dimensions of all
/// outputs, output by output, into `out_dims`, and behind them what the numbers
/// among the states are after the run.
typedef int64_t (*tq_program_plan_fn)(const int64_t *in_dims, int64_t threads,
                                      int64_t *out_dims);

/// What may be put before a text ("query: ").
typedef struct tq_program_prompt {
  const char *name;
  const char *text;
} tq_program_prompt;

/// The code of an entry for one CPU; all compute the same bits.
typedef struct tq_program_code {
  const char *arena_formula; // for people: "4608*batch*sequence + ..."
  tq_program_plan_fn plan;
  tq_program_run_fn run;
} tq_program_code;

/// A function of the program that its users call.
typedef struct tq_program_entry {
  const char *name;
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_calls;
  /// -(k+1): symbol k is the first dimension of all outputs and of the inputs
  /// that have it, and rows along it do not depend on each other; 0: none.
  int32_t batch_dim;
  const tq_program_tensor *inputs;
  const tq_program_tensor *outputs;
  const tq_program_call *calls;
  /// What has to hold of the sizes, for people; how many, only `plan` knows.
  const char *const *checks;
  const tq_program_code *codes; // by tq_program_target::code
} tq_program_entry;

/// A CPU that the program has code for.
typedef struct tq_program_target {
  const char *cpu; // "x86-64-v4+avx512vnni"
  /// CPU features that must be present, comma separated, LLVM's names
  /// ("avx2,fma,avx512vnni").
  const char *required_features;
  int32_t code; // index into tq_program_entry::codes
  int32_t reserved;
  /// Of each kernel, 0 if unknown.
  const uint64_t *code_bytes;
} tq_program_target;

typedef struct tq_program {
  uint32_t abi;        // TQ_PROGRAM_ABI
  int32_t num_entries; // at least 1; the first is meant if nobody says which
  const char *name;    // model name
  const char *compiler_version; // "tq 0.1.0 (LLVM 22.1.8)"
  const char *options;          // the options it was compiled with
  const char *library;          // NAME of tq_model_open_NAME, "" if none

  int32_t num_symbols;
  int32_t num_states;
  int32_t num_kernels;
  int32_t num_labels;   // 0, or the number of classes
  int32_t num_targets;  // at least 1
  int32_t label_scores; // enum tq_program_label_scores
  const tq_program_symbol *symbols;
  const tq_program_entry *entries;
  const tq_program_state *states;
  const tq_program_kernel *kernels;
  const char *const *labels; // class names for the output "logits"

  /// The most demanding first: the first that the CPU can run is taken.
  const tq_program_target *targets;

  const uint8_t *weights; // 64-byte aligned
  uint64_t weights_bytes;

  /// Tokenizer tables (see Tokenizer.h), or null: the program takes ids only.
  const uint8_t *tokenizer;
  uint64_t tokenizer_bytes;
  /// Why there is no tokenizer, for the error of --text; "" if there is one.
  const char *tokenizer_note;
  /// Texts longer than this many tokens are truncated, 0 = symbol limit.
  int64_t max_tokens;
  /// Sorted by name. The default is put before a text if no other is asked for;
  /// its number counts from 1, 0: none.
  const tq_program_prompt *prompts;
  int32_t num_prompts;
  int32_t default_prompt;

  /// Golden self-test of the first entry: for each input, then each output, its
  /// dims (int64_t each) followed by its bytes, padded to 8 bytes. Null if none
  /// is stored.
  const uint8_t *golden;
  uint64_t golden_bytes;
} tq_program;

/// The one program of an executable or shared library, defined by `Emit`.
extern const tq_program tq_program_main;

//===----------------------------------------------------------------------===//
// Functions of the runtime that generated code calls
//===----------------------------------------------------------------------===//

/// A part of a parallel loop: iterations [begin, end) of a kernel, run by
/// worker `thread` (0 <= thread < threads of the context). `arguments` is the
/// kernel's own.
typedef void (*tq_kernel_body)(void *arguments, int64_t begin, int64_t end,
                               int64_t thread);

/// Runs iterations [0, count) of `body`, split into contiguous ranges
/// that workers take one after the other; returns when all are done. count <= 0
/// does nothing. Must not be nested.
void tq_parallel_for(tq_context *context, tq_kernel_body body, void *arguments,
                     int64_t count);

/// Number of workers of this run, at least 1 (what `plan` was given).
int64_t tq_num_threads(tq_context *context);

/// Brackets call `call` (index into `tq_program_entry::calls`), or a part of it
/// that worker `thread` runs by itself; `thread` is -1 where all take part.
/// `begin` is what tq_kernel_begin gave. `ops` counts multiplications and
/// additions, `bytes` what must move between memory and core at least.
int64_t tq_kernel_begin(tq_context *context);
void tq_kernel_end(tq_context *context, int64_t call, int64_t thread,
                   int64_t begin, int64_t ops, int64_t bytes);

/// tq_model_open_NAME of a shared library is this: it opens tq_program_main
/// whatever other libraries the process holds.
int32_t tq_open_library(const struct tq_model **model);

#ifdef __cplusplus
}
#endif

#endif // TQ_RUNTIME_PROGRAM_H
