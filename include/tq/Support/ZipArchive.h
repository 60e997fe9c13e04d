//===- ZipArchive.h - The members of a zip archive --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Archives in which libraries keep arrays: numpy's .npz, PyTorch's .pt2. Their
// members are stored as they are, so that a member is a part of the mapped
// file. All that the archive says of its members is checked when it is opened.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_ZIPARCHIVE_H
#define TQ_SUPPORT_ZIPARCHIVE_H

#include "tq/Support/MappedFile.h"

#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace tq {

class ZipArchive {
public:
  struct Member {
    /// Leads nowhere outside the archive; ends with '/' if the member is a
    /// directory.
    std::string name;
    /// Where its bytes begin in the file, and how many they are there.
    uint64_t offset;
    uint64_t storedBytes;
    uint64_t bytes; ///< uncompressed
    uint16_t method;
    uint32_t crc;

    bool isCompressed() const { return method != 0; }
  };

  /// Opens and checks an archive, by its central directory. Refused are parts
  /// of larger archives, encrypted members, names that are there twice or lead
  /// outside, members that overlap, and headers that contradict each other.
  static llvm::Expected<ZipArchive> open(llvm::StringRef path);

  /// As the directory lists them.
  llvm::ArrayRef<Member> getMembers() const { return members; }

  /// Returns the member `name`, or null.
  const Member *find(llvm::StringRef name) const;

  /// The bytes of a member of this archive, in the mapped file: at any
  /// alignment, and for as long as the archive lives. Fails where they are
  /// compressed, and, if `checkSum`, which reads them all, where they have
  /// another checksum than the archive says.
  llvm::Expected<llvm::ArrayRef<uint8_t>> read(const Member &member,
                                               bool checkSum = true) const;

  /// Of the whole file; see getFileDigest.
  uint64_t getDigest() const;

  /// The file, for errors.
  llvm::StringRef getPath() const { return path; }

private:
  ZipArchive(llvm::StringRef path, MappedFile file)
      : path(path), file(std::move(file)) {}

  std::string path;
  MappedFile file;
  std::vector<Member> members;
  llvm::StringMap<size_t> byName;
};

} // namespace tq

#endif // TQ_SUPPORT_ZIPARCHIVE_H
