//===- LinkWithDriver.cpp - Link with the system's compiler driver --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkCommand.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;
using namespace tq;

static Expected<std::string> findDriver(bool isForeign) {
  // The one found when tq was configured, else the usual names.
  for (StringRef name : {TQ_LINK_DRIVER, "clang-22", "clang", "cc", "gcc"}) {
    if (name.empty() || (isForeign && !name.contains("clang")))
      continue;
    if (ErrorOr<std::string> path = sys::findProgramByName(name)) {
      SmallString<128> driver(*path);
      sys::fs::make_absolute(driver);
      return driver.str().str();
    }
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

/// Hands options on to the linker. Not by -Wl, which a comma would end.
static void addForLinker(ArrayRef<std::string> items, Arguments &arguments) {
  for (const std::string &item : items) {
    if (StringRef(item).starts_with("-"))
      arguments.push_back("-Xlinker");
    arguments.push_back(item);
  }
}

static void addLibraries(const LinkJob &job, Arguments &arguments) {
  arguments.push_back(job.kind == LinkKind::SharedLibrary ? "-shared" : "-pie");
  addForLinker(job.libraries, arguments);
  arguments.insert(arguments.end(), {"-lm", "-pthread"});
  addForLinker(job.options, arguments);
  if (!job.sanitizers.empty())
    arguments.push_back("-fsanitize=" + job.sanitizers.str());
}

Expected<Arguments> tq::getDriverCommand(const LinkJob &job) {
  Expected<std::string> driver = findDriver(job.isForeign);
  if (!driver)
    return driver.takeError();
  Arguments arguments = {*driver, "-o", job.outputName};
  if (job.isForeign)
    arguments.push_back("--target=" + getShortTriple(job.triple));
  if (hasLld(*driver))
    arguments.push_back("-fuse-ld=lld");
  llvm::append_range(arguments, job.objects);
  if (job.kind == LinkKind::Object)
    arguments.insert(arguments.end(), {"-r", "-nostdlib"});
  else
    addLibraries(job, arguments);
  return arguments;
}
