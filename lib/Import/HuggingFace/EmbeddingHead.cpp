//===- EmbeddingHead.cpp - What makes an embedding of tokens --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmbeddingHead.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tq;

static Value buildDense(ModelBuilder &builder, const Checkpoint &from,
                        const EmbeddingModule &module, Value input) {
  Value row =
      builder.linear(from, "linear", input, module.outputs, module.hasBias);
  row = builder.activate(from.prefix + "linear", module.activation, row);
  if (!module.hasResidual)
    return row;
  Value residual = module.inputs == module.outputs
                       ? input
                       : builder.linear(from, "residual", input, module.outputs,
                                        /*hasBias=*/false);
  return builder.add(from.prefix + "residual", row, residual);
}

static Value buildModule(ModelBuilder &builder, Value input,
                         const EmbeddingModule &module) {
  if (module.kind == EmbeddingModule::Normalize)
    return L2NormalizeOp::create(builder.getOps(), builder.at("normalize"),
                                 input);
  llvm::Expected<std::unique_ptr<WeightArchive>> archive =
      openWeightArchive(module.directory);
  if (!archive) {
    builder.fail(module.directory, archive.takeError());
    return nullptr;
  }
  // The files of all modules call their tensors the same.
  Checkpoint from = {**archive, module.name + "."};
  if (module.kind == EmbeddingModule::Dense)
    return buildDense(builder, from, module, input);
  constexpr float epsilon = 1e-5f; // that of torch, which no file gives
  return builder.layerNorm(from, "norm", input, epsilon);
}

static Value buildPooling(ModelBuilder &builder, Value hidden, Value mask,
                          llvm::ArrayRef<PoolKind> kinds) {
  llvm::SmallVector<Value> rows;
  for (PoolKind kind : kinds)
    rows.push_back(builder.pool("pool", kind, hidden,
                                kind == PoolKind::First ? Value() : mask));
  if (rows.size() == 1)
    return rows.front();
  return tensor::ConcatOp::create(builder.getOps(), builder.at("pool"),
                                  /*dim=*/1, rows);
}

/// The first `width` numbers of each row.
static Value truncate(ModelBuilder &builder, Value rows, int64_t width) {
  OpBuilder &ops = builder.getOps();
  Location loc = builder.at("truncate");
  Value batch = tensor::DimOp::create(ops, loc, rows, 0);
  llvm::SmallVector<OpFoldResult> offsets(2, ops.getIndexAttr(0)),
      strides(2, ops.getIndexAttr(1)), sizes = {batch, ops.getIndexAttr(width)};
  return tensor::ExtractSliceOp::create(ops, loc, rows, offsets, sizes,
                                        strides);
}

Value tq::buildEmbedding(ModelBuilder &builder, Value hidden, Value mask,
                         const EmbeddingOutput &output) {
  Value rows = buildPooling(builder, hidden, mask, output.poolings);
  for (const EmbeddingModule &module : output.modules) {
    rows = buildModule(builder, rows, module);
    if (!rows)
      return nullptr;
  }
  if (cast<RankedTensorType>(rows.getType()).getDimSize(1) != output.width)
    rows = truncate(builder, rows, output.width);
  return rows;
}
