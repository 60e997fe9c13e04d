//===- TempFiles.cpp - Files that do not outlive the compiler -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Directories of our own, with short names inside: the names of outputs may be
// as long as the system allows, and other programs (the linker, for instance)
// put temporary files of theirs next to ours.
//
//===----------------------------------------------------------------------===//

#include "tq/Support/TempFiles.h"

#include "tq/Support/Cleanup.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

using namespace llvm;
using namespace tq;

/// Longer chains of links are cycles.
static constexpr unsigned kMaxLinks = 40;

Error tq::makeOutputError(const Twine &message) {
  return createStringError(std::make_error_code(std::errc::io_error), message);
}

Error tq::makeMemoryError(const Twine &message) {
  return createStringError(std::make_error_code(std::errc::not_enough_memory),
                           message);
}

std::error_code tq::getErrorCode(Error &error) {
  std::error_code code;
  error = handleErrors(std::move(error),
                       [&](std::unique_ptr<ErrorInfoBase> info) -> Error {
                         code = info->convertToErrorCode();
                         return Error(std::move(info));
                       });
  return code;
}

static Error cannotWrite(StringRef path, std::error_code error) {
  return makeOutputError("cannot write " + path + ": " + error.message());
}

static std::error_code makeError(int number) {
  return std::error_code(number, std::generic_category());
}

//===----------------------------------------------------------------------===//
// Paths
//===----------------------------------------------------------------------===//

/// The directory of `path`, "." if it names none.
static StringRef getParent(StringRef path) {
  StringRef parent = sys::path::parent_path(path);
  return parent.empty() ? "." : parent;
}

/// Reads where the link `path` points at; "" if it is no link.
static std::string readLink(const std::string &path) {
  std::string target(4096, 0);
  ssize_t length = readlink(path.c_str(), target.data(), target.size());
  target.resize(length > 0 ? size_t(length) : 0);
  return target;
}

/// Follows the links of `path`. An entry of /proc/self/fd, as /dev/stdout is
/// one, is an open file and no name that another file could take: `isOpen`.
static Expected<std::string> followLinks(StringRef path, bool &isOpen) {
  SmallString<128> result(path);
  for (unsigned links = 0; links < kMaxLinks; ++links) {
    SmallString<128> parent;
    isOpen = !sys::fs::real_path(getParent(result), parent) &&
             parent.starts_with("/proc/");
    std::string target = readLink(result.str().str());
    if (isOpen || target.empty())
      return result.str().str();
    parent = sys::path::is_absolute(target) ? "" : getParent(result);
    sys::path::append(parent, target);
    result = parent;
  }
  return cannotWrite(path, makeError(ELOOP));
}

Expected<std::string> tq::resolveLinks(StringRef path) {
  bool isOpen = false;
  return followLinks(path, isOpen);
}

bool tq::isDevice(StringRef path) {
  sys::fs::file_status status;
  if (sys::fs::status(path, status))
    return false;
  if (status.type() == sys::fs::file_type::character_file ||
      status.type() == sys::fs::file_type::fifo_file)
    return true;
  bool isOpen = false;
  Expected<std::string> target = followLinks(path, isOpen);
  consumeError(target.takeError());
  return isOpen;
}

//===----------------------------------------------------------------------===//
// Directories
//===----------------------------------------------------------------------===//

/// Makes a directory with a name of its own, which begins with `prefix`.
static std::error_code makeDirectory(const Twine &prefix, std::string &path) {
  int error = EEXIST;
  for (unsigned tries = 0; error == EEXIST && tries < 100; ++tries) {
    path = prefix.str();
    for (unsigned i = 0; i < 2; ++i)
      path += utohexstr(sys::Process::GetRandomNumber(), /*LowerCase=*/true,
                        /*Width=*/8);
    error = makeTemporaryDirectory(path);
  }
  return makeError(error);
}

/// The variable that names the directory for temporary files; null if none
/// does.
static const char *findTempVariable() {
  for (const char *name : {"TMPDIR", "TMP", "TEMP", "TEMPDIR"})
    if (const char *value = getenv(name); value && *value)
      return name;
  return nullptr;
}

Expected<std::string> TempFiles::getDirectory() {
  if (!directory.empty())
    return directory;
  const char *variable = findTempVariable();
  SmallString<128> parent(variable ? getenv(variable) : "/tmp");
  sys::fs::make_absolute(parent);
  std::string path;
  if (std::error_code error = makeDirectory(parent + "/tq-compile-", path))
    return makeOutputError((variable ? variable + Twine(": expected")
                                     : Twine("temporary files: expected")) +
                           " a directory that can be written to, but got " +
                           parent + ": " + error.message());
  return directory = std::move(path);
}

TempFiles::~TempFiles() {
  if (!directory.empty())
    removeTemporaryDirectory(directory);
  for (auto &[parent, path] : outputDirectories)
    removeTemporaryDirectory(path);
}

Expected<std::string> TempFiles::createIn(StringRef directory,
                                          StringRef suffix) {
  std::string path = (directory + "/" + Twine(count++) + "." + suffix).str();
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0)
    return cannotWrite(path, makeError(errno));
  close(file);
  return path;
}

Expected<std::string> TempFiles::create(StringRef suffix) {
  Expected<std::string> parent = getDirectory();
  return parent ? createIn(*parent, suffix) : parent.takeError();
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

Expected<std::string> TempFiles::createOutput(StringRef path) {
  Expected<std::string> target = resolveLinks(path);
  if (!target)
    return target.takeError();
  // A rename would put a file in the place of a device or a directory.
  sys::fs::file_status status;
  std::error_code error = sys::fs::status(*target, status);
  if (!error && (!sys::fs::is_regular_file(status) || isDevice(path)))
    return makeOutputError("cannot write " + path + ": not a regular file");
  if (error && error != std::errc::no_such_file_or_directory)
    return cannotWrite(path, error);
  SmallString<128> parent(getParent(*target));
  sys::fs::make_absolute(parent);
  auto *entry = llvm::find_if(outputDirectories, [&](const auto &entry) {
    return entry.first == parent;
  });
  if (entry == outputDirectories.end()) {
    std::string directory;
    error = makeDirectory(parent + "/.tq-compile-", directory);
    if (error)
      return cannotWrite(path, error);
    outputDirectories.emplace_back(parent.str(), std::move(directory));
    entry = &outputDirectories.back();
  }
  Expected<std::string> file = createIn(entry->second, "out");
  if (file)
    outputs.push_back({*file, path.str(), std::move(*target), ""});
  return file;
}

/// Gives what is in the output's place a second name, as renaming replaces it.
std::error_code TempFiles::keepBefore(Output &output) {
  sys::fs::file_status status;
  if (sys::fs::status(output.target, status, /*follow=*/false))
    return {}; // nothing there
  if (!sys::fs::is_regular_file(status))
    return makeError(EEXIST);
  output.before = output.file + ".before";
  if (::link(output.target.c_str(), output.before.c_str()) == 0)
    return {};
  // Without hard links the name is free for a moment.
  return sys::fs::rename(output.target, output.before);
}

void TempFiles::takeBack(const Output &output) {
  if (output.before.empty())
    sys::fs::remove(output.target);
  else
    sys::fs::rename(output.before, output.target);
}

Error TempFiles::publish() {
  UninterruptedSection section;
  for (auto [index, output] : enumerate(outputs)) {
    std::error_code error = keepBefore(output);
    if (!error)
      error = sys::fs::rename(output.file, output.target);
    if (!error)
      continue;
    if (!output.before.empty())
      takeBack(output);
    for (const Output &done : ArrayRef(outputs).take_front(index))
      takeBack(done);
    return cannotWrite(output.path, error);
  }
  outputs.clear();
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// What the system says of bytes that it cannot read is about an input: the
/// end of a mapped file has gone.
static Error explain(StringRef file, std::error_code error) {
  if (error == std::errc::bad_address)
    return createStringError(
        "a file of weights became shorter while it was read");
  return cannotWrite(file, error);
}

Error tq::writeFile(StringRef file,
                    function_ref<Error(raw_pwrite_stream &)> write) {
  int descriptor = STDOUT_FILENO;
  if (file != "-") {
    // Without O_CREAT: a file that cleanUp has removed stays away.
    descriptor = open(file.str().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (descriptor < 0)
      return cannotWrite(file, makeError(errno));
  }
  bool isStdout = file == "-";
  raw_fd_ostream stream(descriptor, /*shouldClose=*/!isStdout);
  Error failed = write(stream);
  if (isStdout)
    stream.flush();
  else
    stream.close();
  std::error_code error = stream.error();
  stream.clear_error();
  if (!failed && error)
    return explain(file, error);
  return failed;
}

Error tq::writeOutput(StringRef path,
                      function_ref<Error(raw_pwrite_stream &)> write) {
  if (isDevice(path))
    return writeFile(path, write);
  TempFiles files;
  Expected<std::string> file = files.createOutput(path);
  if (!file)
    return file.takeError();
  if (Error error = writeFile(*file, write))
    return error;
  return files.publish();
}
