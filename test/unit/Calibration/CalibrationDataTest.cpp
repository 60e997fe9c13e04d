//===- CalibrationDataTest.cpp - Good and hostile texts and arrays --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Calibration/CalibrationData.h"

#include "NpyBuilder.h"
#include "TestFiles.h"

using namespace llvm;
using namespace tq;
using namespace tq::test;

using Shape = SmallVector<int64_t, 4>;

namespace {

/// Opens `path` and returns the error, "" if there is none.
std::string openError(StringRef path) {
  Expected<CalibrationData> data = CalibrationData::open(path);
  if (data)
    return "";
  std::string message = toString(data.takeError());
  EXPECT_TRUE(StringRef(message).starts_with(path)) << message;
  return message;
}

std::string openError(StringRef name, StringRef content) {
  TempDirectory directory;
  return openError(directory.write(name, content));
}

/// The texts of `path`, each with '|' behind it.
std::string readTexts(StringRef path) {
  Expected<CalibrationData> data = CalibrationData::open(path);
  if (!data)
    return toString(data.takeError());
  std::string all;
  for (StringRef text : data->getTexts())
    all += text.str() + "|";
  EXPECT_EQ(StringRef(all).count('|'), data->getNumTexts());
  return all;
}

std::string readTexts(StringRef name, StringRef content) {
  TempDirectory directory;
  return readTexts(directory.write(name, content));
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

TEST(CalibrationTexts, AreLines) {
  EXPECT_EQ(readTexts("a.txt", "one\ntwo\n"), "one|two|");
  EXPECT_EQ(readTexts("a.txt", "one\r\ntwo"), "one|two|");
  EXPECT_EQ(readTexts("a.txt", "\n\r\none\n\n two \n\r\n"), "one| two |");
  EXPECT_EQ(readTexts("a.txt", "a\rb\r\r\n"), "a\rb\r|");
  EXPECT_EQ(readTexts("corpus", "\xc3\xa9\xf0\x9f\x98\x80"),
            "\xc3\xa9\xf0\x9f\x98\x80|");
  EXPECT_EQ(readTexts("a.html", "<html>\n"), "<html>|");
}

TEST(CalibrationTexts, BeginBehindAMarkOfUTF8) {
  EXPECT_EQ(readTexts("a.txt", "\xef\xbb\xbfone\n\xef\xbb\xbf"),
            "one|\xef\xbb\xbf|");
  EXPECT_TRUE(isOneLineWith(openError("a.txt", "\xef\xbb\xbf"),
                            {"all lines are empty"}));
}

TEST(CalibrationTexts, OutliveMovesOfTheData) {
  TempDirectory directory;
  Expected<CalibrationData> opened =
      CalibrationData::open(directory.write("a.txt", "one\ntwo"));
  ASSERT_TRUE(bool(opened));
  CalibrationData::TextIterator at = opened->getTexts().begin();
  CalibrationData data = std::move(*opened);
  EXPECT_EQ(*at, "one");
  EXPECT_EQ(*++at, "two");
  EXPECT_EQ(++at, data.getTexts().end());
  EXPECT_EQ(std::distance(data.getTexts().begin(), data.getTexts().end()), 2);
}

TEST(CalibrationTexts, KnowTheirPlaces) {
  TempDirectory directory;
  directory.write("a.txt", "one\n\n\ntwo\n");
  std::string last = directory.write("b.txt", "\xef\xbb\xbfthree");
  Expected<CalibrationData> data = CalibrationData::open(directory.path());
  ASSERT_TRUE(bool(data));
  std::vector<std::string> errors;
  for (StringRef text : data->getTexts())
    errors.push_back(toString(data->makeTextError(text, "too long")));
  EXPECT_EQ(errors, (std::vector<std::string>{
                        directory.path("a.txt") + ": line 1: too long",
                        directory.path("a.txt") + ": line 4: too long",
                        last + ": line 1: too long"}));
}

TEST(CalibrationTexts, MustBeThere) {
  EXPECT_TRUE(isOneLineWith(
      openError("a.txt", ""),
      {"a.txt: expected texts, one a line, but the file is empty"}));
  EXPECT_TRUE(isOneLineWith(openError("a.txt", "\n\r\n\n"),
                            {"a.txt: expected texts", "all lines are empty"}));
  TempDirectory directory;
  EXPECT_TRUE(isOneLineWith(openError(directory.path("none.txt")),
                            {"expected a readable file"}));
}

TEST(CalibrationTexts, MustBeUTF8) {
  for (StringRef line : {"\xff", "ok\xc3", "\xc0\xaf", "\xed\xa0\x80",
                         "\xf4\x90\x80\x80", "\x80"}) {
    EXPECT_TRUE(
        isOneLineWith(openError("a.txt", ("one\n\n" + line + "\nfour").str()),
                      {"a.txt: line 3: expected UTF-8, but got the byte 0x"}));
    EXPECT_TRUE(isOneLineWith(openError("a.txt", ("one\n" + line).str()),
                              {"line 2: expected UTF-8"}));
  }
  EXPECT_TRUE(isOneLineWith(openError("a.txt", "one\n\xff\n"), {"byte 0xff"}));
}

TEST(CalibrationTexts, MustNotHaveNuls) {
  EXPECT_TRUE(
      isOneLineWith(openError("a.txt", StringRef("one\ntw\0o\n\xff", 10)),
                    {"line 2: expected text, but got a byte that is 0"}));
  EXPECT_TRUE(isOneLineWith(openError("a.txt", StringRef("\xff\n\0", 3)),
                            {"line 1: expected UTF-8"}));
}

TEST(CalibrationTexts, MustNotBeOtherFiles) {
  EXPECT_TRUE(isOneLineWith(openError("a", makeNpy("<f4", "(1,)", "1234")),
                            {"but got an array of numpy", "end in .npy"}));
  EXPECT_TRUE(isOneLineWith(openError("a", makeZip({{"x.npy", "1"}})),
                            {"but got a zip archive", "end in .npz"}));
  EXPECT_TRUE(isOneLineWith(
      openError("a.txt", "version https://git-lfs.github.com/spec/v1\n"),
      {"but got a git-lfs pointer"}));
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// The error about an array, "" if there is none: the same for a file and for a
/// member.
std::string npyError(StringRef content) {
  std::string single = openError("a.npy", content);
  std::string member =
      openError("a.npz", makeZip({{"input_ids.npy", content.str()}}));
  auto part = [](StringRef error, StringRef behind) {
    return error.split(behind).second;
  };
  EXPECT_EQ(part(single, "a.npy: "), part(member, "array 'input_ids': "));
  return single;
}

std::string headerError(StringRef header) {
  return npyError(makeNpyFile(header, "1234"));
}

TEST(CalibrationArrays, AreMapped) {
  TempDirectory directory;
  std::string path =
      directory.write("a.npy", makeNpy("<f4", "(1, 2)", "01234567"));
  Expected<CalibrationData> data = CalibrationData::open(path);
  ASSERT_TRUE(bool(data)) << toString(data.takeError());
  EXPECT_EQ(data->getNumTexts(), 0u);
  EXPECT_TRUE(data->getTexts().empty());
  ASSERT_EQ(data->getNumSamples(), 1u);
  Expected<CalibrationSample> opened = data->readSample(0);
  ASSERT_TRUE(bool(opened)) << toString(opened.takeError());
  CalibrationSample sample = std::move(*opened);
  EXPECT_EQ(sample.getPath(), path);
  ASSERT_EQ(sample.getTensors().size(), 1u);
  const CalibrationTensor &tensor = sample.getTensors()[0];
  EXPECT_EQ(tensor.name, "");
  EXPECT_EQ(tensor.type, ArrayType::F32);
  EXPECT_EQ(tensor.shape, (Shape{1, 2}));
  EXPECT_EQ(toStringRef(tensor.data), "01234567");
}

TEST(CalibrationArrays, HaveTheTypesOfPrograms) {
  const std::pair<StringRef, ArrayType> types[] = {
      {"<f4", ArrayType::F32}, {"<i8", ArrayType::I64},
      {"<i4", ArrayType::I32}, {"|u1", ArrayType::U8},
      {"|i1", ArrayType::I8},  {"|b1", ArrayType::Bool}};
  for (auto [name, type] : types)
    for (int version : {1, 2, 3}) {
      TempDirectory directory;
      std::string bytes(size_t{3} * getArrayTypeBytes(type), 'x');
      Expected<CalibrationSample> sample = CalibrationSample::open(
          directory.write("a.npy", makeNpy(name, "(3,)", bytes, version)));
      ASSERT_TRUE(bool(sample)) << toString(sample.takeError());
      EXPECT_EQ(sample->getTensors()[0].type, type);
      EXPECT_EQ(sample->getTensors()[0].shape, (Shape{3}));
    }
}

TEST(CalibrationArrays, MustHaveTheTypesOfPrograms) {
  auto error = [](StringRef type) {
    return npyError(makeNpy(type, "(1,)", "12345678"));
  };
  EXPECT_TRUE(isOneLineWith(error("<f8"), {"expected a dtype of <f4, <i8",
                                           "but got '<f8'; save "
                                           "array.astype('<f4')"}));
  EXPECT_TRUE(isOneLineWith(error("<f2"), {"'<f2'; save array.astype"}));
  EXPECT_TRUE(isOneLineWith(error(">f4"), {"'>f4'; save array.astype"}));
  EXPECT_TRUE(isOneLineWith(error(">i8"), {"save array.astype('<i8')"}));
  EXPECT_TRUE(isOneLineWith(error("<u4"), {"save array.astype('<i8')"}));
  for (StringRef type : {"|O", "<c8", "<U5", "|S5", "<M8[s]", "|V4", "", "<",
                         "f4", "<f4x", "a\x01"}) {
    std::string message = error(type);
    EXPECT_TRUE(isOneLineWith(message, {"expected a dtype of", "but got '"}));
    EXPECT_FALSE(StringRef(message).contains("save")) << message;
  }
  EXPECT_TRUE(isOneLineWith(
      headerError("{'descr': [('a', '<f4')], 'fortran_order': False, "
                  "'shape': (1,)}"),
      {"expected a dtype of", "in the npy header, but got '[('a'"}));
}

TEST(CalibrationArrays, MustBeInCOrder) {
  EXPECT_TRUE(isOneLineWith(
      headerError("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}"),
      {"expected C order, but got Fortran order; save "
       "numpy.ascontiguousarray(array)"}));
  EXPECT_TRUE(isOneLineWith(
      headerError("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"),
      {"expected True or False"}));
}

TEST(CalibrationArrays, MustHaveShapesThatFit) {
  auto error = [](StringRef shape) {
    return npyError(makeNpy("<i4", shape, "1234"));
  };
  EXPECT_EQ(error("(1,)"), "");
  EXPECT_EQ(error("(1)"), "");
  EXPECT_EQ(error("(1,1,1,1,1,1,1,1)"), "");
  EXPECT_TRUE(isOneLineWith(error("()"), {"but got a single number"}));
  EXPECT_TRUE(
      isOneLineWith(error("(0, 3)"), {"got none: the shape is (0, 3)"}));
  EXPECT_TRUE(isOneLineWith(
      error("(2,)"), {"expected 8 bytes of data for i32 (2,), but got 4"}));
  EXPECT_TRUE(isOneLineWith(error("(-1,)"), {"at least 0"}));
  EXPECT_TRUE(isOneLineWith(error("(9223372036854775808,)"),
                            {"dimensions below 2^63"}));
  EXPECT_TRUE(isOneLineWith(error("(4294967296, 4294967296)"),
                            {"expected less than 2^63 bytes, but got shape "
                             "(4294967296, 4294967296)"}));
  EXPECT_TRUE(
      isOneLineWith(error("(1,1,1,1,1,1,1,1,1)"), {"at most 8 dimensions"}));
  EXPECT_TRUE(isOneLineWith(error("(1 1)"), {"expected ',' or ')'"}));
  EXPECT_TRUE(isOneLineWith(error("(a)"), {"expected a dimension"}));
  EXPECT_TRUE(isOneLineWith(error("1"), {"expected '(' of the shape"}));
  EXPECT_TRUE(isOneLineWith(error("(1.0,)"), {"expected ',' or ')'"}));
}

TEST(CalibrationArrays, MustHaveWholeHeaders) {
  StringRef good = "{'shape': (1,), 'descr': \"<f4\", 'fortran_order': False}";
  EXPECT_EQ(headerError(good), "");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_TRUE(
        isOneLineWith(headerError(good.take_front(size)), {"npy header"}));
  EXPECT_TRUE(isOneLineWith(headerError((good + "x").str()),
                            {"expected nothing more"}));
  EXPECT_TRUE(isOneLineWith(headerError("{}"), {"but got no descr"}));
  EXPECT_TRUE(isOneLineWith(headerError("{'descr': '<f4', 'shape': (1,)}"),
                            {"but got no fortran_order"}));
  EXPECT_TRUE(
      isOneLineWith(headerError("{'descr': '<f4', 'fortran_order': False}"),
                    {"but got no shape"}));
  EXPECT_TRUE(isOneLineWith(headerError("{'descr': '<f4', 'descr': '<f4'}"),
                            {"once each", "'descr'"}));
  EXPECT_TRUE(isOneLineWith(headerError("{'x': 1}"), {"but got 'x'"}));
}

TEST(CalibrationArrays, MustNotBeCutOff) {
  for (int version : {1, 2}) {
    std::string whole = makeNpy("<f4", "(2,)", "12345678", version);
    EXPECT_EQ(npyError(whole), "");
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_TRUE(isOneLineWith(npyError(StringRef(whole).take_front(size)),
                                {"expected", "but"}));
    EXPECT_TRUE(
        isOneLineWith(npyError(whole + "9"), {"expected 8 bytes", "got 9"}));
    EXPECT_TRUE(isOneLineWith(
        npyError(patched(whole, 8, version == 1 ? "\xff\xff" : "\xff\xff\xff")),
        {"the data ends within it"}));
    for (char other : {'\0', '\4', '\xff'})
      EXPECT_TRUE(
          isOneLineWith(npyError(patched(whole, 6, std::string(1, other))),
                        {"expected version 1 to 3 of npy"}));
  }
}

TEST(CalibrationArrays, MustBeArrays) {
  EXPECT_TRUE(isOneLineWith(npyError(""), {"an array of numpy", "(0 bytes)"}));
  EXPECT_TRUE(isOneLineWith(npyError("\x80\x04pickle"), {"(8 bytes)"}));
  EXPECT_TRUE(isOneLineWith(npyError("<!doctype html>"), {"an HTML or XML"}));
  EXPECT_TRUE(isOneLineWith(npyError("PK\x03\x04"), {"end in .npz"}));
}

//===----------------------------------------------------------------------===//
// Archives
//===----------------------------------------------------------------------===//

TEST(CalibrationArchives, HaveArraysByInput) {
  TempDirectory directory;
  std::string path = directory.write(
      "a.NPZ", makeZip({{"input_ids.npy", makeNpy("<i8", "(1, 1)", "12345678")},
                        {"attention_mask.npy", makeNpy("|b1", "(1,)", "1")}}));
  Expected<CalibrationData> data = CalibrationData::open(path);
  ASSERT_TRUE(bool(data)) << toString(data.takeError());
  Expected<CalibrationSample> opened = data->readSample(0);
  ASSERT_TRUE(bool(opened)) << toString(opened.takeError());
  CalibrationSample sample = std::move(*opened);
  ASSERT_EQ(sample.getTensors().size(), 2u);
  EXPECT_EQ(sample.getTensors()[0].name, "input_ids");
  EXPECT_EQ(toStringRef(sample.getTensors()[0].data), "12345678");
  EXPECT_EQ(sample.getTensors()[1].name, "attention_mask");
  EXPECT_EQ(sample.getTensors()[1].type, ArrayType::Bool);
}

TEST(CalibrationArchives, MustHaveArraysAlone) {
  std::string array = makeNpy("|b1", "(1,)", "1");
  EXPECT_TRUE(isOneLineWith(openError("a.npz", makeZip({})),
                            {"expected arrays, but got an empty archive"}));
  for (StringRef name : {"x", ".npy", "x.txt", "d/"})
    EXPECT_TRUE(isOneLineWith(
        openError("a.npz", makeZip({{"y.npy", array}, {name.str(), ""}})),
        {"expected arrays of the names INPUT.npy, but got '", name}));
  EXPECT_TRUE(isOneLineWith(openError("a.npz", array),
                            {"expected a zip archive", "other content"}));
}

TEST(CalibrationArchives, MustNotBeCompressed) {
  EXPECT_TRUE(isOneLineWith(
      openError("a.npz", makeZip({{"x.npy", "abc", 0, /*method=*/8}})),
      {"member 'x.npy' is compressed, which tq does not read; write it with "
       "numpy.savez instead of savez_compressed"}));
}

TEST(CalibrationArchives, AreCheckedForDamageWhenTheyAreRead) {
  TempDirectory directory;
  std::string whole = makeZip({{"x.npy", makeNpy("|b1", "(4,)", "true")}});
  std::string path = directory.write(
      "a.npz", patched(whole, StringRef(whole).find("true"), "trve"));
  Expected<CalibrationData> data = CalibrationData::open(path);
  ASSERT_TRUE(bool(data)) << toString(data.takeError());
  Expected<CalibrationSample> sample = data->readSample(0);
  ASSERT_FALSE(bool(sample));
  EXPECT_TRUE(isOneLineWith(toString(sample.takeError()),
                            {path, "member 'x.npy'", "the file is damaged"}));
}

TEST(CalibrationArchives, ThatChangeAreFound) {
  TempDirectory directory;
  std::string path = directory.write("a.npy", makeNpy("|b1", "(4,)", "true"));
  Expected<CalibrationData> data = CalibrationData::open(path);
  ASSERT_TRUE(bool(data));
  directory.write("a.npy", "else");
  Expected<CalibrationSample> sample = data->readSample(0);
  ASSERT_FALSE(bool(sample));
  EXPECT_TRUE(isOneLineWith(toString(sample.takeError()),
                            {path, "expected an array of numpy"}));
}

//===----------------------------------------------------------------------===//
// Directories
//===----------------------------------------------------------------------===//

TEST(CalibrationDirectory, IsReadInTheOrderOfNames) {
  TempDirectory directory;
  directory.write("b.txt", "three");
  directory.write("a.TXT", "one\ntwo");
  directory.write("10.npy", makeNpy("|b1", "(1,)", "1"));
  directory.write("9.npz", makeZip({{"x.npy", makeNpy("|b1", "(1,)", "1")}}));
  directory.write(".hidden", "");
  directory.write(".git/config", "");
  EXPECT_EQ(readTexts(directory.path()), "one|two|three|");
  Expected<CalibrationData> data = CalibrationData::open(directory.path());
  ASSERT_TRUE(bool(data));
  ASSERT_EQ(data->getNumSamples(), 2u);
  EXPECT_EQ(cantFail(data->readSample(0)).getPath(), directory.path("10.npy"));
  EXPECT_EQ(cantFail(data->readSample(1)).getPath(), directory.path("9.npz"));
}

TEST(CalibrationDirectory, MustHaveFiles) {
  TempDirectory directory;
  EXPECT_TRUE(isOneLineWith(
      openError(directory.path()),
      {"expected files .txt, .npy or .npz, but the directory has none"}));
  directory.write(".a.txt", "one");
  EXPECT_TRUE(isOneLineWith(openError(directory.path()), {"has none"}));
}

TEST(CalibrationDirectory, MustNotHaveOthers) {
  for (StringRef name : {"README.md", "txt", "a.txt.gz", "below/a.txt"}) {
    TempDirectory directory;
    directory.write("a.txt", "one");
    directory.write(name, "two");
    EXPECT_TRUE(isOneLineWith(openError(directory.path()),
                              {"expected files .txt, .npy or .npz, but got '",
                               name.split('/').first}));
  }
  TempDirectory directory;
  directory.write("a.txt/b", "two");
  EXPECT_TRUE(isOneLineWith(openError(directory.path()),
                            {"a.txt: expected a regular file"}));
}

TEST(CalibrationDirectory, TellsWhichFileIsWrong) {
  TempDirectory directory;
  directory.write("a.txt", "one");
  directory.write("b.txt", "");
  EXPECT_TRUE(isOneLineWith(openError(directory.path()),
                            {"b.txt: expected texts", "is empty"}));
  directory.write("a\nb.txt", "one");
  EXPECT_TRUE(isOneLineWith(openError(directory.path()),
                            {"control characters", "'a\\x0ab.txt'"}));
}

} // namespace
