//===- ZipArchive.cpp - The members of a zip archive ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout of an archive, as APPNOTE.TXT of PKWARE has it:
//
//   (local header, data, maybe a data descriptor)*   the members
//   entry*                                           the central directory
//   zip64 end record, zip64 locator                  if numbers are large
//   end record, comment
//
//===----------------------------------------------------------------------===//

#include "tq/Support/ZipArchive.h"

#include "tq/Support/FileDigest.h"
#include "tq/Support/ForeignFile.h"
#include "tq/Support/InputError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

#include <optional>

using namespace llvm;
using namespace tq;

using Member = ZipArchive::Member;

// Without names, extra fields and comments.
static constexpr uint64_t localBytes = 30, entryBytes = 46, endBytes = 22,
                          end64Bytes = 56, locatorBytes = 20;

// A field that is at its most is elsewhere, in 64 bits.
static constexpr uint64_t most16 = 0xffff, most32 = 0xffff'ffff;

namespace {
/// A record of little-endian fields, all of which lie in the file.
class Record {
public:
  explicit Record(ArrayRef<uint8_t> bytes) : bytes(bytes) {}

  uint16_t get16(uint64_t at) const { return get<uint16_t>(at); }
  uint32_t get32(uint64_t at) const { return get<uint32_t>(at); }
  uint64_t get64(uint64_t at) const { return get<uint64_t>(at); }

  bool hasSignature(uint8_t third, uint8_t fourth) const {
    return bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == third &&
           bytes[3] == fourth;
  }

private:
  template <typename Field>
  Field get(uint64_t at) const {
    return support::endian::read<Field>(bytes.slice(at, sizeof(Field)).data(),
                                        endianness::little);
  }

  ArrayRef<uint8_t> bytes;
};

/// Where the central directory is, and how many members it lists.
struct Directory {
  uint64_t numMembers;
  uint64_t bytes;
  uint64_t offset;
};

/// A member, with what is needed to check it.
struct Entry {
  Member member;
  uint64_t header; ///< where its local header is
};

class Reader {
public:
  Reader(StringRef path, ArrayRef<uint8_t> file) : path(path), file(file) {}

  Expected<std::vector<Member>> read();

private:
  std::optional<uint64_t> findEnd() const;
  Error readEnd();
  Error readEnd64(uint64_t locatorAt);
  Expected<Entry> readEntry(uint64_t &at) const;
  Error readLocalHeader(Entry &entry) const;
  Error checkLayout() const;

  /// Whether the file has `bytes` bytes from `at` to `end`.
  static bool fits(uint64_t at, uint64_t bytes, uint64_t end) {
    return at <= end && bytes <= end - at;
  }
  Record record(uint64_t at, uint64_t bytes) const {
    return Record(file.slice(at, bytes));
  }
  Error error(const Twine &message) const {
    return makeFileError(path, message);
  }
  Error error(const Member &member, const Twine &message) const {
    return error("member '" + printable(member.name) + "': " + message);
  }

  StringRef path;
  ArrayRef<uint8_t> file;
  Directory directory = {};
  std::vector<Entry> entries;
};
} // namespace

//===----------------------------------------------------------------------===//
// The end of the archive
//===----------------------------------------------------------------------===//

/// The end record whose comment ends with the file.
std::optional<uint64_t> Reader::findEnd() const {
  if (file.size() < endBytes)
    return std::nullopt;
  uint64_t last = file.size() - endBytes;
  for (uint64_t comment = 0; comment <= std::min(last, most16); ++comment) {
    Record end = record(last - comment, endBytes);
    if (end.hasSignature(5, 6) && end.get16(20) == comment)
      return last - comment;
  }
  return std::nullopt;
}

Error Reader::readEnd() {
  std::optional<uint64_t> at = findEnd();
  if (!at) {
    StringRef download = describeFailedDownload(toStringRef(file));
    if (!download.empty())
      return error("expected a zip archive, but got " + download);
    if (!toStringRef(file).starts_with("PK"))
      return error("expected a zip archive, but got other content (" +
                   Twine(file.size()) + " bytes)");
    return error("expected a zip archive, but got one without an end; it may "
                 "be cut off");
  }
  Record end = record(*at, endBytes);
  directory = {end.get16(10), end.get32(12), end.get32(16)};
  uint64_t directoryEnd = *at;
  if (*at >= locatorBytes &&
      record(*at - locatorBytes, locatorBytes).hasSignature(6, 7)) {
    directoryEnd = record(*at - locatorBytes, locatorBytes).get64(8);
    if (Error error = readEnd64(*at - locatorBytes))
      return error;
    if ((end.get16(10) != most16 && end.get16(10) != directory.numMembers) ||
        (end.get32(12) != most32 && end.get32(12) != directory.bytes) ||
        (end.get32(16) != most32 && end.get32(16) != directory.offset))
      return error("expected end records that agree, but got others");
  } else if (end.get16(4) != 0 || end.get16(6) != 0 ||
             end.get16(8) != end.get16(10)) {
    return error("expected a whole archive, but got a part of one");
  }
  if (!fits(directory.offset, directory.bytes, directoryEnd) ||
      directory.offset + directory.bytes != directoryEnd)
    return error("expected a directory that ends at offset " +
                 Twine(directoryEnd) + ", but got " + Twine(directory.bytes) +
                 " bytes from offset " + Twine(directory.offset));
  // Before there is room made for them.
  if (directory.numMembers > directory.bytes / entryBytes)
    return error("expected at most " + Twine(directory.bytes / entryBytes) +
                 " members in a directory of " + Twine(directory.bytes) +
                 " bytes, but got " + Twine(directory.numMembers));
  return Error::success();
}

Error Reader::readEnd64(uint64_t locatorAt) {
  Record locator = record(locatorAt, locatorBytes);
  uint64_t at = locator.get64(8);
  if (!fits(at, end64Bytes, locatorAt) ||
      !record(at, end64Bytes).hasSignature(6, 6))
    return error("expected a zip64 end record at offset " + Twine(at) +
                 ", but got none");
  Record end = record(at, end64Bytes);
  // What it says of its size is without its first 12 bytes.
  if (end.get64(4) != locatorAt - at - 12)
    return error("expected a zip64 end record of " +
                 Twine(locatorAt - at - 12) + " bytes, but got " +
                 Twine(end.get64(4)));
  if (locator.get32(4) != 0 || locator.get32(16) > 1 || end.get32(16) != 0 ||
      end.get32(20) != 0 || end.get64(24) != end.get64(32))
    return error("expected a whole archive, but got a part of one");
  directory = {end.get64(32), end.get64(40), end.get64(48)};
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

/// Takes those of `fields` that are at their most from the zip64 field of
/// `extra`, which has them in this order and no others.
static bool widen(ArrayRef<uint8_t> extra, ArrayRef<uint64_t *> fields) {
  constexpr uint16_t zip64 = 1;
  if (llvm::none_of(fields, [](uint64_t *field) { return *field == most32; }))
    return true;
  while (extra.size() >= 4) {
    Record head(extra.take_front(4));
    uint16_t id = head.get16(0), bytes = head.get16(2);
    extra = extra.drop_front(4);
    if (bytes > extra.size())
      return false;
    if (id != zip64) {
      extra = extra.drop_front(bytes);
      continue;
    }
    ArrayRef<uint8_t> values = extra.take_front(bytes);
    for (uint64_t *field : fields) {
      if (*field != most32)
        continue;
      if (values.size() < 8)
        return false;
      *field = Record(values).get64(0);
      values = values.drop_front(8);
    }
    return true;
  }
  return false;
}

/// Whether whoever unpacks `name` stays where he is, whatever his system.
static bool isInside(StringRef name) {
  constexpr auto style = sys::path::Style::windows; // '/' and '\'
  if (name.empty() || name.contains('\0') ||
      sys::path::is_separator(name[0], style) ||
      sys::path::is_absolute(name, style))
    return false;
  return llvm::none_of(
      llvm::make_range(sys::path::begin(name, style), sys::path::end(name)),
      [](StringRef component) { return component == ".."; });
}

static bool isEncrypted(uint16_t flags) {
  constexpr uint16_t encrypted = 1 << 0, strongly = 1 << 6, masked = 1 << 13;
  return flags & (encrypted | strongly | masked);
}

/// Reads the entry at `at`, which is then where the next one is.
Expected<Entry> Reader::readEntry(uint64_t &at) const {
  uint64_t end = directory.offset + directory.bytes;
  if (!fits(at, entryBytes, end) || !record(at, entryBytes).hasSignature(1, 2))
    return error("expected " + Twine(directory.numMembers) +
                 " members in the directory, but got " + Twine(entries.size()));
  Record head = record(at, entryBytes);
  uint64_t nameBytes = head.get16(28), extraBytes = head.get16(30),
           commentBytes = head.get16(32);
  if (!fits(at + entryBytes, nameBytes + extraBytes + commentBytes, end))
    return error("expected a directory entry that ends at offset " +
                 Twine(end) + ", but got one that does not");
  Entry entry;
  Member &member = entry.member;
  member.name = toStringRef(file.slice(at + entryBytes, nameBytes)).str();
  if (!isInside(member.name))
    return error("expected names of members inside the archive, but got '" +
                 printable(member.name) + "'");
  if (isEncrypted(head.get16(8)))
    return error(member, "expected no encryption, but it is encrypted");
  if (head.get16(34) != 0)
    return error(member, "expected it in this file, but got another part of "
                         "the archive");
  member.method = head.get16(10);
  member.crc = head.get32(16);
  member.storedBytes = head.get32(20);
  member.bytes = head.get32(24);
  entry.header = head.get32(42);
  if (!widen(file.slice(at + entryBytes + nameBytes, extraBytes),
             {&member.bytes, &member.storedBytes, &entry.header}))
    return error(member, "expected a zip64 field with its sizes, but got none");
  at += entryBytes + nameBytes + extraBytes + commentBytes;
  return entry;
}

/// Finds the data of a member behind its local header, which has to say what
/// the directory does.
Error Reader::readLocalHeader(Entry &entry) const {
  constexpr uint16_t streamed = 1 << 3;
  Member &member = entry.member;
  if (!fits(entry.header, localBytes, directory.offset) ||
      !record(entry.header, localBytes).hasSignature(3, 4))
    return error(member, "expected a header at offset " + Twine(entry.header) +
                             ", but got none");
  Record head = record(entry.header, localBytes);
  uint64_t nameBytes = head.get16(26), extraBytes = head.get16(28);
  uint64_t nameAt = entry.header + localBytes;
  if (!fits(nameAt, nameBytes + extraBytes, directory.offset))
    return error(member, "expected a header before the directory, but got one "
                         "that is longer");
  StringRef name = toStringRef(file.slice(nameAt, nameBytes));
  if (name != member.name)
    return error(member, "expected the same name in its header, but got '" +
                             printable(name) + "'");
  if (isEncrypted(head.get16(6)) || head.get16(8) != member.method)
    return error(member, "expected the same method in its header, but got "
                         "another");
  // One that was streamed has the numbers behind its data.
  if (!(head.get16(6) & streamed)) {
    uint64_t stored = head.get32(18), bytes = head.get32(22);
    if (!widen(file.slice(nameAt + nameBytes, extraBytes), {&bytes, &stored}) ||
        stored != member.storedBytes || bytes != member.bytes ||
        head.get32(14) != member.crc)
      return error(member, "expected the same size and checksum in its header, "
                           "but got others");
  }
  member.offset = nameAt + nameBytes + extraBytes;
  if (!fits(member.offset, member.storedBytes, directory.offset))
    return error(member, "expected " + Twine(member.storedBytes) +
                             " bytes before the directory, but got " +
                             Twine(directory.offset - member.offset));
  if (!member.isCompressed() && member.storedBytes != member.bytes)
    return error(member, "expected " + Twine(member.bytes) +
                             " bytes, as it is not compressed, but got " +
                             Twine(member.storedBytes));
  return Error::success();
}

/// Each byte is in one member at most.
Error Reader::checkLayout() const {
  std::vector<const Entry *> sorted;
  for (const Entry &entry : entries)
    sorted.push_back(&entry);
  llvm::sort(sorted, [](const Entry *a, const Entry *b) {
    return std::tie(a->header, a->member.name) <
           std::tie(b->header, b->member.name);
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    const Member &before = sorted[i - 1]->member;
    if (sorted[i]->header < before.offset + before.storedBytes)
      return error(sorted[i]->member,
                   "expected bytes of its own, but it overlaps member '" +
                       printable(before.name) + "'");
  }
  return Error::success();
}

Expected<std::vector<Member>> Reader::read() {
  if (Error error = readEnd())
    return error;
  entries.reserve(directory.numMembers);
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.numMembers; ++i) {
    Expected<Entry> entry = readEntry(at);
    if (!entry)
      return entry.takeError();
    if (Error error = readLocalHeader(*entry))
      return error;
    entries.push_back(std::move(*entry));
  }
  if (at != directory.offset + directory.bytes)
    return error("expected " + Twine(directory.numMembers) +
                 " members in the directory, but got more");
  if (Error error = checkLayout())
    return error;
  std::vector<Member> members;
  members.reserve(entries.size());
  for (Entry &entry : entries)
    members.push_back(std::move(entry.member));
  return members;
}

//===----------------------------------------------------------------------===//
// ZipArchive
//===----------------------------------------------------------------------===//

Expected<ZipArchive> ZipArchive::open(StringRef path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  ZipArchive archive(path, std::move(*file));
  Expected<std::vector<Member>> members =
      Reader(path, archive.file.getBytes()).read();
  if (!members)
    return members.takeError();
  archive.members = std::move(*members);
  for (auto [index, member] : llvm::enumerate(archive.members))
    if (!archive.byName.try_emplace(member.name, index).second)
      return makeFileError(path, "expected member '" + printable(member.name) +
                                     "' once, but got it twice");
  return archive;
}

const Member *ZipArchive::find(StringRef name) const {
  auto entry = byName.find(name);
  return entry == byName.end() ? nullptr : &members[entry->second];
}

Expected<ArrayRef<uint8_t>> ZipArchive::read(const Member &member,
                                             bool checkSum) const {
  if (member.isCompressed())
    return makeFileError(path, "member '" + printable(member.name) +
                                   "' is compressed, which tq does not read");
  ArrayRef<uint8_t> bytes =
      file.getBytes().slice(member.offset, member.storedBytes);
  if (checkSum && crc32(bytes) != member.crc)
    return makeFileError(path, "member '" + printable(member.name) +
                                   "': expected the checksum " +
                                   utohexstr(member.crc) + ", but got " +
                                   utohexstr(crc32(bytes)) +
                                   "; the file is damaged");
  return bytes;
}

uint64_t ZipArchive::getDigest() const {
  return getFileDigest(file.getBytes());
}
