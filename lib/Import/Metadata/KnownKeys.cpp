//===- KnownKeys.cpp - What tq does with each key of a file ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/KnownKeys.h"

#include "tq/Import/Metadata/Tables.h"
#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace tq;

static const KnownKey *findKey(const MetadataTable &table, StringRef name) {
  const KnownKey *found = llvm::find_if(
      table.keys, [&](const KnownKey &k) { return k.name == name; });
  return found == table.keys.end() ? nullptr : found;
}

static bool isAccepted(const KnownKey &key, const json::Value &value) {
  json::Value accepted = cantFail(json::parse(key.accepted));
  return llvm::is_contained(*accepted.getAsArray(), value);
}

/// "[false,null]" as "false or null".
static std::string listAccepted(const KnownKey &key) {
  json::Value accepted = cantFail(json::parse(key.accepted));
  SmallVector<std::string> texts;
  for (const json::Value &value : *accepted.getAsArray())
    texts.push_back(formatv("{0}", value).str());
  return llvm::join(texts, " or ");
}

static std::string describeUse(const KnownKey &key, StringRef where,
                               const json::Value &value) {
  std::string expected = listAccepted(key);
  return describeMismatch((where + key.name).str(),
                          expected.empty() ? "none" : expected, &value) +
         ": " + key.meaning.str();
}

/// Keys of `object` in order: json::Object is hashed.
static SmallVector<StringRef> sortKeys(const json::Object &object) {
  SmallVector<StringRef> names;
  for (const auto &entry : object)
    names.push_back(entry.first);
  llvm::sort(names);
  return names;
}

static std::string listUnknown(ArrayRef<StringRef> names, StringRef where) {
  constexpr size_t most = 8;
  std::string list;
  for (StringRef name : names.take_front(most))
    list += (list.empty() ? "'" : ", '") + where.str() + printable(name) + "'";
  if (names.size() > most)
    list += formatv(" and {0} more", names.size() - most);
  return list;
}

Error tq::checkKeys(StringRef path, const MetadataTable &table,
                    const json::Object &object, MetadataWarnings &warnings,
                    StringRef where) {
  SmallVector<StringRef> unknown;
  for (StringRef name : sortKeys(object)) {
    const json::Value &value = *object.get(name);
    const KnownKey *key = findKey(table, name);
    if (!key) {
      unknown.push_back(name);
      continue;
    }
    bool isChecked = key->use == KeyUse::Warned || key->use == KeyUse::Refused;
    if (!isChecked || isAccepted(*key, value))
      continue;
    std::string message = describeUse(*key, where, value);
    if (key->use == KeyUse::Refused)
      return makeFileError(path, message);
    warnings.push_back({path.str(), message + ", and goes on without it"});
  }
  if (!unknown.empty())
    warnings.push_back(
        {path.str(), (unknown.size() == 1 ? "key " : "keys ") +
                         listUnknown(unknown, where) +
                         ": not known to tq, which goes on without; whether "
                         "results stay the same is not known either"});
  return Error::success();
}

static const MetadataTable *const tables[] = {
    &configTable,          &crossEncoderTable,
    &modulesTable,         &sentenceBertTable,
    &modelArgumentsTable,  &tokenizerArgumentsTable,
    &configArgumentsTable, &sentenceTransformersTable,
    &poolingTable,         &denseTable,
    &layerNormTable,       &normalizeTable,
    &tokenizerConfigTable, &specialTokensMapTable,
    &addedTokenTable,      &tokenizerTable,
    &tokenizerModelTable,  &normalizerTable,
    &preTokenizerTable,    &postProcessorTable,
    &truncationTable,      &paddingTable,
};

ArrayRef<const MetadataTable *> tq::getMetadataTables() { return tables; }
