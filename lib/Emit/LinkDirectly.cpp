//===- LinkDirectly.cpp - Link with the linker that comes with tq ---------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every machine that runs programs has libc.so.6, libm.so.6 and their loader;
// nothing else of it is needed here.
//
//===----------------------------------------------------------------------===//

#include "LinkCommand.h"

#include "tq/Emit/BuiltInLinker.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace tq;

static std::string makePath(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

Arguments tq::findOwnLinker(StringRef directory) {
  if (!sys::fs::is_directory(makePath(directory, "crt")))
    return {};
  std::string file = makePath(directory, "ld.lld");
  if (sys::fs::can_execute(file))
    return {file};
  return getBuiltInLinker();
}

static StringRef getLoader(const Triple &triple) {
  return triple.isAArch64() ? "/lib/ld-linux-aarch64.so.1"
                            : "/lib64/ld-linux-x86-64.so.2";
}

/// A library of the machine itself.
static Expected<std::string> findSystemLibrary(StringRef name,
                                               const Triple &triple) {
  std::string shortTriple = getShortTriple(triple);
  SmallVector<std::string> directories = {makePath("/lib", shortTriple),
                                          makePath("/usr/lib", shortTriple),
                                          "/lib64",
                                          "/usr/lib64",
                                          "/lib",
                                          "/usr/lib"};
  for (StringRef directory : directories)
    if (std::string path = makePath(directory, name); sys::fs::exists(path))
      return path;
  return makeOutputError("cannot find this machine's " + name +
                         " to link with: looked in " +
                         llvm::join(directories, ", "));
}

/// Files that came with the linker.
static Error addOwnFiles(ArrayRef<StringRef> names, const LinkJob &job,
                         Arguments &arguments) {
  std::string crt = makePath(job.directory, "crt");
  for (StringRef name : names) {
    Expected<std::string> path = findLibrary(crt, name);
    if (!path)
      return path.takeError();
    arguments.push_back(*path);
  }
  return Error::success();
}

/// libc, and its loader, which has what thread-local variables need.
static Error addSystemLibraries(const LinkJob &job, Arguments &arguments) {
  StringRef loader = sys::path::filename(getLoader(job.triple));
  for (StringRef name :
       {StringRef("libm.so.6"), StringRef("libc.so.6"), loader}) {
    Expected<std::string> path = findSystemLibrary(name, job.triple);
    if (!path)
      return path.takeError();
    arguments.push_back(*path);
  }
  return Error::success();
}

/// What a driver would say, too.
static void addFormat(const LinkJob &job, Arguments &arguments) {
  arguments.insert(arguments.end(),
                   {"--hash-style=gnu", "--build-id", "--eh-frame-hdr"});
  if (job.kind == LinkKind::SharedLibrary)
    arguments.push_back("-shared");
  else
    arguments.insert(arguments.end(),
                     {"-pie", "-dynamic-linker", getLoader(job.triple).str()});
}

/// In the order in which a driver gives them.
static Error addInputs(const LinkJob &job, Arguments &arguments) {
  bool isExecutable = job.kind == LinkKind::Executable;
  if (isExecutable)
    if (Error error = addOwnFiles({"Scrt1.o", "crti.o"}, job, arguments))
      return error;
  llvm::append_range(arguments, job.objects);
  llvm::append_range(arguments, job.libraries);
  // Before the libraries: whether they are needed is asked of each.
  llvm::append_range(arguments, job.options);
  if (Error error = addSystemLibraries(job, arguments))
    return error;
  if (Error error = addOwnFiles({"libbuiltins.a"}, job, arguments))
    return error;
  return isExecutable ? addOwnFiles({"crtn.o"}, job, arguments)
                      : Error::success();
}

Expected<Arguments> tq::getDirectCommand(Arguments linker, const LinkJob &job) {
  Arguments arguments = std::move(linker);
  arguments.insert(arguments.end(), {"-o", job.outputName});
  if (job.kind == LinkKind::Object) {
    arguments.push_back("-r");
    llvm::append_range(arguments, job.objects);
    return arguments;
  }
  addFormat(job, arguments);
  if (Error error = addInputs(job, arguments))
    return error;
  return arguments;
}
