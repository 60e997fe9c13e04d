//===- Npy.cpp - NumPy's array files --------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"

#include <limits>
#include <optional>

using namespace llvm;
using namespace tq;

static constexpr StringLiteral magic = "\x93NUMPY";
/// What numpy calls white space in a header.
static constexpr StringLiteral spaces = " \t\r\n";
static constexpr StringLiteral types = "<f4, <i8, <i4, |u1, |i1 or |b1";

namespace {
/// Reads the dictionary of a header: {'descr': '<f4', 'fortran_order': False,
/// 'shape': (3, 4), }
class HeaderReader {
public:
  HeaderReader(StringRef path, StringRef where, StringRef text)
      : path(path), where(where), rest(text) {}

  Error read(CalibrationTensor &tensor);

private:
  Error readEntry(CalibrationTensor &tensor);
  Error readType(CalibrationTensor &tensor);
  Error readOrder();
  Error readShape(CalibrationTensor &tensor);

  bool take(StringRef token) {
    rest = rest.ltrim(spaces);
    return rest.consume_front(token);
  }
  /// Whether a comma, or else `close`, follows.
  bool takeComma(StringRef close) {
    return take(",") || rest.starts_with(close);
  }
  std::optional<StringRef> takeString();

  Error error(const Twine &message) const {
    return makeFileError(path, where + message);
  }
  Error expected(const Twine &what) const {
    return error("expected " + what + " in the npy header, but got '" +
                 printable(rest.take_front(16)) + "'");
  }

  StringRef path, where, rest;
  bool hasType = false, hasOrder = false, hasShape = false;
};
} // namespace

std::optional<StringRef> HeaderReader::takeString() {
  rest = rest.ltrim(spaces);
  if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
    return std::nullopt;
  size_t end = rest.find(rest[0], 1);
  if (end == StringRef::npos)
    return std::nullopt;
  StringRef text = rest.slice(1, end);
  rest = rest.drop_front(end + 1);
  return text;
}

/// What to save instead of an array of type `text`; "" for what has no numbers.
static StringRef adviseType(StringRef text) {
  StringRef code = text.substr(1);
  if (code == "f8" || code == "f2" || code == "f4")
    return "; save array.astype('<f4')";
  if (code == "i8" || code == "i4" || code == "u8" || code == "u4" ||
      code == "i2" || code == "u2")
    return "; save array.astype('<i8')";
  return "";
}

Error HeaderReader::readType(CalibrationTensor &tensor) {
  std::optional<StringRef> text = takeString();
  if (!text)
    return expected("a dtype of " + types);
  std::optional<ArrayType> type =
      StringSwitch<std::optional<ArrayType>>(text->substr(1))
          .Case("f4", ArrayType::F32)
          .Case("i8", ArrayType::I64)
          .Case("i4", ArrayType::I32)
          .Case("u1", ArrayType::U8)
          .Case("i1", ArrayType::I8)
          .Case("b1", ArrayType::Bool)
          .Default(std::nullopt);
  bool isLittle = !text->empty() && StringRef("<|=").contains(text->front());
  if (!type || !isLittle)
    return error("expected a dtype of " + types + ", but got '" +
                 printable(*text) + "'" + adviseType(*text));
  tensor.type = *type;
  return Error::success();
}

Error HeaderReader::readOrder() {
  if (take("False"))
    return Error::success();
  if (take("True"))
    return error("expected C order, but got Fortran order; save "
                 "numpy.ascontiguousarray(array)");
  return expected("True or False");
}

Error HeaderReader::readShape(CalibrationTensor &tensor) {
  constexpr size_t maxRank = 8;
  if (!take("("))
    return expected("'(' of the shape");
  while (!take(")")) {
    if (take("-"))
      return error("expected dimensions of at least 0, but got one below");
    StringRef digits = rest.take_while(isDigit);
    int64_t size;
    if (digits.empty())
      return expected("a dimension");
    if (digits.getAsInteger(10, size))
      return error("expected dimensions below 2^63, but got " +
                   printable(digits));
    if (tensor.shape.size() == maxRank)
      return error("expected at most " + Twine(maxRank) +
                   " dimensions, but got more");
    rest = rest.drop_front(digits.size());
    tensor.shape.push_back(size);
    if (!takeComma(")"))
      return expected("',' or ')' of the shape");
  }
  return Error::success();
}

Error HeaderReader::readEntry(CalibrationTensor &tensor) {
  std::optional<StringRef> key = takeString();
  if (!key)
    return expected("a key");
  bool *seen = *key == "descr"           ? &hasType
               : *key == "fortran_order" ? &hasOrder
               : *key == "shape"         ? &hasShape
                                         : nullptr;
  if (!seen || *seen)
    return error("expected descr, fortran_order and shape once each in the npy "
                 "header, but got '" +
                 printable(*key) + "'");
  *seen = true;
  if (!take(":"))
    return expected("':'");
  return seen == &hasType    ? readType(tensor)
         : seen == &hasOrder ? readOrder()
                             : readShape(tensor);
}

Error HeaderReader::read(CalibrationTensor &tensor) {
  if (!take("{"))
    return expected("'{'");
  while (!take("}")) {
    if (Error error = readEntry(tensor))
      return error;
    if (!takeComma("}"))
      return expected("',' or '}'");
  }
  rest = rest.ltrim(spaces);
  if (!rest.empty())
    return expected("nothing more");
  if (!hasType || !hasOrder || !hasShape)
    return error(
        "expected descr, fortran_order and shape in the npy header, but got "
        "no " +
        Twine(!hasType    ? "descr"
              : !hasOrder ? "fortran_order"
                          : "shape"));
  return Error::success();
}

/// The shape as numpy prints it.
static std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text =
      "(" +
      join(map_range(shape, [](int64_t size) { return std::to_string(size); }),
           ", ");
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// Checks that `tensor` says how many bytes its data has.
static Error checkData(StringRef path, StringRef where,
                       const CalibrationTensor &tensor) {
  auto error = [&](const Twine &message) {
    return makeFileError(path, where + message);
  };
  std::string shape = formatShape(tensor.shape);
  if (tensor.shape.empty())
    return error("expected at least one dimension, but got a single number");
  if (llvm::is_contained(tensor.shape, 0))
    return error("expected elements, but got none: the shape is " + shape);
  int64_t bytes = getArrayTypeBytes(tensor.type);
  for (int64_t size : tensor.shape) {
    std::optional<int64_t> product = checkedMul(bytes, size);
    if (!product)
      return error("expected less than 2^63 bytes, but got shape " + shape);
    bytes = *product;
  }
  if (static_cast<uint64_t>(bytes) != tensor.data.size())
    return error("expected " + Twine(bytes) + " bytes of data for " +
                 getArrayTypeName(tensor.type) + " " + shape + ", but got " +
                 Twine(tensor.data.size()));
  return Error::success();
}

/// What the content of a file is that is no array.
static std::string describeContent(StringRef content) {
  StringRef download = describeFailedDownload(content);
  if (!download.empty())
    return download.str();
  if (content.starts_with("PK\x03\x04"))
    return "a zip archive; if it holds arrays of numpy, its name has to end in "
           ".npz";
  return "other content (" + std::to_string(content.size()) + " bytes)";
}

Expected<CalibrationTensor> tq::readNpy(StringRef path, StringRef where,
                                        ArrayRef<uint8_t> bytes) {
  auto error = [&](const Twine &message) {
    return makeFileError(path, where + message);
  };
  constexpr size_t versionBytes = 2;
  StringRef content = toStringRef(bytes);
  if (!content.starts_with(magic))
    return error("expected an array of numpy, but got " +
                 describeContent(content));
  constexpr StringLiteral cut = "expected an npy header, but the data ends "
                                "within it";
  size_t begin = magic.size() + versionBytes;
  if (bytes.size() < begin)
    return error(cut);
  unsigned version = bytes[magic.size()];
  if (version < 1 || version > 3)
    return error("expected version 1 to 3 of npy, but got " + Twine(version));
  size_t lengthBytes = version == 1 ? 2 : 4;
  if (bytes.size() - begin < lengthBytes)
    return error(cut);
  const uint8_t *at = bytes.data() + begin;
  uint64_t length = version == 1 ? support::endian::read16le(at)
                                 : support::endian::read32le(at);
  begin += lengthBytes;
  if (length > bytes.size() - begin)
    return error(cut);
  CalibrationTensor tensor = {};
  tensor.data = bytes.drop_front(begin + length);
  HeaderReader reader(path, where, content.substr(begin, length));
  if (Error error = reader.read(tensor))
    return error;
  if (Error error = checkData(path, where, tensor))
    return error;
  return tensor;
}
