//===- EmbeddingHead.cpp - What makes an embedding of tokens --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmbeddingHead.h"

#include "EncoderBuilder.h"

#include "tq/Support/JSONFile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tq;
using llvm::StringRef;

namespace {
/// The layers of one module, whose weights are in a file of their own.
class ModuleBuilder {
public:
  ModuleBuilder(EncoderBuilder &encoder, const EmbeddingModule &module,
                const WeightArchive &archive)
      : encoder(encoder), ops(encoder.getOps()), module(module),
        archive(archive) {}

  Value buildDense(Value input) {
    Value row = linear("linear", input, module.hasBias);
    row = encoder.activate(nameOf("linear"), module.activation, row);
    if (!row || !module.hasResidual)
      return row;
    Value residual = module.inputs == module.outputs
                         ? input
                         : linear("residual", input, /*hasBias=*/false);
    return residual ? AddOp::create(ops, encoder.at(nameOf("residual")), row,
                                    residual)
                    : Value();
  }

  Value buildLayerNorm(Value input) {
    constexpr float epsilon = 1e-5f; // that of torch, which no file gives
    Value gamma = weight("norm", ".weight", {module.outputs});
    Value beta = weight("norm", ".bias", {module.outputs});
    if (!gamma || !beta)
      return nullptr;
    return LayerNormOp::create(ops, encoder.at(nameOf("norm")), input, gamma,
                               beta, ops.getF32FloatAttr(epsilon));
  }

private:
  std::string nameOf(StringRef layer) const {
    return module.name + "." + layer.str();
  }

  Value linear(StringRef layer, Value input, bool hasBias) {
    Value matrix = weight(layer, ".weight", {module.outputs, module.inputs});
    Value bias = hasBias ? weight(layer, ".bias", {module.outputs}) : Value();
    if (!matrix || (hasBias && !bias))
      return nullptr;
    return LinearOp::create(ops, encoder.at(nameOf(layer)), input, matrix,
                            bias);
  }

  /// The files of all modules call their tensors the same: a symbol has the
  /// module's name, too.
  Value weight(StringRef layer, StringRef suffix, EncoderBuilder::Shape shape) {
    const Weight *found = encoder.find(archive, layer, suffix, shape);
    if (!found)
      return nullptr;
    Weight renamed = *found;
    renamed.name = nameOf(found->name);
    return encoder.read(renamed);
  }

  EncoderBuilder &encoder;
  OpBuilder &ops;
  const EmbeddingModule &module;
  const WeightArchive &archive;
};
} // namespace

static Value buildModule(EncoderBuilder &encoder, Value input,
                         const EmbeddingModule &module) {
  if (module.kind == EmbeddingModule::Normalize)
    return L2NormalizeOp::create(encoder.getOps(), encoder.at("normalize"),
                                 input);
  llvm::Expected<WeightArchive> archive = WeightArchive::open(module.directory);
  if (!archive) {
    llvm::handleAllErrors(
        archive.takeError(),
        [&](const InputError &error) {
          encoder.fail(error.getPath(), error.getMessage());
        },
        [&](const llvm::ErrorInfoBase &error) {
          encoder.fail(module.directory, error.message());
        });
    return nullptr;
  }
  ModuleBuilder builder(encoder, module, *archive);
  return module.kind == EmbeddingModule::Dense ? builder.buildDense(input)
                                               : builder.buildLayerNorm(input);
}

static Value buildPooling(EncoderBuilder &encoder, Value hidden,
                          llvm::ArrayRef<PoolKind> kinds) {
  OpBuilder &ops = encoder.getOps();
  llvm::SmallVector<Value> rows;
  for (PoolKind kind : kinds) {
    Value mask = kind == PoolKind::First ? Value() : encoder.getMask();
    rows.push_back(PoolOp::create(ops, encoder.at("pool"), hidden, mask,
                                  PoolKindAttr::get(ops.getContext(), kind)));
  }
  if (rows.size() == 1)
    return rows.front();
  return tensor::ConcatOp::create(ops, encoder.at("pool"), /*dim=*/1, rows);
}

/// The first `width` numbers of each row.
static Value truncate(EncoderBuilder &encoder, Value rows, int64_t width) {
  OpBuilder &ops = encoder.getOps();
  Location loc = encoder.at("truncate");
  Value batch = tensor::DimOp::create(ops, loc, rows, 0);
  llvm::SmallVector<OpFoldResult> offsets(2, ops.getIndexAttr(0)),
      strides(2, ops.getIndexAttr(1)), sizes = {batch, ops.getIndexAttr(width)};
  return tensor::ExtractSliceOp::create(ops, loc, rows, offsets, sizes,
                                        strides);
}

Value tq::buildEmbedding(EncoderBuilder &encoder, Value hidden,
                         const EmbeddingOutput &output) {
  Value rows = buildPooling(encoder, hidden, output.poolings);
  for (const EmbeddingModule &module : output.modules) {
    rows = buildModule(encoder, rows, module);
    if (!rows)
      return nullptr;
  }
  if (cast<RankedTensorType>(rows.getType()).getDimSize(1) != output.width)
    rows = truncate(encoder, rows, output.width);
  return rows;
}
