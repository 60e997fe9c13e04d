//===- ZipBuilder.h - Zip archives for tests --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_SUPPORT_ZIPBUILDER_H
#define TQ_TEST_UNIT_SUPPORT_ZIPBUILDER_H

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"

#include <string>
#include <vector>

namespace tq::test {

/// A little-endian number of `bytes` bytes.
inline std::string number(uint64_t value, unsigned bytes) {
  std::string text;
  for (unsigned i = 0; i < bytes; ++i)
    text += static_cast<char>(value >> (8 * i));
  return text;
}

/// What a member is like.
struct ZipMember {
  std::string name;
  std::string data;
  uint16_t flags = 0;
  uint16_t method = 0;
  bool zip64Header = false; ///< as numpy writes it
  bool zip64Entry = false;
  uint64_t skip = 0; ///< bytes of an extra field in the header, as torch aligns
};

/// Writes archives; where the records are, for tests that spoil them.
class ZipBuilder {
public:
  void add(const ZipMember &member) {
    bool streamed = member.flags & 8;
    uint64_t size = member.data.size();
    uint32_t crc = llvm::crc32(llvm::arrayRefFromStringRef(member.data));
    std::string sizes = number(streamed ? 0 : size, 8);
    std::string extra =
        member.zip64Header ? number(1, 2) + number(16, 2) + sizes + sizes : "";
    if (member.skip)
      extra += "FB" + number(member.skip, 2) + std::string(member.skip, 'x');
    headers.push_back(file.size());
    uint64_t narrow = member.zip64Header ? 0xffff'ffff : streamed ? 0 : size;
    file += "PK\x03\x04" + number(45, 2) + number(member.flags, 2) +
            number(member.method, 2) + number(0, 4) +
            number(streamed ? 0 : crc, 4) + number(narrow, 4) +
            number(narrow, 4) + number(member.name.size(), 2) +
            number(extra.size(), 2) + member.name + extra + member.data;
    if (streamed)
      file += "PK\x07\x08" + number(crc, 4) + number(size, 4) + number(size, 4);
    addEntry(member, size, crc, headers.back());
  }

  void addEntry(const ZipMember &member, uint64_t size, uint32_t crc,
                uint64_t header) {
    std::string extra = member.zip64Entry
                            ? number(1, 2) + number(24, 2) + number(size, 8) +
                                  number(size, 8) + number(header, 8)
                            : "";
    auto narrow = [&](uint64_t value) {
      return number(member.zip64Entry ? 0xffff'ffff : value, 4);
    };
    entries.push_back(directory.size());
    directory += "PK\x01\x02" + number(45, 2) + number(45, 2) +
                 number(member.flags, 2) + number(member.method, 2) +
                 number(0, 4) + number(crc, 4) + narrow(size) + narrow(size) +
                 number(member.name.size(), 2) + number(extra.size(), 2) +
                 number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) +
                 narrow(header) + member.name + extra;
  }

  /// The archive; records are where they are in it after this.
  std::string finish(bool zip64 = false, llvm::StringRef comment = "") {
    uint64_t begin = file.size(), count = entries.size();
    for (uint64_t &entry : entries)
      entry += begin;
    std::string text = file + directory;
    if (zip64) {
      end64 = text.size();
      text += "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) +
              number(0, 4) + number(0, 4) + number(count, 8) +
              number(count, 8) + number(directory.size(), 8) + number(begin, 8);
      locator = text.size();
      text += "PK\x06\x07" + number(0, 4) + number(end64, 8) + number(1, 4);
    }
    end = text.size();
    return text + "PK\x05\x06" + number(0, 4) +
           number(zip64 ? 0xffff : count, 2) +
           number(zip64 ? 0xffff : count, 2) +
           number(zip64 ? 0xffff'ffff : directory.size(), 4) +
           number(zip64 ? 0xffff'ffff : begin, 4) + number(comment.size(), 2) +
           comment.str();
  }

  std::string file, directory;
  std::vector<uint64_t> headers, entries;
  uint64_t end = 0, end64 = 0, locator = 0;
};

/// An archive of `members`.
inline std::string makeZip(llvm::ArrayRef<ZipMember> members) {
  ZipBuilder builder;
  for (const ZipMember &member : members)
    builder.add(member);
  return builder.finish();
}

/// `text` with other bytes at `at`.
inline std::string patched(std::string text, uint64_t at,
                           const std::string &bytes) {
  return text.replace(at, bytes.size(), bytes);
}

} // namespace tq::test

#endif // TQ_TEST_UNIT_SUPPORT_ZIPBUILDER_H
