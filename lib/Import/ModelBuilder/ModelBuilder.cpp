//===- ModelBuilder.cpp - Layers, weights and ports of a model ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/ModelBuilder/ModelBuilder.h"

#include "tq/Support/InputError.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace tq;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

Location tq::atFile(MLIRContext *context, StringRef path) {
  return FileLineColLoc::get(context, path, 0, 0);
}

ModelBuilder::ModelBuilder(ModuleOp module, bool checkFinite)
    : checkFinite(checkFinite),
      weights(OpBuilder::atBlockEnd(module.getBody())),
      ops(module.getContext()) {}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static DictionaryAttr getAttributes(Builder &builder, const Port &port) {
  SmallVector<StringAttr> dims;
  for (StringRef dim : port.dims)
    dims.push_back(builder.getStringAttr(dim));
  auto attr = program::PortAttr::get(builder.getContext(), port.name, dims,
                                     port.limit, port.fill, port.isPadding);
  return builder.getDictionaryAttr(
      builder.getNamedAttr(program::kPortAttr, attr));
}

func::FuncOp ModelBuilder::createFunction(StringRef name, ArrayRef<Port> inputs,
                                          ArrayRef<Port> outputs) {
  auto typesOf = [](ArrayRef<Port> ports) {
    return llvm::map_to_vector(
        ports, [](const Port &port) -> Type { return port.type; });
  };
  auto type = ops.getFunctionType(typesOf(inputs), typesOf(outputs));
  auto function = func::FuncOp::create(weights, at(name), name, type);
  for (auto [i, port] : llvm::enumerate(inputs))
    function.setArgAttrs(i, getAttributes(ops, port));
  for (auto [i, port] : llvm::enumerate(outputs))
    function.setResultAttrs(i, getAttributes(ops, port));
  weights.setInsertionPoint(function);
  ops.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

LogicalResult ModelBuilder::finish(StringRef name, ValueRange results) {
  if (hasFailed || llvm::is_contained(results, Value()))
    return failure();
  func::ReturnOp::create(ops, at(name), results);
  return success();
}

Location ModelBuilder::at(StringRef layer) {
  return NameLoc::get(ops.getStringAttr(layer));
}

RankedTensorType ModelBuilder::floatType(Shape shape) {
  return RankedTensorType::get(shape, ops.getF32Type());
}

void ModelBuilder::fail(StringRef path, const Twine &message) {
  if (!hasFailed)
    emitError(atFile(ops.getContext(), path)) << message;
  hasFailed = true;
}

void ModelBuilder::fail(StringRef path, llvm::Error error) {
  llvm::handleAllErrors(
      std::move(error),
      [&](const InputError &input) {
        fail(input.getPath(), input.getMessage());
      },
      [&](const llvm::ErrorInfoBase &other) { fail(path, other.message()); });
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

static int64_t getWidth(Value rows) {
  return cast<RankedTensorType>(rows.getType()).getShape().back();
}

Value ModelBuilder::linear(const Checkpoint &from, StringRef layer, Value input,
                           int64_t outputs, bool hasBias) {
  if (!input)
    return nullptr;
  Value matrix = weight(from, layer, {".weight"}, {outputs, getWidth(input)});
  Value bias = hasBias ? weight(from, layer, {".bias"}, {outputs}) : Value();
  if (!matrix || (hasBias && !bias))
    return nullptr;
  return LinearOp::create(ops, at(from.prefix + layer.str()), input, matrix,
                          bias);
}

Value ModelBuilder::layerNorm(const Checkpoint &from, StringRef layer,
                              Value input, float epsilon) {
  if (!input)
    return nullptr;
  // The second names are those of checkpoints converted from TensorFlow.
  int64_t width = getWidth(input);
  Value gamma = weight(from, layer, {".weight", ".gamma"}, {width});
  Value beta = weight(from, layer, {".bias", ".beta"}, {width});
  if (!gamma || !beta)
    return nullptr;
  return LayerNormOp::create(ops, at(from.prefix + layer.str()), input, gamma,
                             beta, ops.getF32FloatAttr(epsilon));
}

Value ModelBuilder::table(const Checkpoint &from, StringRef layer, Value ids,
                          int64_t rows, int64_t width) {
  Value values = weight(from, layer, {".weight"}, {rows, width});
  if (!values || !ids)
    return nullptr;
  return EmbeddingOp::create(ops, at(from.prefix + layer.str()), ids, values);
}

Value ModelBuilder::activate(StringRef layer, Activation activation,
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
  llvm_unreachable("unknown activation");
}

Value ModelBuilder::add(StringRef layer, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return nullptr;
  return AddOp::create(ops, at(layer), lhs, rhs);
}

Value ModelBuilder::pool(StringRef layer, PoolKind kind, Value input,
                         Value mask) {
  if (!input)
    return nullptr;
  return PoolOp::create(ops, at(layer), input, mask,
                        PoolKindAttr::get(ops.getContext(), kind));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value ModelBuilder::weight(const Checkpoint &from, StringRef layer,
                           ArrayRef<StringRef> suffixes, Shape shape) {
  const Weight *found = find(from, layer, suffixes, shape);
  Type storage = found ? getStorageType(*found) : Type();
  if (!storage)
    return nullptr;
  std::string symbol = from.prefix + found->name;
  declare(*found, symbol, storage);
  return GetWeightOp::create(ops, at(symbol), floatType(found->shape),
                             FlatSymbolRefAttr::get(ops.getContext(), symbol));
}

const Weight *ModelBuilder::find(const Checkpoint &from, StringRef layer,
                                 ArrayRef<StringRef> suffixes, Shape shape) {
  const Weight *found = nullptr;
  for (StringRef suffix : suffixes)
    if (!found)
      found = from.archive.lookup((layer + suffix).str());
  if (!found) {
    fail(from.archive.getPath(),
         "expected tensor '" + layer + suffixes.front() + "' of shape " +
             formatShape(shape) + ", but got none of that name");
    return nullptr;
  }
  if (ArrayRef<int64_t>(found->shape) == shape)
    return found;
  fail(found->path, "tensor '" + found->name + "': expected shape " +
                        formatShape(shape) + ", but got " +
                        formatShape(found->shape));
  return nullptr;
}

/// Null for types that MLIR computes nothing of.
Type ModelBuilder::findStorageType(WeightType type) {
  switch (type) {
  case WeightType::F64:
    return ops.getF64Type();
  case WeightType::F32:
    return ops.getF32Type();
  case WeightType::F16:
    return ops.getF16Type();
  case WeightType::BF16:
    return ops.getBF16Type();
  case WeightType::I64:
  case WeightType::I32:
  case WeightType::I16:
  case WeightType::I8:
  case WeightType::U8:
    return ops.getIntegerType(8 * getWeightTypeBytes(type));
  case WeightType::Bool:
    return ops.getI1Type();
  default:
    return nullptr;
  }
}

Type ModelBuilder::getStorageType(const Weight &weight) {
  Type type = findStorageType(weight.type);
  if (type && isa<FloatType>(type))
    return type;
  fail(weight.path, "tensor '" + weight.name +
                        "': expected dtype F64, F32, F16 or BF16, but got " +
                        getWeightTypeName(weight.type));
  return nullptr;
}

Value ModelBuilder::read(const Weight &weight) {
  Type storage = findStorageType(weight.type);
  if (!storage) {
    fail(weight.path,
         "tensor '" + weight.name +
             "': expected a dtype that tq computes with, but got " +
             getWeightTypeName(weight.type));
    return nullptr;
  }
  std::string place;
  llvm::raw_string_ostream stream(place);
  stream << weight.path << '@' << weight.offset << storage
         << formatShape(weight.shape) << formatShape(weight.strides);
  std::string &symbol = symbols.try_emplace(place, weight.name).first->second;
  declare(weight, symbol, storage);
  Type element = isa<FloatType>(storage) ? ops.getF32Type() : storage;
  return GetWeightOp::create(ops, at(symbol),
                             RankedTensorType::get(weight.shape, element),
                             FlatSymbolRefAttr::get(ops.getContext(), symbol));
}

void ModelBuilder::declare(const Weight &weight, StringRef symbol,
                           Type storage) {
  if (!declared.insert(symbol).second)
    return;
  auto type = RankedTensorType::get(weight.shape, storage);
  auto mapped = MappedAttr::get(ops.getContext(), weight.path, weight.offset,
                                weight.fileDigest, weight.strides);
  WeightOp::create(weights, at(symbol), symbol, /*sym_visibility=*/StringAttr(),
                   type, mapped, /*offset=*/IntegerAttr());
  if (!checkFinite)
    return;
  if (std::optional<std::string> warning = findNonFinite(weight))
    emitWarning(atFile(ops.getContext(), weight.path)) << *warning;
}
