//===- Summary.cpp - Short answers on stdout ------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Main.h"
#include "Cli/Utf8.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace tq::rt {

/// More texts than this make a similarity matrix that nobody reads.
static constexpr int64_t maxMatrix = 32;

/// Values that a line shows.
static constexpr int64_t maxShown = 4;

/// "[0.1, 0.2, 0.3, ...]" of up to `shown` of `count` floats.
static void printValues(const float *values, int64_t count, int64_t shown) {
  printf("[");
  for (int64_t i = 0; i < count && i < shown; ++i)
    printf(i ? ", %.4f" : "%.4f", double(values[i]));
  printf(shown < count ? ", ...]" : "]");
}

static double norm(const float *values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += double(values[i]) * double(values[i]);
  return sqrt(sum);
}

int32_t summaryOutput(const tq_program &program) {
  int32_t index = findTensor(program.entries->outputs,
                             program.entries->num_outputs, "embedding");
  if (index < 0)
    index = findTensor(program.entries->outputs, program.entries->num_outputs,
                       "logits");
  return index < 0 ? 0 : index;
}

//===----------------------------------------------------------------------===//
// Classes
//===----------------------------------------------------------------------===//

/// True if a row of this output is one value a class.
static bool isClassifier(const tq_program &program, int32_t index,
                         int64_t width) {
  return program.num_labels > 0 && width == program.num_labels &&
         strcmp(program.entries->outputs[index].name, "logits") == 0;
}

/// The probability by softmax of the best class.
static double bestClass(const tq_program &program, const float *logits,
                        int64_t *best) {
  *best = 0;
  double sum = 0;
  for (int32_t i = 1; i < program.num_labels; ++i)
    if (logits[i] > logits[*best])
      *best = i;
  for (int32_t i = 0; i < program.num_labels; ++i)
    sum += exp(double(logits[i]) - double(logits[*best]));
  return 1 / sum;
}

static void printBest(const tq_program &program, int64_t best,
                      double probability) {
  printf("%s %.4f", program.labels[best], probability);
}

/// Scores that do not depend on each other: all of them count.
static void printEach(const tq_program &program, const float *logits) {
  bool isSigmoid = program.label_scores == TQ_SCORES_SIGMOID;
  for (int32_t i = 0; i < program.num_labels; ++i) {
    double score = logits[i];
    printf("%s%s %.4f", i ? ", " : "", program.labels[i],
           isSigmoid ? 1 / (1 + exp(-score)) : score);
  }
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

/// A quoted text, cut to a line's width, without what would move the cursor.
static void printQuoted(const char *text, size_t bytes) {
  constexpr int shown = 60;
  printf("\"");
  size_t at = 0;
  for (int i = 0; at < bytes && i < shown; ++i) {
    int length = utf8Length(text + at, int64_t(bytes - at));
    unsigned char c = text[at];
    bool control = c < 0x20 || c == 0x7f ||
                   (c == 0xc2 && length == 2 && (text[at + 1] & 0xff) < 0xa0);
    if (length == 0 || control)
      printf("?");
    else
      printf("%.*s", length, text + at);
    at += length ? length : 1;
  }
  printf(at < bytes ? "...\"" : "\"");
}

TextSummary::~TextSummary() {
  free(values);
  free(entries);
}

tq_status TextSummary::open(int32_t index, const tq_tensor &all) {
  output = index;
  count = all.dims[0];
  const tq_program_tensor &description = program.entries->outputs[output];
  if (description.dtype != TQ_PROGRAM_F32)
    return fail(TQ_ERROR_USAGE,
                "output '%s' is not f32; write it with --output",
                description.name);
  bool isPerToken = false;
  width = 1;
  for (int32_t d = 1; d < description.rank; ++d) {
    isPerToken |= description.dims[d] < 0;
    if (description.dims[d] >= 0 &&
        !multiply(width, description.dims[d], &width))
      return fail(TQ_ERROR_INPUT,
                  "output '%s' is larger than the address space",
                  description.name);
  }
  bool hasMatrix = strcmp(description.name, "embedding") == 0 && count > 1 &&
                   count <= maxMatrix;
  kept = width < maxShown ? width : maxShown;
  if (isPerToken) {
    kind = Kind::PerToken;
    kept = maxShown;
  } else if (isClassifier(program, output, width)) {
    bool isBest = program.label_scores == TQ_SCORES_SOFTMAX;
    kind = isBest ? Kind::BestClass : Kind::Classes;
    kept = isBest ? 0 : width;
  } else if (hasMatrix) {
    kept = width;
  }
  int64_t total = 0;
  if (!multiply(count, kept, &total) || !multiply(total, 4, &total) ||
      !fitsMachine(total) || !makeArray(values, count * kept) ||
      !makeArray(entries, count))
    return fail(TQ_ERROR_RESOURCE, "no memory for %" PRId64 " results", count);
  return TQ_OK;
}

void TextSummary::take(const TextRow &row) {
  auto *from = reinterpret_cast<const float *>(row.data);
  float *to = values + row.text * kept;
  Entry &entry = entries[row.text];
  int64_t copied = kept;
  if (kind == Kind::PerToken) {
    // What stands together of this text; then comes padding, or another text.
    inner = row.inner / int64_t(sizeof(float));
    copied = row.length * inner < kept ? row.length * inner : kept;
    entry.number = row.length;
  } else if (kind == Kind::BestClass) {
    entry.real = bestClass(program, from, &entry.number);
  } else if (kind == Kind::Vector) {
    entry.real = norm(from, width);
  }
  memcpy(to, from, copied * sizeof(float));
}

void TextSummary::printRow(int64_t text) const {
  const char *name = program.entries->outputs[output].name;
  const float *row = values + text * kept;
  const Entry &entry = entries[text];
  switch (kind) {
  case Kind::BestClass:
    return printBest(program, entry.number, entry.real);
  case Kind::Classes:
    return printEach(program, row);
  case Kind::PerToken: {
    int64_t known = entry.number * inner;
    printf("%s of %" PRId64 " tokens ", name, entry.number);
    return printValues(row, entry.number * width,
                       known < maxShown ? known : maxShown);
  }
  case Kind::Vector:
    printf("%s ", name);
    printValues(row, width, maxShown);
    if (width > 1)
      printf(" norm %.4f", entry.real);
  }
}

void TextSummary::printMatrix() const {
  printf("\ncosine similarity\n%6s", "");
  for (int64_t j = 0; j < count; ++j)
    printf(" %7" PRId64, j + 1);
  printf("\n");
  for (int64_t i = 0; i < count; ++i) {
    printf("%6" PRId64, i + 1);
    for (int64_t j = 0; j < count; ++j) {
      const float *a = values + i * width, *b = values + j * width;
      double dot = 0, scale = entries[i].real * entries[j].real;
      for (int64_t k = 0; k < width; ++k)
        dot += double(a[k]) * double(b[k]);
      printf(" %7.4f", scale > 0 ? dot / scale : 0.0);
    }
    printf("\n");
  }
}

void TextSummary::print(const char *const *texts, const size_t *bytes) const {
  for (int64_t i = 0; i < count; ++i) {
    printf("%6" PRId64 "  ", i + 1);
    printRow(i);
    printf("  ");
    printQuoted(texts[i], bytes[i]);
    printf("\n");
  }
  if (kind != Kind::Vector || count < 2 ||
      strcmp(program.entries->outputs[output].name, "embedding") != 0)
    return;
  if (count <= maxMatrix)
    printMatrix();
  else
    printf("\ncosine similarity is printed for up to %" PRId64 " texts\n",
           maxMatrix);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static void printTensorRow(const tq_program &program, int32_t output,
                           const float *row, int64_t width) {
  if (!isClassifier(program, output, width)) {
    printValues(row, width, maxShown);
    if (width > 1)
      printf(" norm %.4f", norm(row, width));
  } else if (program.label_scores == TQ_SCORES_SOFTMAX) {
    int64_t best;
    double probability = bestClass(program, row, &best);
    printBest(program, best, probability);
  } else {
    printEach(program, row);
  }
}

void printTensors(const tq_program &program, const tq_tensor *outputs) {
  for (int32_t i = 0; i < program.entries->num_outputs; ++i) {
    const tq_tensor &output = outputs[i];
    char shape[192];
    printf("%s %s %s\n", program.entries->outputs[i].name,
           dtypeName(output.dtype), shapeText(shape, output.dims, output.rank));
    int64_t elements = 0;
    product(output.dims, output.rank, 1, &elements);
    if (output.dtype != TQ_F32 || output.rank < 1 || elements < 1)
      continue;
    int64_t width = output.dims[output.rank - 1], rows = elements / width;
    for (int64_t r = 0; r < rows && r < 8; ++r) {
      const float *row = static_cast<const float *>(output.data) + r * width;
      printf("%6" PRId64 "  ", r + 1);
      printTensorRow(program, i, row, width);
      printf("\n");
    }
    if (rows > 8)
      printf("   ...  %" PRId64 " more rows\n", rows - 8);
  }
}

} // namespace tq::rt
