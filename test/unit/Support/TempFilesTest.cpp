//===- TempFilesTest.cpp - Outputs that appear together or not at all -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/TempFiles.h"

#include "TestFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <unistd.h>

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

std::string readFile(const std::string &path) {
  auto buffer = MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "(nothing)";
}

/// Makes an output that will be `path`, with `content`.
void addOutput(TempFiles &files, const std::string &path,
               const std::string &content) {
  Expected<std::string> file = files.createOutput(path);
  ASSERT_TRUE(bool(file)) << toString(file.takeError());
  Error error = writeFile(*file, [&](raw_ostream &out) {
    out << content;
    return Error::success();
  });
  ASSERT_FALSE(bool(error)) << toString(std::move(error));
}

std::string publishError(TempFiles &files) {
  Error error = files.publish();
  return error ? toString(std::move(error)) : "";
}

/// Names of what is in `directory`.
std::vector<std::string> list(StringRef directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (sys::fs::directory_iterator entry(directory, error), end;
       entry != end && !error; entry.increment(error))
    names.push_back(StringRef(entry->path()).rsplit('/').second.str());
  llvm::sort(names);
  return names;
}

TEST(TempFiles, PublishesAllOutputs) {
  TempDirectory directory;
  std::string a = directory.write("a", "old"), b = directory.path("b");
  {
    TempFiles files;
    addOutput(files, a, "new a");
    addOutput(files, b, "new b");
    EXPECT_EQ(readFile(a), "old");
    EXPECT_EQ(publishError(files), "");
  }
  EXPECT_EQ(readFile(a), "new a");
  EXPECT_EQ(readFile(b), "new b");
  EXPECT_EQ(list(directory.path()), (std::vector<std::string>{"a", "b"}));
}

TEST(TempFiles, TakesAllBackWhereOneFails) {
  TempDirectory directory;
  std::string a = directory.write("a", "old"), b = directory.path("b"),
              c = directory.path("c");
  {
    TempFiles files;
    addOutput(files, a, "new a");
    addOutput(files, b, "new b");
    addOutput(files, c, "new c");
    // A directory that came meanwhile takes the third name.
    ASSERT_FALSE(sys::fs::create_directory(c));
    EXPECT_NE(publishError(files).find("cannot write " + c), std::string::npos);
  }
  EXPECT_EQ(readFile(a), "old");
  EXPECT_EQ(list(directory.path()), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(list(c), std::vector<std::string>{});
}

TEST(TempFiles, LeavesNothingWithoutPublish) {
  TempDirectory directory;
  std::string a = directory.write("a", "old");
  {
    TempFiles files;
    addOutput(files, a, "new");
  }
  EXPECT_EQ(readFile(a), "old");
  EXPECT_EQ(list(directory.path()), std::vector<std::string>{"a"});
}

TEST(TempFiles, WritesThroughLinks) {
  TempDirectory directory, other;
  std::string target = other.write("target", "old");
  std::string missing = other.path("missing");
  std::string first = directory.path("first"),
              second = directory.path("second");
  std::string dangling = directory.path("dangling");
  ASSERT_EQ(symlink(target.c_str(), first.c_str()), 0);
  ASSERT_EQ(symlink("first", second.c_str()), 0);
  ASSERT_EQ(symlink(missing.c_str(), dangling.c_str()), 0);
  {
    TempFiles files;
    addOutput(files, second, "new");
    addOutput(files, dangling, "made");
    EXPECT_EQ(publishError(files), "");
  }
  EXPECT_EQ(readFile(target), "new");
  EXPECT_EQ(readFile(missing), "made");
  for (const std::string &link : {first, second, dangling})
    EXPECT_TRUE(sys::fs::is_symlink_file(link)) << link;
  EXPECT_EQ(list(other.path()),
            (std::vector<std::string>{"missing", "target"}));
}

TEST(TempFiles, RefusesCyclesOfLinks) {
  TempDirectory directory;
  std::string a = directory.path("a"), b = directory.path("b");
  ASSERT_EQ(symlink("b", a.c_str()), 0);
  ASSERT_EQ(symlink("a", b.c_str()), 0);
  TempFiles files;
  Expected<std::string> file = files.createOutput(a);
  ASSERT_FALSE(bool(file));
  EXPECT_NE(toString(file.takeError()).find("cannot write " + a),
            std::string::npos);
  EXPECT_FALSE(isDevice(a));
}

TEST(TempFiles, WritesNoFileThatIsGone) {
  TempDirectory directory;
  std::string path = directory.path("gone");
  Error error = writeFile(path, [](raw_ostream &) { return Error::success(); });
  EXPECT_TRUE(bool(error));
  EXPECT_EQ(getErrorCode(error), std::errc::io_error);
  consumeError(std::move(error));
  EXPECT_FALSE(sys::fs::exists(path));
}

TEST(TempFiles, WritesOpenFilesInPlace) {
  TempDirectory directory;
  std::string path = directory.write("open", "");
  int file = -1;
  ASSERT_FALSE(sys::fs::openFileForWrite(path, file, sys::fs::CD_OpenExisting));
  std::string name = "/proc/self/fd/" + std::to_string(file);
  EXPECT_TRUE(isDevice(name));
  EXPECT_FALSE(isDevice(path));
  Error error = writeOutput(name, [](raw_ostream &out) {
    out << "in place";
    return Error::success();
  });
  EXPECT_FALSE(bool(error)) << toString(std::move(error));
  close(file);
  EXPECT_EQ(readFile(path), "in place");
}

} // namespace
