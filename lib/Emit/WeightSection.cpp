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

namespace {
struct PlacedWeight {
  uint64_t offset;
  uint64_t bytes;
  WeightOp op;
};
} // namespace

static SmallVector<PlacedWeight> collectWeights(mlir::ModuleOp module) {
  SmallVector<PlacedWeight> weights;
  for (WeightOp op : module.getOps<WeightOp>())
    if (std::optional<int64_t> offset = op.getOffset())
      weights.push_back({uint64_t(*offset),
                         uint64_t(*getTensorBytes(op.getTensorType())), op});
  sort(weights, [](const PlacedWeight &a, const PlacedWeight &b) {
    return std::tie(a.offset, a.bytes) < std::tie(b.offset, b.bytes);
  });
  return weights;
}

Error tq::writeWeightSection(mlir::ModuleOp module, uint64_t sectionBytes,
                             raw_ostream &stream, ProgressFn progress) {
  WeightEvaluator evaluator(module);
  uint64_t position = 0;
  for (PlacedWeight &weight : collectWeights(module)) {
    uint64_t expected = alignTo(position, kWeightAlignment);
    if (weight.offset != expected)
      return createStringError("weight @" + weight.op.getSymName() +
                               ": expected offset " + Twine(expected) +
                               ", behind the weights before it, but got " +
                               Twine(weight.offset));
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
