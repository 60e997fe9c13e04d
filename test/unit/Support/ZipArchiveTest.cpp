//===- ZipArchiveTest.cpp - Good and hostile zip archives -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/ZipArchive.h"

#include "TestFiles.h"
#include "ZipBuilder.h"

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

/// Opens `content` as a file and returns the error, "" if there is none.
std::string openError(StringRef content) {
  TempDirectory directory;
  std::string path = directory.write("some.zip", content);
  Expected<ZipArchive> archive = ZipArchive::open(path);
  if (archive)
    return "";
  std::string message = toString(archive.takeError());
  EXPECT_TRUE(StringRef(message).starts_with(path + ": ")) << message;
  return message;
}

/// Reads all of `content`: "NAME=DATA;" for each member, or the error.
std::string readAll(StringRef content, bool checkSum = true) {
  TempDirectory directory;
  Expected<ZipArchive> archive =
      ZipArchive::open(directory.write("some.zip", content));
  if (!archive)
    return toString(archive.takeError());
  std::string all;
  for (const ZipArchive::Member &member : archive->getMembers()) {
    EXPECT_EQ(archive->find(member.name), &member);
    Expected<ArrayRef<uint8_t>> bytes = archive->read(member, checkSum);
    if (!bytes)
      return toString(bytes.takeError());
    EXPECT_EQ(bytes->size(), member.bytes);
    all += member.name + "=" + toStringRef(*bytes).str() + ";";
  }
  EXPECT_EQ(archive->find("none"), nullptr);
  return all;
}

/// An archive of "a", which is "hello", and "b", which is "".
struct TwoMembers : ZipBuilder {
  TwoMembers() {
    add({"a", "hello"});
    add({"b", ""});
    whole = finish();
  }
  std::string whole;
};

TEST(ZipArchive, ReadsMembersInPlace) {
  EXPECT_EQ(readAll(TwoMembers().whole), "a=hello;b=;");
  EXPECT_EQ(readAll(makeZip({})), "");
  EXPECT_EQ(readAll(makeZip({{"d/", ""}, {"d/e.npy", "xyz"}})),
            "d/=;d/e.npy=xyz;");
}

TEST(ZipArchive, StaysValidWhenMoved) {
  TempDirectory directory;
  Expected<ZipArchive> opened =
      ZipArchive::open(directory.write("some.zip", TwoMembers().whole));
  ASSERT_TRUE(bool(opened));
  ArrayRef<uint8_t> bytes = cantFail(opened->read(opened->getMembers()[0]));
  ZipArchive moved = std::move(*opened);
  EXPECT_EQ(toStringRef(bytes), "hello");
  EXPECT_EQ(cantFail(moved.read(*moved.find("a"))).data(), bytes.data());
}

TEST(ZipArchive, ReadsWhatLibrariesWrite) {
  ZipMember numpy{"x.npy", "12"}, torch{"t/0", "345"}, pipe{"p", "67"};
  numpy.zip64Header = true;
  torch.skip = 37;
  torch.flags = 8;
  pipe.zip64Header = pipe.zip64Entry = true;
  pipe.flags = 8;
  ZipBuilder builder;
  for (const ZipMember &member : {numpy, torch, pipe})
    builder.add(member);
  EXPECT_EQ(readAll(builder.finish(/*zip64=*/true)), "x.npy=12;t/0=345;p=67;");
}

TEST(ZipArchive, ReadsArchivesWithComments) {
  for (size_t size : {1u, 100u, 65535u}) {
    ZipBuilder builder;
    builder.add({"a", "hello"});
    EXPECT_EQ(readAll(builder.finish(false, std::string(size, 'P'))),
              "a=hello;");
  }
  // What looks like an end record, but does not end with the file.
  ZipBuilder builder;
  builder.add({"a", "hello"});
  EXPECT_EQ(readAll(builder.finish(false, "PK\x05\x06" + std::string(16, '\0') +
                                              "ab and more")),
            "a=hello;");
}

TEST(ZipArchive, RejectsWhatIsNoArchive) {
  EXPECT_TRUE(isOneLineWith(openError(""), {"expected a zip", "(0 bytes)"}));
  EXPECT_TRUE(isOneLineWith(openError(std::string(70000, 'x')),
                            {"expected a zip archive, but got other content"}));
  EXPECT_TRUE(isOneLineWith(openError("version https://git-lfs.github.com/x"),
                            {"expected a zip archive, but got a git-lfs"}));
  EXPECT_TRUE(isOneLineWith(openError("PK\x03\x04 more"), {"cut off"}));
  TempDirectory directory;
  Expected<ZipArchive> none = ZipArchive::open(directory.path("none.zip"));
  ASSERT_FALSE(bool(none));
  EXPECT_TRUE(isOneLineWith(toString(none.takeError()),
                            {"none.zip", "expected a readable file"}));
}

TEST(ZipArchive, RejectsWhatIsCutOff) {
  ZipBuilder builder;
  builder.add({"a", "hello"});
  for (const std::string &whole :
       {TwoMembers().whole, builder.finish(/*zip64=*/true)}) {
    EXPECT_EQ(openError(whole), "");
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_TRUE(isOneLineWith(openError(StringRef(whole).take_front(size)),
                                {"expected", "but got"}));
      EXPECT_NE(openError(StringRef(whole).drop_front(size + 1)), "");
    }
  }
}

TEST(ZipArchive, SurvivesEachSpoiltByte) {
  ZipMember wide{"w", "data"};
  wide.zip64Header = wide.zip64Entry = true;
  ZipBuilder builder;
  builder.add({"a", "hello"});
  builder.add(wide);
  std::string whole = builder.finish(/*zip64=*/true);
  for (size_t at = 0; at < whole.size(); ++at)
    for (char byte : {'\x00', '\x01', '\x7f', '\xff'})
      EXPECT_TRUE(
          isOneLineWith(readAll(patched(whole, at, std::string(1, byte))), {}));
}

TEST(ZipArchive, RejectsCompressedMembersWhenTheyAreRead) {
  std::string content = makeZip({{"x\n", "abc", 0, /*method=*/8}});
  EXPECT_EQ(openError(content), "");
  EXPECT_TRUE(
      isOneLineWith(readAll(content),
                    {"member 'x\\x0a' is compressed, which tq does not read"}));
}

TEST(ZipArchive, ChecksSums) {
  TwoMembers zip;
  std::string spoilt = patched(zip.whole, zip.headers[0] + 31, "j");
  EXPECT_TRUE(isOneLineWith(
      readAll(spoilt),
      {"'a'", "expected the checksum 3610A686, but got", "damaged"}));
  EXPECT_EQ(readAll(spoilt, /*checkSum=*/false), "a=jello;b=;");
}

TEST(ZipArchive, RejectsEncryption) {
  for (uint16_t flags : {1, 1 << 6, 1 << 13})
    EXPECT_TRUE(isOneLineWith(openError(makeZip({{"a", "x", flags}})),
                              {"'a'", "it is encrypted"}));
  TwoMembers zip;
  EXPECT_TRUE(
      isOneLineWith(openError(patched(zip.whole, zip.headers[0] + 6, "\x01")),
                    {"'a'", "expected the same method in its header"}));
}

TEST(ZipArchive, RejectsNamesThatLeadOutside) {
  for (StringRef name : {"", "/a", "\\a", "C:/a", "C:\\a", "..", "../a",
                         "a/../../b", "a\\..\\b", "a/.."})
    EXPECT_TRUE(isOneLineWith(openError(makeZip({{name.str(), "x"}})),
                              {"inside the archive", "but got '"}));
  EXPECT_TRUE(isOneLineWith(openError(makeZip({{std::string("a\0b", 3), ""}})),
                            {"but got 'a\\x00b'"}));
  EXPECT_EQ(openError(makeZip({{"a..b", ""}, {"x:0.npy", ""}, {"...", ""}})),
            "");
}

TEST(ZipArchive, RejectsNamesThatAreThereTwice) {
  EXPECT_TRUE(isOneLineWith(openError(makeZip({{"a", "x"}, {"a", "y"}})),
                            {"expected member 'a' once, but got it twice"}));
}

TEST(ZipArchive, RejectsOverlaps) {
  // A second entry for the same bytes, and one for bytes inside another member.
  ZipBuilder inner;
  inner.add({"b", "x"});
  for (uint64_t header : {0u, 31u}) {
    ZipMember a{"a", inner.file};
    ZipBuilder builder;
    builder.add(a);
    if (header)
      builder.addEntry({"b", ""}, 1, crc32(arrayRefFromStringRef("x")), header);
    else
      builder.addEntry(a, a.data.size(), crc32(arrayRefFromStringRef(a.data)),
                       0);
    EXPECT_TRUE(
        isOneLineWith(openError(builder.finish()), {"it overlaps member 'a'"}));
  }
}

TEST(ZipArchive, RejectsHeadersThatContradict) {
  TwoMembers zip;
  uint64_t header = zip.headers[0];
  EXPECT_TRUE(isOneLineWith(openError(patched(zip.whole, header, "X")),
                            {"'a'", "expected a header at offset 0"}));
  EXPECT_TRUE(isOneLineWith(openError(patched(zip.whole, header + 30, "c")),
                            {"'a'", "same name in its header, but got 'c'"}));
  EXPECT_TRUE(isOneLineWith(openError(patched(zip.whole, header + 8, "\x08")),
                            {"'a'", "same method"}));
  for (uint64_t field : {14u, 18u, 22u})
    EXPECT_TRUE(
        isOneLineWith(openError(patched(zip.whole, header + field, "\x7e")),
                      {"'a'", "same size and checksum"}));
  EXPECT_TRUE(
      isOneLineWith(openError(patched(zip.whole, header + 28, "\xff\xff")),
                    {"'a'", "header before the directory"}));
}

TEST(ZipArchive, RejectsSizesThatDoNotFit) {
  TwoMembers zip;
  std::string large = number(1000, 4);
  auto withSizes = [&](const std::string &stored, const std::string &bytes) {
    std::string text = patched(zip.whole, zip.headers[0] + 18, stored + bytes);
    return openError(patched(text, zip.entries[0] + 20, stored + bytes));
  };
  EXPECT_TRUE(
      isOneLineWith(withSizes(large, large),
                    {"'a'", "expected 1000 bytes before the directory"}));
  EXPECT_TRUE(isOneLineWith(withSizes(number(5, 4), large),
                            {"'a'", "expected 1000 bytes, as it is not "
                                    "compressed, but got 5"}));
  std::string most = number(0xffff'ffff, 4);
  EXPECT_TRUE(isOneLineWith(withSizes(most, most), {"'a'", "a zip64 field"}));
  EXPECT_TRUE(isOneLineWith(
      openError(patched(zip.whole, zip.entries[0] + 42, number(200, 4))),
      {"'a'", "expected a header at offset 200"}));
}

TEST(ZipArchive, RejectsHugeNumbersOfZip64) {
  ZipMember wide{"w", "data"};
  wide.zip64Header = wide.zip64Entry = true;
  ZipBuilder builder;
  builder.add(wide);
  std::string whole = builder.finish(/*zip64=*/true);
  std::string huge(8, '\xff');
  uint64_t extra = builder.entries[0] + 46 + 1 + 4;
  // The header at an offset, and sizes in entry and header, that overflow.
  EXPECT_TRUE(isOneLineWith(openError(patched(whole, extra + 16, huge)),
                            {"'w'", "at offset 18446744073709551615"}));
  std::string text = patched(whole, extra, huge + huge);
  text = patched(text, builder.headers[0] + 30 + 1 + 4, huge + huge);
  EXPECT_TRUE(isOneLineWith(
      openError(text), {"'w'", "expected 18446744073709551615 bytes before"}));
  // The directory, and the record that says where it is.
  for (uint64_t field : {40u, 48u})
    EXPECT_TRUE(
        isOneLineWith(openError(patched(whole, builder.end64 + field, huge)),
                      {"expected a directory that ends at offset"}));
  EXPECT_TRUE(
      isOneLineWith(openError(patched(whole, builder.end64 + 24, huge + huge)),
                    {"expected at most 1 members", "18446744073709551615"}));
  EXPECT_TRUE(
      isOneLineWith(openError(patched(whole, builder.locator + 8, huge)),
                    {"expected a zip64 end record at offset"}));
  EXPECT_TRUE(isOneLineWith(openError(patched(whole, builder.end64 + 4, huge)),
                            {"expected a zip64 end record of 44 bytes"}));
}

TEST(ZipArchive, RejectsZip64FieldsThatAreCut) {
  ZipMember wide{"w", "data"};
  wide.zip64Entry = true;
  ZipBuilder builder;
  builder.add(wide);
  std::string whole = builder.finish();
  EXPECT_EQ(readAll(whole), "w=data;");
  uint64_t extra = builder.entries[0] + 46 + 1;
  for (uint16_t size : {0, 8, 16, 20, 25, 0xffff})
    EXPECT_TRUE(
        isOneLineWith(openError(patched(whole, extra + 2, number(size, 2))),
                      {"'w'", "a zip64 field"}));
}

TEST(ZipArchive, RejectsNumbersOfMembersThatAreWrong) {
  TwoMembers zip;
  auto withCount = [&](uint16_t count) {
    return openError(
        patched(zip.whole, zip.end + 8, number(count, 2) + number(count, 2)));
  };
  EXPECT_TRUE(isOneLineWith(withCount(1), {"expected 1 members", "got more"}));
  EXPECT_TRUE(isOneLineWith(withCount(3), {"at most 2 members", "but got 3"}));
  EXPECT_TRUE(isOneLineWith(withCount(0xffff), {"but got 65535"}));
  // Names so long that there is room for the entry of a third.
  ZipBuilder builder;
  builder.add({std::string(50, 'n'), ""});
  std::string whole = builder.finish();
  EXPECT_TRUE(isOneLineWith(
      openError(patched(whole, builder.end + 8, number(2, 2) + number(2, 2))),
      {"expected 2 members", "but got 1"}));
  // An entry that is longer than the directory.
  EXPECT_TRUE(isOneLineWith(
      openError(patched(zip.whole, zip.entries[1] + 32, number(9, 2))),
      {"expected a directory entry that ends"}));
}

TEST(ZipArchive, RejectsPartsOfArchives) {
  TwoMembers zip;
  for (uint64_t field : {4u, 6u, 8u})
    EXPECT_TRUE(isOneLineWith(
        openError(patched(zip.whole, zip.end + field, number(1, 2))),
        {"expected a whole archive, but got a part of one"}));
  EXPECT_TRUE(isOneLineWith(
      openError(patched(zip.whole, zip.entries[1] + 34, number(1, 2))),
      {"'b'", "another part of the archive"}));
  ZipBuilder builder;
  builder.add({"a", "x"});
  std::string whole = builder.finish(/*zip64=*/true);
  for (uint64_t at : {builder.locator + 4, builder.end64 + 16,
                      builder.end64 + 20, builder.end64 + 24})
    EXPECT_TRUE(isOneLineWith(openError(patched(whole, at, number(7, 4))),
                              {"a part of one"}));
  EXPECT_TRUE(isOneLineWith(
      openError(patched(whole, builder.locator + 16, number(2, 4))),
      {"a part of one"}));
  EXPECT_TRUE(
      isOneLineWith(openError(patched(whole, builder.end + 10, number(5, 2))),
                    {"expected end records that agree"}));
}

} // namespace
