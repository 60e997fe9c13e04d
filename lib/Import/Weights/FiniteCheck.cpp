//===- FiniteCheck.cpp - Looks for NaN and infinity in weights ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Weights/WeightArchive.h"
#include "tq/Support/InputError.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace llvm;
using namespace tq;

/// Returns the index of the first of `count` elements whose bits without the
/// sign are at least `limit`, or `count`. A block is tested without branches,
/// so that it vectorizes.
template <typename Word>
static size_t findFirst(const uint8_t *data, size_t count, Word limit) {
  constexpr size_t block = 1024;
  constexpr Word magnitude = std::numeric_limits<Word>::max() >> 1;
  auto isBeyond = [&](size_t index) {
    Word word;
    std::memcpy(&word, data + index * sizeof(Word), sizeof(Word));
    return (word & magnitude) >= limit;
  };
  for (size_t begin = 0; begin < count; begin += block) {
    size_t end = std::min(count, begin + block);
    bool any = false;
    for (size_t i = begin; i < end; ++i)
      any |= isBeyond(i);
    for (size_t i = begin; any && i < end; ++i)
      if (isBeyond(i))
        return i;
  }
  return count;
}

/// A floating-point format as wide as `Word`: the bits of its infinity, above
/// which are NaNs, and of the first number that is too large.
template <typename Word>
static std::optional<std::string> report(const Weight &weight, Word infinity,
                                         Word tooLarge) {
  size_t count = weight.bytes / sizeof(Word);
  size_t index = findFirst<Word>(weight.data, count, tooLarge);
  if (index == count)
    return std::nullopt;
  Word word;
  std::memcpy(&word, weight.data + index * sizeof(Word), sizeof(Word));
  word &= std::numeric_limits<Word>::max() >> 1;
  const char *kind = word > infinity    ? "NaN"
                     : word == infinity ? "infinity"
                                        : "one beyond the range of f32";
  return ("tensor '" + printable(weight.name) +
          "': expected finite values, but got " + kind + " at index " +
          Twine(index))
      .str();
}

template <typename Word>
static std::optional<std::string> report(const Weight &weight, Word infinity) {
  return report<Word>(weight, infinity, infinity);
}

/// The elements of a strided tensor one after the other.
static std::vector<uint8_t> gather(const Weight &weight) {
  size_t elementBytes = getWeightTypeBytes(weight.type);
  std::vector<uint8_t> elements(weight.bytes);
  SmallVector<int64_t> index(weight.shape.size(), 0);
  size_t from = 0;
  for (size_t to = 0; to < elements.size(); to += elementBytes) {
    std::memcpy(&elements[to], weight.data + from * elementBytes, elementBytes);
    for (size_t dim = weight.shape.size(); dim-- > 0;) {
      from += weight.strides[dim];
      if (++index[dim] < weight.shape[dim])
        break;
      from -= weight.strides[dim] * weight.shape[dim];
      index[dim] = 0;
    }
  }
  return elements;
}

std::optional<std::string> tq::findNonFinite(const Weight &weight) {
  if (!weight.strides.empty()) {
    std::vector<uint8_t> elements = gather(weight);
    Weight dense = weight;
    dense.strides.clear();
    dense.data = elements.data();
    return findNonFinite(dense);
  }
  switch (weight.type) {
  case WeightType::F64:
    // From halfway to 2^128 on, f64 rounds to infinity.
    return report<uint64_t>(weight, 0x7ff0'0000'0000'0000,
                            0x47ef'ffff'f000'0000);
  case WeightType::F32:
    return report<uint32_t>(weight, 0x7f80'0000);
  case WeightType::F16:
    return report<uint16_t>(weight, 0x7c00);
  case WeightType::BF16:
    return report<uint16_t>(weight, 0x7f80);
  case WeightType::F8E5M2:
    return report<uint8_t>(weight, 0x7c);
  case WeightType::F8E4M3:
    // This format has no infinity and a single NaN.
    return report<uint8_t>(weight, 0x7e, 0x7f);
  default:
    return std::nullopt;
  }
}
