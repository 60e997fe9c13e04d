//===- Describe.cpp - --describe ------------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Files.h"
#include "Cli/Main.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

namespace tq::rt {

static const char *labelScoresName(const tq_program &program) {
  constexpr const char *names[] = {"none", "softmax", "sigmoid"};
  return names[program.label_scores];
}

//===----------------------------------------------------------------------===//
// For people
//===----------------------------------------------------------------------===//

static void printShape(Bytes &to, const tq_program &program,
                       const int64_t *dims, int32_t rank) {
  to.print("[");
  for (int32_t d = 0; d < rank; ++d) {
    if (d)
      to.print(", ");
    if (dims[d] >= 0)
      to.print("%" PRId64, dims[d]);
    else
      to.print("%s", program.symbols[-(dims[d] + 1)].name);
  }
  to.print("]");
}

static void printTensorLine(Bytes &to, const tq_program &program,
                            const char *kind, const tq_program_tensor &tensor) {
  to.print("%-8s %s: %s ", kind, tensor.name, dtypeName(tensor.dtype));
  printShape(to, program, tensor.dims, tensor.rank);
  if (tensor.limit)
    to.print(", values below %" PRId64, tensor.limit);
  if (tensor.fill != TQ_FILL_NONE)
    to.print(", %s if left out",
             tensor.fill == TQ_FILL_ONES ? "ones" : "zeros");
  to.print("\n");
}

static void printState(Bytes &to, const tq_program &program,
                       const tq_program_state &state) {
  if (state.kind == TQ_STATE_NUMBER) {
    to.print("state    %s: a number\n", state.name);
    return;
  }
  to.print("state    %s: %s ", state.name, dtypeName(state.dtype));
  printShape(to, program, state.dims, state.rank);
  to.print("\n");
}

/// Of several entries each is under its name.
static void printPorts(Bytes &to, const tq_program &program,
                       const tq_program_entry &entry) {
  if (program.num_entries > 1)
    to.print("entry    %s\n", entry.name);
  for (int32_t i = 0; i < entry.num_inputs; ++i)
    printTensorLine(to, program, "input", entry.inputs[i]);
  for (int32_t i = 0; i < entry.num_outputs; ++i)
    printTensorLine(to, program, "output", entry.outputs[i]);
}

static void printCalls(Bytes &to, const tq_program &program,
                       const tq_program_entry &entry) {
  to.print("\n%-14s %-28s layer%s%s\n", "scheme", "kernel",
           program.num_entries > 1 ? " of " : "",
           program.num_entries > 1 ? entry.name : "");
  for (int32_t i = 0; i < entry.num_calls; ++i) {
    const tq_program_call &call = entry.calls[i];
    to.print("%-14s %-28s %s%s%s\n", call.scheme,
             program.kernels[call.kernel].name, call.layer,
             *call.reason ? "  # " : "", call.reason);
  }
}

static void printTargets(Bytes &to, const tq_program &program) {
  const tq_program_target *chosen = findTarget(program);
  for (int32_t i = 0; i < program.num_targets; ++i) {
    const tq_program_target &target = program.targets[i];
    to.print("target   %s%s\n", target.cpu,
             &target == chosen ? " (runs here)" : "");
    if (*target.required_features)
      to.print("  needs  %s\n", target.required_features);
    for (int32_t e = 0; e < program.num_entries; ++e) {
      const tq_program_entry &entry = program.entries[e];
      to.print("  arena  %s bytes%s%s\n",
               entry.codes[target.code].arena_formula,
               program.num_entries > 1 ? " of " : "",
               program.num_entries > 1 ? entry.name : "");
    }
  }
}

static void printPrompts(Bytes &to, const tq_program &program) {
  for (int32_t i = 0; i < program.num_prompts; ++i) {
    to.print("prompt   %s: ", program.prompts[i].name);
    printJson(to, program.prompts[i].text);
    to.print("%s\n", i + 1 == program.default_prompt ? ", the default" : "");
  }
}

static void printText(Bytes &to, const tq_program &program) {
  to.print("model    %s\ncompiler %s\noptions  %s\nweights  %" PRIu64
           " bytes\n",
           program.name, program.compiler_version, program.options,
           program.weights_bytes);
  printTargets(to, program);
  for (int32_t i = 0; i < program.num_symbols; ++i) {
    to.print("dynamic  %s", program.symbols[i].name);
    if (program.symbols[i].max)
      to.print(", at most %" PRId64, program.symbols[i].max);
    to.print("\n");
  }
  for (int32_t i = 0; i < program.num_states; ++i)
    printState(to, program, program.states[i]);
  for (int32_t i = 0; i < program.num_entries; ++i)
    printPorts(to, program, program.entries[i]);
  if (program.tokenizer)
    to.print("text     up to %" PRId64 " tokens, longer texts are cut\n",
             textLimit(program));
  else
    to.print("text     no: %s\n", program.tokenizer_note);
  printPrompts(to, program);
  if (program.num_labels) {
    to.print("labels  ");
    for (int32_t i = 0; i < program.num_labels; ++i)
      to.print(" %s", program.labels[i]);
    to.print("\nscores   %s\n", labelScoresName(program));
  }
  to.print("selftest %s\n", program.golden ? "stored" : "not stored");
  for (int32_t i = 0; i < program.num_entries; ++i)
    printCalls(to, program, program.entries[i]);
}

//===----------------------------------------------------------------------===//
// For programs
//===----------------------------------------------------------------------===//

static void jsonField(Bytes &to, const char *name, const char *value) {
  printJson(to, name);
  to.print(": ");
  printJson(to, value ? value : "");
}

static void jsonShape(Bytes &to, const tq_program &program, const int64_t *dims,
                      int32_t rank) {
  to.print("\"shape\": [");
  for (int32_t d = 0; d < rank; ++d) {
    to.print(d ? ", " : "");
    if (dims[d] >= 0)
      to.print("%" PRId64, dims[d]);
    else
      printJson(to, program.symbols[-(dims[d] + 1)].name);
  }
  to.print("]");
}

static void jsonStates(Bytes &to, const tq_program &program) {
  to.print("  \"states\": [");
  for (int32_t i = 0; i < program.num_states; ++i) {
    const tq_program_state &state = program.states[i];
    to.print(i ? ",\n    {" : "\n    {");
    jsonField(to, "name", state.name);
    to.print(", \"number\": %s, ",
             state.kind == TQ_STATE_NUMBER ? "true" : "false");
    jsonField(to, "dtype", dtypeName(state.dtype));
    to.print(", ");
    jsonShape(to, program, state.dims, state.rank);
    to.print("}");
  }
  to.print("],\n");
}

static void jsonTensor(Bytes &to, const tq_program &program,
                       const tq_program_tensor &tensor, bool isInput) {
  to.print("{");
  jsonField(to, "name", tensor.name);
  to.print(", ");
  jsonField(to, "dtype", dtypeName(tensor.dtype));
  to.print(", ");
  jsonShape(to, program, tensor.dims, tensor.rank);
  if (isInput)
    to.print(", \"limit\": %" PRId64 ", \"optional\": %s", tensor.limit,
             tensor.fill != TQ_FILL_NONE ? "true" : "false");
  to.print("}");
}

static void jsonTensors(Bytes &to, const tq_program &program,
                        const tq_program_entry &entry, bool inputs) {
  int32_t count = inputs ? entry.num_inputs : entry.num_outputs;
  to.print("  \"%s\": [", inputs ? "inputs" : "outputs");
  for (int32_t i = 0; i < count; ++i) {
    to.print(i ? ",\n    " : "\n    ");
    jsonTensor(to, program, inputs ? entry.inputs[i] : entry.outputs[i],
               inputs);
  }
  to.print("],\n");
}

static void jsonLayers(Bytes &to, const tq_program &program,
                       const tq_program_entry &entry) {
  to.print("  \"layers\": [");
  for (int32_t i = 0; i < entry.num_calls; ++i) {
    const tq_program_call &call = entry.calls[i];
    to.print(i ? ",\n    {" : "\n    {");
    jsonField(to, "layer", call.layer);
    to.print(", ");
    jsonField(to, "kernel", program.kernels[call.kernel].name);
    to.print(", ");
    jsonField(to, "scheme", call.scheme);
    to.print(", ");
    jsonField(to, "reason", call.reason);
    to.print("}");
  }
  to.print("]");
}

/// Inputs, outputs and layers of the first entry, and of each under its name.
static void jsonEntries(Bytes &to, const tq_program &program) {
  jsonTensors(to, program, *program.entries, /*inputs=*/true);
  jsonTensors(to, program, *program.entries, /*inputs=*/false);
  jsonLayers(to, program, *program.entries);
  to.print(",\n  \"entries\": [");
  for (int32_t i = 0; i < program.num_entries; ++i) {
    const tq_program_entry &entry = program.entries[i];
    to.print(i ? ", {" : "{");
    jsonField(to, "name", entry.name);
    to.print(",\n");
    jsonTensors(to, program, entry, /*inputs=*/true);
    jsonTensors(to, program, entry, /*inputs=*/false);
    jsonLayers(to, program, entry);
    to.print("}");
  }
  to.print("]\n");
}

static void jsonKernels(Bytes &to, const tq_program &program) {
  to.print("  \"kernels\": [");
  for (int32_t k = 0; k < program.num_kernels; ++k) {
    int32_t calls = 0;
    for (int32_t e = 0; e < program.num_entries; ++e)
      for (int32_t i = 0; i < program.entries[e].num_calls; ++i)
        calls += program.entries[e].calls[i].kernel == k;
    to.print(k ? ",\n    {" : "\n    {");
    jsonField(to, "name", program.kernels[k].name);
    to.print(", \"calls\": %d}", calls);
  }
  to.print("],\n");
}

static void jsonTargets(Bytes &to, const tq_program &program) {
  const tq_program_target *chosen = findTarget(program);
  to.print("  \"targets\": [");
  for (int32_t i = 0; i < program.num_targets; ++i) {
    const tq_program_target &target = program.targets[i];
    to.print(i ? ",\n    {" : "\n    {");
    jsonField(to, "cpu", target.cpu);
    to.print(", ");
    jsonField(to, "required_features", target.required_features);
    to.print(", ");
    jsonField(to, "arena_formula",
              program.entries->codes[target.code].arena_formula);
    to.print(", \"supported\": %s, \"runs_here\": %s, \"code_bytes\": {",
             isSupported(target) ? "true" : "false",
             &target == chosen ? "true" : "false");
    for (int32_t k = 0; k < program.num_kernels; ++k) {
      to.print(k ? ", " : "");
      printJson(to, program.kernels[k].name);
      to.print(": %" PRIu64, target.code_bytes ? target.code_bytes[k] : 0);
    }
    to.print("}}");
  }
  to.print("],\n");
}

static void jsonStrings(Bytes &to, const tq_program &program) {
  const struct {
    const char *name, *value;
  } fields[] = {{"model", program.name},
                {"compiler", program.compiler_version},
                {"options", program.options},
                {"tokenizer_note", program.tokenizer_note}};
  for (const auto &field : fields) {
    to.print("  ");
    jsonField(to, field.name, field.value);
    to.print(",\n");
  }
}

static void jsonPrompts(Bytes &to, const tq_program &program) {
  to.print("  \"prompts\": {");
  for (int32_t i = 0; i < program.num_prompts; ++i) {
    to.print(i ? ", " : "");
    jsonField(to, program.prompts[i].name, program.prompts[i].text);
  }
  to.print("},\n  \"default_prompt\": ");
  if (program.default_prompt)
    printJson(to, program.prompts[program.default_prompt - 1].name);
  else
    to.print("null");
  to.print(",\n");
}

static void printJsonText(Bytes &to, const tq_program &program) {
  to.print("{\n");
  jsonStrings(to, program);
  to.print("  \"weights_bytes\": %" PRIu64 ",\n  \"tokenizer\": %s,\n"
           "  \"max_tokens\": %" PRId64 ",\n  \"selftest\": %s,\n",
           program.weights_bytes, program.tokenizer ? "true" : "false",
           textLimit(program), program.golden ? "true" : "false");
  to.print("  \"symbols\": [");
  for (int32_t i = 0; i < program.num_symbols; ++i) {
    to.print(i ? ", {" : "{");
    jsonField(to, "name", program.symbols[i].name);
    to.print(", \"max\": %" PRId64 "}", program.symbols[i].max);
  }
  to.print("],\n  \"labels\": [");
  for (int32_t i = 0; i < program.num_labels; ++i) {
    to.print(i ? ", " : "");
    printJson(to, program.labels[i]);
  }
  to.print("],\n");
  to.print("  ");
  jsonField(to, "label_scores", labelScoresName(program));
  to.print(",\n");
  jsonPrompts(to, program);
  jsonTargets(to, program);
  jsonKernels(to, program);
  jsonStates(to, program);
  jsonEntries(to, program);
  to.print("}\n");
}

tq_status describeProgram(const tq_program &program, bool json) {
  Bytes text;
  if (json)
    printJsonText(text, program);
  else
    printText(text, program);
  tq_status status =
      text.failed ? fail(TQ_ERROR_RESOURCE, "no memory for the description")
                  : TQ_OK;
  if (!status)
    fwrite(text.data, 1, text.size, stdout);
  text.free();
  return status;
}

} // namespace tq::rt
