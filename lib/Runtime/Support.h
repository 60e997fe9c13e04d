//===- Support.h - Small helpers of the runtime -----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime is linked without the C++ library: no new, no std containers.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_SUPPORT_H
#define TQ_LIB_RUNTIME_SUPPORT_H

#include "tq/Runtime/tq.h"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

namespace tq::rt {

/// Bytes of a thread's message. Libraries of all versions share it: never less.
enum { messageBytes = 1024 };

/// Sets this thread's message and returns `status`. Control characters in the
/// message are replaced: it stays one line whatever names it quotes.
tq_status fail(tq_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// a * b into *result; false if that does not fit or a factor is negative.
bool multiply(int64_t a, int64_t b, int64_t *result);

/// Product of `rank` dimensions times `scale`; false as above.
bool product(const int64_t *dims, int32_t rank, int64_t scale, int64_t *result);

/// Bytes of an element, 0 for an unknown dtype.
int64_t dtypeBytes(int32_t dtype);
const char *dtypeName(int32_t dtype);
/// The integer at `index`; a dtype that is not an integer reads as 0.
int64_t loadInteger(int32_t dtype, const void *data, int64_t index);
void storeInteger(int32_t dtype, void *data, int64_t index, int64_t value);
/// Range of an integer dtype.
int64_t integerMin(int32_t dtype);
int64_t integerMax(int32_t dtype);

/// Nanoseconds of the monotonic clock.
int64_t now();

/// Memory that only grows, aligned to a cache line; the content is lost when it
/// grows. Zero-initialized memory is a valid empty buffer.
struct Buffer {
  uint8_t *data;
  int64_t capacity;
};

/// Whether the system has this much memory now: what the kernel would grant and
/// only refuse when it is touched is refused before.
bool fitsMachine(int64_t bytes);

/// Makes room for `bytes`; false if there is no memory (the buffer is then
/// empty).
bool bufferReserve(Buffer &buffer, int64_t bytes);
void bufferFree(Buffer &buffer);

/// Allocates `count` zeros; false without memory. For free().
template <typename T>
bool makeArray(T *&array, int64_t count) {
  array = static_cast<T *>(calloc(count ? count : 1, sizeof(T)));
  return array != nullptr;
}

/// Fills `order` with the rows [0, count) by length, the longest first and
/// equal ones as they stand. `length(row)` is from 0 to `longest`. False
/// without memory.
template <typename Length>
bool sortByLength(Buffer &order, int64_t count, int64_t longest,
                  Length length) {
  if (!bufferReserve(order, 8 * (count + longest + 2)))
    return false;
  auto *rows = reinterpret_cast<int64_t *>(order.data);
  int64_t *next = rows + count; // where rows of (longest - i) go
  for (int64_t i = 0; i < longest + 2; ++i)
    next[i] = 0;
  for (int64_t i = 0; i < count; ++i)
    ++next[longest - length(i) + 1];
  for (int64_t i = 1; i <= longest; ++i)
    next[i] += next[i - 1];
  for (int64_t i = 0; i < count; ++i)
    rows[next[longest - length(i)]++] = i;
  return true;
}

/// Text or bytes that grow at the end.
struct Bytes {
  char *data = nullptr;
  int64_t size = 0;
  int64_t capacity = 0;
  bool failed = false; // memory ran out; what was added since is lost

  /// Makes room for `more` bytes at the end.
  bool reserve(int64_t more);
  void append(const void *from, int64_t count);
  void print(const char *format, ...) __attribute__((format(printf, 2, 3)));
  void free();
};

/// Writes dims as "[1, 7]" into `text`.
const char *shapeText(char (&text)[192], const int64_t *dims, int32_t rank);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_SUPPORT_H
