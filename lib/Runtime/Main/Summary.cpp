//===- Summary.cpp - Short answers on stdout ------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Main/Main.h"
#include "Main/Utf8.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

namespace tq::rt {

/// More texts than this make a similarity matrix that nobody reads.
static constexpr int64_t maxMatrix = 32;

void printValues(const float *values, int64_t count, int64_t shown) {
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
  int32_t index = findTensor(program.outputs, program.num_outputs, "embedding");
  if (index < 0)
    index = findTensor(program.outputs, program.num_outputs, "logits");
  return index < 0 ? 0 : index;
}

/// True if a row of this output is one value a class.
static bool isClassifier(const tq_program &program, int32_t index,
                         int64_t width) {
  return program.num_labels > 1 && width == program.num_labels &&
         strcmp(program.outputs[index].name, "logits") == 0;
}

/// The best class and its probability by softmax.
static void printClass(const tq_program &program, const float *logits) {
  int32_t best = 0;
  double sum = 0;
  for (int32_t i = 1; i < program.num_labels; ++i)
    if (logits[i] > logits[best])
      best = i;
  for (int32_t i = 0; i < program.num_labels; ++i)
    sum += exp(double(logits[i]) - double(logits[best]));
  printf("%s %.4f", program.labels[best], 1 / sum);
}

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

static void printMatrix(const float *rows, int64_t count, int64_t width) {
  printf("\ncosine similarity\n%6s", "");
  for (int64_t j = 0; j < count; ++j)
    printf(" %7" PRId64, j + 1);
  printf("\n");
  for (int64_t i = 0; i < count; ++i) {
    printf("%6" PRId64, i + 1);
    for (int64_t j = 0; j < count; ++j) {
      const float *a = rows + i * width, *b = rows + j * width;
      double dot = 0, scale = norm(a, width) * norm(b, width);
      for (int64_t k = 0; k < width; ++k)
        dot += double(a[k]) * double(b[k]);
      printf(" %7.4f", scale > 0 ? dot / scale : 0.0);
    }
    printf("\n");
  }
}

void printTexts(const tq_program &program, int32_t output,
                const char *const *texts, const size_t *bytes, int64_t count,
                const float *rows, int64_t width, bool perToken,
                const int64_t *lengths) {
  const char *name = program.outputs[output].name;
  for (int64_t i = 0; i < count; ++i) {
    const float *row = rows + i * width;
    printf("%6" PRId64 "  ", i + 1);
    if (perToken) {
      printf("%s of %" PRId64 " tokens ", name, lengths[i]);
      printValues(row, width + 1, width);
    } else if (isClassifier(program, output, width)) {
      printClass(program, row);
    } else {
      printf("%s ", name);
      printValues(row, width, 4);
      if (width > 1)
        printf(" norm %.4f", norm(row, width));
    }
    printf("  ");
    printQuoted(texts[i], bytes[i]);
    printf("\n");
  }
  if (perToken || count < 2 || strcmp(name, "embedding") != 0)
    return;
  if (count <= maxMatrix)
    printMatrix(rows, count, width);
  else
    printf("\ncosine similarity is printed for up to %" PRId64 " texts\n",
           maxMatrix);
}

void printTensors(const tq_program &program, const tq_tensor *outputs) {
  for (int32_t i = 0; i < program.num_outputs; ++i) {
    const tq_tensor &output = outputs[i];
    char shape[192];
    printf("%s %s %s\n", program.outputs[i].name, dtypeName(output.dtype),
           shapeText(shape, output.dims, output.rank));
    int64_t elements = 0;
    product(output.dims, output.rank, 1, &elements);
    if (output.dtype != TQ_F32 || output.rank < 1 || elements < 1)
      continue;
    int64_t width = output.dims[output.rank - 1], rows = elements / width;
    for (int64_t r = 0; r < rows && r < 8; ++r) {
      const float *row = static_cast<const float *>(output.data) + r * width;
      printf("%6" PRId64 "  ", r + 1);
      if (isClassifier(program, i, width)) {
        printClass(program, row);
      } else {
        printValues(row, width, 4);
        if (width > 1)
          printf(" norm %.4f", norm(row, width));
      }
      printf("\n");
    }
    if (rows > 8)
      printf("   ...  %" PRId64 " more rows\n", rows - 8);
  }
}

} // namespace tq::rt
