//===- ImportHuggingFace.cpp - A Hugging Face directory as tq -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "ClassifierConfig.h"
#include "EncoderBuilder.h"
#include "ModelConfig.h"
#include "SentenceConfig.h"
#include "SentenceModules.h"

#include "tq/Import/HuggingFace/TokenizerTables.h"
#include "tq/Import/Weights/WeightArchive.h"
#include "tq/Support/InputError.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace tq;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static LogicalResult report(MLIRContext *context, Error error) {
  llvm::handleAllErrors(
      std::move(error),
      [&](const InputError &input) {
        emitError(atFile(context, input.getPath())) << input.getMessage();
      },
      [&](const llvm::ErrorInfoBase &other) {
        emitError(UnknownLoc::get(context)) << other.message();
      });
  return failure();
}

static Error checkRefusal(const Refusal &refusal) {
  return refusal.message.empty() ? Error::success()
                                 : makeFileError(refusal.path, refusal.message);
}

/// Checks that the directory is of the kind that `config` is:
/// SentenceTransformer without a head, CrossEncoder with one.
static Error checkModelType(const ModelConfig &config,
                            const SentenceModules &modules,
                            const TextConfig &texts,
                            const EncodeConfig &encode) {
  bool isClassifier = !config.architecture->head.empty();
  StringRef expected = isClassifier ? "CrossEncoder" : "SentenceTransformer";
  if (!modules.path.empty() && encode.modelType != expected)
    return makeFileError(encode.path.empty() ? modules.path : encode.path,
                         "expected the model type " + expected + " for " +
                             config.architecture->name + ", but got " +
                             printable(encode.modelType));
  StringRef task =
      isClassifier ? "sequence-classification" : "feature-extraction";
  if (!modules.path.empty() && texts.task != task)
    return makeFileError(texts.path.empty() ? modules.path : texts.path,
                         "key 'transformer_task': expected \"" + task +
                             "\" for " + config.architecture->name +
                             ", but got \"" + texts.task + "\"");
  if (isClassifier && (!modules.poolings.empty() || !modules.modules.empty()))
    return makeFileError(modules.path,
                         "expected only the module Transformer for " +
                             config.architecture->name);
  return Error::success();
}

/// Follows the width of the embedding from module to module.
static Expected<int64_t> checkWidths(int64_t width,
                                     llvm::ArrayRef<EmbeddingModule> modules) {
  for (const EmbeddingModule &module : modules) {
    if (module.inputs && module.inputs != width)
      return makeFileError(module.path,
                           "expected the module '" + module.name +
                               "' to take " + llvm::Twine(width) +
                               " numbers, which it gets, but it takes " +
                               llvm::Twine(module.inputs));
    if (module.outputs)
      width = module.outputs;
  }
  return width;
}

/// What modules.json says of the pooling, unless the user says something else.
static Error choosePooling(ImportPooling asked, const ModelConfig &config,
                           const SentenceModules &modules,
                           const EncodeConfig &encode,
                           EmbeddingOutput &output) {
  if (std::optional<PoolKind> kind = getPoolKind(asked)) {
    output.poolings = {*kind};
    return Error::success();
  }
  if (Error error = checkRefusal(modules.poolingRefusal))
    return error;
  if (modules.poolingWidth && modules.poolingWidth != config.hiddenSize)
    return makeFileError(modules.poolingPath,
                         "expected pooling of " +
                             llvm::Twine(config.hiddenSize) +
                             " numbers, as the model gives, but got "
                             "'embedding_dimension' " +
                             llvm::Twine(modules.poolingWidth));
  if (!modules.includesPrompt && encode.hasPrompts())
    return makeFileError(modules.poolingPath,
                         "key 'include_prompt': expected true for a model with "
                         "prompts, whose tokens tq pools, but got false");
  output.poolings = modules.poolings;
  return Error::success();
}

/// Decides on the embedding from what the user asks for and what the files of
/// sentence-transformers have.
static Expected<EmbeddingOutput> chooseOutput(ImportPooling asked,
                                              const ModelConfig &config,
                                              const SentenceModules &modules,
                                              const TextConfig &texts,
                                              const EncodeConfig &encode) {
  EmbeddingOutput output;
  if (asked == ImportPooling::None)
    return output;
  bool isAsked = asked != ImportPooling::Auto;
  if (!config.architecture->head.empty() && isAsked)
    return makeFileError(config.path,
                         "expected a model without a classification head for "
                         "pooling, but got " +
                             config.architecture->name);
  if (Error error = checkRefusal(modules.refusal))
    return error;
  if (Error error = checkModelType(config, modules, texts, encode))
    return error;
  if (!config.architecture->head.empty())
    return output;
  if (Error error = choosePooling(asked, config, modules, encode, output))
    return error;
  output.modules = modules.modules;
  int64_t pooled =
      config.hiddenSize * static_cast<int64_t>(output.poolings.size());
  Expected<int64_t> width = checkWidths(pooled, output.modules);
  if (!width)
    return width.takeError();
  output.width =
      encode.truncateDim ? std::min(*width, encode.truncateDim) : *width;
  return output;
}

/// A prompt is put before a single text, so a classifier has none.
static Error checkPrompts(const ModelConfig &config, const EncodeConfig &encode,
                          MetadataWarnings &warnings) {
  const EncodeConfig::Prompt *prompt = encode.findDefaultPrompt();
  bool isClassifier = !config.architecture->head.empty();
  if (isClassifier && prompt && !prompt->text.empty())
    return makeFileError(encode.path,
                         "key 'default_prompt_name': expected null for " +
                             config.architecture->name + ", but got \"" +
                             prompt->name + "\"");
  if (isClassifier && encode.hasPrompts())
    warnings.push_back({encode.path, "key 'prompts': expected none for a "
                                     "classifier, which goes on without"});
  return Error::success();
}

static Expected<TokenizerTables> readTokenizer(const ModelConfig &config,
                                               const SentenceModules &modules,
                                               const TextConfig &texts,
                                               MetadataWarnings &warnings) {
  Expected<TokenizerTables> tables =
      readTokenizerTables(modules.modelDirectory, texts.lowerCases, warnings);
  if (!tables)
    return tables.takeError();
  if (Error error = checkTokenizerIds(*tables, config.vocabSize, warnings))
    return error;
  return tables;
}

/// The tables travel with the module: whatever becomes of the files, a program
/// that is made of it has this tokenizer.
static void setTokenizer(ModuleOp module, const TokenizerTables &tables) {
  Builder builder(module.getContext());
  if (tables.blob.empty()) {
    module->setAttr(program::kTokenizerNoteAttr,
                    builder.getStringAttr(tables.note));
    return;
  }
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(tables.blob.data()),
                             tables.blob.size());
  auto type = RankedTensorType::get({static_cast<int64_t>(bytes.size())},
                                    builder.getI8Type());
  module->setAttr(
      program::kTokenizerAttr,
      DenseResourceElementsAttr::get(
          type, "tokenizer",
          HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, /*align=*/8)));
}

static std::string getModelName(StringRef directory) {
  llvm::SmallString<128> path;
  if (llvm::sys::fs::real_path(directory, path))
    path = directory;
  return llvm::sys::path::filename(path).str();
}

/// How a program treats a text before its tokens are there.
static void setTextAttributes(ModuleOp module, const ModelConfig &config,
                              const TextConfig &texts,
                              const EncodeConfig &encode) {
  Builder builder(module.getContext());
  int64_t maxSequence = config.getMaxSequence();
  int64_t maxTokens =
      texts.maxTokens ? std::min(texts.maxTokens, maxSequence) : maxSequence;
  module->setAttr(program::kMaxTokensAttr,
                  builder.getI64IntegerAttr(maxTokens));
  if (encode.prompts.empty() || !config.architecture->head.empty())
    return;
  llvm::SmallVector<NamedAttribute> prompts;
  for (const EncodeConfig::Prompt &prompt : encode.prompts)
    prompts.push_back(
        builder.getNamedAttr(prompt.name, builder.getStringAttr(prompt.text)));
  module->setAttr(program::kPromptsAttr, builder.getDictionaryAttr(prompts));
  if (!encode.defaultPrompt.empty())
    module->setAttr(program::kDefaultPromptAttr,
                    builder.getStringAttr(encode.defaultPrompt));
}

static void setModuleAttributes(ModuleOp module, StringRef directory,
                                const ModelConfig &config) {
  Builder builder(module.getContext());
  int64_t maxSequence = config.getMaxSequence();
  module->setAttr(program::kNameAttr,
                  builder.getStringAttr(getModelName(directory)));
  MLIRContext *context = module.getContext();
  module->setAttr(
      program::kSymbolsAttr,
      builder.getArrayAttr(
          {program::SymbolAttr::get(context, "batch", /*max=*/0,
                                    /*batch=*/true),
           program::SymbolAttr::get(context, "sequence", maxSequence,
                                    /*batch=*/false)}));
  if (config.labels.empty())
    return;
  llvm::SmallVector<StringAttr> labels;
  for (const std::string &label : config.labels)
    labels.push_back(builder.getStringAttr(label));
  module->setAttr(
      program::kLabelsAttr,
      program::LabelsAttr::get(context, labels, config.labelScores));
}

FailureOr<OwningOpRef<ModuleOp>>
tq::importHuggingFace(StringRef directory, const ImportOptions &options,
                      MLIRContext *context) {
  context->loadDialect<TQDialect, program::ProgramDialect, arith::ArithDialect,
                       func::FuncDialect, tensor::TensorDialect>();
  if (!llvm::sys::fs::is_directory(directory))
    return report(
        context, makeFileError(directory, "expected the directory of a model"));
  MetadataWarnings warnings;
  Expected<SentenceModules> modules = readSentenceModules(directory, warnings);
  if (!modules)
    return report(context, modules.takeError());
  Expected<ModelConfig> config =
      readModelConfig(modules->modelDirectory, warnings);
  if (!config)
    return report(context, config.takeError());
  Expected<TextConfig> texts =
      readTextConfig(modules->modelDirectory, warnings);
  if (!texts)
    return report(context, texts.takeError());
  // Without modules there is nothing to which it belongs.
  Expected<EncodeConfig> encode = modules->path.empty()
                                      ? EncodeConfig()
                                      : readEncodeConfig(directory, warnings);
  if (!encode)
    return report(context, encode.takeError());
  if (Error error = checkPrompts(*config, *encode, warnings))
    return report(context, std::move(error));
  Expected<EmbeddingOutput> output =
      chooseOutput(options.pooling, *config, *modules, *texts, *encode);
  if (!output)
    return report(context, output.takeError());
  Expected<TokenizerTables> tokenizer =
      readTokenizer(*config, *modules, *texts, warnings);
  if (!tokenizer)
    return report(context, tokenizer.takeError());
  Expected<std::unique_ptr<WeightArchive>> archive =
      openWeightArchive(modules->modelDirectory);
  if (!archive)
    return report(context, archive.takeError());
  for (const MetadataWarning &warning : warnings)
    emitWarning(atFile(context, warning.path)) << warning.message;

  OwningOpRef<ModuleOp> module =
      ModuleOp::create(NameLoc::get(StringAttr::get(context, directory)));
  setModuleAttributes(*module, directory, *config);
  setTokenizer(*module, *tokenizer);
  setTextAttributes(*module, *config, *texts, *encode);
  EncoderBuilder builder(*config, **archive, options.checkFinite, *module);
  if (failed(builder.build(*output)) || failed(verify(*module)))
    return failure();
  return module;
}
