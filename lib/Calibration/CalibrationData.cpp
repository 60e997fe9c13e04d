//===- CalibrationData.cpp - What a model is calibrated with --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Calibration/CalibrationData.h"

#include "Npy.h"

#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace tq;

StringRef tq::getArrayTypeName(ArrayType type) {
  switch (type) {
  case ArrayType::F32:
    return "f32";
  case ArrayType::I64:
    return "i64";
  case ArrayType::I32:
    return "i32";
  case ArrayType::U8:
    return "u8";
  case ArrayType::I8:
    return "i8";
  case ArrayType::Bool:
    return "bool";
  }
  llvm_unreachable("a type that is none");
}

unsigned tq::getArrayTypeBytes(ArrayType type) {
  switch (type) {
  case ArrayType::I64:
    return 8;
  case ArrayType::F32:
  case ArrayType::I32:
    return 4;
  case ArrayType::U8:
  case ArrayType::I8:
  case ArrayType::Bool:
    return 1;
  }
  llvm_unreachable("a type that is none");
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

static bool isNpy(StringRef path) { return path.ends_with_insensitive(".npy"); }
static bool isNpz(StringRef path) { return path.ends_with_insensitive(".npz"); }
static bool isText(StringRef path) {
  return path.ends_with_insensitive(".txt");
}

/// Reads a member that may be compressed: then the error says what helps.
static Expected<ArrayRef<uint8_t>> readMember(const ZipArchive &archive,
                                              const ZipArchive::Member &member,
                                              bool checkSum) {
  Expected<ArrayRef<uint8_t>> bytes = archive.read(member, checkSum);
  if (bytes || !member.isCompressed())
    return bytes;
  return handleErrors(bytes.takeError(), [](const InputError &error) {
    return makeFileError(error.getPath(), error.getMessage() +
                                              "; write it with numpy.savez "
                                              "instead of savez_compressed");
  });
}

Error CalibrationSample::readMembers(const ZipArchive &archive,
                                     bool checkSums) {
  if (archive.getMembers().empty())
    return makeFileError(path, "expected arrays, but got an empty archive");
  for (const ZipArchive::Member &member : archive.getMembers()) {
    StringRef name = member.name;
    if (!name.consume_back(".npy") || name.empty())
      return makeFileError(path, "expected arrays of the names INPUT.npy, but "
                                 "got '" +
                                     printable(member.name) + "'");
    Expected<ArrayRef<uint8_t>> bytes = readMember(archive, member, checkSums);
    if (!bytes)
      return bytes.takeError();
    Expected<CalibrationTensor> tensor =
        readNpy(path, "array '" + printable(name) + "': ", *bytes);
    if (!tensor)
      return tensor.takeError();
    tensor->name = name.str();
    tensors.push_back(std::move(*tensor));
  }
  return Error::success();
}

Expected<CalibrationSample> CalibrationSample::open(StringRef path,
                                                    bool checkSums) {
  if (isNpz(path)) {
    Expected<ZipArchive> archive = ZipArchive::open(path);
    if (!archive)
      return archive.takeError();
    CalibrationSample sample(path, std::move(*archive));
    if (Error error =
            sample.readMembers(std::get<ZipArchive>(sample.file), checkSums))
      return error;
    return sample;
  }
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<CalibrationTensor> tensor = readNpy(path, "", file->getBytes());
  if (!tensor)
    return tensor.takeError();
  CalibrationSample sample(path, std::move(*file));
  sample.tensors.push_back(std::move(*tensor));
  return sample;
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

CalibrationData::TextIterator &CalibrationData::TextIterator::operator++() {
  do {
    while (rest.empty()) {
      if (files.empty()) {
        text = StringRef();
        return *this;
      }
      rest = files.consume_front().lines;
    }
    std::tie(text, rest) = rest.split('\n');
    text.consume_back("\r");
  } while (text.empty());
  return *this;
}

/// An error about the line with the byte `offset` of `text`.
static Error makeLineError(StringRef path, StringRef text, size_t offset,
                           const Twine &message) {
  size_t line = text.take_front(offset).count('\n') + 1;
  return makeFileError(path, "line " + Twine(line) + ": " + message);
}

Error CalibrationData::makeTextError(StringRef text,
                                     const Twine &message) const {
  for (const TextFile &file : textFiles)
    if (file.lines.begin() <= text.begin() && text.end() <= file.lines.end())
      return makeLineError(file.path, file.lines,
                           text.begin() - file.lines.begin(), message);
  llvm_unreachable("a text of other data");
}

/// Checks that `text`, which was read from `path`, is text at all.
static Error checkText(StringRef path, StringRef text) {
  auto got = [&](const Twine &what) {
    return makeFileError(path, "expected texts, one a line, but got " + what);
  };
  if (text.empty())
    return makeFileError(path,
                         "expected texts, one a line, but the file is empty");
  // Pages may be texts that somebody wants.
  if (text.starts_with("version https://"))
    if (StringRef download = describeFailedDownload(text); !download.empty())
      return got(download);
  if (text.starts_with("\x93NUMPY"))
    return got("an array of numpy; its name has to end in .npy");
  if (text.starts_with("PK\x03\x04"))
    return got("a zip archive; if it holds arrays of numpy, its name has to "
               "end in .npz");
  size_t invalid = text.size();
  json::isUTF8(text, &invalid);
  size_t nul = text.take_front(invalid).find('\0');
  if (nul != StringRef::npos)
    return makeLineError(path, text, nul,
                         "expected text, but got a byte that is 0");
  if (invalid < text.size())
    return makeLineError(path, text, invalid,
                         "expected UTF-8, but got the byte 0x" +
                             utohexstr(static_cast<uint8_t>(text[invalid]),
                                       /*LowerCase=*/true, /*Width=*/2));
  return Error::success();
}

Error CalibrationData::addTexts(StringRef path) {
  // The system lets a process map 65530 files.
  constexpr size_t maxFiles = 10'000;
  if (textFiles.size() == maxFiles)
    return makeFileError(path, "expected at most " + Twine(maxFiles) +
                                   " files of texts, but got one more; join "
                                   "them, one text a line");
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  StringRef lines = file->getText();
  if (Error error = checkText(path, lines))
    return error;
  lines.consume_front("\xef\xbb\xbf"); // a mark of UTF-8, no part of the text
  textFiles.push_back({path.str(), std::move(*file), lines});
  size_t added = std::distance(TextIterator(textFiles.back()), TextIterator());
  if (added == 0)
    return makeFileError(path,
                         "expected texts, one a line, but all lines are empty");
  numTexts += added;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Files and directories
//===----------------------------------------------------------------------===//

Error CalibrationData::addFile(StringRef path) {
  if (!isNpy(path) && !isNpz(path))
    return addTexts(path);
  // Checksums are left for when the data is read.
  Expected<CalibrationSample> sample =
      CalibrationSample::open(path, /*checkSums=*/false);
  if (!sample)
    return sample.takeError();
  samples.push_back(path.str());
  return Error::success();
}

Error CalibrationData::addDirectory(StringRef path) {
  constexpr StringLiteral wanted = "expected files .txt, .npy or .npz";
  std::vector<std::string> names;
  std::error_code error;
  for (sys::fs::directory_iterator entry(path, error), end;
       entry != end && !error; entry.increment(error)) {
    StringRef name = sys::path::filename(entry->path());
    if (!name.starts_with("."))
      names.push_back(name.str());
  }
  if (error)
    return makeFileError(path, "expected a readable directory, but got: " +
                                   error.message());
  if (names.empty())
    return makeFileError(path, wanted + ", but the directory has none");
  llvm::sort(names);
  for (StringRef name : names) {
    if (!isText(name) && !isNpy(name) && !isNpz(name))
      return makeFileError(path,
                           wanted + ", but got '" + printable(name) + "'");
    // An error with this name would be more than a line.
    if (llvm::any_of(name, [](unsigned char c) { return c < ' '; }))
      return makeFileError(path, "expected names without control characters, "
                                 "but got '" +
                                     printable(name) + "'");
    if (Error error = addFile(joinPath(path, name)))
      return error;
  }
  return Error::success();
}

Expected<CalibrationData> CalibrationData::open(StringRef path) {
  CalibrationData data;
  Error error = sys::fs::is_directory(path) ? data.addDirectory(path)
                                            : data.addFile(path);
  if (error)
    return error;
  return data;
}
