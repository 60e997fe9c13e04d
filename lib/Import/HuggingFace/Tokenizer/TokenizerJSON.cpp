//===- TokenizerJSON.cpp - Read tokenizer.json ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordPieceModel.h"

#include "tq/Runtime/TokenizerFormat.h"
#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"

#include <optional>

using namespace llvm;
using namespace tq;

namespace {

/// Reads one file; `note` is set when it describes what is not built in.
class Reader {
public:
  Reader(StringRef path, const json::Object &root, MetadataWarnings &warnings)
      : path(path), root(root), warnings(warnings) {}

  Expected<TokenizerDescription> read();

private:
  bool isWordPiece();
  bool hasBuiltInSteps();
  const json::Object *unwrapSequence(StringRef step, StringRef list);
  Error checkAllKeys();
  Error readModel();
  Error readNormalizer();
  Error readAddedTokens();
  Error readPostProcessor();
  Error readTemplate(const json::Object &processor);
  Expected<std::vector<int64_t>> readTemplateIds(const json::Object &processor,
                                                 StringRef name);
  Error readBertProcessor(const json::Object &processor);
  Error readTruncation();
  Error readPadding();

  void setNote(const Twine &what) {
    description.note = tokenizerNote("this model's " + what +
                                     ", which is not built into programs");
  }

  StringRef path;
  const json::Object &root;
  MetadataWarnings &warnings;
  TokenizerDescription description;
};

StringRef typeOf(const json::Object &object) {
  return object.getString("type").value_or("");
}

/// Whether `step` is, or has among its parts, one of type ByteLevel.
bool isByteLevel(const json::Object *step) {
  if (!step)
    return false;
  if (typeOf(*step) == "ByteLevel")
    return true;
  const json::Array *parts = step->getArray("pretokenizers");
  return parts && llvm::any_of(*parts, [](const json::Value &part) {
           return part.getAsObject() &&
                  typeOf(*part.getAsObject()) == "ByteLevel";
         });
}

/// Sets the note if the model is of another kind. Files of early versions do
/// not name it.
bool Reader::isWordPiece() {
  const json::Object &model = *root.getObject("model");
  StringRef type = typeOf(model);
  if (type == "WordPiece" || (type == "" && !model.get("merges") &&
                              model.get("continuing_subword_prefix")))
    return true;
  if (type == "" && model.get("merges"))
    type = "BPE";
  if (type == "BPE" && isByteLevel(root.getObject("pre_tokenizer")))
    setNote("tokenizer is byte-level BPE");
  else
    setNote("tokenizer is " +
            (type == "" ? "of an unknown type" : printable(type)));
  return false;
}

/// The step under that key; of a sequence with a single part, that part.
const json::Object *Reader::unwrapSequence(StringRef step, StringRef list) {
  const json::Object *object = root.getObject(step);
  if (!object || typeOf(*object) != "Sequence")
    return object;
  const json::Array *parts = object->getArray(list);
  if (!parts || parts->size() != 1 || !parts->front().getAsObject())
    return object;
  return parts->front().getAsObject();
}

/// Sets the note if text is normalized or cut in another way than BERT's.
bool Reader::hasBuiltInSteps() {
  const json::Object *normalizer = unwrapSequence("normalizer", "normalizers");
  if (normalizer && typeOf(*normalizer) != "BertNormalizer") {
    setNote("normalizer is " + printable(typeOf(*normalizer)));
    return false;
  }
  const json::Object *cutter = unwrapSequence("pre_tokenizer", "pretokenizers");
  if (!cutter || typeOf(*cutter) != "BertPreTokenizer") {
    setNote("pre-tokenizer is " +
            (cutter ? printable(typeOf(*cutter)) : "none at all"));
    return false;
  }
  const json::Object *processor =
      unwrapSequence("post_processor", "processors");
  StringRef type = processor ? typeOf(*processor) : "BertProcessing";
  if (type != "TemplateProcessing" && type != "BertProcessing" &&
      type != "RobertaProcessing") {
    setNote("post-processor is " + printable(type));
    return false;
  }
  return true;
}

Error Reader::readModel() {
  const json::Object &object = *root.getObject("model");
  WordPieceModel &model = description.model;
  ObjectReader reader(path, object, "model.");
  model.unknownToken = reader.string("unk_token", model.unknownToken);
  model.continuingPrefix =
      reader.string("continuing_subword_prefix", model.continuingPrefix);
  // Null is none of its values.
  if (object.get("max_input_chars_per_word"))
    model.maxWordChars = readTokenId(reader, "max_input_chars_per_word");
  const json::Object *vocabulary = reader.object("vocab");
  if (!vocabulary)
    reader.expected("vocab", "an object");
  if (Error error = reader.takeError())
    return error;
  ObjectReader ids(path, *vocabulary, "model.vocab.");
  for (const auto &entry : *vocabulary)
    model.vocabulary[entry.first.str()] = readTokenId(ids, entry.first);
  return ids.takeError();
}

Error Reader::readNormalizer() {
  const json::Object *object = unwrapSequence("normalizer", "normalizers");
  if (!object)
    return Error::success();
  ObjectReader reader(path, *object, "normalizer.");
  bool clean = reader.boolean("clean_text", true);
  bool chinese = reader.boolean("handle_chinese_chars", true);
  bool lower = reader.boolean("lowercase", true);
  bool accents = reader.boolean("strip_accents", lower);
  description.model.flags =
      (clean ? rt::kCleanText : 0) | (chinese ? rt::kSpaceChinese : 0) |
      (accents ? rt::kStripAccents : 0) | (lower ? rt::kLowercase : 0);
  return reader.takeError();
}

Error Reader::readAddedTokens() {
  ObjectReader reader(path, root);
  const json::Array *list = reader.array("added_tokens");
  if (!list)
    return reader.takeError();
  for (const auto &[index, value] : llvm::enumerate(*list)) {
    std::string where = ("added_tokens[" + Twine(index) + "]").str();
    const json::Object *object = value.getAsObject();
    if (!object)
      return makeFileError(path, describeMismatch(where, "an object", &value));
    if (Error error = checkTokenKeys(path, *object, warnings, "added_tokens."))
      return error;
    ObjectReader entry(path, *object, where + ".");
    AddedToken token = readAddedToken(entry);
    token.id = readTokenId(entry, "id");
    if (Error error = entry.takeError())
      return error;
    description.added.push_back(std::move(token));
  }
  return Error::success();
}

/// The ids of the special token `name` of a template.
Expected<std::vector<int64_t>>
Reader::readTemplateIds(const json::Object &processor, StringRef name) {
  const json::Object *tokens = processor.getObject("special_tokens");
  const json::Object *token = tokens ? tokens->getObject(name) : nullptr;
  if (!token)
    return makeFileError(path, "expected 'post_processor.special_tokens' to "
                               "have the ids of '" +
                                   printable(name) + "', but got none");
  ObjectReader reader(path, *token,
                      "post_processor.special_tokens." + name + ".");
  std::vector<int64_t> ids = reader.integers("ids", 0, maxTokenId);
  if (Error error = reader.takeError())
    return error;
  return ids;
}

/// "single": pieces that are special tokens, and the text once among them.
Error Reader::readTemplate(const json::Object &processor) {
  ObjectReader reader(path, processor, "post_processor.");
  const json::Array *pieces = processor.getArray("single");
  if (!pieces)
    reader.expected("single", "an array");
  if (Error error = reader.takeError())
    return error;
  bool behindText = false;
  for (const auto &[index, piece] : llvm::enumerate(*pieces)) {
    auto fail = [&](StringRef what) {
      std::string key = ("post_processor.single[" + Twine(index) + "]").str();
      return makeFileError(path, describeMismatch(key, what, &piece));
    };
    const json::Object *object = piece.getAsObject();
    const json::Object *token =
        object ? object->getObject("SpecialToken") : nullptr;
    const json::Object *text = object ? object->getObject("Sequence") : nullptr;
    for (const json::Object *part : {token, text})
      if (part && part->getInteger("type_id").value_or(0) != 0)
        return fail("type_id 0");
    if (text && !behindText) {
      behindText = true;
      continue;
    }
    std::optional<StringRef> name =
        token ? token->getString("id") : std::nullopt;
    if (!name)
      return fail("a special token, or the text once");
    Expected<std::vector<int64_t>> ids = readTemplateIds(processor, *name);
    if (!ids)
      return ids.takeError();
    llvm::append_range(
        behindText ? description.model.after : description.model.before, *ids);
  }
  if (!behindText)
    return makeFileError(path, "expected 'post_processor.single' to hold the "
                               "text, but got only special tokens");
  return Error::success();
}

/// "cls" and "sep": a token and its id, each.
Error Reader::readBertProcessor(const json::Object &processor) {
  WordPieceModel &model = description.model;
  ObjectReader reader(path, processor, "post_processor.");
  for (auto [key, ids] :
       {std::pair("cls", &model.before), std::pair("sep", &model.after)}) {
    const json::Array *pair = processor.getArray(key);
    std::optional<int64_t> id;
    if (pair && pair->size() == 2)
      id = pair->back().getAsInteger();
    if (id && *id >= 0 && *id <= maxTokenId)
      ids->push_back(static_cast<int32_t>(*id));
    else
      reader.expected(key, "[token, id] with an id in [0, " +
                               Twine(maxTokenId) + "]");
  }
  return reader.takeError();
}

Error Reader::readPostProcessor() {
  const json::Object *processor =
      unwrapSequence("post_processor", "processors");
  if (!processor)
    return Error::success();
  return typeOf(*processor) == "TemplateProcessing"
             ? readTemplate(*processor)
             : readBertProcessor(*processor);
}

Error Reader::readTruncation() {
  const json::Object *truncation = root.getObject("truncation");
  if (!truncation)
    return Error::success();
  ObjectReader reader(path, *truncation, "truncation.");
  std::string direction = reader.string("direction", "Right");
  if (direction != "Left" && direction != "Right")
    reader.expected("direction", "\"Left\" or \"Right\"");
  description.keepsEnd = direction == "Left";
  return reader.takeError();
}

Error Reader::readPadding() {
  const json::Object *padding = root.getObject("padding");
  if (!padding)
    return Error::success();
  ObjectReader reader(path, *padding, "padding.");
  description.padToken = reader.string("pad_token", "");
  // Null is none of its values.
  if (padding->get("pad_id"))
    description.model.padId = readTokenId(reader, "pad_id");
  return reader.takeError();
}

/// Of each part that is read.
Error Reader::checkAllKeys() {
  if (Error error = checkKeys(path, tokenizerTable, root, warnings))
    return error;
  const json::Object *processor =
      unwrapSequence("post_processor", "processors");
  for (auto [where, table, object] :
       {std::tuple("model.", &tokenizerModelTable, root.getObject("model")),
        std::tuple("normalizer.", &normalizerTable,
                   unwrapSequence("normalizer", "normalizers")),
        std::tuple("pre_tokenizer.", &preTokenizerTable,
                   unwrapSequence("pre_tokenizer", "pretokenizers")),
        std::tuple("post_processor.", &postProcessorTable, processor),
        std::tuple("truncation.", &truncationTable,
                   root.getObject("truncation")),
        std::tuple("padding.", &paddingTable, root.getObject("padding"))})
    if (object)
      if (Error error = checkKeys(path, *table, *object, warnings, where))
        return error;
  return Error::success();
}

Expected<TokenizerDescription> Reader::read() {
  ObjectReader reader(path, root);
  if (!reader.object("model"))
    reader.expected("model", "an object");
  for (StringRef step : {"normalizer", "pre_tokenizer", "post_processor"})
    reader.object(step);
  if (Error error = reader.takeError())
    return error;
  if (!isWordPiece() || !hasBuiltInSteps())
    return std::move(description);
  for (auto part :
       {&Reader::checkAllKeys, &Reader::readModel, &Reader::readNormalizer,
        &Reader::readAddedTokens, &Reader::readPostProcessor,
        &Reader::readTruncation, &Reader::readPadding})
    if (Error error = (this->*part)())
      return error;
  return std::move(description);
}

} // namespace

Expected<TokenizerDescription>
tq::readTokenizerJSON(StringRef path, MetadataWarnings &warnings) {
  Expected<json::Object> root = readJSONObject(path);
  if (!root)
    return root.takeError();
  return Reader(path, *root, warnings).read();
}
