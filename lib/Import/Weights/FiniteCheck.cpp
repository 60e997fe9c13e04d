//===- FiniteCheck.cpp - Looks for NaN and infinity in weights ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Weights/JSONFile.h"
#include "tq/Import/Weights/WeightArchive.h"

#include <algorithm>
#include <cstring>

using namespace llvm;

namespace tq {

/// Returns the index of the first of `count` elements whose exponent bits are
/// all ones, or `count`. A block is tested without branches, so that it
/// vectorizes.
template <typename Word>
static size_t findFirst(const uint8_t *data, size_t count, Word exponent) {
  constexpr size_t block = 1024;
  auto isNonFinite = [&](size_t index) {
    Word word;
    std::memcpy(&word, data + index * sizeof(Word), sizeof(Word));
    return (word & exponent) == exponent;
  };
  for (size_t begin = 0; begin < count; begin += block) {
    size_t end = std::min(count, begin + block);
    bool any = false;
    for (size_t i = begin; i < end; ++i)
      any |= isNonFinite(i);
    for (size_t i = begin; any && i < end; ++i)
      if (isNonFinite(i))
        return i;
  }
  return count;
}

/// A floating-point format as wide as `Word`: where its infinities begin.
template <typename Word>
static std::optional<std::string> report(const Weight &weight, Word exponent,
                                         Word mantissa) {
  size_t count = weight.bytes / sizeof(Word);
  size_t index = findFirst<Word>(weight.data, count, exponent);
  if (index == count)
    return std::nullopt;
  Word word;
  std::memcpy(&word, weight.data + index * sizeof(Word), sizeof(Word));
  const char *kind = (word & mantissa) ? "NaN" : "infinity";
  return ("tensor '" + printable(weight.name) +
          "': expected finite values, but got " + kind + " at index " +
          Twine(index))
      .str();
}

std::optional<std::string> findNonFinite(const Weight &weight) {
  switch (weight.type) {
  case WeightType::F64:
    return report<uint64_t>(weight, 0x7ff0'0000'0000'0000,
                            0x000f'ffff'ffff'ffff);
  case WeightType::F32:
    return report<uint32_t>(weight, 0x7f80'0000, 0x007f'ffff);
  case WeightType::F16:
    return report<uint16_t>(weight, 0x7c00, 0x03ff);
  case WeightType::BF16:
    return report<uint16_t>(weight, 0x7f80, 0x007f);
  case WeightType::F8E5M2:
    return report<uint8_t>(weight, 0x7c, 0x03);
  case WeightType::F8E4M3:
    // This format has no infinity and a single NaN.
    return report<uint8_t>(weight, 0x7f, 0x7f);
  default:
    return std::nullopt;
  }
}

} // namespace tq
