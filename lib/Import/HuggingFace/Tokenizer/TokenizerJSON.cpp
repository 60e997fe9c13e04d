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
  Error readBertProcessor(const json::Object &processor);
  Error readTruncation();
  Error readPadding();

  Error fail(const Twine &what, const json::Value *found);
  Expected<int32_t> readId(const Twine &what, const json::Value *value);
  Error readString(const json::Object &from, StringRef where, StringRef key,
                   std::string &to);
  Error readBool(const json::Object &from, StringRef where, StringRef key,
                 std::optional<bool> &to);
  void setNote(const Twine &what) {
    description.note = tokenizerNote("this model's " + what +
                                     ", which is not built into programs");
  }

  StringRef path;
  const json::Object &root;
  MetadataWarnings &warnings;
  TokenizerDescription description;
};

std::string describe(const json::Value *value) {
  if (!value)
    return "nothing";
  switch (value->kind()) {
  case json::Value::Object:
    return "an object";
  case json::Value::Array:
    return "an array";
  default:
    return printable(formatv("{0}", *value).str());
  }
}

Error Reader::fail(const Twine &what, const json::Value *found) {
  return makeFileError(path,
                       "expected " + what + ", but got " + describe(found));
}

Expected<int32_t> Reader::readId(const Twine &what, const json::Value *value) {
  std::optional<int64_t> id = value ? value->getAsInteger() : std::nullopt;
  if (!id || *id < 0 || *id > maxTokenId)
    return fail(what + " to be an id between 0 and " + Twine(maxTokenId),
                value);
  return static_cast<int32_t>(*id);
}

/// Leaves `to` alone if the key is missing or null.
Error Reader::readString(const json::Object &from, StringRef where,
                         StringRef key, std::string &to) {
  const json::Value *value = from.get(key);
  if (!value || value->getAsNull())
    return Error::success();
  std::optional<StringRef> text = value->getAsString();
  if (!text)
    return fail("'" + where + "." + key + "' to be a string", value);
  to = text->str();
  return Error::success();
}

Error Reader::readBool(const json::Object &from, StringRef where, StringRef key,
                       std::optional<bool> &to) {
  const json::Value *value = from.get(key);
  if (!value || value->getAsNull())
    return Error::success();
  to = value->getAsBoolean();
  if (!to)
    return fail("'" + where + "." + key + "' to be true or false", value);
  return Error::success();
}

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
  if (Error error =
          readString(object, "model", "unk_token", model.unknownToken))
    return error;
  if (Error error = readString(object, "model", "continuing_subword_prefix",
                               model.continuingPrefix))
    return error;
  if (const json::Value *value = object.get("max_input_chars_per_word")) {
    Expected<int32_t> chars = readId("'max_input_chars_per_word'", value);
    if (!chars)
      return chars.takeError();
    model.maxWordChars = *chars;
  }
  const json::Object *vocabulary = object.getObject("vocab");
  if (!vocabulary)
    return fail("'model.vocab' to be an object", object.get("vocab"));
  for (const auto &[token, value] : *vocabulary) {
    Expected<int32_t> id =
        readId("token '" + printable(token.str()) + "'", &value);
    if (!id)
      return id.takeError();
    model.vocabulary[token.str()] = *id;
  }
  return Error::success();
}

Error Reader::readNormalizer() {
  const json::Object *object = unwrapSequence("normalizer", "normalizers");
  if (!object)
    return Error::success();
  std::optional<bool> clean, chinese, accents, lowercase;
  for (auto [key, flag] : {std::pair("clean_text", &clean),
                           std::pair("handle_chinese_chars", &chinese),
                           std::pair("strip_accents", &accents),
                           std::pair("lowercase", &lowercase)})
    if (Error error = readBool(*object, "normalizer", key, *flag))
      return error;
  bool lower = lowercase.value_or(true);
  description.model.flags = (clean.value_or(true) ? rt::kCleanText : 0) |
                            (chinese.value_or(true) ? rt::kSpaceChinese : 0) |
                            (accents.value_or(lower) ? rt::kStripAccents : 0) |
                            (lower ? rt::kLowercase : 0);
  return Error::success();
}

Error Reader::readAddedTokens() {
  const json::Value *list = root.get("added_tokens");
  if (!list || list->getAsNull())
    return Error::success();
  if (!list->getAsArray())
    return fail("'added_tokens' to be an array", list);
  for (const json::Value &value : *list->getAsArray()) {
    const json::Object *object = value.getAsObject();
    if (!object)
      return fail("added tokens to be objects with a string 'content'", &value);
    if (Error error = checkTokenKeys(path, *object, warnings, "added_tokens."))
      return error;
    Expected<AddedToken> token = readAddedToken(path, *object);
    if (!token)
      return token.takeError();
    Expected<int32_t> id = readId(
        "added token '" + printable(token->content) + "'", object->get("id"));
    if (!id)
      return id.takeError();
    token->id = *id;
    description.added.push_back(std::move(*token));
  }
  return Error::success();
}

/// "single": pieces that are special tokens, and the text once among them.
Error Reader::readTemplate(const json::Object &processor) {
  const json::Array *pieces = processor.getArray("single");
  if (!pieces)
    return fail("'post_processor.single' to be an array",
                processor.get("single"));
  const json::Object *special = processor.getObject("special_tokens");
  bool behindText = false;
  for (const json::Value &piece : *pieces) {
    const json::Object *object = piece.getAsObject();
    const json::Object *token =
        object ? object->getObject("SpecialToken") : nullptr;
    const json::Object *text = object ? object->getObject("Sequence") : nullptr;
    for (const json::Object *part : {token, text})
      if (part && part->getInteger("type_id").value_or(0) != 0)
        return fail("'post_processor.single' to have type_id 0 only",
                    part->get("type_id"));
    if (text && !behindText) {
      behindText = true;
      continue;
    }
    std::optional<StringRef> name =
        token ? token->getString("id") : std::nullopt;
    if (!name)
      return fail("'post_processor.single' to hold special tokens and the text "
                  "once",
                  &piece);
    const json::Object *entry = special ? special->getObject(*name) : nullptr;
    const json::Array *ids = entry ? entry->getArray("ids") : nullptr;
    if (!ids)
      return makeFileError(path, "expected 'post_processor.special_tokens' to "
                                 "have the ids of '" +
                                     printable(*name) + "', but got none");
    for (const json::Value &value : *ids) {
      Expected<int32_t> id =
          readId("special token '" + printable(*name) + "'", &value);
      if (!id)
        return id.takeError();
      (behindText ? description.model.after : description.model.before)
          .push_back(*id);
    }
  }
  if (!behindText)
    return makeFileError(path, "expected 'post_processor.single' to hold the "
                               "text, but got only special tokens");
  return Error::success();
}

/// "cls" and "sep": a token and its id, each.
Error Reader::readBertProcessor(const json::Object &processor) {
  WordPieceModel &model = description.model;
  for (auto [key, ids] :
       {std::pair("cls", &model.before), std::pair("sep", &model.after)}) {
    const json::Array *pair = processor.getArray(key);
    if (!pair || pair->size() != 2)
      return fail("'post_processor." + Twine(key) + "' to be [token, id]",
                  processor.get(key));
    Expected<int32_t> id =
        readId("'post_processor." + Twine(key) + "'", &(*pair)[1]);
    if (!id)
      return id.takeError();
    ids->push_back(*id);
  }
  return Error::success();
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
  std::string direction = "Right";
  if (Error error =
          readString(*truncation, "truncation", "direction", direction))
    return error;
  if (direction != "Left" && direction != "Right")
    return fail("'truncation.direction' to be \"Left\" or \"Right\"",
                truncation->get("direction"));
  description.keepsEnd = direction == "Left";
  return Error::success();
}

Error Reader::readPadding() {
  const json::Object *padding = root.getObject("padding");
  if (!padding)
    return Error::success();
  if (Error error =
          readString(*padding, "padding", "pad_token", description.padToken))
    return error;
  if (!padding->get("pad_id"))
    return Error::success();
  Expected<int32_t> id = readId("'padding.pad_id'", padding->get("pad_id"));
  if (!id)
    return id.takeError();
  description.model.padId = *id;
  return Error::success();
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
  if (!root.getObject("model"))
    return fail("'model' to be an object", root.get("model"));
  for (StringRef step : {"normalizer", "pre_tokenizer", "post_processor"}) {
    const json::Value *value = root.get(step);
    if (value && !value->getAsNull() && !value->getAsObject())
      return fail("'" + step + "' to be an object or null", value);
  }
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
