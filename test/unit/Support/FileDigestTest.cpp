//===- FileDigestTest.cpp - Whether a file is still the same --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/FileDigest.h"

#include "gtest/gtest.h"
#include <numeric>
#include <set>
#include <vector>

using namespace tq;

namespace {

std::vector<uint8_t> makeFile(size_t bytes) {
  std::vector<uint8_t> file(bytes);
  std::iota(file.begin(), file.end(), uint8_t(0));
  return file;
}

TEST(FileDigest, SameBytesSameDigest) {
  EXPECT_EQ(getFileDigest(makeFile(100000)), getFileDigest(makeFile(100000)));
}

TEST(FileDigest, EverySizeHasItsOwn) {
  std::set<uint64_t> digests;
  for (size_t bytes : {0, 1, 2, 4095, 4096, 4097, 65535, 65536, 1 << 20}) {
    uint64_t digest = getFileDigest(std::vector<uint8_t>(bytes));
    EXPECT_TRUE(digests.insert(digest).second) << bytes;
    EXPECT_GT(digest, 0u);
    EXPECT_LT(digest, uint64_t(1) << 63);
  }
}

TEST(FileDigest, SeesEveryByteOfSmallFiles) {
  std::vector<uint8_t> file = makeFile(5000);
  uint64_t digest = getFileDigest(file);
  for (uint8_t &byte : file) {
    byte ^= 1;
    EXPECT_NE(getFileDigest(file), digest);
    byte ^= 1;
  }
}

TEST(FileDigest, SeesBothEndsOfLargeFiles) {
  std::vector<uint8_t> file = makeFile(10 << 20);
  uint64_t digest = getFileDigest(file);
  for (uint8_t *byte : {&file.front(), &file.back()}) {
    *byte ^= 1;
    EXPECT_NE(getFileDigest(file), digest);
    *byte ^= 1;
  }
}

} // namespace
