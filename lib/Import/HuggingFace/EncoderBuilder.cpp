//===- EncoderBuilder.cpp - Builds @main of an encoder --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncoderBuilder.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using llvm::ArrayRef;
using llvm::StringRef;

static constexpr int64_t dynamic = ShapedType::kDynamic;

EncoderBuilder::EncoderBuilder(const ModelConfig &config,
                               const WeightArchive &archive, bool checkFinite,
                               ModuleOp module)
    : config(config), checkpoint{archive, ""},
      names(config.architecture->family.names), builder(module, checkFinite) {
  // Checkpoints of a bare model come with and without the prefix. Where neither
  // is there, it is the usual name that is missed.
  std::string table = names.wordTable.str() + ".weight";
  StringRef candidate = config.architecture->family.prefix;
  bool isBare = config.architecture->head.empty();
  if (archive.lookup(candidate.str() + table) ||
      (!isBare && !archive.lookup(table)))
    prefix = candidate.str();
}

LogicalResult EncoderBuilder::build(const EmbeddingOutput &output) {
  createMain(output);
  Value hidden = buildEmbeddings();
  for (int64_t i = 0; hidden && i < config.numLayers; ++i)
    hidden = buildLayer(hidden, i);
  if (!hidden)
    return failure();
  bool isBare = config.architecture->head.empty();
  llvm::SmallVector<Value> results = {isBare ? hidden : buildHead(hidden)};
  if (output.hasEmbedding())
    results.push_back(buildEmbedding(builder, hidden, mask, output));
  if (givesPoolerOutput(output))
    results.push_back(buildPooler(hidden));
  return builder.finish("main", results);
}

/// The signature.
void EncoderBuilder::createMain(const EmbeddingOutput &output) {
  StringRef batch = "batch", sequence = "sequence";
  auto idType =
      RankedTensorType::get({dynamic, dynamic}, builder.getOps().getI64Type());
  llvm::SmallVector<StringRef> tokens = {batch, sequence};
  llvm::SmallVector<Port> inputs = {
      {"input_ids", idType, tokens, /*limit=*/config.vocabSize},
      {"attention_mask", idType, tokens, /*limit=*/0, program::Fill::Ones,
       /*isPadding=*/true}};
  if (config.numTokenTypes)
    inputs.push_back({"token_type_ids", idType, tokens,
                      /*limit=*/config.numTokenTypes, program::Fill::Zeros});

  llvm::SmallVector<Port> outputs;
  int64_t hidden = config.hiddenSize;
  int64_t classes = static_cast<int64_t>(config.labels.size());
  if (!config.architecture->head.empty())
    outputs.push_back(
        {"logits", builder.floatType({dynamic, classes}), {batch, "labels"}});
  else
    outputs.push_back({"last_hidden_state",
                       builder.floatType({dynamic, dynamic, hidden}),
                       {batch, sequence, "hidden"}});
  if (output.hasEmbedding())
    outputs.push_back({"embedding",
                       builder.floatType({dynamic, output.width}),
                       {batch, "hidden"}});
  if (givesPoolerOutput(output))
    outputs.push_back({"pooler_output",
                       builder.floatType({dynamic, hidden}),
                       {batch, "hidden"}});

  func::FuncOp main = builder.createFunction("main", inputs, outputs);
  ids = main.getArgument(0);
  mask = main.getArgument(1);
  if (config.numTokenTypes)
    tokenTypes = main.getArgument(2);
}

//===----------------------------------------------------------------------===//
// The parts of an encoder
//===----------------------------------------------------------------------===//

Value EncoderBuilder::buildEmbeddings() {
  IntegerAttr padding;
  if (config.architecture->family.positionsSkipPadding)
    padding = builder.getOps().getI64IntegerAttr(config.paddingId);
  Value words = table(prefix + names.wordTable.str(), ids, config.vocabSize);
  if (tokenTypes)
    words = builder.add(prefix + names.tokenTypeTable.str(), words,
                        table(prefix + names.tokenTypeTable.str(), tokenTypes,
                              config.numTokenTypes));
  Value positions = PositionIdsOp::create(
      builder.getOps(), builder.at(prefix + "embeddings.position_ids"), ids,
      padding);
  Value places =
      table(prefix + names.positionTable.str(), positions, config.numPositions);
  Value sum = builder.add(prefix + names.positionTable.str(), words, places);
  Value normed = layerNorm(prefix + names.embeddingNorm.str(), sum);
  if (config.embeddingSize == config.hiddenSize)
    return normed;
  return linear(prefix + names.embeddingProjection.str(), normed,
                config.hiddenSize);
}

Value EncoderBuilder::buildLayer(Value input, int64_t index) {
  std::string base = prefix + names.layer.str() + std::to_string(index) + ".";
  auto name = [&](StringRef part) { return base + part.str(); };
  int64_t hidden = config.hiddenSize;
  Value query = linear(name(names.query), input, hidden);
  Value key = linear(name(names.key), input, hidden);
  Value value = linear(name(names.value), input, hidden);
  if (!query || !key || !value)
    return nullptr;

  double headSize = static_cast<double>(hidden / config.numHeads);
  OpBuilder &ops = builder.getOps();
  auto scale =
      ops.getF32FloatAttr(static_cast<float>(1.0 / std::sqrt(headSize)));
  Value attended = AttentionOp::create(
      ops, builder.at(name(names.attention)), query, key, value, mask,
      ops.getI64IntegerAttr(config.numHeads), /*num_kv_heads=*/IntegerAttr(),
      scale, /*causal=*/UnitAttr(), /*window=*/IntegerAttr());
  Value output = linear(name(names.attentionOutput), attended, hidden);
  Value normed =
      layerNorm(name(names.attentionNorm),
                builder.add(name(names.attentionOutput), output, input));

  Value inner =
      linear(name(names.intermediate), normed, config.intermediateSize);
  inner = builder.activate(name(names.intermediate), config.activation, inner);
  Value outer = linear(name(names.output), inner, hidden);
  return layerNorm(name(names.outputNorm),
                   builder.add(name(names.output), outer, normed));
}

Value EncoderBuilder::buildHead(Value hidden) {
  Value row = builder.pool("pool", PoolKind::First, hidden, /*mask=*/nullptr);
  ArrayRef<HeadLayer> layers = config.architecture->head;
  for (const HeadLayer &layer : layers) {
    int64_t outputs = &layer == &layers.back()
                          ? static_cast<int64_t>(config.labels.size())
                          : config.hiddenSize;
    std::string name = (layer.inEncoder ? prefix : "") + layer.name.str();
    row = builder.activate(name, layer.activation, linear(name, row, outputs));
  }
  return row;
}

bool EncoderBuilder::givesPoolerOutput(const EmbeddingOutput &output) const {
  StringRef pooler = config.architecture->family.pooler;
  return config.architecture->head.empty() && !output.hasEmbedding() &&
         !pooler.empty() &&
         checkpoint.archive.lookup((prefix + pooler + ".weight").str());
}

Value EncoderBuilder::buildPooler(Value hidden) {
  std::string name = prefix + config.architecture->family.pooler.str();
  Value first = builder.pool("pool", PoolKind::First, hidden, /*mask=*/nullptr);
  Value row = linear(name, first, config.hiddenSize);
  return builder.activate(name, Activation::Tanh, row);
}
