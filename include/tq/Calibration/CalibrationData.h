//===- CalibrationData.h - What a model is calibrated with ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts, and arrays for the inputs of a model, from files nobody vouches for.
// All files are mapped, so that memory does not grow with the data. Errors are
// one line that names the file, and the line or the array in it.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CALIBRATION_CALIBRATIONDATA_H
#define TQ_CALIBRATION_CALIBRATIONDATA_H

#include "tq/Support/MappedFile.h"
#include "tq/Support/ZipArchive.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/iterator_range.h"

#include <iterator>
#include <string>
#include <variant>
#include <vector>

namespace tq {

/// Element types, those of the inputs of a program.
enum class ArrayType { F32, I64, I32, U8, I8, Bool };

/// Returns the name of `type`, as "f32".
llvm::StringRef getArrayTypeName(ArrayType type);

/// Returns the bytes of one element of `type`.
unsigned getArrayTypeBytes(ArrayType type);

/// An array for one input of a model.
struct CalibrationTensor {
  /// The input; empty: the first one.
  std::string name;
  ArrayType type;
  /// At least one dimension, all of at least 1.
  llvm::SmallVector<int64_t, 4> shape;
  /// The elements: little-endian, in C order, at any alignment.
  llvm::ArrayRef<uint8_t> data;
};

/// Arrays that belong together, one for each of some inputs. They lie in a file
/// that is mapped for as long as the sample lives.
class CalibrationSample {
public:
  /// Opens a `.npy` file, or a `.npz` file: an archive of such, each with the
  /// name of its input. `checkSums`: those of the archive, which reads all of
  /// it.
  static llvm::Expected<CalibrationSample> open(llvm::StringRef path,
                                                bool checkSums = true);

  /// At least one; names differ.
  llvm::ArrayRef<CalibrationTensor> getTensors() const { return tensors; }

  /// The file, for errors.
  llvm::StringRef getPath() const { return path; }

private:
  CalibrationSample(llvm::StringRef path,
                    std::variant<MappedFile, ZipArchive> file)
      : path(path), file(std::move(file)) {}

  llvm::Error readMembers(const ZipArchive &archive, bool checkSums);

  std::string path;
  std::variant<MappedFile, ZipArchive> file;
  std::vector<CalibrationTensor> tensors;
};

/// The texts and samples of a file or of the files in a directory.
class CalibrationData {
public:
  struct TextFile {
    std::string path;
    MappedFile file;
    llvm::StringRef lines;
  };

  /// The lines of files, without their ends, that are not empty.
  class TextIterator {
  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = llvm::StringRef;
    using difference_type = std::ptrdiff_t;
    using pointer = const llvm::StringRef *;
    using reference = llvm::StringRef;

    TextIterator() = default;
    explicit TextIterator(llvm::ArrayRef<TextFile> files) : files(files) {
      ++*this;
    }

    llvm::StringRef operator*() const { return text; }
    TextIterator &operator++();
    TextIterator operator++(int) {
      TextIterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const TextIterator &other) const {
      return text.data() == other.text.data();
    }

  private:
    llvm::StringRef text;           ///< null at the end
    llvm::StringRef rest;           ///< of the file with `text`
    llvm::ArrayRef<TextFile> files; ///< after that one
  };

  /// Opens `path`: a file `.npy` or `.npz`, each a sample, any other file as
  /// one of texts, one a line, or a directory of files `.txt`, `.npy` and
  /// `.npz`, in the order of their names. Hidden files there do not count, and
  /// no others may be there. All files are checked, except for the checksums of
  /// archives. There is at least one text or sample.
  static llvm::Expected<CalibrationData> open(llvm::StringRef path);

  size_t getNumTexts() const { return numTexts; }

  /// Texts of UTF-8 without NUL, each at least one byte, file by file. They lie
  /// in the files, which are mapped for as long as the data lives.
  llvm::iterator_range<TextIterator> getTexts() const {
    return {TextIterator(textFiles), TextIterator()};
  }

  /// An error about a text that the iterator gave: "FILE: line N: MESSAGE".
  llvm::Error makeTextError(llvm::StringRef text,
                            const llvm::Twine &message) const;

  size_t getNumSamples() const { return samples.size(); }

  /// Opens a sample, and checks it once more.
  llvm::Expected<CalibrationSample> readSample(size_t index) const {
    return CalibrationSample::open(samples[index]);
  }

private:
  llvm::Error addDirectory(llvm::StringRef path);
  llvm::Error addFile(llvm::StringRef path);
  llvm::Error addTexts(llvm::StringRef path);

  std::vector<TextFile> textFiles;
  size_t numTexts = 0;
  std::vector<std::string> samples; ///< their files
};

} // namespace tq

#endif // TQ_CALIBRATION_CALIBRATIONDATA_H
