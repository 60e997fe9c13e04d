//===- Run.cpp - Tensors and texts through a program ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"
#include "Cli/Npy.h"
#include <inttypes.h>
#include <new>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace tq::rt {

//===----------------------------------------------------------------------===//
// --output
//===----------------------------------------------------------------------===//

static tq_status probeOutputs(const Options &options) {
  for (int32_t i = 0; i < options.numOutputs; ++i)
    if (tq_status status = probeOutput(options.outputs[i].value))
      return status;
  return TQ_OK;
}

/// Writes all files before the first gets its name. `tensors` are by output.
static tq_status writeFiles(const tq_program &program, const Options &options,
                            const tq_tensor *tensors, OutputFile *files) {
  for (int32_t i = 0; i < options.numOutputs; ++i) {
    int32_t index =
        findTensor(program.entries->outputs, program.entries->num_outputs,
                   options.outputs[i].name);
    if (tq_status status = files[i].open(options.outputs[i].value))
      return status;
    if (tq_status status = writeNpy(files[i], tensors[index]))
      return status;
    if (tq_status status = files[i].close())
      return status;
  }
  for (int32_t i = 0; i < options.numOutputs; ++i)
    if (tq_status status = files[i].commit())
      return status;
  return TQ_OK;
}

static tq_status writeOutputs(const tq_program &program, const Options &options,
                              const tq_tensor *tensors) {
  auto *files = static_cast<OutputFile *>(
      malloc(sizeof(OutputFile) * (options.numOutputs + 1)));
  if (!files)
    return fail(TQ_ERROR_RESOURCE, "no memory for the output files");
  for (int32_t i = 0; i < options.numOutputs; ++i)
    new (&files[i]) OutputFile();
  tq_status status = writeFiles(program, options, tensors, files);
  for (int32_t i = 0; i < options.numOutputs; ++i)
    files[i].~OutputFile();
  free(files);
  return status;
}

//===----------------------------------------------------------------------===//
// --input
//===----------------------------------------------------------------------===//

namespace {
/// The tensors of a run and the files they came from.
struct TensorFiles {
  explicit TensorFiles(const tq_program &program) : program(program) {}
  TensorFiles(const TensorFiles &) = delete;
  TensorFiles &operator=(const TensorFiles &) = delete;
  ~TensorFiles();
  tq_status read(const Options &options);

  const tq_program &program;
  tq_tensor *inputs = nullptr; // then the outputs
  Bytes *contents = nullptr;
};
} // namespace

TensorFiles::~TensorFiles() {
  for (int32_t i = 0; contents && i < program.entries->num_inputs; ++i)
    contents[i].free();
  free(contents);
  free(inputs);
}

tq_status TensorFiles::read(const Options &options) {
  inputs = static_cast<tq_tensor *>(
      calloc(program.entries->num_inputs + program.entries->num_outputs,
             sizeof(tq_tensor)));
  contents = static_cast<Bytes *>(
      calloc(program.entries->num_inputs + 1, sizeof(Bytes)));
  if (!inputs || !contents)
    return fail(TQ_ERROR_RESOURCE, "no memory for the inputs");
  for (int32_t i = 0; i < options.numInputs; ++i) {
    int32_t index =
        findTensor(program.entries->inputs, program.entries->num_inputs,
                   options.inputs[i].name);
    if (tq_status status =
            readNpy(options.inputs[i].value, &contents[index], &inputs[index]))
      return status;
  }
  return TQ_OK;
}

tq_status runTensors(const tq_program &program, const Options &options) {
  if (tq_status status = probeOutputs(options))
    return status;
  TensorFiles files(program);
  if (tq_status status = files.read(options))
    return status;
  OpenSession session;
  if (tq_status status = session.open(program, options, options.threads))
    return status;
  ProfileRecorder recorder;
  if (tq_status status = recorder.start(*session, options.profile))
    return status;
  tq_tensor *outputs = files.inputs + program.entries->num_inputs;
  if (tq_status status =
          tq_session_run(&*session, files.inputs, program.entries->num_inputs,
                         outputs, program.entries->num_outputs))
    return status;
  if (tq_status status = recorder.finish(*session, options.profile))
    return status;
  if (options.numOutputs)
    return writeOutputs(program, options, outputs);
  printTensors(program, outputs);
  return TQ_OK;
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

namespace {
/// All texts of a command and what they gave.
class TextJob {
public:
  TextJob(const tq_program &program, const Options &options)
      : program(program), options(options), summary(program) {}
  TextJob(const TextJob &) = delete;
  TextJob &operator=(const TextJob &) = delete;
  ~TextJob();
  tq_status run();

private:
  tq_status readTexts();
  tq_status splitLines();
  tq_status makeResults(const tq_session &session);
  void noteTruncated() const;
  void takeRow(const TextRow &row);
  void showProgress(int64_t done);

  const tq_program &program;
  const Options &options;
  Bytes content; // of --text
  const char **texts = nullptr;
  size_t *bytes = nullptr;
  int64_t count = 0;
  Texts tokens;

  bool *wanted = nullptr;       // by output
  tq_tensor *results = nullptr; // by output, where wanted
  // Without --output, of one output.
  TextSummary summary;
  int32_t shown = -1;

  int64_t begin = 0, lastProgress = 0;
  bool progressShown = false;
};
} // namespace

TextJob::~TextJob() {
  for (int32_t i = 0; results && i < program.entries->num_outputs; ++i)
    free(results[i].data);
  free(results);
  free(wanted);
  free(texts);
  free(bytes);
  content.free();
}

/// One text a line; a carriage return before its end is not part of it.
tq_status TextJob::splitLines() {
  const char *end = content.data + content.size;
  int64_t lines = content.size && end[-1] != '\n';
  for (const char *c = content.data; c < end; ++c)
    lines += *c == '\n';
  if (!lines)
    return fail(TQ_ERROR_INPUT, "'%s': expected at least one line, found none",
                options.text);
  texts = static_cast<const char **>(calloc(lines, sizeof(char *)));
  bytes = static_cast<size_t *>(calloc(lines, sizeof(size_t)));
  if (!texts || !bytes)
    return fail(TQ_ERROR_RESOURCE, "no memory for %" PRId64 " texts", lines);
  for (const char *at = content.data; count < lines; ++count) {
    auto *stop = static_cast<const char *>(memchr(at, '\n', end - at));
    stop = stop ? stop : end;
    texts[count] = at;
    bytes[count] = stop - at - (stop > at && stop[-1] == '\r');
    at = stop + 1;
  }
  return TQ_OK;
}

tq_status TextJob::readTexts() {
  if (options.text) {
    if (tq_status status = readFile(options.text, &content))
      return status;
    return splitLines();
  }
  count = options.numWords;
  texts = static_cast<const char **>(calloc(count, sizeof(char *)));
  bytes = static_cast<size_t *>(calloc(count, sizeof(size_t)));
  if (!texts || !bytes)
    return fail(TQ_ERROR_RESOURCE, "no memory for %" PRId64 " texts", count);
  for (int64_t i = 0; i < count; ++i) {
    texts[i] = options.words[i];
    bytes[i] = strlen(texts[i]);
  }
  return TQ_OK;
}

void TextJob::noteTruncated() const {
  if (!tokens.truncated)
    return;
  fprintf(stderr,
          "note: %" PRId64 " of %" PRId64 " texts had more than %" PRId64
          " tokens and %s cut (the first is number %" PRId64 ")\n",
          tokens.truncated, count, textLimit(program),
          tokens.truncated == 1 ? "was" : "were", tokens.firstTruncated + 1);
}

tq_status TextJob::makeResults(const tq_session &session) {
  wanted = static_cast<bool *>(
      calloc(program.entries->num_outputs + 1, sizeof(bool)));
  results = static_cast<tq_tensor *>(
      calloc(program.entries->num_outputs + 1, sizeof(tq_tensor)));
  if (!wanted || !results)
    return fail(TQ_ERROR_RESOURCE, "no memory for the results");
  if (!options.numOutputs)
    wanted[shown = summaryOutput(program)] = true;
  for (int32_t i = 0; i < options.numOutputs; ++i)
    wanted[findTensor(program.entries->outputs, program.entries->num_outputs,
                      options.outputs[i].name)] = true;
  for (int32_t i = 0; i < program.entries->num_outputs; ++i) {
    if (!wanted[i])
      continue;
    tq_tensor &result = results[i];
    result.rank = program.entries->outputs[i].rank;
    result.dtype = program.entries->outputs[i].dtype;
    if (tq_status status =
            textOutputDims(*session.model, tokens, i, result.dims))
      return status;
    if (i == shown)
      return summary.open(i, result);
    int64_t size = 0;
    if (product(result.dims, result.rank, dtypeBytes(result.dtype), &size))
      result.data = calloc(size ? size : 1, 1);
    if (!result.data)
      return fail(TQ_ERROR_RESOURCE,
                  "output '%s' of %" PRId64 " texts needs %" PRId64
                  " bytes, and this machine does not have them",
                  program.entries->outputs[i].name, count, size);
  }
  return TQ_OK;
}

void TextJob::takeRow(const TextRow &row) {
  if (row.output != shown) {
    copyTextRow(row, tokens.longest,
                static_cast<uint8_t *>(results[row.output].data));
    return;
  }
  summary.take(row);
}

bool canShowProgress(int descriptor) {
  const char *terminal = getenv("TERM");
  return isatty(descriptor) && terminal && *terminal &&
         strcmp(terminal, "dumb") != 0;
}

/// A bar on work that takes over two seconds, where a person watches.
void TextJob::showProgress(int64_t done) {
  int64_t time = now();
  if (time - begin < 2000000000 ||
      (time - lastProgress < 100000000 && done < count))
    return;
  constexpr int barWidth = 30;
  char bar[barWidth + 1];
  for (int i = 0; i < barWidth; ++i)
    bar[i] = i < barWidth * done / count ? '#' : '.';
  bar[barWidth] = 0;
  fprintf(stderr, "\r%s %" PRId64 " of %" PRId64 " texts", bar, done, count);
  lastProgress = time;
  progressShown = true;
}

tq_status TextJob::run() {
  OpenSession session;
  if (tq_status status = session.open(program, options, options.threads))
    return status;
  // First of all: without a tokenizer the reason is that, not the file.
  if (tq_status status = requireTokenizer(*session->model))
    return status;
  if (options.prompt)
    if (tq_status status = tq_session_set_prompt(&*session, options.prompt))
      return status;
  if (tq_status status = probeOutputs(options))
    return status;
  if (tq_status status = readTexts())
    return status;
  begin = now();
  if (tq_status status = tokenizeTexts(*session, texts, bytes, count, &tokens))
    return status;
  noteTruncated();
  if (tq_status status = makeResults(*session))
    return status;
  ProfileRecorder recorder;
  if (tq_status status = recorder.start(*session, options.profile))
    return status;
  TextRun textRun;
  textRun.batch = options.batch;
  textRun.wanted = wanted;
  textRun.user = this;
  textRun.row = [](void *job, const TextRow &row) {
    static_cast<TextJob *>(job)->takeRow(row);
  };
  if (canShowProgress(STDERR_FILENO))
    textRun.progress = [](void *job, int64_t done) {
      static_cast<TextJob *>(job)->showProgress(done);
    };
  tq_status status = runTexts(*session, tokens, textRun);
  if (progressShown)
    fprintf(stderr, "\r\033[K");
  if (status)
    return status;
  if ((status = recorder.finish(*session, options.profile)))
    return status;
  if (options.numOutputs)
    return writeOutputs(program, options, results);
  summary.print(texts, bytes);
  return TQ_OK;
}

tq_status runTextFile(const tq_program &program, const Options &options) {
  return TextJob(program, options).run();
}

} // namespace tq::rt
