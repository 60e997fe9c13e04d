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
#include "SentenceModules.h"

#include "tq/Import/Weights/JSONFile.h"
#include "tq/Import/Weights/WeightArchive.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace tq {

/// Line 0 keeps handlers from showing a line of what may be a binary file.
static Location atFile(MLIRContext *context, StringRef path) {
  return FileLineColLoc::get(context, path, 0, 0);
}

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

/// Decides on the embedding from what the user asks for and what modules.json
/// has.
static Expected<EmbeddingOutput> chooseOutput(ImportPooling asked,
                                              const ModelConfig &config,
                                              const SentenceModules &modules) {
  EmbeddingOutput output;
  bool isAsked = asked == ImportPooling::Mean || asked == ImportPooling::Cls;
  if (!config.architecture->head.empty()) {
    if (isAsked)
      return makeFileError(config.path,
                           "expected a model without a classification head for "
                           "pooling, but got " +
                               config.architecture->name);
    return output;
  }
  if (asked == ImportPooling::None)
    return output;
  if (!modules.unsupportedModule.empty())
    return makeFileError(modules.path,
                         "expected modules Transformer, Pooling and Normalize, "
                         "but got '" +
                             modules.unsupportedModule + "'");
  if (!isAsked && !modules.unsupportedPooling.empty())
    return makeFileError(modules.poolingPath,
                         "expected one of pooling_mode_mean_tokens and "
                         "pooling_mode_cls_token, but got " +
                             modules.unsupportedPooling);
  output.pooling = modules.pooling;
  if (asked == ImportPooling::Mean)
    output.pooling = PoolKind::Mean;
  if (asked == ImportPooling::Cls)
    output.pooling = PoolKind::First;
  output.normalize = modules.normalize;
  return output;
}

static std::string getModelName(StringRef directory) {
  llvm::SmallString<128> path;
  if (llvm::sys::fs::real_path(directory, path))
    path = directory;
  return llvm::sys::path::filename(path).str();
}

static void setModuleAttributes(ModuleOp module, StringRef directory,
                                const ModelConfig &config,
                                const SentenceModules &modules) {
  Builder builder(module.getContext());
  int64_t maxSequence = config.getMaxSequence();
  int64_t maxTokens = modules.maxTokens
                          ? std::min(modules.maxTokens, maxSequence)
                          : maxSequence;
  module->setAttr("tq.model_name",
                  builder.getStringAttr(getModelName(directory)));
  module->setAttr("tq.tokenizer_dir",
                  builder.getStringAttr(modules.modelDirectory));
  module->setAttr("tq.batch_dim", builder.getStringAttr("batch"));
  module->setAttr("tq.max_tokens", builder.getI64IntegerAttr(maxTokens));
  NamedAttribute sequence =
      builder.getNamedAttr("sequence", builder.getI64IntegerAttr(maxSequence));
  module->setAttr("tq.dim_limits", builder.getDictionaryAttr(sequence));
  if (config.labels.empty())
    return;
  llvm::SmallVector<StringRef> labels(config.labels.begin(),
                                      config.labels.end());
  module->setAttr("tq.labels", builder.getStrArrayAttr(labels));
  module->setAttr("tq.label_scores", builder.getStringAttr(getLabelScoresName(
                                         config.labelScores)));
}

FailureOr<OwningOpRef<ModuleOp>> importHuggingFace(StringRef directory,
                                                   const ImportOptions &options,
                                                   MLIRContext *context) {
  context->loadDialect<TQDialect, func::FuncDialect>();
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
  Expected<EmbeddingOutput> output =
      chooseOutput(options.pooling, *config, *modules);
  if (!output)
    return report(context, output.takeError());
  Expected<WeightArchive> archive =
      WeightArchive::open(modules->modelDirectory);
  if (!archive)
    return report(context, archive.takeError());
  for (const MetadataWarning &warning : warnings)
    emitWarning(atFile(context, warning.path)) << warning.message;
  if (modules->lowerCases)
    emitWarning(atFile(context, modules->modelDirectory))
        << "sentence_bert_config.json asks for lower-cased texts, which only a "
           "tokenizer that lower-cases itself will give";

  OwningOpRef<ModuleOp> module =
      ModuleOp::create(NameLoc::get(StringAttr::get(context, directory)));
  setModuleAttributes(*module, directory, *config, *modules);
  EncoderBuilder builder(*config, *archive, options.checkFinite, *module);
  if (failed(builder.build(*output)) || failed(verify(*module)))
    return failure();
  return module;
}

} // namespace tq
