//===- ObjectReaderTest.cpp - Reads of JSON and their errors --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/ObjectReader.h"

#include "tq/Support/JSONFile.h"

#include "TestFiles.h"

using namespace llvm;
using namespace tq;
using namespace tq::test;

namespace {

/// The error of what `read` does with an object.
std::string readError(StringRef text, function_ref<void(ObjectReader &)> read) {
  json::Object object = cantFail(parseJSONObject("f", text));
  ObjectReader reader("f", object, "inner.");
  read(reader);
  return toString(reader.takeError());
}

TEST(ObjectReader, ReadsWhatIsThere) {
  json::Object object = cantFail(parseJSONObject(
      "f", R"({"i": 3, "n": 0.5, "s": "text", "b": true, "o": {"x": null},)"
           R"( "a": [1, 2], "null": null})"));
  ObjectReader reader("f", object);
  EXPECT_EQ(reader.integer("i", 0, 3), 3);
  EXPECT_EQ(reader.number("n", 0, 1, 0), 0.5);
  EXPECT_EQ(reader.string("s"), "text");
  EXPECT_TRUE(reader.boolean("b", false));
  ASSERT_TRUE(reader.object("o"));
  EXPECT_EQ(reader.object("o")->size(), 1u);
  ASSERT_TRUE(reader.array("a"));
  EXPECT_EQ(reader.array("a")->size(), 2u);
  EXPECT_EQ(reader.integers("a", 1, 2), (std::vector<int64_t>{1, 2}));
  for (StringRef key : {"null", "absent"}) {
    EXPECT_FALSE(reader.has(key));
    EXPECT_EQ(reader.integer(key, 0, 3, 2), 2);
    EXPECT_EQ(reader.number(key, 0, 1, 0.25), 0.25);
    EXPECT_EQ(reader.string(key, "default"), "default");
    EXPECT_TRUE(reader.boolean(key, true));
    EXPECT_FALSE(reader.object(key));
    EXPECT_FALSE(reader.array(key));
  }
  EXPECT_FALSE(bool(reader.takeError()));
}

TEST(ObjectReader, SaysWhatItExpectedAndFound) {
  const std::pair<void (*)(ObjectReader &), StringRef> cases[] = {
      {[](ObjectReader &r) { r.integer("k", 0, 2); }, "an integer in [0, 2]"},
      {[](ObjectReader &r) { r.number("k", 0, 2, 1); }, "a number in [0"},
      {[](ObjectReader &r) { r.string("k"); }, "a string"},
      {[](ObjectReader &r) { r.boolean("k", true); }, "true or false"},
      {[](ObjectReader &r) { r.object("k"); }, "an object"},
      {[](ObjectReader &r) { r.array("k"); }, "an array"},
      {[](ObjectReader &r) { r.integers("k", 0, 2); },
       "an array of integers in [0, 2]"},
  };
  for (auto [read, expected] : cases)
    EXPECT_TRUE(isOneLineWith(
        readError(R"({"k": 3.5})", read),
        {("f: key 'inner.k': expected " + expected).str(), ", but got 3.5"}));
}

TEST(ObjectReader, MissesWhatHasNoDefault) {
  std::string missing = "f: key 'inner.k': expected a string, but got ";
  auto read = [](ObjectReader &reader) { reader.string("k"); };
  EXPECT_EQ(readError("{}", read), missing + "no such key");
  EXPECT_EQ(readError(R"({"k": null})", read), missing + "null");
}

TEST(ObjectReader, ReportsItsFirstError) {
  std::string error = readError(R"({"a": [0, 9], "b": 1})", [](auto &reader) {
    reader.integers("a", 0, 8);
    reader.string("b");
    reader.fail("later");
  });
  EXPECT_EQ(error, "f: key 'inner.a': expected an array of integers in [0, 8], "
                   "but got [0,9]");
}

TEST(ObjectReader, KeysAreShownInOneLine) {
  EXPECT_TRUE(isOneLineWith(
      readError(R"({"a\nb": 1})", [](auto &reader) { reader.string("a\nb"); }),
      {"key 'inner.a\\x0ab'"}));
}

TEST(JSONFile, MayBeAbsent) {
  TempDirectory directory;
  EXPECT_FALSE(cantFail(readOptionalJSONObject(directory.path("none.json"))));
  std::string path = directory.write("some.json", R"({"a": 1})");
  std::optional<json::Object> object = cantFail(readOptionalJSONObject(path));
  ASSERT_TRUE(object);
  EXPECT_EQ(object->getInteger("a"), 1);
  path = directory.write("array.json", "[]");
  EXPECT_TRUE(isOneLineWith(toString(readOptionalJSONObject(path).takeError()),
                            {path, "expected a JSON object"}));
}

} // namespace
