//===- InputPathsTest.cpp - Paths that files name -------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/InputPaths.h"

#include "TestFiles.h"

#include <unistd.h>

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

TEST(InputPaths, StayInsideTheirDirectory) {
  for (StringRef path : {"a", "a/b", "./a", "..a"})
    EXPECT_TRUE(isInsideDirectory(path)) << path.str();
  for (StringRef path : {StringRef(), StringRef("/a"), StringRef(".."),
                         StringRef("a/../b"), StringRef("a\0b", 3)})
    EXPECT_FALSE(isInsideDirectory(path)) << path.str();
}

TEST(InputPaths, ALinkToNowhereIsNotAnAbsentFile) {
  TempDirectory directory;
  EXPECT_FALSE(cantFail(isThere(directory.path("none"))));
  EXPECT_TRUE(cantFail(isThere(directory.write("file", ""))));
  std::string link = directory.path("link");
  ASSERT_EQ(symlink("none", link.c_str()), 0);
  EXPECT_TRUE(isOneLineWith(toString(isThere(link).takeError()),
                            {link, "a link to one that does not exist"}));
}

TEST(InputPaths, ReadsRegularFilesThatAreNotTooLarge) {
  TempDirectory directory;
  std::string path = directory.write("file", "four");
  auto error = [](StringRef from, uint64_t maxBytes) {
    return toString(readRegularFile(from, maxBytes).takeError());
  };
  EXPECT_EQ(cantFail(readRegularFile(path, 4))->getBuffer(), "four");
  EXPECT_TRUE(
      isOneLineWith(error(path, 3), {path, "at most 3 bytes, but got 4"}));
  EXPECT_TRUE(isOneLineWith(error(directory.path(), 3), {"a regular file"}));
  EXPECT_TRUE(
      isOneLineWith(error(directory.path("none"), 3), {"a readable file"}));
}

} // namespace
