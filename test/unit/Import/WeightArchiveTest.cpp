//===- WeightArchiveTest.cpp - Good and hostile safetensors files ---------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Weights/WeightArchive.h"

#include "TestFiles.h"
#include "tq/Support/JSONFile.h"

#include <cstring>

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

/// Opens `content` as a file and returns the error, "" if there is none.
std::string openError(StringRef content) {
  TempDirectory directory;
  std::string path = directory.write("model.safetensors", content);
  Expected<std::unique_ptr<WeightArchive>> archive = openWeightArchive(path);
  if (archive)
    return "";
  std::string message = toString(archive.takeError());
  EXPECT_TRUE(StringRef(message).starts_with(path)) << message;
  return message;
}

/// A file of `data` bytes with one tensor "a" described by `entry`.
std::string entryError(StringRef entry, size_t data) {
  return openError(
      makeSafetensors("{\"a\":" + entry.str() + "}", std::string(data, '\0')));
}

TEST(WeightArchive, ReadsTensorsInPlace) {
  TempDirectory directory;
  // A header of odd length: the data is at an odd offset, as in real files.
  std::string header =
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},)"
      R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("empty":{"dtype":"I64","shape":[0,9],"data_offsets":[8,8]},)"
      R"("scalar":{"dtype":"BF16","shape":[],"data_offsets":[14,16]}})";
  if (header.size() % 2 == 0)
    header += ' ';
  directory.write("model.safetensors",
                  makeSafetensors(header, "0123456789abcdef"));
  Expected<std::unique_ptr<WeightArchive>> archive =
      openWeightArchive(directory.path());
  ASSERT_TRUE(bool(archive)) << toString(archive.takeError());
  const Weight *b = (*archive)->lookup("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(b->type, WeightType::F16);
  EXPECT_EQ(b->shape, (SmallVector<int64_t, 4>{3}));
  EXPECT_EQ(b->bytes, 6u);
  EXPECT_EQ(b->getNumElements(), 3);
  EXPECT_EQ(b->offset, 8 + header.size() + 8);
  EXPECT_EQ(b->path, directory.path("model.safetensors"));
  EXPECT_EQ(std::memcmp(b->data, "89abcd", 6), 0);
  EXPECT_EQ((*archive)->getPath(), directory.path("model.safetensors"));
  std::string names;
  for (const Weight *weight : (*archive)->getWeights())
    names += weight->name + " ";
  EXPECT_EQ(names, "a empty b scalar ");
  EXPECT_EQ((*archive)->lookup("a")->getNumElements(), 2);
  EXPECT_EQ((*archive)->lookup("empty")->bytes, 0u);
  EXPECT_EQ((*archive)->lookup("scalar")->getNumElements(), 1);
  EXPECT_FALSE((*archive)->lookup("c"));
  EXPECT_FALSE((*archive)->lookup("__metadata__"));
}

TEST(WeightArchive, AcceptsAFileWithoutTensors) {
  EXPECT_EQ(openError(makeSafetensors("{}", "")), "");
}

TEST(WeightArchive, RejectsTruncatedFiles) {
  EXPECT_TRUE(isOneLineWith(openError(""), {"expected at least 8 bytes"}));
  EXPECT_TRUE(isOneLineWith(openError("1234567"), {"but got 7"}));
  EXPECT_TRUE(
      isOneLineWith(openError(makeSafetensors("{}", "").substr(0, 9)),
                    {"expected a header of 2 bytes", "ends after 1 bytes"}));
  std::string whole = makeSafetensors(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "01234567");
  EXPECT_EQ(openError(whole), "");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_TRUE(isOneLineWith(openError(StringRef(whole).take_front(size)),
                              {"expected", "but got"}));
}

TEST(WeightArchive, RejectsAnAbsurdHeaderLength) {
  EXPECT_TRUE(isOneLineWith(openError(std::string(8, '\xff')),
                            {"at most 100000000", "18446744073709551615"}));
  std::string file = makeSafetensors("{}", "");
  file[0] = 3;
  EXPECT_TRUE(isOneLineWith(openError(file), {"header of 3 bytes"}));
}

TEST(WeightArchive, RejectsInvalidHeaders) {
  auto header = [](StringRef text) {
    return openError(makeSafetensors(text, ""));
  };
  EXPECT_TRUE(isOneLineWith(header(""), {"expected valid JSON"}));
  EXPECT_TRUE(isOneLineWith(header("{\"a\":"), {"expected valid JSON"}));
  EXPECT_TRUE(isOneLineWith(header("{\"a"), {"expected valid JSON"}));
  EXPECT_TRUE(isOneLineWith(header("[1]"), {"expected a JSON object"}));
  EXPECT_TRUE(isOneLineWith(header("{\"\xff\":1}"), {"UTF-8"}));
  EXPECT_TRUE(
      isOneLineWith(header("{\"a\":1}"), {"'a'", "expected an object"}));
  EXPECT_TRUE(isOneLineWith(header("{\"a\\nb\":1}"), {"a\\x0ab"}));
  std::string deep(1'000'000, '[');
  EXPECT_TRUE(isOneLineWith(header(deep), {"nested at most 64 deep"}));
}

TEST(WeightArchive, RejectsDuplicateNames) {
  StringRef entry = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  for (StringRef second : {"\"a\"", "\"\\u0061\""})
    EXPECT_TRUE(isOneLineWith(
        openError(makeSafetensors(
            ("{\"a\":" + entry + "," + second + " : " + entry + "}").str(),
            "")),
        {"'a' twice"}));
  EXPECT_EQ(openError(makeSafetensors(
                ("{\"a\":" + entry + ",\"b\":" + entry + "}").str(), "")),
            "");
}

TEST(WeightArchive, RejectsInvalidEntries) {
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":"F13","shape":[1],"data_offsets":[0,4]})", 4),
      {"'a'", "expected a dtype of F64, F32", "'F13'"}));
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":3,"shape":[1],"data_offsets":[0,4]})", 4),
      {"expected a string 'dtype'"}));
  for (StringRef shape : {"[-1]", "[1.5]", "[\"1\"]", "[null]"})
    EXPECT_TRUE(isOneLineWith(entryError(("{\"dtype\":\"F32\",\"shape\":" +
                                          shape + ",\"data_offsets\":[0,4]}")
                                             .str(),
                                         4),
                              {"'a'", "in 'shape'"}));
  EXPECT_TRUE(
      isOneLineWith(entryError(R"({"dtype":"F32","data_offsets":[0,4]})", 4),
                    {"expected 'shape'"}));
  for (StringRef offsets :
       {"[0]", "[4,0]", "[-4,0]", "[0,4,8]", "[0,\"4\"]", "4"})
    EXPECT_TRUE(isOneLineWith(
        entryError(("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" +
                    offsets + "}")
                       .str(),
                   4),
        {"'a'", "expected 'data_offsets'"}));
}

TEST(WeightArchive, RejectsShapesThatOverflow) {
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":"F32","shape":[4294967296,4294967296],)"
                 R"("data_offsets":[0,0]})",
                 0),
      {"expected less than 2^63 bytes", "[4294967296, 4294967296]"}));
  EXPECT_EQ(entryError(R"({"dtype":"F32","shape":[4294967296,4294967296,0],)"
                       R"("data_offsets":[0,0]})",
                       0),
            "");
}

TEST(WeightArchive, RejectsOffsetsThatDoNotFit) {
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 4),
      {"'a'", "within the 4 bytes", "[0, 8]"}));
  EXPECT_TRUE(
      isOneLineWith(entryError(R"({"dtype":"F32","shape":[1],"data_offsets":)"
                               R"([9223372036854775800,9223372036854775804]})",
                               4),
                    {"within the 4 bytes"}));
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8),
      {"expected 12 bytes for F32 [3]", "got 8"}));
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 5),
      {"expected 4 bytes of data", "got 5"}));
  EXPECT_TRUE(isOneLineWith(
      entryError(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})", 8),
      {"expected data at offset 0", "got 4"}));
}

TEST(WeightArchive, AcceptsTensorsAtOddOffsets) {
  EXPECT_EQ(openError(makeSafetensors(
                R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                "12345")),
            "");
}

TEST(WeightArchive, RejectsOverlaps) {
  EXPECT_TRUE(isOneLineWith(
      openError(makeSafetensors(
          R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
          R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
          std::string(12, 'x'))),
      {"'b'", "overlaps tensor 'a' by 4 bytes"}));
}

TEST(WeightArchive, RejectsWhatIsNoFile) {
  TempDirectory directory;
  auto error = [](const std::string &path) {
    Expected<std::unique_ptr<WeightArchive>> archive = openWeightArchive(path);
    return archive ? std::string() : toString(archive.takeError());
  };
  EXPECT_TRUE(isOneLineWith(error(directory.path("none.safetensors")),
                            {"none.safetensors", "expected a readable file"}));
  EXPECT_TRUE(isOneLineWith(error(directory.path()),
                            {"expected model.safetensors or", "neither"}));
  EXPECT_FALSE(sys::fs::create_directory(directory.path("model.safetensors")));
  EXPECT_TRUE(
      isOneLineWith(error(directory.path()), {"expected a regular file"}));
}

//===----------------------------------------------------------------------===//
// Shards
//===----------------------------------------------------------------------===//

class Shards : public testing::Test {
protected:
  /// A shard that holds the one tensor `tensor`.
  void writeShard(StringRef name, StringRef tensor) {
    directory.write(name, makeSafetensors(("{\"" + tensor +
                                           R"(":{"dtype":"F32","shape":[1],)" +
                                           R"("data_offsets":[0,4]}})")
                                              .str(),
                                          "1234"));
  }

  std::string openIndex(StringRef text) {
    directory.write("model.safetensors.index.json", text);
    Expected<std::unique_ptr<WeightArchive>> archive =
        openWeightArchive(directory.path());
    if (archive) {
      opened = std::move(*archive);
      return "";
    }
    return toString(archive.takeError());
  }

  TempDirectory directory;
  std::unique_ptr<WeightArchive> opened;
};

TEST_F(Shards, AreFoundThroughTheIndex) {
  writeShard("one.safetensors", "a");
  writeShard("two.safetensors", "b");
  ASSERT_EQ(openIndex(R"({"metadata":{},"weight_map":)"
                      R"({"a":"one.safetensors","b":"two.safetensors"}})"),
            "");
  EXPECT_EQ(opened->lookup("a")->path, directory.path("one.safetensors"));
  EXPECT_EQ(opened->lookup("b")->path, directory.path("two.safetensors"));
  EXPECT_EQ(opened->getWeights().size(), 2u);
}

TEST_F(Shards, ThatAreMissingOrLackTheirTensor) {
  writeShard("one.safetensors", "a");
  EXPECT_TRUE(
      isOneLineWith(openIndex(R"({"weight_map":{"a":"none.safetensors"}})"),
                    {"none.safetensors", "expected a readable file"}));
  EXPECT_TRUE(
      isOneLineWith(openIndex(R"({"weight_map":{"c":"one.safetensors"}})"),
                    {"expected tensor 'c' in shard 'one.safetensors'"}));
  EXPECT_TRUE(isOneLineWith(openIndex("{}"), {"expected an object"}));
}

TEST_F(Shards, MustNotShareATensor) {
  writeShard("one.safetensors", "a");
  writeShard("two.safetensors", "a");
  EXPECT_TRUE(isOneLineWith(openIndex(R"({"weight_map":{"a":"one.safetensors",)"
                                      R"("b":"two.safetensors"}})"),
                            {"two.safetensors", "'a'", "one.safetensors"}));
}

TEST_F(Shards, MustNotEscapeTheDirectory) {
  for (StringRef shard : {"../x.safetensors", "/x.safetensors", "", "a/../../x",
                          "..", "one\\u0000"})
    EXPECT_TRUE(isOneLineWith(
        openIndex(("{\"weight_map\":{\"a\":\"" + shard + "\"}}").str()),
        {"expected a shard in the directory of the index"}));
  EXPECT_TRUE(isOneLineWith(openIndex(R"({"weight_map":{"a":3}})"),
                            {"something else"}));
}

//===----------------------------------------------------------------------===//
// Files that are something else
//===----------------------------------------------------------------------===//

TEST(ForeignFile, IsCalledByItsName) {
  const std::pair<StringRef, StringRef> cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"},
      {"<!DOCTYPE html><html>", "an HTML"},
      {"\n <Html lang=en></html>", "an HTML"},
      {"<?xml version=\"1.0\"?><Error/>", "XML"},
      {StringRef("PK\x03\x04 and more", 13), "a zip archive"},
      {StringRef("\x80\x02}q\x01more", 10), "a pickle"},
      {StringRef("\x89HDF\r\n\x1a\n and more", 17), "HDF5"},
      {"GGUF and more", "GGUF"},
      {StringRef("\x1f\x8b\x08 and more", 12), "gzip"},
  };
  for (auto [content, name] : cases) {
    EXPECT_TRUE(isOneLineWith(openError(content),
                              {"expected safetensors, but got", name}));
    Expected<json::Value> value = parseJSON("config.json", content);
    ASSERT_FALSE(bool(value));
    EXPECT_TRUE(isOneLineWith(toString(value.takeError()),
                              {"config.json", "expected valid JSON", name}));
  }
}

TEST(ForeignFile, IsNotAHeaderOfUnusualLength) {
  // A header of 0x0280 bytes begins like a pickle.
  std::string header = "{}" + std::string(0x280 - 2, ' ');
  EXPECT_EQ(openError(makeSafetensors(header, "")), "");
  EXPECT_TRUE(isOneLineWith(openError("no known file"), {"header of at most"}));
}

TEST(ForeignFile, OtherWeightsAreSeen) {
  const std::pair<StringRef, StringRef> cases[] = {
      {"openvino/openvino_model.xml", "exported from"},
      {"onnx/model.onnx", "exported from"},
      {"adapter_model.safetensors", "merge_and_unload"},
      {"flax_model.msgpack", "from_flax"},
      {"tf_model.h5", "from_tf"},
      {"pytorch_model.bin.index.json", "torch.load"},
      {"pytorch_model.bin", "torch.load"},
  };
  TempDirectory directory;
  for (auto [name, advice] : cases) {
    directory.write(name, "");
    Expected<std::unique_ptr<WeightArchive>> archive =
        openWeightArchive(directory.path());
    ASSERT_FALSE(bool(archive));
    EXPECT_TRUE(isOneLineWith(
        toString(archive.takeError()),
        {"expected model.safetensors or", ("only " + name).str(), advice}));
  }
}

TEST(WeightArchive, RejectsLinksThatLeadNowhere) {
  for (StringRef name : {"model.safetensors", "model.safetensors.index.json"}) {
    TempDirectory directory;
    ASSERT_FALSE(sys::fs::create_link("nowhere", directory.path(name)));
    Expected<std::unique_ptr<WeightArchive>> archive =
        openWeightArchive(directory.path());
    ASSERT_FALSE(bool(archive));
    EXPECT_TRUE(isOneLineWith(toString(archive.takeError()),
                              {name, "a link to one that does not exist"}));
  }
}

//===----------------------------------------------------------------------===//
// NaN and infinity
//===----------------------------------------------------------------------===//

/// A weight of `words`, as little-endian bytes at an odd address.
template <typename Word>
std::optional<std::string> check(WeightType type,
                                 const std::vector<Word> &words) {
  std::string bytes(1 + words.size() * sizeof(Word), '\0');
  if (!words.empty())
    std::memcpy(bytes.data() + 1, words.data(), bytes.size() - 1);
  Weight weight{"w",
                type,
                {static_cast<int64_t>(words.size())},
                "file",
                /*fileDigest=*/0,
                1,
                bytes.size() - 1,
                reinterpret_cast<const uint8_t *>(bytes.data()) + 1};
  return findNonFinite(weight);
}

TEST(NonFinite, IsNamedWithItsFirstIndex) {
  std::vector<uint32_t> words(3001, 0xff7f'ffff); // the most negative f32
  EXPECT_FALSE(check(WeightType::F32, words));
  words[3000] = 0x7f80'0000;
  EXPECT_EQ(check(WeightType::F32, words),
            "tensor 'w': expected finite values, but got infinity at "
            "index 3000");
  words[1025] = 0xffc0'0000;
  EXPECT_EQ(check(WeightType::F32, words),
            "tensor 'w': expected finite values, but got NaN at index "
            "1025");
}

TEST(NonFinite, IsKnownInEveryFormat) {
  EXPECT_FALSE(check<uint16_t>(WeightType::F16, {0x7bff, 0xfbff, 0}));
  EXPECT_TRUE(check<uint16_t>(WeightType::F16, {0, 0xfc00}));
  EXPECT_FALSE(check<uint16_t>(WeightType::BF16, {0x7f7f, 0x7c00}));
  EXPECT_TRUE(check<uint16_t>(WeightType::BF16, {0x7f81}));
  EXPECT_TRUE(check<uint64_t>(WeightType::F64, {0x7ff8'0000'0000'0000}));
  // The largest f64 that rounds to a finite f32, and the next.
  EXPECT_FALSE(check<uint64_t>(WeightType::F64, {0xc7ef'ffff'efff'ffff}));
  EXPECT_EQ(check<uint64_t>(WeightType::F64, {0, 0x47ef'ffff'f000'0000}),
            "tensor 'w': expected finite values, but got one beyond the range "
            "of f32 at index 1");
  EXPECT_TRUE(check<uint8_t>(WeightType::F8E5M2, {0x7c}));
  EXPECT_FALSE(check<uint8_t>(WeightType::F8E4M3, {0x7e, 0xfe}));
  EXPECT_TRUE(check<uint8_t>(WeightType::F8E4M3, {0xff}));
  EXPECT_FALSE(check<uint32_t>(WeightType::I32, {0x7fff'ffff}));
  EXPECT_FALSE(check<uint32_t>(WeightType::F32, {}));
}

//===----------------------------------------------------------------------===//
// A real file
//===----------------------------------------------------------------------===//

TEST(WeightArchive, ReadsMiniLM) {
  std::string path = TQ_SHARED_DIR "/models/all-MiniLM-L6-v2";
  if (!sys::fs::exists(path))
    GTEST_SKIP() << "no " << path;
  Expected<std::unique_ptr<WeightArchive>> archive = openWeightArchive(path);
  ASSERT_TRUE(bool(archive)) << toString(archive.takeError());
  const Weight *table = (*archive)->lookup("embeddings.word_embeddings.weight");
  ASSERT_TRUE(table);
  EXPECT_EQ(formatShape(table->shape), "[30522, 384]");
  EXPECT_EQ(getWeightTypeName(table->type), "F16");
  EXPECT_EQ(table->offset, 8u + 11401 + 400384);
  for (const Weight *weight : (*archive)->getWeights())
    EXPECT_EQ(findNonFinite(*weight), std::nullopt);
}

} // namespace
