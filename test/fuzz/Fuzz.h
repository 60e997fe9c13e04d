//===- Fuzz.h - What the fuzz targets share ---------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target reads any bytes and may refuse them, but not crash, hang, or break
// what the reader promises of an error. Run by tools/dev/fuzz.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_FUZZ_FUZZ_H
#define TQ_TEST_FUZZ_FUZZ_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <string>

namespace tq::fuzz {

/// Ends the process, which the fuzzer takes for a crash, if `holds` is false.
inline void require(bool holds, const llvm::Twine &what) {
  if (holds)
    return;
  llvm::errs() << "broken promise: " << what << "\n";
  abort();
}

/// An error says something, on one line.
inline void requireOneLine(llvm::StringRef message) {
  require(!message.empty() && !message.contains('\n'),
          "an error of one line, but got '" + message + "'");
}

inline void requireOneLine(llvm::Error error) {
  requireOneLine(llvm::toString(std::move(error)));
}

/// The directory of the process, below TMPDIR.
class Directory {
public:
  Directory() {
    require(!llvm::sys::fs::createUniqueDirectory("tq-fuzz", root),
            "a directory for the process");
  }
  ~Directory() { llvm::sys::fs::remove_directories(root); }
  Directory(const Directory &) = delete;
  Directory &operator=(const Directory &) = delete;

  std::string path(llvm::StringRef name = "") const {
    llvm::SmallString<128> result(root);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }

  /// Writes a file, with the directories above it, and returns its path.
  std::string write(llvm::StringRef name, llvm::StringRef content) const {
    std::string file = path(name);
    llvm::StringRef parent = llvm::sys::path::parent_path(file);
    std::error_code error = llvm::sys::fs::create_directories(parent);
    require(!error, error.message());
    llvm::raw_fd_ostream stream(file, error);
    require(!error, error.message());
    stream << content;
    return file;
  }

  /// Writes those of `names` that `input` has, and removes the others. A line
  /// "=== NAME" is the head of a file.
  void writeSections(llvm::StringRef input,
                     llvm::ArrayRef<llvm::StringRef> names) const {
    for (llvm::StringRef name : names)
      llvm::sys::fs::remove(path(name));
    while (!input.empty()) {
      llvm::StringRef head, content;
      std::tie(head, input) = input.split('\n');
      std::tie(content, input) = splitSection(input);
      if (head.consume_front("=== ") && llvm::is_contained(names, head))
        write(head, content);
    }
  }

private:
  /// What comes before the next head, and the rest.
  static std::pair<llvm::StringRef, llvm::StringRef>
  splitSection(llvm::StringRef input) {
    if (input.starts_with("=== "))
      return {"", input};
    size_t end = input.find("\n=== ");
    end = end == llvm::StringRef::npos ? input.size() : end + 1;
    return {input.take_front(end), input.drop_front(end)};
  }

  llvm::SmallString<128> root;
};

} // namespace tq::fuzz

/// The bytes of an input.
inline llvm::StringRef toText(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif // TQ_TEST_FUZZ_FUZZ_H
