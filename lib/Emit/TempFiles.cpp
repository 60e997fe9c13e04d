//===- TempFiles.cpp - Files that do not outlive the compiler ---*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/TempFiles.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

using namespace llvm;
using namespace tq;

Error tq::makeOutputError(const Twine &message) {
  return createStringError(std::make_error_code(std::errc::io_error), message);
}

static Error cannotWrite(StringRef path, std::error_code error) {
  return makeOutputError("cannot write " + path + ": " + error.message());
}

TempFiles::~TempFiles() {
  for (const std::string &file : files) {
    sys::fs::remove(file);
    sys::DontRemoveFileOnSignal(file);
  }
}

void TempFiles::add(StringRef file) {
  sys::RemoveFileOnSignal(file);
  files.push_back(file.str());
}

Expected<std::string> TempFiles::create(StringRef suffix) {
  SmallString<128> path;
  if (std::error_code error =
          sys::fs::createTemporaryFile("tq-compile", suffix, path))
    return makeOutputError("cannot create a temporary file: " +
                           error.message());
  add(path);
  return path.str().str();
}

Expected<std::string> TempFiles::createNextTo(StringRef path) {
  // A rename would put a file in the place of a device or a directory.
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && !sys::fs::is_regular_file(status))
    return makeOutputError("cannot write " + path + ": not a regular file");
  SmallString<128> file;
  if (std::error_code error =
          sys::fs::createUniqueFile(path + ".%%%%%%%%.tmp", file))
    return cannotWrite(path, error);
  add(file);
  return file.str().str();
}

Error TempFiles::rename(StringRef file, StringRef path) {
  if (std::error_code error = sys::fs::rename(file, path))
    return cannotWrite(path, error);
  sys::DontRemoveFileOnSignal(file);
  llvm::erase(files, file.str());
  return Error::success();
}

Error tq::writeFile(StringRef file,
                    function_ref<Error(raw_pwrite_stream &)> write) {
  std::error_code error;
  raw_fd_ostream stream(file, error);
  if (error)
    return cannotWrite(file, error);
  if (Error failed = write(stream)) {
    stream.clear_error();
    return failed;
  }
  stream.close();
  if (stream.has_error()) {
    error = stream.error();
    stream.clear_error();
    return cannotWrite(file, error);
  }
  return Error::success();
}

bool tq::isDevice(StringRef path) {
  sys::fs::file_status status;
  return !sys::fs::status(path, status) &&
         (status.type() == sys::fs::file_type::character_file ||
          status.type() == sys::fs::file_type::fifo_file);
}

Error tq::writeOutput(StringRef path,
                      function_ref<Error(raw_pwrite_stream &)> write) {
  if (isDevice(path))
    return writeFile(path, write);
  TempFiles files;
  Expected<std::string> file = files.createNextTo(path);
  if (!file)
    return file.takeError();
  if (Error error = writeFile(*file, write))
    return error;
  return files.rename(*file, path);
}
