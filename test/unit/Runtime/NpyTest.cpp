//===- NpyTest.cpp - Tests of the array files -----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cli/Npy.h"
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <string.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace tq::rt;

namespace {

std::string temporary(const std::string &name) {
  return testing::TempDir() + "tq-npy-" + std::to_string(getpid()) + "-" + name;
}

/// An npy file of this header text, unpadded, and data.
std::string makeNpy(const std::string &header, const std::string &data,
                    int version = 1) {
  std::string file("\x93NUMPY", 6);
  file += char(version);
  file += '\0';
  file += char(header.size() & 255);
  file += char(header.size() >> 8);
  if (version > 1)
    file += std::string(2, '\0');
  return file + header + data;
}

std::string makeHeader(const std::string &dtype, const std::string &order,
                       const std::string &shape) {
  return "{'descr': '" + dtype + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

class NpyTest : public testing::Test {
protected:
  void TearDown() override {
    unlink(path.c_str());
    storage.free();
  }
  tq_status read(const std::string &content) {
    std::ofstream(path, std::ios::binary) << content;
    storage.free();
    return readNpy(path.c_str(), &storage, &tensor);
  }
  void expectBad(const std::string &content, const char *part) {
    EXPECT_EQ(read(content), TQ_ERROR_INPUT);
    EXPECT_NE(std::string(tq_last_message()).find(part), std::string::npos)
        << tq_last_message();
    EXPECT_NE(std::string(tq_last_message()).find(path), std::string::npos);
  }

  std::string path = temporary("in.npy");
  Bytes storage;
  tq_tensor tensor;
};

} // namespace

TEST_F(NpyTest, ReadsAllVersions) {
  for (int version : {1, 2, 3}) {
    ASSERT_EQ(read(makeNpy(makeHeader("<i4", "False", "(2, 1)"),
                           std::string("\1\0\0\0\2\0\0\0", 8), version)),
              TQ_OK)
        << tq_last_message();
    EXPECT_EQ(tensor.dtype, TQ_I32);
    EXPECT_EQ(tensor.rank, 2);
    EXPECT_EQ(tensor.dims[0], 2);
    EXPECT_EQ(loadInteger(tensor.dtype, tensor.data, 1), 2);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % 8, 0u);
  }
}

TEST_F(NpyTest, ReadsAllTypesAndRanks) {
  const struct {
    const char *code;
    int32_t dtype;
  } types[] = {{"<f4", TQ_F32}, {"<i8", TQ_I64}, {"=i4", TQ_I32},
               {"|u1", TQ_U8},  {"|i1", TQ_I8},  {"|b1", TQ_BOOL}};
  for (const auto &type : types) {
    std::string one(dtypeBytes(type.dtype), '\1');
    ASSERT_EQ(read(makeNpy(makeHeader(type.code, "False", "()"), one)), TQ_OK)
        << tq_last_message();
    EXPECT_EQ(tensor.dtype, type.dtype);
    EXPECT_EQ(tensor.rank, 0);
    ASSERT_EQ(
        read(makeNpy(makeHeader(type.code, "False", "(3,)"), one + one + one)),
        TQ_OK);
    EXPECT_EQ(tensor.rank, 1);
  }
  ASSERT_EQ(read(makeNpy("{\"shape\":(0,7),\"fortran_order\":False,"
                         "\"descr\":\"<f4\"}",
                         "")),
            TQ_OK)
      << tq_last_message();
}

TEST_F(NpyTest, RefusesOtherFiles) {
  expectBad("", "expected an npy file");
  expectBad("\x93NUMPY", "expected an npy file");
  expectBad("PK\3\4 this is a zip file", "expected an npy file");
  std::string good = makeNpy(makeHeader("<i4", "False", "()"), "1234");
  std::string version = good;
  version[6] = 4;
  expectBad(version, "expected npy version 1 to 3, found 4.0");
  std::string length = good;
  length[9] = char(0xff);
  expectBad(length, "ends beyond the file");
  expectBad(good.substr(0, 11), "ends beyond the file");
  std::string huge = makeNpy(makeHeader("<i4", "False", "()"), "1234", 2);
  huge[11] = char(0xff);
  expectBad(huge, "ends beyond the file");
  expectBad(huge.substr(0, 10), "ends beyond the file");
}

TEST_F(NpyTest, RefusesBadHeaders) {
  const struct {
    const char *header, *part;
  } cases[] = {
      {"", "expected '{'"},
      {"{", "a key"},
      {"{}", "found no descr"},
      {"{'descr'", "':'"},
      {"{'descr': ", "a dtype string"},
      {"{'descr': [('a', '<f4')], }", "a dtype string"},
      {"{'descr': '<f4', 'descr': '<f4'}", "once each, found 'descr'"},
      {"{'descr': '<f4', 'colour': 'red'}", "found 'colour'"},
      {"{'descr': '<f4' 'fortran_order': False}", "',' or '}'"},
      {"{'descr': '<f4', 'fortran_order': Maybe}", "True or False"},
      {"{'descr': '<f4', 'fortran_order': False}", "found no shape"},
      {"{'descr': '<f4', 'shape': ()}", "found no fortran_order"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "'('"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
       "a dimension"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
       "',' or ')'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1", "',' or ')'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "the end"},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}",
       "expected C order, found Fortran order"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
       "found '<f8'"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}",
       "found '>f4'"},
      {"{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}",
       "found '<U4'"},
      {"{'descr': '', 'fortran_order': False, 'shape': (1,)}", "found ''"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': "
       "(99999999999999999999,)}",
       "dimension 0 overflows"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': "
       "(4611686018427387904, 4)}",
       "overflows 64 bits"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': "
       "(1,1,1,1,1,1,1,1,1)}",
       "at most 8 dimensions"},
  };
  for (const auto &c : cases)
    expectBad(makeNpy(c.header, "1234"), c.part);
}

TEST_F(NpyTest, RefusesTheWrongAmountOfData) {
  std::string header = makeHeader("<f4", "False", "(2, 3)");
  expectBad(makeNpy(header, std::string(23, 'x')),
            "expected 24 bytes of data for f32 [2, 3], found 23");
  expectBad(makeNpy(header, std::string(25, 'x')), "found 25");
  expectBad(makeNpy(header, ""), "found 0");
  EXPECT_EQ(read(makeNpy(header, std::string(24, 'x'))), TQ_OK);
}

TEST_F(NpyTest, RefusesEveryTruncationAndSurvivesEveryByte) {
  std::string good = makeNpy(makeHeader("<i4", "False", "(2,)"), "12345678");
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_EQ(read(good.substr(0, length)), TQ_ERROR_INPUT) << length;
  for (size_t i = 0; i < good.size(); ++i)
    for (int value : {0, 39, 40, 57, 255}) {
      std::string damaged = good;
      damaged[i] = char(value);
      read(damaged);
    }
}

TEST_F(NpyTest, RefusesMissingFilesAndFolders) {
  EXPECT_EQ(readNpy("/nonexistent/file.npy", &storage, &tensor),
            TQ_ERROR_INPUT);
  EXPECT_NE(strstr(tq_last_message(), "No such file"), nullptr);
  EXPECT_EQ(readNpy(testing::TempDir().c_str(), &storage, &tensor),
            TQ_ERROR_INPUT);
}

TEST_F(NpyTest, WritesWhatItReads) {
  std::string out = temporary("out.npy");
  float values[] = {1.5f, -2, 3};
  const std::vector<std::vector<int64_t>> shapes = {{}, {3}, {3, 1}, {1, 1, 3}};
  for (const std::vector<int64_t> &shape : shapes) {
    tq_tensor from = {values, {}, int32_t(shape.size()), TQ_F32};
    for (size_t i = 0; i < shape.size(); ++i)
      from.dims[i] = shape[i];
    OutputFile file;
    ASSERT_EQ(file.open(out.c_str()), TQ_OK);
    ASSERT_EQ(writeNpy(file, from), TQ_OK);
    ASSERT_EQ(file.close(), TQ_OK);
    ASSERT_EQ(file.commit(), TQ_OK);
    storage.free();
    ASSERT_EQ(readNpy(out.c_str(), &storage, &tensor), TQ_OK)
        << tq_last_message();
    EXPECT_EQ(tensor.rank, from.rank);
    EXPECT_EQ(memcmp(tensor.dims, from.dims, sizeof(from.dims)), 0);
    EXPECT_EQ(memcmp(tensor.data, values, from.rank ? 12 : 4), 0);
  }
  unlink(out.c_str());
}

TEST_F(NpyTest, LeavesNothingBehindWithoutACommit) {
  std::string out = temporary("kept.npy");
  std::ofstream(out) << "old";
  {
    OutputFile file;
    ASSERT_EQ(file.open(out.c_str()), TQ_OK);
    ASSERT_EQ(file.write("new", 3), TQ_OK);
  }
  std::string content;
  std::ifstream(out) >> content;
  EXPECT_EQ(content, "old");
  EXPECT_NE(
      access((out + "." + std::to_string(getpid()) + "-0.tmp").c_str(), F_OK),
      0);
  unlink(out.c_str());
}

TEST_F(NpyTest, ReportsUnwritableFiles) {
  EXPECT_EQ(probeOutput("/nonexistent/out.npy"), TQ_ERROR_INPUT);
  EXPECT_EQ(probeOutput(testing::TempDir().c_str()), TQ_ERROR_INPUT);
  EXPECT_EQ(probeOutput("/dev/null"), TQ_OK);
  OutputFile full;
  if (full.open("/dev/full") == TQ_OK)
    EXPECT_EQ(full.write("x", 1), TQ_ERROR_INPUT);
}

TEST(Json, EscapesStrings) {
  Bytes text;
  printJson(text, "a\"b\\c\n\xc3\xa9\xff");
  EXPECT_EQ(std::string(text.data, text.size),
            "\"a\\u0022b\\u005cc\\u000a\xc3\xa9\\ufffd\"");
  text.free();
}
