//===- MetadataTest.cpp - Keys of metadata files --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace tq;

namespace {

constexpr KnownKey testKeys[] = {
    {"size", KeyUse::Honoured, "a size"},
    {"note", KeyUse::Harmless, "for people"},
    {"rate", KeyUse::Warned, "tq has no rates", "[null, 0, 0.5]"},
    {"kind", KeyUse::Refused, "tq has no kinds", "[\"plain\"]"},
};
constexpr MetadataTable testTable = {"test.json", testKeys};

std::string check(StringRef text, MetadataWarnings &warnings) {
  json::Value value = cantFail(json::parse(text));
  return toString(
      checkKeys("f", testTable, *value.getAsObject(), warnings, "inner."));
}

TEST(KnownKeys, TakesWhatItKnows) {
  MetadataWarnings warnings;
  EXPECT_EQ(check(R"({"size": 3, "note": [], "rate": 0.5, "kind": "plain"})",
                  warnings),
            "");
  EXPECT_EQ(check(R"({"rate": null})", warnings), "");
  EXPECT_TRUE(warnings.empty());
}

TEST(KnownKeys, WarnsOfAValueItDoesNotHonour) {
  MetadataWarnings warnings;
  EXPECT_EQ(check(R"({"rate": 0.25})", warnings), "");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].path, "f");
  EXPECT_EQ(warnings[0].message,
            "key 'inner.rate': expected null or 0 or 0.5, but got 0.25: tq has "
            "no rates, and goes on without it");
}

TEST(KnownKeys, RefusesAValue) {
  MetadataWarnings warnings;
  EXPECT_EQ(check(R"({"kind": "odd"})", warnings),
            "f: key 'inner.kind': expected \"plain\", but got \"odd\": tq has "
            "no kinds");
}

TEST(KnownKeys, WarnsOfUnknownKeysInOneLine) {
  MetadataWarnings warnings;
  EXPECT_EQ(check(R"({"b\n": 1, "a": 2})", warnings), "");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(StringRef(warnings[0].message)
                  .starts_with("keys 'inner.a', 'inner.b\\x0a': not known"))
      << warnings[0].message;
  warnings.clear();
  EXPECT_EQ(check(R"({"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0})",
                  warnings),
            "");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(StringRef(warnings[0].message).contains("'inner.8' and 1 more:"));
}

TEST(KnownKeys, TablesAreWellFormed) {
  for (const MetadataTable *table : getMetadataTables()) {
    StringSet<> names;
    for (const KnownKey &key : table->keys) {
      SCOPED_TRACE((table->title + ": " + key.name).str());
      EXPECT_TRUE(names.insert(key.name).second);
      EXPECT_FALSE(key.meaning.empty());
      Expected<json::Value> accepted = json::parse(key.accepted);
      ASSERT_TRUE(bool(accepted));
      ASSERT_TRUE(accepted->getAsArray());
      bool isChecked = key.use == KeyUse::Warned || key.use == KeyUse::Refused;
      EXPECT_TRUE(isChecked || accepted->getAsArray()->empty());
    }
  }
}

//===----------------------------------------------------------------------===//
// docs/Metadata.md
//===----------------------------------------------------------------------===//

std::string describe(const KnownKey &key) {
  StringRef values = key.accepted.drop_front().drop_back();
  std::string unless =
      values.empty() ? "" : formatv(" unless `{0}`", values).str();
  switch (key.use) {
  case KeyUse::Honoured:
    return ("honoured: " + key.meaning).str();
  case KeyUse::Harmless:
    return ("changes nothing: " + key.meaning).str();
  case KeyUse::Warned:
    return ("warning" + unless + ": " + key.meaning).str();
  case KeyUse::Refused:
    return ("error" + unless + ": " + key.meaning).str();
  }
  return "";
}

std::string formatTables() {
  std::string text;
  for (const MetadataTable *table : getMetadataTables()) {
    text += ("\n## " + table->title + "\n\n| key | what tq does |\n|---|---|\n")
                .str();
    for (const KnownKey &key : table->keys)
      text += formatv("| `{0}` | {1} |\n", key.name, describe(key));
  }
  return text;
}

/// With TQ_WRITE_DOCS in the environment, the tables are written instead.
TEST(KnownKeys, DocsShowTheTables) {
  std::string path = TQ_SOURCE_DIR "/docs/Metadata.md";
  auto buffer = MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(buffer));
  size_t begin = (*buffer)->getBuffer().find("\n## ");
  ASSERT_NE(begin, StringRef::npos);
  std::string introduction = (*buffer)->getBuffer().take_front(begin).str();
  std::string tables = formatTables();
  if (getenv("TQ_WRITE_DOCS")) {
    std::error_code error;
    raw_fd_ostream(path, error) << introduction << tables;
    ASSERT_FALSE(error);
    return;
  }
  EXPECT_EQ((*buffer)->getBuffer().drop_front(begin).str(), tables);
}

} // namespace
