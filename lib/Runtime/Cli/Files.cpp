//===- Files.cpp - Reading and writing whole files ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Files.h"
#include "Cli/Utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tq::rt {

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static tq_status readAll(int descriptor, const char *path, Bytes *bytes) {
  // A regular file is read in one piece; what grows meanwhile is read too.
  struct stat info;
  int64_t step = 1 << 16;
  if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode))
    step = info.st_size + 1;
  for (;;) {
    if (bytes->size == bytes->capacity && !bytes->reserve(step))
      return fail(TQ_ERROR_RESOURCE, "no memory to read '%s'", path);
    ssize_t count = read(descriptor, bytes->data + bytes->size,
                         bytes->capacity - bytes->size);
    if (count == 0)
      return TQ_OK;
    if (count < 0 && errno != EINTR)
      return fail(TQ_ERROR_INPUT, "cannot read '%s': %s", path,
                  strerror(errno));
    bytes->size += count < 0 ? 0 : count;
    step = 1 << 16;
  }
}

tq_status readFile(const char *path, Bytes *bytes) {
  if (strcmp(path, "-") == 0)
    return readAll(STDIN_FILENO, "standard input", bytes);
  int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(TQ_ERROR_INPUT, "cannot open '%s': %s", path, strerror(errno));
  tq_status status = readAll(descriptor, path, bytes);
  ::close(descriptor);
  return status;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

tq_status OutputFile::failWrite(const char *what) {
  return fail(TQ_ERROR_INPUT, "cannot %s '%s': %s", what, path,
              strerror(errno));
}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    ::close(descriptor);
  if (temporary)
    unlink(temporary);
  free(temporary);
  free(target);
}

tq_status OutputFile::open(const char *file) {
  path = file;
  struct stat info;
  bool exists = stat(path, &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return failWrite("write");
  }
  if (exists && !S_ISREG(info.st_mode)) {
    descriptor = ::open(path, O_WRONLY | O_CLOEXEC);
    return descriptor < 0 ? failWrite("write") : TQ_OK;
  }
  target = exists ? realpath(path, nullptr) : strdup(path);
  size_t room = target ? strlen(target) + 40 : 0;
  temporary = target ? static_cast<char *>(malloc(room)) : nullptr;
  if (!temporary)
    return failWrite("write");
  for (int attempt = 0; descriptor < 0 && attempt < 100; ++attempt) {
    snprintf(temporary, room, "%s.%d-%d.tmp", target, int(getpid()), attempt);
    descriptor =
        ::open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST)
      break;
  }
  if (descriptor >= 0)
    return TQ_OK;
  tq_status status = failWrite("write");
  free(temporary); // never ours: not to be removed
  temporary = nullptr;
  return status;
}

tq_status OutputFile::write(const void *data, int64_t bytes) {
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t count = ::write(descriptor, from, bytes);
    if (count < 0 && errno != EINTR)
      return failWrite("write");
    from += count < 0 ? 0 : count;
    bytes -= count < 0 ? 0 : count;
  }
  return TQ_OK;
}

tq_status OutputFile::close() {
  int closed = ::close(descriptor);
  descriptor = -1;
  return closed == 0 ? TQ_OK : failWrite("write");
}

tq_status OutputFile::commit() {
  if (!temporary)
    return TQ_OK;
  if (rename(temporary, target) != 0)
    return failWrite("write");
  free(temporary);
  temporary = nullptr;
  return TQ_OK;
}

tq_status probeOutput(const char *path) {
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) &&
      !S_ISDIR(info.st_mode))
    return TQ_OK; // opening a pipe would wait for its reader
  OutputFile probe;
  return probe.open(path);
}

tq_status writeFile(const char *path, const Bytes &bytes) {
  if (bytes.failed)
    return fail(TQ_ERROR_RESOURCE, "no memory to write '%s'", path);
  OutputFile file;
  if (tq_status status = file.open(path))
    return status;
  if (tq_status status = file.write(bytes.data, bytes.size))
    return status;
  if (tq_status status = file.close())
    return status;
  return file.commit();
}

void printJson(Bytes &to, const char *text) {
  to.append("\"", 1);
  for (const char *end = text + strlen(text); text < end;) {
    unsigned char c = *text;
    int length = utf8Length(text, end - text);
    if (length == 0) {
      to.append("\\ufffd", 6);
      length = 1;
    } else if (c < 0x20 || c == '"' || c == '\\') {
      to.print("\\u%04x", c);
    } else {
      to.append(text, length);
    }
    text += length;
  }
  to.append("\"", 1);
}

} // namespace tq::rt
