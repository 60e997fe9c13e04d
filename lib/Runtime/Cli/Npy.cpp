//===- Npy.cpp - NumPy's array files --------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Npy.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

namespace tq::rt {

namespace {

struct Descriptor {
  const char *code; // without the byte order
  int32_t dtype;
};

constexpr Descriptor descriptors[] = {{"f4", TQ_F32}, {"i8", TQ_I64},
                                      {"i4", TQ_I32}, {"u1", TQ_U8},
                                      {"i1", TQ_I8},  {"b1", TQ_BOOL}};

/// Reads the header's dictionary: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (3, 4), }
class HeaderParser {
public:
  HeaderParser(const char *path, const char *text, int64_t length)
      : path(path), at(text), end(text + length) {}

  tq_status parse(tq_tensor *tensor);

private:
  tq_status failHeader(const char *expected);
  void skipSpace();
  bool take(char c);
  bool takeWord(const char *word);
  bool takeString(const char **text, int *length);
  tq_status parseEntry(tq_tensor *tensor);
  tq_status parseDescriptor(tq_tensor *tensor);
  tq_status parseOrder();
  tq_status parseShape(tq_tensor *tensor);

  const char *path, *at, *end;
  bool hasDescriptor = false, hasOrder = false, hasShape = false;
};

} // namespace

tq_status HeaderParser::failHeader(const char *expected) {
  int left = end - at < 12 ? int(end - at) : 12;
  return fail(TQ_ERROR_INPUT, "'%s': bad npy header: expected %s, found '%.*s'",
              path, expected, left, at);
}

void HeaderParser::skipSpace() {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
    ++at;
}

bool HeaderParser::take(char c) {
  skipSpace();
  if (at == end || *at != c)
    return false;
  ++at;
  return true;
}

bool HeaderParser::takeWord(const char *word) {
  skipSpace();
  int64_t length = strlen(word);
  if (end - at < length || memcmp(at, word, length) != 0)
    return false;
  at += length;
  return true;
}

bool HeaderParser::takeString(const char **text, int *length) {
  skipSpace();
  if (at == end || (*at != '\'' && *at != '"'))
    return false;
  auto *close = static_cast<const char *>(memchr(at + 1, *at, end - at - 1));
  if (!close || close - at > 64)
    return false;
  *text = at + 1;
  *length = int(close - at - 1);
  at = close + 1;
  return true;
}

tq_status HeaderParser::parseDescriptor(tq_tensor *tensor) {
  const char *text;
  int length;
  if (!takeString(&text, &length))
    return failHeader("a dtype string");
  bool order = length == 3 && strchr("<|=", text[0]);
  for (const Descriptor &descriptor : descriptors)
    if (order && memcmp(text + 1, descriptor.code, 2) == 0) {
      tensor->dtype = descriptor.dtype;
      return TQ_OK;
    }
  return fail(TQ_ERROR_INPUT,
              "'%s': expected dtype <f4, <i8, <i4, |u1, |i1 or |b1, found "
              "'%.*s'",
              path, length, text);
}

tq_status HeaderParser::parseOrder() {
  if (takeWord("False"))
    return TQ_OK;
  if (takeWord("True"))
    return fail(TQ_ERROR_INPUT,
                "'%s': expected C order, found Fortran order (save "
                "numpy.ascontiguousarray of it)",
                path);
  return failHeader("True or False");
}

tq_status HeaderParser::parseShape(tq_tensor *tensor) {
  if (!take('('))
    return failHeader("'(' of the shape");
  tensor->rank = 0;
  while (!take(')')) {
    skipSpace();
    if (at == end || *at < '0' || *at > '9')
      return failHeader("a dimension");
    int64_t value = 0;
    for (; at < end && *at >= '0' && *at <= '9'; ++at)
      if (!multiply(value, 10, &value) ||
          __builtin_add_overflow(value, *at - '0', &value))
        return fail(TQ_ERROR_INPUT, "'%s': dimension %d overflows 64 bits",
                    path, tensor->rank);
    if (tensor->rank == 8)
      return fail(TQ_ERROR_INPUT,
                  "'%s': expected at most 8 dimensions, found "
                  "more",
                  path);
    tensor->dims[tensor->rank++] = value;
    if (!take(',') && (skipSpace(), at == end || *at != ')'))
      return failHeader("',' or ')' in the shape");
  }
  return TQ_OK;
}

tq_status HeaderParser::parseEntry(tq_tensor *tensor) {
  const char *key;
  int length;
  if (!takeString(&key, &length))
    return failHeader("a key");
  auto is = [&](const char *name, bool &seen) {
    bool same = size_t(length) == strlen(name) && !memcmp(key, name, length);
    bool first = same && !seen;
    seen |= same;
    return first;
  };
  bool isDescriptor = is("descr", hasDescriptor);
  bool isOrder = is("fortran_order", hasOrder);
  bool isShape = is("shape", hasShape);
  if (!isDescriptor && !isOrder && !isShape)
    return fail(TQ_ERROR_INPUT,
                "'%s': bad npy header: expected descr, fortran_order and shape "
                "once each, found '%.*s'",
                path, length, key);
  if (!take(':'))
    return failHeader("':'");
  return isDescriptor ? parseDescriptor(tensor)
         : isOrder    ? parseOrder()
                      : parseShape(tensor);
}

tq_status HeaderParser::parse(tq_tensor *tensor) {
  if (!take('{'))
    return failHeader("'{'");
  while (!take('}')) {
    if (tq_status status = parseEntry(tensor))
      return status;
    if (!take(',') && (skipSpace(), at == end || *at != '}'))
      return failHeader("',' or '}'");
  }
  skipSpace();
  if (at != end)
    return failHeader("the end");
  if (!hasDescriptor || !hasOrder || !hasShape)
    return fail(
        TQ_ERROR_INPUT,
        "'%s': bad npy header: expected descr, fortran_order and shape, "
        "found no %s",
        path,
        !hasDescriptor ? "descr"
        : !hasOrder    ? "fortran_order"
                       : "shape");
  return TQ_OK;
}

/// Finds header and data; both lie in `storage` after this.
static tq_status findHeader(const char *path, const Bytes &storage,
                            int64_t *begin, int64_t *length) {
  auto *bytes = reinterpret_cast<const unsigned char *>(storage.data);
  if (storage.size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
    return fail(TQ_ERROR_INPUT,
                "'%s': expected an npy file, found other content (%" PRId64
                " bytes)",
                path, storage.size);
  int version = bytes[6];
  if (version < 1 || version > 3)
    return fail(TQ_ERROR_INPUT,
                "'%s': expected npy version 1 to 3, found %d.%d", path, version,
                bytes[7]);
  *begin = version == 1 ? 10 : 12;
  *length = bytes[8] + 256 * bytes[9];
  if (version > 1 && storage.size >= 12)
    *length += (int64_t(bytes[10]) << 16) + (int64_t(bytes[11]) << 24);
  if (*begin > storage.size || *length > storage.size - *begin)
    return fail(TQ_ERROR_INPUT,
                "'%s': the npy header of %" PRId64
                " bytes ends beyond the file's %" PRId64 " bytes",
                path, *length, storage.size);
  return TQ_OK;
}

tq_status readNpy(const char *path, Bytes *storage, tq_tensor *tensor) {
  *tensor = {};
  if (tq_status status = readFile(path, storage))
    return status;
  int64_t begin, length;
  if (tq_status status = findHeader(path, *storage, &begin, &length))
    return status;
  HeaderParser parser(path, storage->data + begin, length);
  if (tq_status status = parser.parse(tensor))
    return status;
  int64_t expected, found = storage->size - begin - length;
  char shape[192];
  if (!product(tensor->dims, tensor->rank, dtypeBytes(tensor->dtype),
               &expected))
    return fail(TQ_ERROR_INPUT, "'%s': shape %s overflows 64 bits", path,
                shapeText(shape, tensor->dims, tensor->rank));
  if (expected != found)
    return fail(TQ_ERROR_INPUT,
                "'%s': expected %" PRId64 " bytes of data for %s %s, found "
                "%" PRId64,
                path, expected, dtypeName(tensor->dtype),
                shapeText(shape, tensor->dims, tensor->rank), found);
  // To the front: there it is aligned.
  memmove(storage->data, storage->data + begin + length, expected);
  tensor->data = storage->data;
  return TQ_OK;
}

tq_status writeNpy(OutputFile &file, const tq_tensor &tensor) {
  const char *code = "f4";
  for (const Descriptor &descriptor : descriptors)
    if (descriptor.dtype == tensor.dtype)
      code = descriptor.code;
  Bytes header;
  header.append("\x93NUMPY\x01\x00\x00\x00", 10);
  header.print("{'descr': '%c%s', 'fortran_order': False, 'shape': (",
               dtypeBytes(tensor.dtype) == 1 ? '|' : '<', code);
  for (int32_t d = 0; d < tensor.rank; ++d)
    header.print(d + 1 < tensor.rank ? "%" PRId64 ", " : "%" PRId64,
                 tensor.dims[d]);
  header.print(tensor.rank == 1 ? ",), }" : "), }");
  while ((header.size + 1) % 64)
    header.append(" ", 1);
  header.append("\n", 1);
  tq_status status = TQ_OK;
  if (header.failed) {
    status = fail(TQ_ERROR_RESOURCE, "no memory for an npy header");
  } else {
    header.data[8] = char((header.size - 10) & 255);
    header.data[9] = char((header.size - 10) >> 8);
    status = file.write(header.data, header.size);
  }
  header.free();
  int64_t bytes;
  if (!status &&
      product(tensor.dims, tensor.rank, dtypeBytes(tensor.dtype), &bytes))
    status = file.write(tensor.data, bytes);
  return status;
}

} // namespace tq::rt
