//===- Golden.cpp - What a program tests itself with ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/Golden.h"

#include "tq/Runtime/Program.h"
#include "tq/Support/Subprocess.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstring>

using namespace llvm;
using namespace tq;

/// Larger self-tests are not worth their place in the program.
static constexpr uint64_t kMaxBytes = 256 << 10;

/// A program that runs longer than this many seconds gets no self-test.
static constexpr unsigned kMaxSeconds = 20;

/// Sizes of the symbols, in turn; a batch of two, seven tokens each.
static constexpr int64_t kSizes[] = {2, 7, 3, 5};

/// Of all symbols where a program has checks: most are for equal sizes.
static constexpr int64_t kEqualSize = 4;

namespace {
/// A tensor with its elements.
struct Tensor {
  std::vector<int64_t> dims;
  std::vector<uint8_t> bytes;
};

/// A generator with a fixed sequence (SplitMix64).
class Random {
public:
  uint64_t next() {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  /// In [-2, 2), a multiple of 2^-22.
  float nextFloat() {
    return static_cast<float>(static_cast<int64_t>(next() >> 40) - (1 << 23)) *
           0x1p-22f;
  }

private:
  uint64_t state = 0x7471;
};
} // namespace

static StringRef getNpyType(int32_t dtype) {
  switch (dtype) {
  case TQ_PROGRAM_I64:
    return "<i8";
  case TQ_PROGRAM_I32:
    return "<i4";
  case TQ_PROGRAM_U8:
    return "|u1";
  case TQ_PROGRAM_I8:
    return "|i1";
  case TQ_PROGRAM_I1:
    return "|b1";
  default:
    return "<f4";
  }
}

static Expected<std::vector<int64_t>> chooseDims(const ProgramInfo &info,
                                                 const ProgramTensor &tensor) {
  std::vector<int64_t> dims;
  uint64_t bytes = tensor.getElementBytes();
  for (int64_t dim : tensor.dims) {
    if (dim < 0) {
      size_t symbol = size_t(-(dim + 1));
      int64_t max = info.symbols[symbol].max;
      dim = info.entries.front().checks.empty()
                ? kSizes[symbol % std::size(kSizes)]
                : kEqualSize;
      dim = max > 0 ? std::min(dim, max) : dim;
    }
    dims.push_back(dim);
    bytes = SaturatingMultiply(bytes, uint64_t(dim));
  }
  if (bytes > kMaxBytes)
    return createStringError("the inputs of a self-test are too large");
  return dims;
}

static int64_t chooseInteger(const ProgramTensor &tensor, uint64_t index,
                             uint64_t count, Random &random) {
  // A mask: the last row ends in padding.
  if (tensor.fill == TQ_FILL_ONES)
    return count < 4 || index + 2 < count;
  uint64_t limit = tensor.limit > 0 ? uint64_t(tensor.limit) : 2;
  if (tensor.getElementBytes() == 1)
    limit = std::min<uint64_t>(limit, tensor.dtype == TQ_PROGRAM_I1 ? 2 : 128);
  return static_cast<int64_t>(random.next() %
                              std::min<uint64_t>(limit, INT32_MAX));
}

static Tensor makeInput(const ProgramTensor &tensor, std::vector<int64_t> dims,
                        Random &random) {
  uint64_t count = 1;
  for (int64_t dim : dims)
    count *= uint64_t(dim);
  unsigned width = tensor.getElementBytes();
  Tensor result{std::move(dims), std::vector<uint8_t>(count * width)};
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t *to = result.bytes.data() + i * width;
    if (tensor.dtype == TQ_PROGRAM_F32) {
      float value = random.nextFloat();
      memcpy(to, &value, width);
    } else {
      int64_t value = chooseInteger(tensor, i, count, random);
      memcpy(to, &value, width); // little-endian: the low bytes come first
    }
  }
  return result;
}

static Error writeNpy(StringRef file, const ProgramTensor &tensor,
                      const Tensor &data) {
  std::string header;
  raw_string_ostream text(header);
  text << "{'descr': '" << getNpyType(tensor.dtype)
       << "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : data.dims)
    text << dim << ',';
  text << "), }";
  // Magic, version and length take 10 bytes; the data is 64-byte aligned.
  header.resize(alignTo(header.size() + 11, 64) - 11, ' ');
  header += '\n';
  return writeFile(file, [&](raw_ostream &stream) {
    char length[2];
    support::endian::write16le(length, header.size());
    stream << StringRef("\x93NUMPY\x01\x00", 8) << StringRef(length, 2)
           << header;
    stream.write(reinterpret_cast<const char *>(data.bytes.data()),
                 data.bytes.size());
    return Error::success();
  });
}

/// Reads what the program wrote.
static Expected<Tensor> readNpy(StringRef file, const ProgramTensor &tensor) {
  Error malformed = createStringError("the program wrote a malformed output '" +
                                      tensor.name + "'");
  auto buffer = MemoryBuffer::getFile(file, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer || (*buffer)->getBufferSize() < 10)
    return malformed;
  StringRef content = (*buffer)->getBuffer();
  uint64_t length = support::endian::read16le(content.data() + 8);
  if (content.size() - 10 < length)
    return malformed;
  StringRef header = content.substr(10, length);
  StringRef data = content.drop_front(10 + length);
  StringRef shape = header.split("'shape': (").second.split(')').first;

  Tensor result;
  uint64_t bytes = tensor.getElementBytes();
  SmallVector<StringRef> parts;
  shape.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    int64_t dim;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, dim) || dim < 0)
      return malformed;
    result.dims.push_back(dim);
    bytes = SaturatingMultiply(bytes, uint64_t(dim));
  }
  if (result.dims.size() != tensor.dims.size() || bytes != data.size())
    return malformed;
  result.bytes.assign(data.bytes_begin(), data.bytes_end());
  consumeError(std::move(malformed));
  return result;
}

static void append(std::vector<uint8_t> &blob, const Tensor &tensor) {
  auto *dims = reinterpret_cast<const uint8_t *>(tensor.dims.data());
  blob.insert(blob.end(), dims, dims + tensor.dims.size() * sizeof(int64_t));
  blob.insert(blob.end(), tensor.bytes.begin(), tensor.bytes.end());
  blob.resize(alignTo(blob.size(), 8));
}

/// Runs the program; `arguments` begin with its path.
static Error runOnce(ArrayRef<std::string> arguments, TempFiles &files) {
  Expected<std::string> log = files.create("log");
  if (!log)
    return log.takeError();
  Expected<std::string> failure =
      runProgram({arguments, /*directory=*/"", *log, kMaxSeconds}, files);
  if (!failure)
    return failure.takeError();
  if (failure->empty())
    return Error::success();
  auto buffer = MemoryBuffer::getFile(*log);
  StringRef said = buffer ? (*buffer)->getBuffer().ltrim() : "";
  return createStringError("the program's first run failed (" + *failure + ")" +
                           (said.empty() ? "" : ": ") + said.split('\n').first);
}

Expected<std::vector<uint8_t>>
tq::computeGolden(const ProgramInfo &info, std::vector<std::string> command,
                  TempFiles &files) {
  std::vector<uint8_t> blob;
  std::vector<std::string> arguments = std::move(command);
  Random random;
  for (const ProgramTensor &tensor : info.entries.front().inputs) {
    Expected<std::vector<int64_t>> dims = chooseDims(info, tensor);
    if (!dims)
      return dims.takeError();
    Expected<std::string> file = files.create("npy");
    if (!file)
      return file.takeError();
    Tensor data = makeInput(tensor, std::move(*dims), random);
    if (Error error = writeNpy(*file, tensor, data))
      return error;
    append(blob, data);
    arguments.insert(arguments.end(), {"--input", tensor.name + "=" + *file});
  }
  std::vector<std::string> outputs;
  for (const ProgramTensor &tensor : info.entries.front().outputs) {
    Expected<std::string> file = files.create("npy");
    if (!file)
      return file.takeError();
    outputs.push_back(*file);
    arguments.insert(arguments.end(), {"--output", tensor.name + "=" + *file});
  }
  if (Error error = runOnce(arguments, files))
    return error;
  for (auto [tensor, file] : zip(info.entries.front().outputs, outputs)) {
    Expected<Tensor> data = readNpy(file, tensor);
    if (!data)
      return data.takeError();
    if (data->bytes.size() > kMaxBytes)
      return createStringError("the outputs of a self-test are too large");
    append(blob, *data);
  }
  return blob;
}
