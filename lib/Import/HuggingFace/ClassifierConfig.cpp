//===- ClassifierConfig.cpp - Labels and scores of classifiers ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ClassifierConfig.h"

#include "tq/Import/Metadata/Tables.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace tq;

static constexpr int64_t maxLabels = 1 << 16;

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

/// A label of id2label: a string, or an integer as its digits.
static std::optional<std::string> getLabel(const json::Value &value) {
  if (std::optional<StringRef> text = value.getAsString())
    return text->str();
  if (std::optional<int64_t> number = value.getAsInteger())
    return std::to_string(*number);
  return std::nullopt;
}

/// What is shown in lines and stored as a C string has no control characters:
/// U+0000 to U+001F, U+007F to U+009F.
static bool isShowable(StringRef label) {
  for (size_t i = 0; i < label.size(); ++i) {
    auto c = static_cast<unsigned char>(label[i]);
    if (c < 0x20 || c == 0x7f)
      return false;
    if (c == 0xc2 && i + 1 < label.size() &&
        static_cast<unsigned char>(label[i + 1]) < 0xa0)
      return false;
  }
  return true;
}

static std::vector<std::string> makeDefaultLabels(int64_t count) {
  std::vector<std::string> labels;
  for (int64_t i = 0; i < count; ++i)
    labels.push_back("LABEL_" + std::to_string(i));
  return labels;
}

/// Says so where id2label leaves classes without a name: `numNamed` have one.
static void checkLabelCount(const ModelConfig &config, size_t numNamed,
                            MetadataWarnings &warnings) {
  if (numNamed < config.labels.size())
    warnings.push_back(
        {config.path,
         "key 'id2label': expected classes 0 to " +
             std::to_string(config.labels.size() - 1) + ", but got only " +
             std::to_string(numNamed) +
             " of them; the others are called by their number, as LABEL_0"});
}

/// Names the classes as id2label does, in the order of their numbers. As in
/// transformers, the number of entries is that of the classes.
static void readLabelNames(ObjectReader &reader, const json::Object &names,
                           ModelConfig &config, MetadataWarnings &warnings) {
  if (names.empty() || names.size() > static_cast<size_t>(maxLabels))
    return reader.fail("key 'id2label': expected 1 to " + Twine(maxLabels) +
                       " classes, but got " + Twine(names.size()));
  config.labels = makeDefaultLabels(static_cast<int64_t>(names.size()));
  std::vector<bool> isNamed(config.labels.size());
  for (const auto &[key, value] : names) {
    std::string shown = printable(key);
    uint64_t index;
    if (StringRef(key).getAsInteger(10, index))
      return reader.fail("key 'id2label': expected the numbers of classes, but "
                         "got '" +
                         shown + "'");
    std::optional<std::string> label = getLabel(value);
    if (!label)
      return reader.fail("key 'id2label': expected a string or an integer for "
                         "class " +
                         shown);
    if (!isShowable(*label))
      return reader.fail("key 'id2label': expected a label without control "
                         "characters for class " +
                         shown + ", but got '" + printable(*label) + "'");
    if (index >= config.labels.size())
      continue;
    if (isNamed[index])
      return reader.fail("key 'id2label': expected class " + Twine(index) +
                         " once, but got it twice");
    isNamed[index] = true;
    config.labels[index] = *label;
  }
  checkLabelCount(config, llvm::count(isNamed, true), warnings);
}

/// Class names by index; LABEL_0, LABEL_1 and so on where config.json has none,
/// or where its num_labels is not the number of its names.
static void readLabels(ObjectReader &reader, ModelConfig &config,
                       MetadataWarnings &warnings) {
  const json::Object *names = reader.object("id2label");
  int64_t numNames = names ? static_cast<int64_t>(names->size()) : 2;
  int64_t count = reader.integer("num_labels", 1, maxLabels, numNames);
  if (names && count == numNames)
    return readLabelNames(reader, *names, config, warnings);
  config.labels = makeDefaultLabels(count);
  if (names)
    warnings.push_back(
        {config.path,
         "key 'id2label': expected num_labels = " + std::to_string(count) +
             " classes, but got " + std::to_string(numNames) +
             "; they are called LABEL_0 and so on"});
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// What sentence-transformers writes for the activations of its CrossEncoder.
static constexpr std::pair<StringLiteral, LabelScores> crossEncoderScores[] = {
    {"torch.nn.modules.linear.Identity", LabelScores::None},
    {"torch.nn.Identity", LabelScores::None},
    {"torch.nn.modules.activation.Sigmoid", LabelScores::Sigmoid},
    {"torch.nn.Sigmoid", LabelScores::Sigmoid},
    {"torch.nn.modules.activation.Softmax", LabelScores::Softmax},
    {"torch.nn.Softmax", LabelScores::Softmax},
};

namespace {
/// The activation that a CrossEncoder names, and where; no name: the default.
struct NamedActivation {
  std::string path, key, name;
};
} // namespace

static std::string toText(const json::Value *value) {
  if (!value || value->kind() == json::Value::Null)
    return "";
  if (std::optional<StringRef> text = value->getAsString())
    return text->str();
  return formatv("{0}", *value).str();
}

/// Versions from 5.4 on write the activation into a file of their own, which
/// comes first.
static Expected<NamedActivation> readOwnActivation(StringRef directory) {
  NamedActivation found;
  found.path = joinPath(directory, "config_sentence_transformers.json");
  found.key = "activation_fn";
  Expected<std::optional<json::Object>> object =
      readOptionalJSONObject(found.path);
  if (!object)
    return object.takeError();
  if (*object)
    found.name = toText((*object)->get(found.key));
  return found;
}

/// The other two keys are in config.json: that of versions from 4 on, and that
/// of older ones.
static Expected<NamedActivation> readActivation(const json::Object &object,
                                                StringRef path) {
  Expected<NamedActivation> own =
      readOwnActivation(sys::path::parent_path(path));
  if (!own || !own->name.empty())
    return own;
  const json::Object *inner = object.getObject("sentence_transformers");
  if (const json::Value *name = inner ? inner->get("activation_fn") : nullptr)
    return NamedActivation{path.str(), "sentence_transformers.activation_fn",
                           toText(name)};
  StringRef oldKey = "sbert_ce_default_activation_function";
  return NamedActivation{path.str(), oldKey.str(), toText(object.get(oldKey))};
}

/// What transformers' pipeline shows for a `problem_type`.
static LabelScores getDefaultScores(StringRef problem, size_t numLabels) {
  if (problem == "regression")
    return LabelScores::None;
  if (problem == "multi_label_classification" || numLabels == 1)
    return LabelScores::Sigmoid;
  return LabelScores::Softmax;
}

static LabelScores readDefaultScores(ObjectReader &reader, size_t numLabels) {
  const StringRef known[] = {"regression", "single_label_classification",
                             "multi_label_classification"};
  std::string problem = reader.string("problem_type", "");
  if (!problem.empty() && !llvm::is_contained(known, problem))
    reader.expected("problem_type",
                    "one of " + llvm::join(ArrayRef(known), ", "));
  return getDefaultScores(problem, numLabels);
}

/// An activation that is not known is left out with a warning, as by
/// sentence-transformers where the code of a model is not trusted.
static LabelScores chooseScores(const NamedActivation &activation,
                                LabelScores byDefault,
                                MetadataWarnings &warnings) {
  if (activation.name.empty())
    return byDefault;
  for (auto [known, scores] : crossEncoderScores)
    if (known == activation.name)
      return scores;
  warnings.push_back(
      {activation.path, "key '" + activation.key +
                            "': expected Identity, Sigmoid or Softmax of "
                            "torch.nn, but got '" +
                            printable(activation.name) +
                            "'; labels are shown with " +
                            stringifyLabelScores(byDefault).str()});
  return byDefault;
}

Error tq::readClassifier(ObjectReader &reader, const json::Object &object,
                         ModelConfig &config, MetadataWarnings &warnings) {
  readLabels(reader, config, warnings);
  LabelScores byDefault = readDefaultScores(reader, config.labels.size());
  Expected<NamedActivation> activation = readActivation(object, config.path);
  if (!activation)
    return activation.takeError();
  config.labelScores = chooseScores(*activation, byDefault, warnings);
  const json::Object *inner = object.getObject("sentence_transformers");
  return inner ? checkKeys(config.path, crossEncoderTable, *inner, warnings,
                           "sentence_transformers.")
               : Error::success();
}
