//===- TestFiles.h - Small model files for importer tests -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_IMPORT_TESTFILES_H
#define TQ_TEST_UNIT_IMPORT_TESTFILES_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <string>

namespace tq::test {

/// A directory that goes away with the test.
class TempDirectory {
public:
  TempDirectory() {
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("tq-import", root));
  }
  ~TempDirectory() { llvm::sys::fs::remove_directories(root); }
  TempDirectory(const TempDirectory &) = delete;
  TempDirectory &operator=(const TempDirectory &) = delete;

  std::string path(llvm::StringRef name = "") const {
    llvm::SmallString<128> result(root);
    if (!name.empty())
      llvm::sys::path::append(result, name);
    return std::string(result);
  }

  /// Writes a file, with the directories above it, and returns its path.
  std::string write(llvm::StringRef name, llvm::StringRef content) const {
    std::string file = path(name);
    EXPECT_FALSE(
        llvm::sys::fs::create_directories(llvm::sys::path::parent_path(file)));
    std::error_code error;
    llvm::raw_fd_ostream stream(file, error);
    EXPECT_FALSE(error) << file;
    stream << content;
    return file;
  }

private:
  llvm::SmallString<128> root;
};

/// The bytes of a safetensors file.
inline std::string makeSafetensors(llvm::StringRef header,
                                   llvm::StringRef data) {
  char size[8];
  llvm::support::endian::write64le(size, header.size());
  return std::string(size, 8) + header.str() + data.str();
}

/// True if `text` is one line that holds each of `parts`.
inline testing::AssertionResult
isOneLineWith(llvm::StringRef text,
              std::initializer_list<llvm::StringRef> parts) {
  if (text.contains('\n'))
    return testing::AssertionFailure() << "more than a line: " << text.str();
  for (llvm::StringRef part : parts)
    if (!text.contains(part))
      return testing::AssertionFailure()
             << "no '" << part.str() << "' in: " << text.str();
  return testing::AssertionSuccess();
}

} // namespace tq::test

#endif // TQ_TEST_UNIT_IMPORT_TESTFILES_H
