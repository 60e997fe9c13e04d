//===- SentenceModules.cpp - Files of sentence-transformers ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SentenceModules.h"

#include "tq/Import/Metadata/Tables.h"
#include "tq/Support/InputError.h"
#include "tq/Support/InputPaths.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace tq;

static constexpr int64_t maxWidth = 1 << 24;

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

namespace {
struct PoolingMode {
  StringLiteral name;
  StringLiteral oldKey; // true: this mode is one of them
  PoolKind kind;
  ImportPooling option;
};
} // namespace

/// In the order in which old keys put embeddings side by side.
static constexpr PoolingMode poolingModes[] = {
    {"cls", "pooling_mode_cls_token", PoolKind::First, ImportPooling::Cls},
    {"max", "pooling_mode_max_tokens", PoolKind::Max, ImportPooling::Max},
    {"mean", "pooling_mode_mean_tokens", PoolKind::Mean, ImportPooling::Mean},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens",
     PoolKind::MeanSqrtLen, ImportPooling::MeanSqrtLen},
    {"weightedmean", "pooling_mode_weightedmean_tokens", PoolKind::WeightedMean,
     ImportPooling::WeightedMean},
    {"lasttoken", "pooling_mode_lasttoken", PoolKind::Last,
     ImportPooling::LastToken},
};

std::optional<PoolKind> tq::getPoolKind(ImportPooling pooling) {
  for (const PoolingMode &mode : poolingModes)
    if (mode.option == pooling)
      return mode.kind;
  return std::nullopt;
}

static std::optional<PoolKind> findPoolingMode(const json::Value &value) {
  std::optional<StringRef> name = value.getAsString();
  for (const PoolingMode &mode : poolingModes)
    if (name && mode.name == *name)
      return mode.kind;
  return std::nullopt;
}

static std::string listPoolingModes() {
  return llvm::join(
      llvm::map_range(poolingModes,
                      [](const PoolingMode &mode) { return mode.name; }),
      ", ");
}

/// `pooling_mode`: a name, or an array of names in the order in which their
/// embeddings stand side by side.
static void readPoolingMode(const json::Value &value,
                            SentenceModules &modules) {
  constexpr size_t most = 16;
  const json::Array *names = value.getAsArray();
  ArrayRef<json::Value> all = value;
  if (names)
    all = ArrayRef(names->data(), names->size());
  for (const json::Value &name : all.take_front(most))
    if (std::optional<PoolKind> kind = findPoolingMode(name))
      modules.poolings.push_back(*kind);
  if (all.empty() || all.size() > most || modules.poolings.size() != all.size())
    modules.poolingRefusal.set(modules.poolingPath,
                               "key 'pooling_mode': expected one or at most " +
                                   Twine(most) + " of " + listPoolingModes() +
                                   ", but got " + printableJSON(value));
}

/// The keys of before, of which several may be true; none of them: mean.
static void readOldPoolingModes(ObjectReader &reader,
                                const json::Object &object,
                                SentenceModules &modules) {
  for (const PoolingMode &mode : poolingModes)
    if (reader.boolean(mode.oldKey, false))
      modules.poolings.push_back(mode.kind);
  if (modules.poolings.empty())
    modules.poolings.push_back(PoolKind::Mean);
  for (const auto &[objectKey, value] : object) {
    StringRef key = objectKey;
    bool isKnown = llvm::any_of(
        poolingModes, [&](const PoolingMode &m) { return m.oldKey == key; });
    if (!isKnown && key.starts_with("pooling_mode_") &&
        reader.boolean(key, false))
      modules.poolingRefusal.set(modules.poolingPath,
                                 "expected pooling by one of " +
                                     listPoolingModes() + ", but got '" +
                                     printable(key) + "'");
  }
}

static Error readPooling(StringRef directory, SentenceModules &modules,
                         MetadataWarnings &warnings) {
  modules.poolingPath = joinPath(directory, "config.json");
  Expected<json::Object> object = readJSONObject(modules.poolingPath);
  if (!object)
    return object.takeError();
  if (Error error =
          checkKeys(modules.poolingPath, poolingTable, *object, warnings))
    return error;
  ObjectReader reader(modules.poolingPath, *object);
  if (const json::Value *mode = reader.value("pooling_mode"))
    readPoolingMode(*mode, modules);
  else
    readOldPoolingModes(reader, *object, modules);
  modules.poolingWidth = reader.integer(reader.has("embedding_dimension")
                                            ? "embedding_dimension"
                                            : "word_embedding_dimension",
                                        1, maxWidth, 0);
  modules.includesPrompt = reader.boolean("include_prompt", true);
  return reader.takeError();
}

//===----------------------------------------------------------------------===//
// Modules behind the pooling
//===----------------------------------------------------------------------===//

static constexpr std::pair<StringLiteral, Activation> denseActivations[] = {
    {"torch.nn.modules.linear.Identity", Activation::None},
    {"torch.nn.modules.activation.Tanh", Activation::Tanh},
    {"torch.nn.modules.activation.GELU", Activation::Gelu},
    {"torch.nn.modules.activation.ReLU", Activation::Relu},
    {"torch.nn.modules.activation.SiLU", Activation::Silu},
    {"torch.nn.modules.activation.Sigmoid", Activation::Sigmoid},
};

static void readDenseActivation(ObjectReader &reader, const json::Object &all,
                                EmbeddingModule &module) {
  module.activation = Activation::Tanh;
  const json::Value *value = all.get("activation_function");
  if (!value)
    return;
  std::optional<StringRef> name = value->getAsString();
  for (const auto &[known, activation] : denseActivations) {
    // torch.nn.Tanh is another name of torch.nn.modules.activation.Tanh.
    std::string shortName = "torch.nn." + known.rsplit('.').second.str();
    if (name && (*name == known || *name == shortName)) {
      module.activation = activation;
      return;
    }
  }
  reader.expected(
      "activation_function",
      "one of " + llvm::join(llvm::make_first_range(denseActivations), ", "));
}

static void readDense(ObjectReader &reader, const json::Object &all,
                      EmbeddingModule &module) {
  module.inputs = reader.integer("in_features", 1, maxWidth);
  module.outputs = reader.integer("out_features", 1, maxWidth);
  module.hasBias = reader.boolean("bias", true);
  module.hasResidual = reader.boolean("use_residual", false);
  readDenseActivation(reader, all, module);
}

static void readLayerNorm(ObjectReader &reader, const json::Object &,
                          EmbeddingModule &module) {
  module.inputs = module.outputs = reader.integer("dimension", 1, maxWidth);
}

namespace {
/// A kind of module that takes an embedding and gives another.
struct ModuleKind {
  StringLiteral name;
  EmbeddingModule::Kind kind;
  const MetadataTable &table;
  void (*read)(ObjectReader &reader, const json::Object &all,
               EmbeddingModule &module); // null: it has no numbers of its own
};
} // namespace

static const ModuleKind moduleKinds[] = {
    {"Dense", EmbeddingModule::Dense, denseTable, readDense},
    {"LayerNorm", EmbeddingModule::LayerNorm, layerNormTable, readLayerNorm},
    {"Normalize", EmbeddingModule::Normalize, normalizeTable, nullptr},
};

static Error readEmbeddingModule(const ModuleKind &kind, StringRef directory,
                                 StringRef path, SentenceModules &modules,
                                 MetadataWarnings &warnings) {
  EmbeddingModule module;
  module.kind = kind.kind;
  module.name = path.str();
  module.directory = directory.str();
  module.path = joinPath(directory, "config.json");
  Expected<bool> exists = isThere(module.path);
  if (!exists)
    return exists.takeError();
  // Only modules without numbers of their own were ever saved without a file.
  if (*exists || kind.read) {
    Expected<json::Object> object = readJSONObject(module.path);
    if (!object)
      return object.takeError();
    if (Error error = checkKeys(module.path, kind.table, *object, warnings))
      return error;
    ObjectReader reader(module.path, *object);
    if (kind.read)
      kind.read(reader, *object, module);
    if (Error error = reader.takeError())
      return error;
  }
  modules.modules.push_back(std::move(module));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// modules.json
//===----------------------------------------------------------------------===//

/// Packages that have had the modules; the class `Dense` is in the package
/// itself, in its module `Dense` or, of late, `dense`.
static constexpr StringLiteral packages[] = {
    "sentence_transformers.models.",
    "sentence_transformers.base.modules.",
    "sentence_transformers.sentence_transformer.modules.",
};

/// "layer_norm" of "LayerNorm".
static std::string toSnakeCase(StringRef name) {
  std::string result;
  for (char c : name) {
    if (isUpper(c) && !result.empty())
      result += '_';
    result += toLower(c);
  }
  return result;
}

/// The class of a module of sentence-transformers; empty for what is none.
static StringRef getModuleClass(StringRef type) {
  for (StringRef package : packages) {
    if (!type.starts_with(package))
      continue;
    StringRef rest = type.drop_front(package.size());
    auto [file, name] = rest.split('.');
    if (name.empty() || file == name || file == toSnakeCase(name))
      return name.empty() ? file : name;
  }
  return "";
}

static Error readModule(StringRef directory, StringRef type, StringRef path,
                        SentenceModules &modules, bool isFirst,
                        MetadataWarnings &warnings) {
  std::string moduleDirectory =
      path.empty() ? directory.str() : joinPath(directory, path);
  StringRef kind = getModuleClass(type);
  if ((kind == "Transformer") != isFirst)
    modules.refusal.set(modules.path,
                        "expected the module Transformer first, and once, but "
                        "got '" +
                            printable(type) + "'");
  if (kind == "Transformer") {
    if (isFirst)
      modules.modelDirectory = moduleDirectory;
    return Error::success();
  }
  if (kind == "Pooling") {
    if (modules.poolingPath.empty())
      return readPooling(moduleDirectory, modules, warnings);
    modules.refusal.set(modules.path, "expected one module Pooling, but got "
                                      "two");
    return Error::success();
  }
  const auto *known = llvm::find_if(
      moduleKinds, [&](const ModuleKind &k) { return k.name == kind; });
  bool isKnown = known != std::end(moduleKinds);
  if (!isKnown && kind != "Dropout")
    modules.refusal.set(modules.path,
                        "expected modules Transformer, Pooling, Dense, "
                        "LayerNorm, Normalize and Dropout of "
                        "sentence_transformers, but got '" +
                            printable(type) + "'");
  else if (modules.poolingPath.empty())
    modules.refusal.set(modules.path,
                        "expected the module Pooling before others, but got '" +
                            printable(type) + "'");
  return isKnown ? readEmbeddingModule(*known, moduleDirectory, path, modules,
                                       warnings)
                 : Error::success();
}

static Error readModules(StringRef directory, const json::Array &entries,
                         SentenceModules &modules, MetadataWarnings &warnings) {
  StringSet<> names;
  if (entries.empty())
    modules.refusal.set(modules.path, "expected the module Transformer first, "
                                      "but got no module");
  for (const json::Value &value : entries) {
    const json::Object *entry = value.getAsObject();
    std::optional<StringRef> type =
        entry ? entry->getString("type") : std::nullopt;
    std::optional<StringRef> path =
        entry ? entry->getString("path") : std::nullopt;
    if (!type || !path || (!path->empty() && !isInsideDirectory(*path)))
      return makeFileError(modules.path,
                           "expected modules with a 'type' and a 'path' in the "
                           "directory, but got " +
                               printableJSON(value));
    if (Error error = checkKeys(modules.path, modulesTable, *entry, warnings))
      return error;
    // sentence-transformers would put the second in the place of the first.
    std::optional<StringRef> name = entry->getString("name");
    if (name && !names.insert(*name).second)
      return makeFileError(modules.path, "expected modules of different names, "
                                         "but got two of the name '" +
                                             printable(*name) + "'");
    if (Error error = readModule(directory, *type, *path, modules,
                                 &value == &entries.front(), warnings))
      return error;
  }
  return Error::success();
}

Expected<SentenceModules> tq::readSentenceModules(StringRef directory,
                                                  MetadataWarnings &warnings) {
  SentenceModules modules;
  modules.modelDirectory = directory.str();
  std::string path = joinPath(directory, "modules.json");
  Expected<bool> exists = isThere(path);
  if (!exists)
    return exists.takeError();
  if (!*exists)
    return modules;
  modules.path = path;
  Expected<json::Value> value = readJSON(path);
  if (!value)
    return value.takeError();
  const json::Array *entries = value->getAsArray();
  if (!entries || entries->size() > 64)
    return makeFileError(path, "expected an array of at most 64 modules");
  if (Error error = readModules(directory, *entries, modules, warnings))
    return error;
  return modules;
}
