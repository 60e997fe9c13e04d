//===- InputFilesTest.cpp - Files by what they are ------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/InputFiles.h"

#include "TestFiles.h"

#include <unistd.h>

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

std::string changes(const InputFiles &files) {
  Error error = files.checkUnchanged();
  return error ? toString(std::move(error)) : "";
}

TEST(InputFiles, KnowsAllNamesOfAFile) {
  TempDirectory directory;
  std::string path = directory.write("weights", "12345678");
  std::string link = directory.path("link"), hard = directory.path("hard");
  ASSERT_EQ(symlink("weights", link.c_str()), 0);
  ASSERT_EQ(::link(path.c_str(), hard.c_str()), 0);
  InputFiles files;
  files.add(path);
  EXPECT_EQ(files.find(path), path);
  EXPECT_EQ(files.find(link), path);
  EXPECT_EQ(files.find(hard), path);
  EXPECT_EQ(files.find(directory.write("copy", "12345678")), "");
  EXPECT_EQ(files.find(directory.path("nowhere")), "");
  EXPECT_EQ(files.findWeights(path), "");
  files.addWeights(link);
  EXPECT_EQ(files.findWeights(hard), path);
}

TEST(InputFiles, SeesWhatChanges) {
  TempDirectory directory;
  std::string path = directory.write("weights", "12345678");
  std::string other = directory.write("other", "12345678");
  InputFiles files;
  files.addDirectory(directory.path());
  files.addWeights(path);
  EXPECT_EQ(changes(files), "");
  directory.write("other", "123"); // no weights
  EXPECT_EQ(changes(files), "");
  directory.write("weights", "1234567");
  EXPECT_EQ(changes(files),
            "the file of weights " + path + " changed while it was compiled");
}

TEST(InputFiles, SeesAnotherFileOfTheName) {
  TempDirectory directory;
  std::string path = directory.write("weights", "12345678");
  std::string other = directory.write("other", "12345678");
  InputFiles files;
  files.addWeights(path);
  ASSERT_EQ(rename(other.c_str(), path.c_str()), 0);
  EXPECT_NE(changes(files), "");
  ASSERT_EQ(unlink(path.c_str()), 0);
  EXPECT_NE(changes(files), "");
}

} // namespace
