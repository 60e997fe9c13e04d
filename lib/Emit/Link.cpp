//===- Link.cpp - Link objects and the runtime ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/Link.h"

#include "LinkCommand.h"

#include "tq/Support/Subprocess.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace tq;

/// The sanitizers that the runtime was built with.
static constexpr StringLiteral kSanitizers = TQ_SANITIZE;

static bool isForeign(const Triple &triple) {
  return Triple(sys::getProcessTriple()).getArch() != triple.getArch();
}

std::string tq::getShortTriple(const Triple &triple) {
  return (triple.getArchName() + "-linux-gnu").str();
}

Expected<std::string> tq::findLibrary(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  if (!sys::fs::exists(path))
    return makeOutputError("cannot find " + name + " in " + directory +
                           "; --runtime-dir says where tq's libraries are");
  return path.str().str();
}

static Error addLibraries(LinkJob &job) {
  bool isLibrary = job.kind == LinkKind::SharedLibrary;
  if (!isLibrary) {
    Expected<std::string> path = findLibrary(job.directory, "libtq_main.a");
    if (!path)
      return path.takeError();
    job.libraries.push_back(*path);
  }
  Expected<std::string> path = findLibrary(job.directory, "libtq_runtime.a");
  if (!path)
    return path.takeError();
  // Nothing in the program refers to the C interface.
  if (isLibrary)
    llvm::append_values(job.libraries, "--whole-archive", *path,
                        "--no-whole-archive");
  else
    job.libraries.push_back(*path);
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

static Error addOptions(LinkJob &job, TempFiles &files) {
  llvm::append_values(job.options, "--gc-sections", "--as-needed", "-zrelro",
                      "-znow", "-znoexecstack");
  bool isLibrary = job.kind == LinkKind::SharedLibrary;
  if (isLibrary) {
    Expected<std::string> exports = writeExports(files);
    if (!exports)
      return exports.takeError();
    // Not -Bsymbolic: all but the C interface is hidden anyway, and of that a
    // process with several libraries shall use one, see OpenMain.cpp.
    job.options.push_back("--version-script=" + *exports);
  }
  if (!job.sanitizers.empty())
    return Error::success();
  job.options.push_back("-s");
  if (isLibrary)
    job.options.push_back("-zdefs");
  return Error::success();
}

static Expected<LinkJob> makeJob(LinkKind kind, const Triple &triple,
                                 ArrayRef<std::string> objects,
                                 StringRef runtimeDirectory, StringRef output,
                                 TempFiles &files) {
  LinkJob job;
  job.kind = kind;
  job.triple = triple;
  job.isForeign = isForeign(triple);
  job.objects = objects;
  job.sanitizers = job.isForeign ? StringRef() : StringRef(kSanitizers);
  job.outputName = sys::path::filename(output).str();
  SmallString<128> directory(runtimeDirectory);
  sys::fs::make_absolute(directory);
  if (job.isForeign)
    sys::path::append(directory, getShortTriple(triple));
  job.directory = directory.str().str();
  if (kind == LinkKind::Object)
    return job;
  if (Error error = addLibraries(job))
    return error;
  if (Error error = addOptions(job, files))
    return error;
  return job;
}

/// Only a driver knows where the libraries of sanitizers and of other
/// architectures are.
static Expected<Arguments> getCommand(const LinkJob &job) {
  bool needsDriver = job.isForeign || !job.sanitizers.empty();
  Arguments linker;
  if (!needsDriver)
    linker = findOwnLinker(job.directory);
  return linker.empty() ? getDriverCommand(job)
                        : getDirectCommand(std::move(linker), job);
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

static Error explainFailure(StringRef linker, StringRef output, StringRef log,
                            const std::string &failure,
                            ArrayRef<std::string> objects) {
  LinkMessage message = findMessage(log);
  // A driver says of a crash in its log, a linker without one crashes itself.
  message.isCrash |= StringRef(failure).starts_with("killed by signal");
  if (message.isCrash && isDiskFull(output, objects))
    message.text = make_error_code(std::errc::no_space_on_device).message();
  return makeOutputError("linking with " + linker + " failed: " +
                         (message.text.empty() ? failure : message.text));
}

Error tq::link(LinkKind kind, const Triple &triple,
               ArrayRef<std::string> objects, StringRef runtimeDirectory,
               StringRef output, TempFiles &files) {
  Expected<LinkJob> job =
      makeJob(kind, triple, objects, runtimeDirectory, output, files);
  if (!job)
    return job.takeError();
  Expected<Arguments> command = getCommand(*job);
  if (!command)
    return command.takeError();
  Expected<std::string> log = files.create("log");
  if (!log)
    return log.takeError();
  Expected<std::string> failure = runProgram(
      {*command, sys::path::parent_path(output), *log, /*maxSeconds=*/0},
      files);
  if (!failure)
    return failure.takeError();
  if (failure->empty())
    return Error::success();
  return explainFailure(command->front(), output, *log, *failure, objects);
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
