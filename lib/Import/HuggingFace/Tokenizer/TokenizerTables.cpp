//===- TokenizerTables.cpp - A model's tokenizer for programs -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/TokenizerTables.h"

#include "MergeTokenizer.h"

#include "tq/Runtime/TokenizerFormat.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace tq;

std::string tq::tokenizerNote(const Twine &reason) {
  return (reason + "; give token ids with --input input_ids=FILE.npy").str();
}

namespace {

/// The file with the vocabulary; the path is empty if there is none.
struct VocabularySource {
  std::string path;
  bool isJSON = false;
  std::string note; ///< Why there is none.
};

Expected<VocabularySource> findVocabulary(StringRef directory) {
  VocabularySource source;
  for (StringRef name : {"tokenizer.json", "vocab.txt", "merges.txt"}) {
    std::string path = joinPath(directory, name);
    Expected<bool> exists = isThere(path);
    if (!exists)
      return exists.takeError();
    if (!*exists)
      continue;
    if (name == "merges.txt")
      source.note = "this model's tokenizer is byte-level BPE, which is not "
                    "built into programs";
    else
      source.path = path;
    source.isJSON = name == "tokenizer.json";
    return source;
  }
  source.note =
      "this model comes without a tokenizer (tokenizer.json or vocab.txt)";
  return source;
}

Expected<TokenizerDescription>
readVocabularySource(const VocabularySource &source,
                     MetadataWarnings &warnings) {
  if (source.isJSON)
    return readTokenizerJSON(source.path, warnings);
  TokenizerDescription description;
  Expected<Vocabulary> vocabulary = readVocabulary(source.path);
  if (!vocabulary)
    return vocabulary.takeError();
  description.model.vocabulary = std::move(*vocabulary);
  return description;
}

/// Why a class cannot be built in; empty if it can.
std::string describeFamily(const TokenizerSettings &settings, bool isJSON) {
  TokenizerFamily family = settings.getFamily(isJSON);
  if (family == TokenizerFamily::Bert ||
      (family == TokenizerFamily::File && isJSON))
    return "";
  std::string name = settings.tokenizerClass.empty()
                         ? "that of " + printable(settings.modelType)
                         : printable(settings.tokenizerClass);
  if (family == TokenizerFamily::File)
    return "this model's tokenizer is " + name +
           ", which needs a tokenizer.json";
  return "this model's tokenizer is " + name +
         ", which is not built into programs";
}

int32_t getLargestId(const WordPieceModel &model) {
  int32_t largest = 0;
  for (const auto &entry : model.vocabulary)
    largest = std::max(largest, entry.second);
  for (const AddedToken &token : model.added.list())
    largest = std::max(largest, token.id);
  return largest;
}

} // namespace

Expected<TokenizerTables> tq::readTokenizerTables(StringRef directory,
                                                  bool lowercasesTexts,
                                                  MetadataWarnings &warnings) {
  if (!sys::fs::is_directory(directory))
    return makeFileError(directory,
                         "expected the directory of the model's tokenizer");
  TokenizerTables tables;
  MetadataWarnings found;
  Expected<VocabularySource> source = findVocabulary(directory);
  if (!source)
    return source.takeError();
  Expected<TokenizerSettings> settings =
      readTokenizerSettings(directory, found);
  if (!settings)
    return settings.takeError();
  std::string note = source->note;
  if (note.empty())
    note = describeFamily(*settings, source->isJSON);
  if (!note.empty()) {
    tables.note = tokenizerNote(note);
    return tables;
  }
  Expected<TokenizerDescription> file = readVocabularySource(*source, found);
  if (!file)
    return file.takeError();
  if (!file->note.empty()) {
    tables.note = file->note;
    return tables;
  }
  Expected<WordPieceModel> model =
      mergeTokenizer(source->path, std::move(*file), source->isJSON, *settings,
                     settings->getFamily(source->isJSON), found);
  if (!model)
    return model.takeError();
  if (lowercasesTexts)
    model->flags |= rt::kLowercaseFirst;
  Expected<std::vector<uint8_t>> blob =
      buildTokenizerBlob(source->path, *model);
  if (!blob)
    return blob.takeError();
  tables.path = source->path;
  tables.blob = std::move(*blob);
  tables.largestId = getLargestId(*model);
  tables.specialIds = model->before;
  llvm::append_range(tables.specialIds, model->after);
  tables.padId = model->padId;
  llvm::append_range(warnings, found);
  return tables;
}

Error tq::checkTokenizerIds(const TokenizerTables &tables, int64_t vocabSize,
                            MetadataWarnings &warnings) {
  if (tables.blob.empty())
    return Error::success();
  auto fail = [&](StringRef what, int32_t id) {
    return makeFileError(tables.path, "expected " + what + " below " +
                                          Twine(vocabSize) +
                                          ", the rows of the model's word "
                                          "table, but got id " +
                                          Twine(id));
  };
  for (int32_t id : tables.specialIds)
    if (id >= vocabSize)
      return fail("the special tokens of each text", id);
  if (tables.padId >= vocabSize)
    return fail("the padding token", tables.padId);
  if (tables.largestId >= vocabSize)
    warnings.push_back(
        {tables.path,
         ("expected ids below " + Twine(vocabSize) +
          ", the rows of the model's word table, but got tokens up to id " +
          Twine(tables.largestId) + ": texts with them will be errors")
             .str()});
  return Error::success();
}
