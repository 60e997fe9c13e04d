//===- EncoderBuilder.cpp - Builds @main of an encoder --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncoderBuilder.h"

#include "tq/Support/JSONFile.h"

#include "mlir/IR/Diagnostics.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

static constexpr int64_t dynamic = ShapedType::kDynamic;

EncoderBuilder::EncoderBuilder(const ModelConfig &config,
                               const WeightArchive &archive, bool checkFinite,
                               ModuleOp module)
    : config(config), archive(archive),
      names(config.architecture->family.names), checkFinite(checkFinite),
      module(module), weights(OpBuilder::atBlockBegin(module.getBody())),
      ops(module.getContext()) {
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
  func::FuncOp main = createMain(output);
  Block *body = main.addEntryBlock();
  ops.setInsertionPointToStart(body);
  ids = body->getArgument(0);
  mask = body->getArgument(1);
  if (config.numTokenTypes)
    tokenTypes = body->getArgument(2);

  Value hidden = buildEmbeddings();
  for (int64_t i = 0; hidden && i < config.numLayers; ++i)
    hidden = buildLayer(hidden, i);
  if (!hidden)
    return failure();
  return finish(hidden, output);
}

//===----------------------------------------------------------------------===//
// The signature of @main
//===----------------------------------------------------------------------===//

namespace {
/// One argument or result: its type and the attributes the user's tools read.
struct Port {
  RankedTensorType type;
  DictionaryAttr attributes;
};
} // namespace

static Port makePort(Builder &builder, StringRef name, RankedTensorType type,
                     ArrayRef<StringRef> dims,
                     ArrayRef<NamedAttribute> others = {}) {
  llvm::SmallVector<NamedAttribute> attributes(others);
  attributes.push_back(
      builder.getNamedAttr("tq.name", builder.getStringAttr(name)));
  attributes.push_back(
      builder.getNamedAttr("tq.dims", builder.getStrArrayAttr(dims)));
  return {type, builder.getDictionaryAttr(attributes)};
}

func::FuncOp EncoderBuilder::createMain(const EmbeddingOutput &output) {
  auto limit = [&](int64_t count) {
    return ops.getNamedAttr("tq.limit", ops.getI64IntegerAttr(count));
  };
  auto fill = [&](StringRef with) {
    return ops.getNamedAttr("tq.fill", ops.getStringAttr(with));
  };
  auto idType = RankedTensorType::get({dynamic, dynamic}, ops.getI64Type());
  StringRef batch = "batch", sequence = "sequence";
  llvm::SmallVector<Port> inputs = {
      makePort(ops, "input_ids", idType, {batch, sequence},
               {limit(config.vocabSize)}),
      makePort(
          ops, "attention_mask", idType, {batch, sequence},
          {fill("ones"), ops.getNamedAttr("tq.padding", ops.getUnitAttr())})};
  if (config.numTokenTypes)
    inputs.push_back(makePort(ops, "token_type_ids", idType, {batch, sequence},
                              {fill("zeros"), limit(config.numTokenTypes)}));

  llvm::SmallVector<Port> outputs;
  int64_t hidden = config.hiddenSize;
  int64_t classes = static_cast<int64_t>(config.labels.size());
  if (!config.architecture->head.empty())
    outputs.push_back(makePort(ops, "logits", floatType({dynamic, classes}),
                               {batch, "labels"}));
  else
    outputs.push_back(makePort(ops, "last_hidden_state",
                               floatType({dynamic, dynamic, hidden}),
                               {batch, sequence, "hidden"}));
  if (output.hasEmbedding())
    outputs.push_back(makePort(ops, "embedding",
                               floatType({dynamic, output.width}),
                               {batch, "hidden"}));
  if (givesPoolerOutput(output))
    outputs.push_back(makePort(
        ops, "pooler_output", floatType({dynamic, hidden}), {batch, "hidden"}));

  auto typesOf = [](ArrayRef<Port> ports) {
    return llvm::map_to_vector(ports,
                               [](const Port &p) -> Type { return p.type; });
  };
  auto type = ops.getFunctionType(typesOf(inputs), typesOf(outputs));
  OpBuilder end = OpBuilder::atBlockEnd(module.getBody());
  auto main = func::FuncOp::create(end, at("main"), "main", type);
  for (auto [i, port] : llvm::enumerate(inputs))
    main.setArgAttrs(i, port.attributes);
  for (auto [i, port] : llvm::enumerate(outputs))
    main.setResultAttrs(i, port.attributes);
  weights.setInsertionPoint(main);
  return main;
}

//===----------------------------------------------------------------------===//
// The parts of an encoder
//===----------------------------------------------------------------------===//

Value EncoderBuilder::buildEmbeddings() {
  IntegerAttr padding;
  if (config.architecture->family.positionsSkipPadding)
    padding = ops.getI64IntegerAttr(config.paddingId);
  Value words = table(prefix + names.wordTable.str(), ids, config.vocabSize);
  if (tokenTypes)
    words = add(prefix + names.tokenTypeTable.str(), words,
                table(prefix + names.tokenTypeTable.str(), tokenTypes,
                      config.numTokenTypes));
  Value positions = PositionIdsOp::create(
      ops, at(prefix + "embeddings.position_ids"), ids, padding);
  Value places =
      table(prefix + names.positionTable.str(), positions, config.numPositions);
  Value sum = add(prefix + names.positionTable.str(), words, places);
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
  auto scale =
      ops.getF32FloatAttr(static_cast<float>(1.0 / std::sqrt(headSize)));
  Value attended = AttentionOp::create(
      ops, at(name(names.attention)), query, key, value, mask,
      ops.getI64IntegerAttr(config.numHeads), /*num_kv_heads=*/IntegerAttr(),
      scale, /*causal=*/UnitAttr());
  Value output = linear(name(names.attentionOutput), attended, hidden);
  Value normed = layerNorm(name(names.attentionNorm),
                           add(name(names.attentionOutput), output, input));

  Value inner =
      linear(name(names.intermediate), normed, config.intermediateSize);
  inner = activate(name(names.intermediate), config.activation, inner);
  Value outer = linear(name(names.output), inner, hidden);
  return layerNorm(name(names.outputNorm),
                   add(name(names.output), outer, normed));
}

Value EncoderBuilder::takeFirstToken(Value hidden) {
  return PoolOp::create(ops, at("pool"), hidden, /*mask=*/nullptr,
                        PoolKindAttr::get(ops.getContext(), PoolKind::First));
}

Value EncoderBuilder::buildHead(Value hidden) {
  Value row = takeFirstToken(hidden);
  ArrayRef<HeadLayer> layers = config.architecture->head;
  for (const HeadLayer &layer : layers) {
    int64_t outputs = &layer == &layers.back()
                          ? static_cast<int64_t>(config.labels.size())
                          : config.hiddenSize;
    std::string name = (layer.inEncoder ? prefix : "") + layer.name.str();
    row = activate(name, layer.activation, linear(name, row, outputs));
  }
  return row;
}

bool EncoderBuilder::givesPoolerOutput(const EmbeddingOutput &output) const {
  StringRef pooler = config.architecture->family.pooler;
  return config.architecture->head.empty() && !output.hasEmbedding() &&
         !pooler.empty() && archive.lookup((prefix + pooler + ".weight").str());
}

Value EncoderBuilder::buildPooler(Value hidden) {
  std::string name = prefix + config.architecture->family.pooler.str();
  Value row = linear(name, takeFirstToken(hidden), config.hiddenSize);
  return activate(name, Activation::Tanh, row);
}

LogicalResult EncoderBuilder::finish(Value hidden,
                                     const EmbeddingOutput &output) {
  llvm::SmallVector<Value> results;
  if (config.architecture->head.empty())
    results.push_back(hidden);
  else
    results.push_back(buildHead(hidden));
  if (output.hasEmbedding())
    results.push_back(buildEmbedding(*this, hidden, output));
  if (givesPoolerOutput(output))
    results.push_back(buildPooler(hidden));
  if (hasFailed)
    return failure();
  func::ReturnOp::create(ops, at("main"), results);
  return success();
}

//===----------------------------------------------------------------------===//
// Layers; each gives null where an operand is null or a tensor is not as
// expected
//===----------------------------------------------------------------------===//

Value EncoderBuilder::linear(StringRef layer, Value input, int64_t outputs) {
  if (!input)
    return nullptr;
  int64_t inputs = cast<RankedTensorType>(input.getType()).getShape().back();
  Value matrix = weight(layer, {".weight"}, {outputs, inputs});
  Value bias = weight(layer, {".bias"}, {outputs});
  if (!matrix || !bias)
    return nullptr;
  return LinearOp::create(ops, at(layer), input, matrix, bias);
}

Value EncoderBuilder::layerNorm(StringRef layer, Value input) {
  if (!input)
    return nullptr;
  int64_t width = cast<RankedTensorType>(input.getType()).getShape().back();
  // The second names are those of checkpoints converted from TensorFlow.
  Value gamma = weight(layer, {".weight", ".gamma"}, {width});
  Value beta = weight(layer, {".bias", ".beta"}, {width});
  if (!gamma || !beta)
    return nullptr;
  return LayerNormOp::create(ops, at(layer), input, gamma, beta,
                             ops.getF32FloatAttr(config.epsilon));
}

Value EncoderBuilder::activate(StringRef layer, Activation activation,
                               Value input) {
  if (!input)
    return nullptr;
  Location loc = at(layer);
  switch (activation) {
  case Activation::None:
    return input;
  case Activation::Gelu:
    return GeluOp::create(ops, loc, input, /*tanh=*/false);
  case Activation::GeluTanh:
    return GeluOp::create(ops, loc, input, /*tanh=*/true);
  case Activation::Relu:
    return ReluOp::create(ops, loc, input);
  case Activation::Silu:
    return SiluOp::create(ops, loc, input);
  case Activation::Tanh:
    return TanhOp::create(ops, loc, input);
  case Activation::Sigmoid:
    return SigmoidOp::create(ops, loc, input);
  case Activation::QuickGelu:
    return QuickGeluOp::create(ops, loc, input);
  }
  return nullptr;
}

Value EncoderBuilder::table(StringRef layer, Value rowIds, int64_t rows) {
  Value values = weight(layer, {".weight"}, {rows, config.embeddingSize});
  if (!values)
    return nullptr;
  return EmbeddingOp::create(ops, at(layer), rowIds, values);
}

Value EncoderBuilder::add(StringRef layer, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return nullptr;
  return AddOp::create(ops, at(layer), lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value EncoderBuilder::weight(StringRef layer, ArrayRef<StringRef> suffixes,
                             Shape shape) {
  const Weight *found = find(archive, layer, suffixes, shape);
  return found ? read(*found) : nullptr;
}

Value EncoderBuilder::read(const Weight &weight) {
  Type storage = getStorageType(weight);
  if (!storage)
    return nullptr;
  declare(weight, storage);
  return GetWeightOp::create(
      ops, at(weight.name), floatType(weight.shape),
      FlatSymbolRefAttr::get(ops.getContext(), weight.name));
}

const Weight *EncoderBuilder::find(const WeightArchive &archive,
                                   StringRef layer,
                                   ArrayRef<StringRef> suffixes, Shape shape) {
  const Weight *found = nullptr;
  for (StringRef suffix : suffixes)
    if (!found)
      found = archive.lookup((layer + suffix).str());
  if (!found) {
    fail(archive.getPath(), "expected tensor '" + layer + suffixes.front() +
                                "' of shape " + formatShape(shape) +
                                ", but got none of that name");
    return nullptr;
  }
  if (ArrayRef<int64_t>(found->shape) == shape)
    return found;
  fail(found->path, "tensor '" + found->name + "': expected shape " +
                        formatShape(shape) + ", but got " +
                        formatShape(found->shape));
  return nullptr;
}

Type EncoderBuilder::getStorageType(const Weight &weight) {
  switch (weight.type) {
  case WeightType::F64:
    return ops.getF64Type();
  case WeightType::F32:
    return ops.getF32Type();
  case WeightType::F16:
    return ops.getF16Type();
  case WeightType::BF16:
    return ops.getBF16Type();
  default:
    fail(weight.path, "tensor '" + weight.name +
                          "': expected dtype F64, F32, F16 or BF16, but got " +
                          getWeightTypeName(weight.type));
    return nullptr;
  }
}

void EncoderBuilder::declare(const Weight &weight, Type storage) {
  if (!declared.insert(weight.name).second)
    return;
  auto type = RankedTensorType::get(weight.shape, storage);
  auto mapped = MappedAttr::get(ops.getContext(), weight.path, weight.offset,
                                weight.fileDigest);
  WeightOp::create(weights, at(weight.name), weight.name,
                   /*sym_visibility=*/StringAttr(), type, mapped);
  if (!checkFinite)
    return;
  if (std::optional<std::string> warning = findNonFinite(weight))
    emitWarning(FileLineColLoc::get(ops.getContext(), weight.path, 0, 0))
        << *warning;
}

Location EncoderBuilder::at(StringRef layer) {
  return NameLoc::get(ops.getStringAttr(layer));
}

RankedTensorType EncoderBuilder::floatType(Shape shape) {
  return RankedTensorType::get(shape, ops.getF32Type());
}

void EncoderBuilder::fail(StringRef path, const Twine &message) {
  if (!hasFailed)
    emitError(FileLineColLoc::get(ops.getContext(), path, 0, 0)) << message;
  hasFailed = true;
}
