//===- EmbeddingHead.cpp - What makes an embedding of tokens --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmbeddingHead.h"

#include "EncoderBuilder.h"

using namespace mlir;

namespace tq {

Value buildEmbedding(EncoderBuilder &encoder, Value hidden,
                     const EmbeddingOutput &output) {
  OpBuilder &ops = encoder.getOps();
  Value mask = *output.pooling == PoolKind::Mean ? encoder.getMask() : Value();
  Value row =
      PoolOp::create(ops, encoder.at("pool"), hidden, mask,
                     PoolKindAttr::get(ops.getContext(), *output.pooling));
  if (output.normalize)
    row = L2NormalizeOp::create(ops, encoder.at("normalize"), row);
  return row;
}

} // namespace tq
