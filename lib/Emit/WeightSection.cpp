//===- WeightSection.cpp - The weights of a program in one file -----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/WeightSection.h"

#include "tq/Emit/WeightEvaluator.h"

#include "mlir/IR/BuiltinAttributes.h"

#include <tuple>

using namespace llvm;
using namespace tq;

/// Weights begin at multiples of it, as kernels read whole cache lines.
static constexpr uint64_t kAlignment = 64;

namespace {
struct PlacedWeight {
  uint64_t offset;
  uint64_t bytes;
  WeightOp op;
};
} // namespace

static Expected<SmallVector<PlacedWeight>>
collectWeights(mlir::ModuleOp module) {
  SmallVector<PlacedWeight> weights;
  for (WeightOp op : module.getOps<WeightOp>()) {
    mlir::Attribute attr = op->getAttr("tq.offset");
    if (!attr)
      continue;
    auto offset = dyn_cast<mlir::IntegerAttr>(attr);
    if (!offset || !offset.getType().isSignlessInteger(64) ||
        offset.getInt() < 0 || offset.getInt() % kAlignment != 0)
      return createStringError("weight @" + op.getSymName() +
                               ": expected tq.offset to be a multiple of 64");
    std::optional<int64_t> bytes = getTensorBytes(op.getTensorType());
    weights.push_back({uint64_t(offset.getInt()), uint64_t(*bytes), op});
  }
  sort(weights, [](const PlacedWeight &a, const PlacedWeight &b) {
    return std::tie(a.offset, a.bytes) < std::tie(b.offset, b.bytes);
  });
  return weights;
}

Error tq::writeWeightSection(mlir::ModuleOp module, uint64_t sectionBytes,
                             raw_ostream &stream, ProgressFn progress) {
  Expected<SmallVector<PlacedWeight>> weights = collectWeights(module);
  if (!weights)
    return weights.takeError();
  WeightEvaluator evaluator(module);
  uint64_t position = 0;
  for (PlacedWeight &weight : *weights) {
    if (weight.offset < position)
      return createStringError("weight @" + weight.op.getSymName() +
                               " overlaps the weight before it");
    if (weight.offset > sectionBytes ||
        weight.bytes > sectionBytes - weight.offset)
      return createStringError(
          "weight @" + weight.op.getSymName() + " ends at byte " +
          Twine(weight.offset + weight.bytes) + " of a section of weights of " +
          Twine(sectionBytes) + " bytes");
    Expected<TensorData> data = evaluator.evaluate(weight.op);
    if (!data)
      return data.takeError();
    stream.write_zeros(weight.offset - position);
    ArrayRef<uint8_t> bytes = data->bytes();
    stream.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    position = weight.offset + weight.bytes;
    progress(position, sectionBytes);
  }
  stream.write_zeros(sectionBytes - position);
  return Error::success();
}
