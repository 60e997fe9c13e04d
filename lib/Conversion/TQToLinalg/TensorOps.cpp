//===- TensorOps.cpp - Tensor and linalg ops in destination style ---------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tq;

static Value asValue(OpBuilder &builder, Location loc, OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(builder, loc, value);
}

/// Offsets, sizes and strides with old values replaced by new ones.
static SmallVector<OpFoldResult> mapped(KernelLowering &lowering,
                                        ArrayRef<OpFoldResult> values) {
  return llvm::map_to_vector(values, [&](OpFoldResult value) -> OpFoldResult {
    auto old = dyn_cast<Value>(value);
    return old ? OpFoldResult(lowering.lookup(old)) : value;
  });
}

//===----------------------------------------------------------------------===//
// Parts of tensors
//===----------------------------------------------------------------------===//

/// Copies `source` to a part of `destination`.
static Value writePart(KernelLowering &lowering, Location loc, Value source,
                       Value destination, ArrayRef<OpFoldResult> offsets,
                       ArrayRef<OpFoldResult> sizes,
                       ArrayRef<OpFoldResult> strides) {
  OpBuilder &builder = lowering.getBuilder();
  auto type = tensor::ExtractSliceOp::inferCanonicalRankReducedResultType(
      rankOf(source), cast<RankedTensorType>(destination.getType()), sizes);
  Value part = tensor::ExtractSliceOp::create(builder, loc, type, destination,
                                              offsets, sizes, strides);
  Value copied = lowering.copy(loc, source, part);
  return tensor::InsertSliceOp::create(builder, loc, copied, destination,
                                       offsets, sizes, strides);
}

static void lowerConcat(KernelLowering &lowering, tensor::ConcatOp op) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  auto result = cast<OpResult>(op.getResult());
  Value destination = lowering.destination(result);
  unsigned rank = rankOf(destination);
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, builder.getIndexAttr(1));
  OpFoldResult &offset = offsets[op.getDim()];
  AffineExpr sum =
      builder.getAffineSymbolExpr(0) + builder.getAffineSymbolExpr(1);
  for (Value input : op.getInputs()) {
    Value source = lowering.lookup(input);
    auto sizes = tensor::getMixedSizes(builder, loc, source);
    destination =
        writePart(lowering, loc, source, destination, offsets, sizes, strides);
    offset = affine::makeComposedFoldedAffineApply(
        builder, loc, sum, {offset, sizes[op.getDim()]});
  }
  lowering.define(result, destination);
}

static void lowerInsertSlice(KernelLowering &lowering,
                             tensor::InsertSliceOp op) {
  auto result = cast<OpResult>(op.getResult());
  Value destination = lowering.lookup(op.getDest());
  Value out = lowering.destination(result);
  if (destination != out)
    destination = lowering.copy(op.getLoc(), destination, out);
  lowering.define(
      result, writePart(lowering, op.getLoc(), lowering.lookup(op.getSource()),
                        destination, mapped(lowering, op.getMixedOffsets()),
                        mapped(lowering, op.getMixedSizes()),
                        mapped(lowering, op.getMixedStrides())));
}

/// Element offset + index * stride; index 0 in dimensions that are dropped.
static void lowerExtractSlice(KernelLowering &lowering,
                              tensor::ExtractSliceOp op) {
  auto result = cast<OpResult>(op.getResult());
  Value source = lowering.lookup(op.getSource());
  auto offsets = mapped(lowering, op.getMixedOffsets());
  auto strides = mapped(lowering, op.getMixedStrides());
  llvm::SmallBitVector dropped = op.getDroppedDims();
  ElementExpr expr{
      {}, [=](OpBuilder &builder, Location loc, ValueRange) {
        SmallVector<Value> indices;
        unsigned dim = 0;
        for (size_t i = 0; i < offsets.size(); ++i) {
          Value index = asValue(builder, loc, offsets[i]);
          if (!dropped.test(i)) {
            Value at = linalg::IndexOp::create(builder, loc, dim++);
            at = arith::MulIOp::create(builder, loc, at,
                                       asValue(builder, loc, strides[i]));
            index = arith::AddIOp::create(builder, loc, index, at);
          }
          indices.push_back(index);
        }
        return Value(tensor::ExtractOp::create(builder, loc, source, indices));
      }};
  lowering.define(result, expr);
}

//===----------------------------------------------------------------------===//
// Computed elements
//===----------------------------------------------------------------------===//

/// What the region of an op yields, whose arguments are the element's indices.
static ElementExpr regionExpr(KernelLowering &lowering, Region &region) {
  IRMapping outer = lowering.getMapping();
  Block *block = &region.front();
  return {{}, [=](OpBuilder &builder, Location loc, ValueRange) {
            IRMapping mapping = outer;
            for (BlockArgument index : block->getArguments())
              mapping.map(index, Value(linalg::IndexOp::create(
                                     builder, loc, index.getArgNumber())));
            for (Operation &op : block->without_terminator())
              builder.clone(op, mapping);
            return mapping.lookupOrDefault(
                block->getTerminator()->getOperand(0));
          }};
}

static void lowerGenerate(KernelLowering &lowering, tensor::GenerateOp op) {
  lowering.define(cast<OpResult>(op.getResult()),
                  regionExpr(lowering, op.getBody()));
}

/// The padding everywhere, then the source in its place.
static void lowerPad(KernelLowering &lowering, tensor::PadOp op) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  auto result = cast<OpResult>(op.getResult());
  Value source = lowering.lookup(op.getSource());
  Value padded = lowering.write(loc, regionExpr(lowering, op.getRegion()),
                                lowering.destination(result));
  SmallVector<OpFoldResult> strides(rankOf(source), builder.getIndexAttr(1));
  lowering.define(result, writePart(lowering, loc, source, padded,
                                    mapped(lowering, op.getMixedLowPad()),
                                    tensor::getMixedSizes(builder, loc, source),
                                    strides));
}

/// The index nearest to `index` that dimension `dim` of `source` has.
static Value clampIndex(OpBuilder &builder, Location loc, Value index,
                        Value source, int64_t dim) {
  Type type = builder.getIndexType();
  if (index.getType() != type)
    index = arith::IndexCastOp::create(builder, loc, type, index);
  Value size = builder.createOrFold<tensor::DimOp>(loc, source, dim);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value last = arith::SubIOp::create(builder, loc, size, one);
  index = arith::MaxSIOp::create(builder, loc, index, zero);
  return arith::MinSIOp::create(builder, loc, index, last);
}

static Value buildGather(tensor::GatherOp op, OpBuilder &builder, Location loc,
                         Value source, Value indices) {
  unsigned batchRank = rankOf(indices) - 1;
  SmallVector<Value> at;
  for (unsigned i = 0; i < batchRank; ++i)
    at.push_back(linalg::IndexOp::create(builder, loc, i));
  bool keepsGathered = rankOf(op.getResult()) - batchRank == rankOf(source);
  ArrayRef<int64_t> gathered = op.getGatherDims();
  unsigned dim = batchRank;
  SmallVector<Value> position(rankOf(source));
  for (unsigned i = 0; i < position.size(); ++i) {
    auto *found = llvm::find(gathered, static_cast<int64_t>(i));
    if (found == gathered.end()) {
      position[i] = linalg::IndexOp::create(builder, loc, dim++);
      continue;
    }
    at.push_back(
        arith::ConstantIndexOp::create(builder, loc, found - gathered.begin()));
    Value index = tensor::ExtractOp::create(builder, loc, indices, at);
    at.pop_back();
    position[i] = clampIndex(builder, loc, index, source, i);
    dim += keepsGathered;
  }
  return tensor::ExtractOp::create(builder, loc, source, position);
}

static void lowerGather(KernelLowering &lowering, tensor::GatherOp op) {
  Value source = lowering.lookup(op.getSource());
  Value indices = lowering.lookup(op.getIndices());
  lowering.define(cast<OpResult>(op.getResult()),
                  {{}, [=](OpBuilder &builder, Location loc, ValueRange) {
                     return buildGather(op, builder, loc, source, indices);
                   }});
}

static void lowerSplat(KernelLowering &lowering, tensor::SplatOp op) {
  auto result = cast<OpResult>(op.getResult());
  auto fill = linalg::FillOp::create(lowering.getBuilder(), op.getLoc(),
                                     lowering.lookup(op.getInput()),
                                     lowering.destination(result));
  lowering.define(result, fill.getResult(0));
}

static void lowerFromElements(KernelLowering &lowering,
                              tensor::FromElementsOp op) {
  OpBuilder &builder = lowering.getBuilder();
  Location loc = op.getLoc();
  auto result = cast<OpResult>(op.getResult());
  Value tensor = lowering.destination(result);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(tensor.getType()).getShape();
  SmallVector<int64_t> strides = computeSuffixProduct(shape);
  for (auto [i, element] : llvm::enumerate(op.getElements())) {
    SmallVector<Value> indices;
    for (int64_t index : delinearize(i, strides))
      indices.push_back(arith::ConstantIndexOp::create(builder, loc, index));
    tensor = tensor::InsertOp::create(builder, loc, lowering.lookup(element),
                                      tensor, indices);
  }
  lowering.define(result, tensor);
}

static void lowerInsert(KernelLowering &lowering, tensor::InsertOp op) {
  auto result = cast<OpResult>(op.getResult());
  Value destination = lowering.lookup(op.getDest());
  Value out = lowering.destination(result);
  if (destination != out)
    destination = lowering.copy(op.getLoc(), destination, out);
  SmallVector<Value> indices = llvm::map_to_vector(
      op.getIndices(), [&](Value old) { return lowering.lookup(old); });
  lowering.define(result,
                  tensor::InsertOp::create(lowering.getBuilder(), op.getLoc(),
                                           lowering.lookup(op.getScalar()),
                                           destination, indices));
}

/// Element [i, j, ...] of the operand's at [..., i, ...], where `dims` says.
static void lowerPermute(KernelLowering &lowering, PermuteOp op) {
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> indices(op.getDims().size());
  for (auto [to, from] : llvm::enumerate(op.getDims()))
    indices[from] = getAffineDimExpr(to, context);
  AffineMap map = AffineMap::get(indices.size(), 0, indices, context);
  lowering.define(cast<OpResult>(op.getResult()),
                  lowering.read(op.getInput(), map));
}

/// Scalars, attention and the slices that it reads.
static bool isKept(Operation *op) {
  if (isa<AttentionOpInterface, tensor::DimOp, tensor::ExtractOp>(op))
    return true;
  if (isa<tensor::ExtractSliceOp>(op))
    return llvm::all_of(op->getUsers(), llvm::IsaPred<AttentionOpInterface>);
  return llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

LogicalResult tq::lowerTensorOp(KernelLowering &lowering, Operation *op) {
  if (isKept(op)) {
    Operation *kept = lowering.getBuilder().clone(*op, lowering.getMapping());
    for (Value result : kept->getResults())
      result.setType(toStorageType(result.getType()));
    return success();
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](PermuteOp op) { return lowerPermute(lowering, op), success(); })
      .Case([&](tensor::ConcatOp op) {
        return lowerConcat(lowering, op), success();
      })
      .Case([&](tensor::InsertSliceOp op) {
        return lowerInsertSlice(lowering, op), success();
      })
      .Case([&](tensor::ExtractSliceOp op) {
        return lowerExtractSlice(lowering, op), success();
      })
      .Case([&](tensor::GenerateOp op) {
        return lowerGenerate(lowering, op), success();
      })
      .Case([&](tensor::PadOp op) { return lowerPad(lowering, op), success(); })
      .Case([&](tensor::GatherOp op) {
        return lowerGather(lowering, op), success();
      })
      .Case([&](tensor::SplatOp op) {
        return lowerSplat(lowering, op), success();
      })
      .Case([&](tensor::FromElementsOp op) {
        return lowerFromElements(lowering, op), success();
      })
      .Case([&](tensor::InsertOp op) {
        return lowerInsert(lowering, op), success();
      })
      .Default([](Operation *op) {
        return op->emitError("expected an op with a lowering to linalg in a "
                             "kernel, but got '")
               << op->getName() << "'";
      });
}

//===----------------------------------------------------------------------===//
// Linalg
//===----------------------------------------------------------------------===//

/// The destination of result `i`, holding what the op finds there.
static Value redirectInit(KernelLowering &lowering, Operation *op, Value init,
                          OpResult result) {
  Value out = lowering.destination(result);
  Value known = lowering.lookup(init);
  auto fill = known.getDefiningOp<linalg::FillOp>();
  if (known == out || (fill && fill.output() == out))
    return known;
  // Kernels of rows know a reduction by what it starts from.
  TypedAttr number;
  if (fill && matchPattern(fill.value(), m_Constant(&number)))
    return lowering.fill(op->getLoc(), number, out);
  return lowering.copy(op->getLoc(), known, out);
}

/// The results of the op in simpler linalg ops.
static FailureOr<SmallVector<Value>> simplify(KernelLowering &lowering,
                                              Operation *clone) {
  IRRewriter rewriter(lowering.getBuilder());
  rewriter.setInsertionPoint(clone);
  if (isa<linalg::GenericOp, linalg::FillOp>(clone))
    return SmallVector<Value>(clone->getResults());
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(clone)) {
    auto values = softmax.decomposeOperation(rewriter);
    if (succeeded(values))
      clone->erase();
    return values;
  }
  auto generic =
      linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(clone));
  if (failed(generic))
    return failure();
  return SmallVector<Value>(generic->getResults());
}

LogicalResult tq::lowerLinalgOp(KernelLowering &lowering, Operation *op) {
  if (auto copy = dyn_cast<linalg::CopyOp>(op))
    if (copy.getInputs()[0].getType() == copy.getOutputs()[0].getType()) {
      OpResult result = op->getResult(0);
      lowering.define(result,
                      lowering.copy(op->getLoc(),
                                    lowering.lookup(copy.getInputs()[0]),
                                    lowering.destination(result)));
      return success();
    }
  auto style = cast<DestinationStyleOpInterface>(op);
  SmallVector<Value> inits;
  for (OpOperand &init : style.getDpsInitsMutable())
    inits.push_back(
        redirectInit(lowering, op, init.get(), style.getTiedOpResult(&init)));
  OpBuilder &builder = lowering.getBuilder();
  IRMapping mapping = lowering.getMapping();
  Operation *clone = builder.clone(*op, mapping);
  cast<DestinationStyleOpInterface>(clone).getDpsInitsMutable().assign(inits);
  FailureOr<SmallVector<Value>> values = simplify(lowering, clone);
  builder.setInsertionPointToEnd(&lowering.getKernel().getBody().front());
  if (failed(values))
    return op->emitError("expected an op that has a form as linalg.generic, "
                         "but got '")
           << op->getName() << "'";
  for (auto [result, value] : llvm::zip(op->getResults(), *values))
    lowering.define(result, value);
  return success();
}
