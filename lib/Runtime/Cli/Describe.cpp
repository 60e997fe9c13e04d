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
                       const tq_program_tensor &tensor) {
  to.print("[");
  for (int32_t d = 0; d < tensor.rank; ++d) {
    if (d)
      to.print(", ");
    if (tensor.dims[d] >= 0)
      to.print("%" PRId64, tensor.dims[d]);
    else
      to.print("%s", program.symbols[-(tensor.dims[d] + 1)].name);
  }
  to.print("]");
}

static void printTensorLine(Bytes &to, const tq_program &program,
                            const char *kind, const tq_program_tensor &tensor) {
  to.print("%-8s %s: %s ", kind, tensor.name, dtypeName(tensor.dtype));
  printShape(to, program, tensor);
  if (tensor.limit)
    to.print(", values below %" PRId64, tensor.limit);
  if (tensor.fill != TQ_FILL_NONE)
    to.print(", %s if left out",
             tensor.fill == TQ_FILL_ONES ? "ones" : "zeros");
  to.print("\n");
}

static void printTargets(Bytes &to, const tq_program &program) {
  const tq_program_target *chosen = findTarget(program);
  for (int32_t i = 0; i < program.num_targets; ++i) {
    const tq_program_target &target = program.targets[i];
    to.print("target   %s%s\n", target.cpu,
             &target == chosen ? " (runs here)" : "");
    if (*target.required_features)
      to.print("  needs  %s\n", target.required_features);
    to.print("  arena  %s bytes\n", target.arena_formula);
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
  for (int32_t i = 0; i < program.num_inputs; ++i)
    printTensorLine(to, program, "input", program.inputs[i]);
  for (int32_t i = 0; i < program.num_outputs; ++i)
    printTensorLine(to, program, "output", program.outputs[i]);
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
  to.print("\n%-14s %-28s layer\n", "scheme", "kernel");
  for (int32_t i = 0; i < program.num_calls; ++i) {
    const tq_program_call &call = program.calls[i];
    to.print("%-14s %-28s %s%s%s\n", call.scheme,
             program.kernels[call.kernel].name, call.layer,
             *call.reason ? "  # " : "", call.reason);
  }
}

//===----------------------------------------------------------------------===//
// For programs
//===----------------------------------------------------------------------===//

static void jsonField(Bytes &to, const char *name, const char *value) {
  printJson(to, name);
  to.print(": ");
  printJson(to, value ? value : "");
}

static void jsonTensor(Bytes &to, const tq_program &program,
                       const tq_program_tensor &tensor, bool isInput) {
  to.print("{");
  jsonField(to, "name", tensor.name);
  to.print(", ");
  jsonField(to, "dtype", dtypeName(tensor.dtype));
  to.print(", \"shape\": [");
  for (int32_t d = 0; d < tensor.rank; ++d) {
    to.print(d ? ", " : "");
    if (tensor.dims[d] >= 0)
      to.print("%" PRId64, tensor.dims[d]);
    else
      printJson(to, program.symbols[-(tensor.dims[d] + 1)].name);
  }
  to.print("]");
  if (isInput)
    to.print(", \"limit\": %" PRId64 ", \"optional\": %s", tensor.limit,
             tensor.fill != TQ_FILL_NONE ? "true" : "false");
  to.print("}");
}

static void jsonTensors(Bytes &to, const tq_program &program, bool inputs) {
  int32_t count = inputs ? program.num_inputs : program.num_outputs;
  to.print("  \"%s\": [", inputs ? "inputs" : "outputs");
  for (int32_t i = 0; i < count; ++i) {
    to.print(i ? ",\n    " : "\n    ");
    jsonTensor(to, program, inputs ? program.inputs[i] : program.outputs[i],
               inputs);
  }
  to.print("],\n");
}

static void jsonKernels(Bytes &to, const tq_program &program) {
  to.print("  \"kernels\": [");
  for (int32_t k = 0; k < program.num_kernels; ++k) {
    int32_t calls = 0;
    for (int32_t i = 0; i < program.num_calls; ++i)
      calls += program.calls[i].kernel == k;
    to.print(k ? ",\n    {" : "\n    {");
    jsonField(to, "name", program.kernels[k].name);
    to.print(", \"calls\": %d}", calls);
  }
  to.print("],\n  \"layers\": [");
  for (int32_t i = 0; i < program.num_calls; ++i) {
    const tq_program_call &call = program.calls[i];
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
  to.print("]\n");
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
    jsonField(to, "arena_formula", target.arena_formula);
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
  jsonTensors(to, program, /*inputs=*/true);
  jsonTensors(to, program, /*inputs=*/false);
  jsonKernels(to, program);
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
