//===- Link.cpp - Link objects and the runtime ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/Link.h"

#include "tq/Support/Subprocess.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace tq;

/// The sanitizers that the runtime was built with; programs need them too.
static constexpr StringLiteral kSanitizers = TQ_SANITIZE;

static std::string makeAbsolute(StringRef path) {
  SmallString<128> result(path);
  sys::fs::make_absolute(result);
  return result.str().str();
}

static bool isForeign(const Triple &triple) {
  return Triple(sys::getProcessTriple()).getArch() != triple.getArch();
}

std::string tq::getShortTriple(const Triple &triple) {
  return (triple.getArchName() + "-linux-gnu").str();
}

static Expected<std::string> findDriver(bool isForeign) {
  // The one found when tq was configured, else the usual names.
  for (StringRef name : {TQ_LINK_DRIVER, "clang-22", "clang", "cc", "gcc"}) {
    if (name.empty() || (isForeign && !name.contains("clang")))
      continue;
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return makeAbsolute(*path);
  }
  return makeOutputError(
      Twine("no compiler driver to link with: expected one of ") +
      (isForeign ? "clang-22, clang" : "clang-22, clang, cc, gcc") +
      " on the PATH");
}

/// Whether `driver` finds lld, which links faster than the default linker.
static bool hasLld(StringRef driver) {
  SmallString<128> real;
  if (sys::fs::real_path(driver, real))
    return false;
  if (sys::findProgramByName("ld.lld"))
    return true;
  bool isClang = sys::path::filename(real).starts_with("clang");
  StringRef directory = sys::path::parent_path(real);
  return isClang && sys::findProgramByName("ld.lld", {directory});
}

static Expected<std::string> findLibrary(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  if (!sys::fs::exists(path))
    return makeOutputError("cannot find " + name + " in " + directory +
                           "; --runtime-dir says where tq's libraries are");
  return path.str().str();
}

static Error addLibraries(LinkKind kind, StringRef directory,
                          SmallVectorImpl<std::string> &arguments) {
  SmallVector<StringRef> names = {"libtq_runtime.a"};
  bool isLibrary = kind == LinkKind::SharedLibrary;
  if (!isLibrary)
    names.insert(names.begin(), "libtq_main.a");
  for (StringRef name : names) {
    Expected<std::string> path = findLibrary(directory, name);
    if (!path)
      return path.takeError();
    // Nothing in the program refers to the C interface.
    bool whole = isLibrary && name == "libtq_runtime.a";
    if (whole)
      arguments.push_back("-Wl,--whole-archive");
    arguments.push_back(*path);
    if (whole)
      arguments.push_back("-Wl,--no-whole-archive");
  }
  return Error::success();
}

/// Lets a shared library export the C interface and nothing else.
static Expected<std::string> writeExports(TempFiles &files) {
  Expected<std::string> file = files.create("exports");
  if (!file)
    return file.takeError();
  if (Error error = writeFile(*file, [](raw_ostream &stream) {
        stream << "{ global: tq_*; local: *; };\n";
        return Error::success();
      }))
    return error;
  return file;
}

static Error addArguments(LinkKind kind, StringRef directory,
                          StringRef sanitizers, TempFiles &files,
                          SmallVectorImpl<std::string> &arguments) {
  if (kind == LinkKind::Object) {
    arguments.append({"-r", "-nostdlib"});
    return Error::success();
  }
  bool isLibrary = kind == LinkKind::SharedLibrary;
  arguments.push_back(isLibrary ? "-shared" : "-pie");
  if (Error error = addLibraries(kind, directory, arguments))
    return error;
  arguments.append({"-lm", "-pthread", "-Wl,--gc-sections", "-Wl,--as-needed",
                    "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"});
  if (isLibrary) {
    Expected<std::string> exports = writeExports(files);
    if (!exports)
      return exports.takeError();
    // Not -Bsymbolic: all but the C interface is hidden anyway, and of that a
    // process with several libraries shall use one, see OpenMain.cpp. Not -Wl,
    // which a comma in the path would end.
    arguments.append({"-Xlinker", "--version-script=" + *exports});
  }
  if (sanitizers.empty())
    arguments.push_back("-Wl,-s");
  else
    arguments.push_back("-fsanitize=" + sanitizers.str());
  if (isLibrary && sanitizers.empty())
    arguments.push_back("-Wl,-z,defs");
  return Error::success();
}

namespace {
/// What the linker and its driver say of an error, in a line.
struct LinkMessage {
  std::string text;
  bool isCrash = false;
};
} // namespace

static LinkMessage findMessage(StringRef file) {
  constexpr StringLiteral crash = "unable to execute command: ";
  auto buffer = MemoryBuffer::getFile(file);
  if (!buffer)
    return {};
  SmallVector<StringRef> lines;
  (*buffer)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    if (line.contains("error: ") && !line.contains(crash) &&
        !line.contains("linker command failed"))
      return {line.str()};
  for (StringRef line : lines)
    if (line.contains(crash))
      return {line.split(crash).second.str(), true};
  return {lines.empty() ? "" : lines.front().str()};
}

/// Bytes that the linker is going to write, at least.
static uint64_t getTotalBytes(ArrayRef<std::string> objects) {
  uint64_t total = 0, bytes = 0;
  for (const std::string &object : objects)
    if (!sys::fs::file_size(object, bytes))
      total += bytes;
  return total;
}

/// Whether the disk of `output` is too full. Linkers write through a mapping,
/// and are killed where it has no room.
static bool isDiskFull(StringRef output, ArrayRef<std::string> objects) {
  ErrorOr<sys::fs::space_info> space = sys::fs::disk_space(output);
  return space && space->available < getTotalBytes(objects);
}

static Error explainFailure(StringRef driver, StringRef output, StringRef log,
                            const std::string &failure,
                            ArrayRef<std::string> objects) {
  LinkMessage message = findMessage(log);
  if (message.isCrash && isDiskFull(output, objects))
    message.text = make_error_code(std::errc::no_space_on_device).message();
  return makeOutputError("linking with " + driver + " failed: " +
                         (message.text.empty() ? failure : message.text));
}

Error tq::link(LinkKind kind, const Triple &triple,
               ArrayRef<std::string> objects, StringRef runtimeDirectory,
               StringRef output, TempFiles &files) {
  bool foreign = isForeign(triple);
  Expected<std::string> driver = findDriver(foreign);
  if (!driver)
    return driver.takeError();
  // lld takes a % in the path of its output for a place of a random digit; in
  // the name alone there is none.
  SmallVector<std::string> arguments = {*driver, "-o",
                                        sys::path::filename(output).str()};
  SmallString<128> directory(makeAbsolute(runtimeDirectory));
  if (foreign) {
    arguments.push_back("--target=" + getShortTriple(triple));
    sys::path::append(directory, getShortTriple(triple));
  }
  if (hasLld(*driver))
    arguments.push_back("-fuse-ld=lld");
  arguments.append(objects.begin(), objects.end());
  if (Error error = addArguments(kind, directory, foreign ? "" : kSanitizers,
                                 files, arguments))
    return error;

  Expected<std::string> log = files.create("log");
  if (!log)
    return log.takeError();
  Expected<std::string> failure = runProgram(
      {arguments, sys::path::parent_path(output), *log, /*maxSeconds=*/0},
      files);
  if (!failure)
    return failure.takeError();
  if (failure->empty())
    return Error::success();
  return explainFailure(*driver, output, *log, *failure, objects);
}

std::string tq::findRuntimeDirectory(const char *executable) {
  static int anchor;
  SmallString<128> path(
      sys::fs::getMainExecutable(executable, static_cast<void *>(&anchor)));
  sys::path::remove_filename(path);
  SmallString<128> build(path);
  sys::path::append(build, "..", "lib");
  SmallString<128> installed(build);
  sys::path::append(installed, "tq");
  SmallString<128> probe(installed);
  sys::path::append(probe, "libtq_runtime.a");
  SmallString<128> &found = sys::fs::exists(probe) ? installed : build;
  sys::path::remove_dots(found, /*remove_dot_dot=*/true);
  return found.str().str();
}
