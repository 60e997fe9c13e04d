//===- Support.cpp - Small helpers of the runtime -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

namespace tq::rt {

tq_status fail(tq_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  // Formatted aside: an argument may be the message itself.
  char text[messageBytes];
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  for (char *c = text; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f)
      *c = '?';
  // Called, as the function may be that of another library of the process: the
  // one that this process asks for messages.
  memcpy(const_cast<char *>(tq_last_message()), text, sizeof(text));
  return status;
}

bool multiply(int64_t a, int64_t b, int64_t *result) {
  return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, result);
}

bool product(const int64_t *dims, int32_t rank, int64_t scale,
             int64_t *result) {
  int64_t total = scale;
  for (int32_t i = 0; i < rank; ++i)
    if (!multiply(total, dims[i], &total))
      return false;
  *result = total;
  return true;
}

int64_t dtypeBytes(int32_t dtype) {
  switch (dtype) {
  case TQ_F32:
  case TQ_I32:
    return 4;
  case TQ_I64:
    return 8;
  case TQ_U8:
  case TQ_I8:
  case TQ_BOOL:
    return 1;
  }
  return 0;
}

const char *dtypeName(int32_t dtype) {
  switch (dtype) {
  case TQ_F32:
    return "f32";
  case TQ_I64:
    return "i64";
  case TQ_I32:
    return "i32";
  case TQ_U8:
    return "u8";
  case TQ_I8:
    return "i8";
  case TQ_BOOL:
    return "bool";
  }
  return "unknown";
}

int64_t loadInteger(int32_t dtype, const void *data, int64_t index) {
  const char *bytes = static_cast<const char *>(data);
  if (dtype == TQ_I64) {
    int64_t value;
    memcpy(&value, bytes + 8 * index, 8);
    return value;
  }
  if (dtype == TQ_I32) {
    int32_t value;
    memcpy(&value, bytes + 4 * index, 4);
    return value;
  }
  if (dtype == TQ_I8)
    return static_cast<int8_t>(bytes[index]);
  if (dtype == TQ_U8 || dtype == TQ_BOOL)
    return static_cast<uint8_t>(bytes[index]);
  return 0;
}

void storeInteger(int32_t dtype, void *data, int64_t index, int64_t value) {
  char *bytes = static_cast<char *>(data);
  int64_t size = dtypeBytes(dtype);
  memcpy(bytes + size * index, &value, size); // little endian
}

int64_t integerMin(int32_t dtype) {
  if (dtype == TQ_I64)
    return INT64_MIN;
  return dtype == TQ_I32 ? INT32_MIN : dtype == TQ_I8 ? -128 : 0;
}

int64_t integerMax(int32_t dtype) {
  switch (dtype) {
  case TQ_I64:
    return INT64_MAX;
  case TQ_I32:
    return INT32_MAX;
  case TQ_I8:
    return 127;
  case TQ_U8:
    return 255;
  }
  return 1;
}

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

/// Large arenas in large pages: fewer faults at the start, fewer TLB misses
/// later.
static constexpr int64_t hugePage = 2 << 20;

/// Bytes that the system could give this process now, INT64_MAX if unknown.
static int64_t availableMemory() {
  FILE *file = fopen("/proc/meminfo", "re");
  if (!file)
    return INT64_MAX;
  char line[128];
  long long kilobytes = INT64_MAX / 1024;
  while (fgets(line, sizeof(line), file))
    if (sscanf(line, "MemAvailable: %lld kB", &kilobytes) == 1)
      break;
  fclose(file);
  return kilobytes * 1024;
}

bool fitsMachine(int64_t bytes) {
  constexpr int64_t small = 64 << 20; // not worth a look at the system
  return bytes <= small || bytes <= availableMemory();
}

bool bufferReserve(Buffer &buffer, int64_t bytes) {
  if (buffer.data && bytes >= 0 && bytes <= buffer.capacity)
    return true;
  bufferFree(buffer);
  if (bytes < 0 || bytes > (int64_t(1) << 62))
    return false;
  int64_t alignment = bytes < 2 * hugePage ? 64 : hugePage;
  int64_t rounded =
      bytes < 64 ? 64 : (bytes + alignment - 1) & ~(alignment - 1);
  void *data = nullptr;
  if (!fitsMachine(rounded) || posix_memalign(&data, alignment, rounded))
    return false;
  if (alignment == hugePage)
    madvise(data, rounded, MADV_HUGEPAGE); // only a wish
  buffer.data = static_cast<uint8_t *>(data);
  buffer.capacity = rounded;
  return true;
}

void bufferFree(Buffer &buffer) {
  ::free(buffer.data);
  buffer.data = nullptr;
  buffer.capacity = 0;
}

bool Bytes::reserve(int64_t more) {
  if (failed || more > INT64_MAX / 4 - size)
    return false;
  if (size + more <= capacity)
    return true;
  int64_t larger = 2 * capacity + 256;
  if (larger < size + more)
    larger = size + more;
  void *moved = realloc(data, larger);
  if (!moved)
    return false;
  data = static_cast<char *>(moved);
  capacity = larger;
  return true;
}

void Bytes::append(const void *from, int64_t count) {
  if (!reserve(count)) {
    failed = true;
    return;
  }
  if (count)
    memcpy(data + size, from, count);
  size += count;
}

void Bytes::print(const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(nullptr, 0, format, arguments);
  if (length < 0 || !reserve(int64_t(length) + 1))
    failed = true;
  else
    size += vsnprintf(data + size, size_t(length) + 1, format, again);
  va_end(again);
  va_end(arguments);
}

void Bytes::free() {
  ::free(data);
  *this = Bytes();
}

const char *shapeText(char (&text)[192], const int64_t *dims, int32_t rank) {
  size_t used = 0;
  text[used++] = '[';
  for (int32_t i = 0; i < rank && used < sizeof(text) - 24; ++i)
    used += snprintf(text + used, sizeof(text) - used,
                     i ? ", %" PRId64 : "%" PRId64, dims[i]);
  text[used++] = ']';
  text[used] = 0;
  return text;
}

} // namespace tq::rt
