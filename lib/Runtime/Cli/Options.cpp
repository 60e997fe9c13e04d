//===- Options.cpp - The command line of a program ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

namespace {

enum class Kind {
  Help,
  Version,
  Input,
  Output,
  Entry,
  Size,
  Text,
  Prompt,
  Threads,
  TargetCpu,
  Batch,
  Describe,
  Benchmark,
  Shape,
  Seconds,
  Json,
  Profile,
  SelfTest,
};

struct OptionInfo {
  Kind kind;
  const char *name;
  const char *value; // null: takes none
  const char *help;
};

constexpr OptionInfo optionInfos[] = {
    {Kind::Text, "--text", "FILE", "run each line of FILE (or -) as a text"},
    {Kind::Prompt, "--prompt", "NAME",
     "put this prompt before each text (\"\": none; see --describe)"},
    {Kind::Input, "--input", "NAME=FILE.npy", "read an input (repeat)"},
    {Kind::Output, "--output", "NAME=FILE.npy",
     "write an output (repeat); without it a summary is printed"},
    {Kind::Entry, "--entry", "NAME",
     "run this entry (default: the first; --describe lists them)"},
    {Kind::Size, "--size", "NAME=N", "size of a dimension of states (repeat)"},
    {Kind::Threads, "--threads", "N", "threads to use (default: all cores)"},
    {Kind::TargetCpu, "--target-cpu", "CPU",
     "use the code for this CPU (default: the first that runs here)"},
    {Kind::Batch, "--batch", "N",
     "most texts in a batch (default: chosen by length)"},
    {Kind::Describe, "--describe", nullptr,
     "print inputs, outputs, layers and how it was compiled"},
    {Kind::Benchmark, "--benchmark", nullptr,
     "measure latency and memory with random inputs"},
    {Kind::Shape, "--shape", "NAME=BxS", "shape of an input to measure"},
    {Kind::Seconds, "--seconds", "S", "how long to measure (default: 2)"},
    {Kind::Json, "--json", nullptr, "print --describe or --benchmark as JSON"},
    {Kind::Profile, "--profile", "FILE.json",
     "write a Chrome trace of the kernels and print a table"},
    {Kind::SelfTest, "--selftest", nullptr,
     "run the stored inputs, compare the outputs bit for bit"},
    {Kind::Help, "--help", nullptr, "print this"},
    {Kind::Version, "--version", nullptr, "print the compiler's version"},
};

} // namespace

Options::~Options() {
  free(inputs);
  free(outputs);
  free(shapes);
  free(sizes);
  free(words);
}

void printHelp(const tq_program &program) {
  printf("%s: a model compiled by %s\n\n", program.name,
         program.compiler_version);
  if (program.tokenizer)
    printf("  PROGRAM [OPTIONS] TEXT...      each argument is one text\n"
           "  PROGRAM [OPTIONS] --text FILE  each line is one text\n");
  printf("  PROGRAM [OPTIONS] --input NAME=FILE.npy... --output "
         "NAME=FILE.npy...\n\n");
  for (const OptionInfo &info : optionInfos) {
    char left[40];
    snprintf(left, sizeof(left), "%s %s", info.name,
             info.value ? info.value : "");
    printf("  %-26s %s\n", left, info.help);
  }
  printf("\nExit codes: 0 fine, 1 wrong usage, 2 bad input, 3 self-test "
         "differs,\n4 cannot run here (CPU, memory).\n");
}

//===----------------------------------------------------------------------===//
// Finding an option
//===----------------------------------------------------------------------===//

/// Number of edits between two short words.
static int editDistance(const char *a, size_t lengthA, const char *b) {
  enum { most = 24 };
  size_t lengthB = strlen(b);
  if (lengthA > most || lengthB > most)
    return most;
  int row[most + 1];
  for (size_t j = 0; j <= lengthB; ++j)
    row[j] = int(j);
  for (size_t i = 1; i <= lengthA; ++i) {
    int diagonal = row[0];
    row[0] = int(i);
    for (size_t j = 1; j <= lengthB; ++j) {
      int change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      int shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = change < shift ? change : shift;
    }
  }
  return row[lengthB];
}

static tq_status failUnknown(const char *argument, size_t length) {
  const OptionInfo *nearest = nullptr;
  int best = 4; // further away is no typo
  for (const OptionInfo &info : optionInfos) {
    int distance = editDistance(argument, length, info.name);
    if (distance < best) {
      best = distance;
      nearest = &info;
    }
  }
  if (nearest)
    return fail(TQ_ERROR_USAGE, "unknown option '%s'; did you mean %s?",
                argument, nearest->name);
  return fail(TQ_ERROR_USAGE, "unknown option '%s'; --help lists all",
              argument);
}

//===----------------------------------------------------------------------===//
// Reading values
//===----------------------------------------------------------------------===//

namespace {

class Parser {
public:
  Parser(int argc, char **argv, Options &options)
      : argc(argc), argv(argv), options(options) {}

  tq_status parse();

private:
  tq_status parseOption(char *argument);
  tq_status apply(const OptionInfo &info, char *value);
  tq_status setMode(Mode mode, const char *name);
  tq_status addNamed(const OptionInfo &info, char *value, NamedValue *list,
                     int32_t *count);
  tq_status parseCount(const OptionInfo &info, const char *value, int64_t most,
                       int64_t *result);
  tq_status parseSeconds(const char *value);
  tq_status addSize(const OptionInfo &info, char *value);
  tq_status setOnce(const OptionInfo &info, const char *value,
                    const char **place);

  int argc;
  char **argv;
  Options &options;
  int next = 1;
  const char *modeName = nullptr;
};

} // namespace

tq_status Parser::setMode(Mode mode, const char *name) {
  // --help and --version win over everything else.
  bool informs = mode == Mode::Help || mode == Mode::Version;
  bool informed = options.mode == Mode::Help || options.mode == Mode::Version;
  if (informed)
    return TQ_OK;
  if (!informs && modeName && options.mode != mode)
    return fail(TQ_ERROR_USAGE, "%s and %s exclude each other", modeName, name);
  options.mode = mode;
  modeName = name;
  return TQ_OK;
}

tq_status Parser::addNamed(const OptionInfo &info, char *value,
                           NamedValue *list, int32_t *count) {
  char *equals = strchr(value, '=');
  if (!equals || equals == value || !equals[1])
    return fail(TQ_ERROR_USAGE, "%s: expected %s, found '%s'", info.name,
                info.value, value);
  *equals = 0;
  for (int32_t i = 0; i < *count; ++i)
    if (strcmp(list[i].name, value) == 0)
      return fail(TQ_ERROR_USAGE, "%s: '%s' is given twice", info.name, value);
  list[(*count)++] = {value, equals + 1};
  return TQ_OK;
}

tq_status Parser::parseCount(const OptionInfo &info, const char *value,
                             int64_t most, int64_t *result) {
  char *end;
  long long number =
      *value >= '0' && *value <= '9' ? strtoll(value, &end, 10) : 0;
  if (number < 1 || number > most || *end)
    return fail(TQ_ERROR_USAGE,
                "%s: expected a number from 1 to %lld, found "
                "'%s'",
                info.name, static_cast<long long>(most), value);
  *result = number;
  return TQ_OK;
}

tq_status Parser::parseSeconds(const char *value) {
  char *end;
  double number = *value >= '0' && *value <= '9' ? strtod(value, &end) : -1;
  if (!(number > 0 && number <= 3600) || *end)
    return fail(TQ_ERROR_USAGE,
                "--seconds: expected a number above 0, at most 3600, found "
                "'%s'",
                value);
  options.seconds = number;
  return TQ_OK;
}

tq_status Parser::addSize(const OptionInfo &info, char *value) {
  NamedValue named;
  int32_t none = 0;
  if (tq_status status = addNamed(info, value, &named, &none))
    return status;
  for (int32_t i = 0; i < options.numSizes; ++i)
    if (strcmp(options.sizes[i].symbol, named.name) == 0)
      return fail(TQ_ERROR_USAGE, "%s: '%s' is given twice", info.name,
                  named.name);
  tq_symbol_size size = {named.name, 0};
  if (tq_status status = parseCount(info, named.value, INT32_MAX, &size.value))
    return status;
  options.sizes[options.numSizes++] = size;
  return TQ_OK;
}

tq_status Parser::setOnce(const OptionInfo &info, const char *value,
                          const char **place) {
  if (*place)
    return fail(TQ_ERROR_USAGE, "%s is given twice", info.name);
  if (!*value)
    return fail(TQ_ERROR_USAGE, "%s: expected %s, found nothing", info.name,
                info.value);
  *place = value;
  return TQ_OK;
}

tq_status Parser::apply(const OptionInfo &info, char *value) {
  int64_t number = 0;
  tq_status status = TQ_OK;
  switch (info.kind) {
  case Kind::Help:
    return setMode(Mode::Help, info.name);
  case Kind::Version:
    return setMode(Mode::Version, info.name);
  case Kind::Describe:
    return setMode(Mode::Describe, info.name);
  case Kind::Benchmark:
    return setMode(Mode::Benchmark, info.name);
  case Kind::SelfTest:
    return setMode(Mode::SelfTest, info.name);
  case Kind::Input:
    return addNamed(info, value, options.inputs, &options.numInputs);
  case Kind::Output:
    return addNamed(info, value, options.outputs, &options.numOutputs);
  case Kind::Shape:
    return addNamed(info, value, options.shapes, &options.numShapes);
  case Kind::Entry:
    return setOnce(info, value, &options.entry);
  case Kind::Size:
    return addSize(info, value);
  case Kind::Text:
    return setOnce(info, value, &options.text);
  case Kind::Prompt:
    if (!*value && !options.prompt) {
      options.prompt = value;
      return TQ_OK;
    }
    return setOnce(info, value, &options.prompt);
  case Kind::TargetCpu:
    return setOnce(info, value, &options.targetCpu);
  case Kind::Profile:
    return setOnce(info, value, &options.profile);
  case Kind::Threads:
    status = parseCount(info, value, maxThreads, &number);
    options.threads = int32_t(number);
    return status;
  case Kind::Batch:
    return parseCount(info, value, 1 << 20, &options.batch);
  case Kind::Seconds:
    return parseSeconds(value);
  case Kind::Json:
    options.json = true;
    return TQ_OK;
  }
  return TQ_OK;
}

tq_status Parser::parseOption(char *argument) {
  size_t length = strcspn(argument, "=");
  for (const OptionInfo &info : optionInfos) {
    if (strlen(info.name) != length || memcmp(argument, info.name, length))
      continue;
    if (!info.value && argument[length])
      return fail(TQ_ERROR_USAGE, "%s takes no value", info.name);
    if (!info.value)
      return apply(info, nullptr);
    if (argument[length])
      return apply(info, argument + length + 1);
    if (next == argc)
      return fail(TQ_ERROR_USAGE, "%s: expected %s, found nothing", info.name,
                  info.value);
    return apply(info, argv[next++]);
  }
  return failUnknown(argument, length);
}

tq_status Parser::parse() {
  bool onlyWords = false;
  while (next < argc) {
    char *argument = argv[next++];
    if (!onlyWords && strcmp(argument, "--") == 0) {
      onlyWords = true;
    } else if (onlyWords || argument[0] != '-' || !argument[1]) {
      options.words[options.numWords++] = argument;
    } else if (tq_status status = parseOption(argument)) {
      return status;
    }
  }
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// What fits together
//===----------------------------------------------------------------------===//

static tq_status checkRun(const Options &options) {
  int sources =
      (options.numInputs > 0) + (options.numWords > 0) + (options.text != 0);
  if (sources > 1)
    return fail(TQ_ERROR_USAGE,
                "--input, --text and texts as arguments exclude each other");
  if (sources == 0 && !options.profile)
    return fail(TQ_ERROR_USAGE, "nothing to do: expected a text, --text, "
                                "--input, --selftest or another of --help");
  if (options.numShapes && sources)
    return fail(TQ_ERROR_USAGE, "--shape is for random inputs, with "
                                "--benchmark or --profile alone");
  if (options.batch && !options.numWords && !options.text)
    return fail(TQ_ERROR_USAGE, "--batch is for texts; the batch of an --input "
                                "is in its file");
  if (options.prompt && !options.numWords && !options.text)
    return fail(TQ_ERROR_USAGE, "--prompt is for texts");
  if (options.json)
    return fail(TQ_ERROR_USAGE,
                "--json is for --describe and --benchmark only");
  return TQ_OK;
}

static tq_status checkMode(const Options &options) {
  if (options.mode == Mode::Run)
    return checkRun(options);
  if (options.numInputs || options.numOutputs || options.numWords ||
      options.text || options.batch || options.prompt)
    return fail(TQ_ERROR_USAGE,
                "--describe, --benchmark and --selftest take no texts, no "
                "--input, no --output, no --batch and no --prompt");
  if (options.numShapes && options.mode != Mode::Benchmark)
    return fail(TQ_ERROR_USAGE, "--shape is for --benchmark and --profile");
  if (options.numSizes && options.mode == Mode::Describe)
    return fail(TQ_ERROR_USAGE, "--size is for runs");
  if (options.json && options.mode == Mode::SelfTest)
    return fail(TQ_ERROR_USAGE,
                "--json is for --describe and --benchmark only");
  if (options.profile && options.mode != Mode::Benchmark)
    return fail(TQ_ERROR_USAGE,
                "--profile needs a run: texts, --input or --benchmark");
  return TQ_OK;
}

const tq_program_entry *findEntry(const tq_program &program, const char *name) {
  if (!name)
    return program.entries;
  for (int32_t i = 0; i < program.num_entries; ++i)
    if (strcmp(program.entries[i].name, name) == 0)
      return &program.entries[i];
  return nullptr;
}

static tq_status checkNames(const tq_program &program, const Options &options) {
  const tq_program_entry *entry = findEntry(program, options.entry);
  if (!entry)
    return fail(TQ_ERROR_USAGE,
                "--entry: there is no entry '%s'; --describe lists them",
                options.entry);
  for (int32_t i = 0; i < options.numOutputs; ++i)
    if (findTensor(entry->outputs, entry->num_outputs,
                   options.outputs[i].name) < 0)
      return fail(TQ_ERROR_USAGE,
                  "--output: there is no output '%s'; --describe lists them",
                  options.outputs[i].name);
  for (int32_t i = 0; i < options.numInputs; ++i)
    if (findTensor(entry->inputs, entry->num_inputs, options.inputs[i].name) <
        0)
      return fail(TQ_ERROR_USAGE,
                  "--input: there is no input '%s'; --describe lists them",
                  options.inputs[i].name);
  for (int32_t i = 0; i < options.numOutputs; ++i)
    for (int32_t j = 0; j < i; ++j)
      if (strcmp(options.outputs[i].value, options.outputs[j].value) == 0)
        return fail(TQ_ERROR_USAGE, "--output: '%s' is to be written twice",
                    options.outputs[i].value);
  return TQ_OK;
}

tq_status parseOptions(const tq_program &program, int argc, char **argv,
                       Options *options) {
  size_t room = argc > 0 ? argc : 1;
  auto makeList = [room] {
    return static_cast<NamedValue *>(calloc(room, sizeof(NamedValue)));
  };
  options->inputs = makeList();
  options->outputs = makeList();
  options->shapes = makeList();
  options->sizes =
      static_cast<tq_symbol_size *>(calloc(room, sizeof(tq_symbol_size)));
  options->words = static_cast<const char **>(calloc(room, sizeof(char *)));
  if (!options->sizes || !options->inputs || !options->outputs ||
      !options->shapes || !options->words)
    return fail(TQ_ERROR_RESOURCE, "no memory for the command line");
  if (tq_status status = Parser(argc, argv, *options).parse())
    return status;
  if (options->mode == Mode::Help || options->mode == Mode::Version)
    return TQ_OK;
  if (tq_status status = checkMode(*options))
    return status;
  return checkNames(program, *options);
}

} // namespace tq::rt
