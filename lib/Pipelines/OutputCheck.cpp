//===- OutputCheck.cpp - Whether outputs may be written -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputCheck.h"

#include "tq/Support/TempFiles.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace tq;

/// What every header of tq's says at its beginning.
static constexpr StringLiteral kHeaderMark = "Part of the tq project";

/// The header says so within so many bytes.
static constexpr unsigned kHeaderBytes = 512;

static SmallVector<std::string, 2> getOutputs(const CommandLine &line) {
  if (line.output.empty())
    return {};
  SmallVector<std::string, 2> outputs = {line.output};
  if (line.stopAfter != Phase::Emit)
    return outputs;
  if (std::string side = getSideOutput(line.kind, line.output); !side.empty())
    outputs.push_back(std::move(side));
  return outputs;
}

/// Whether `path` may well be what an earlier run wrote: programs are often put
/// next to their models.
static bool isLikelyOutput(StringRef path) {
  bool isText = StringSwitch<bool>(sys::path::extension(path))
                    .Cases({".s", ".ll", ".weights"}, true)
                    .Cases({".h", ".mlir", ".mlirbc"}, true)
                    .Default(false);
  if (isText)
    return true;
  file_magic magic;
  return !identify_magic(path, magic) && magic >= file_magic::elf &&
         magic <= file_magic::elf_core;
}

/// Whether both names lead to one place.
static bool isSamePlace(StringRef a, StringRef b) {
  if (sys::fs::equivalent(a, b))
    return true;
  Expected<std::string> first = resolveLinks(a), second = resolveLinks(b);
  bool isSame = first && second && *first == *second;
  consumeError(first.takeError());
  consumeError(second.takeError());
  return isSame;
}

/// Whether an earlier run wrote the statistics `path`.
static bool isCalibration(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  return buffer && (*buffer)->getBuffer().starts_with("{\"version\":");
}

static Error checkSavedCalibration(const CommandLine &line,
                                   const InputFiles &inputs) {
  const std::string &saved = line.savedCalibration;
  if (saved.empty())
    return Error::success();
  auto fail = [&](const Twine &what) {
    return createStringError("--save-calibration=" + saved + ": expected " +
                             what);
  };
  StringRef input = inputs.find(saved);
  if (!input.empty() && (input == line.input || input == line.calibrationData ||
                         !isCalibration(saved)))
    return fail("no file that is read, but it is " + input);
  for (const std::string &output : getOutputs(line))
    if (isSamePlace(saved, output) && !isDevice(saved))
      return fail("another file than " + output);
  return Error::success();
}

Error tq::checkOutputsAreNoInputs(const CommandLine &line,
                                  const InputFiles &inputs) {
  if (Error error = checkSavedCalibration(line, inputs))
    return error;
  SmallVector<std::string, 2> outputs = getOutputs(line);
  for (const std::string &output : outputs) {
    StringRef input = inputs.find(output);
    if (input.empty())
      continue;
    if (input == line.input || !inputs.findWeights(output).empty() ||
        !isLikelyOutput(output))
      return createStringError("-o " + line.output + ": expected " + output +
                               " to be no file that is read, but it is " +
                               input);
  }
  if (outputs.size() == 2 && isSamePlace(outputs[0], outputs[1]))
    return createStringError("-o " + line.output + ": expected " + outputs[1] +
                             " to be another file");
  return Error::success();
}

/// Fails where a file `path` cannot be made.
static Error checkWritable(StringRef path, TempFiles &files) {
  return files.createOutput(path).takeError();
}

/// Fails where `path` is there and no header of tq's.
static Error checkHeader(StringRef path) {
  if (!sys::fs::exists(path))
    return Error::success();
  auto buffer = MemoryBuffer::getFile(path);
  if (buffer &&
      (*buffer)->getBuffer().take_front(kHeaderBytes).contains(kHeaderMark))
    return Error::success();
  return makeOutputError("cannot write " + path +
                         ": expected a header that tq wrote, but got another "
                         "file");
}

Error tq::checkOutputsAreWritable(const CommandLine &line) {
  bool isEmitted = line.stopAfter == Phase::Emit;
  bool isText = !isEmitted || line.kind == OutputKind::Assembly ||
                line.kind == OutputKind::LLVMIR;
  TempFiles files;
  if (!line.savedCalibration.empty() && !isDevice(line.savedCalibration))
    if (Error error = checkWritable(line.savedCalibration, files))
      return error;
  if (line.output.empty())
    return Error::success();
  if (!isText)
    if (Expected<std::string> directory = files.getDirectory(); !directory)
      return directory.takeError();
  if (isText && isDevice(line.output))
    return Error::success();
  if (Error error = checkWritable(line.output, files))
    return error;
  if (!isEmitted || line.kind != OutputKind::SharedLibrary)
    return Error::success();
  std::string header = getSideOutput(line.kind, line.output);
  if (Error error = checkWritable(header, files))
    return error;
  return checkHeader(header);
}
