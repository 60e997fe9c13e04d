//===- Analysis.cpp - What the lower phase knows of single ops ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Analysis.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tq;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static Dims withLast(Dims dims, OpFoldResult last) {
  dims.back() = last;
  return dims;
}

static Dims withoutLast(Dims dims) {
  dims.pop_back();
  return dims;
}

static Dims reifyGatheredRows(Value ids, Value table, DimsOf dimsOf) {
  Dims dims = dimsOf(ids);
  dims.push_back(dimsOf(table)[1]);
  return dims;
}

static Dims reifyMatmul(MatmulOp op, DimsOf dimsOf) {
  Dims rhs = dimsOf(op.getRhs());
  return withLast(dimsOf(op.getLhs()),
                  op.getTransposeRhs() ? rhs[rhs.size() - 2] : rhs.back());
}

static Dims reifyPool(PoolOp op, DimsOf dimsOf) {
  Dims dims = dimsOf(op.getInput());
  return {dims[0], dims[2]};
}

/// Batch dimensions of the indices, then what is left of the source.
static Dims reifyGather(tensor::GatherOp op, DimsOf dimsOf) {
  Dims dims = withoutLast(dimsOf(op.getIndices()));
  Dims source = dimsOf(op.getSource());
  size_t left = op.getResultType().getRank() - dims.size();
  bool keepsGathered = left == source.size();
  Builder builder(op.getContext());
  for (auto [i, size] : llvm::enumerate(source)) {
    bool gathered =
        llvm::is_contained(op.getGatherDims(), static_cast<int64_t>(i));
    if (!gathered)
      dims.push_back(size);
    else if (keepsGathered)
      dims.push_back(builder.getIndexAttr(1));
  }
  return dims;
}

static Dims reifySlice(tensor::ExtractSliceOp op) {
  Dims dims;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [i, size] : llvm::enumerate(op.getMixedSizes()))
    if (!dropped.test(i))
      dims.push_back(size);
  return dims;
}

static FailureOr<Dims> reifyTQ(OpResult result, DimsOf dimsOf) {
  Operation *op = result.getOwner();
  return TypeSwitch<Operation *, FailureOr<Dims>>(op)
      .Case<EmbeddingOp, QuantizedEmbeddingOp>([&](auto op) {
        return reifyGatheredRows(op.getIds(), op.getTable(), dimsOf);
      })
      .Case<LinearOp, QuantizedLinearOp>([&](auto op) {
        return withLast(dimsOf(op.getInput()), dimsOf(op.getWeight())[0]);
      })
      .Case([&](MatmulOp op) { return reifyMatmul(op, dimsOf); })
      .Case([&](PoolOp op) { return reifyPool(op, dimsOf); })
      .Case([&](DynamicQuantizeOp op) {
        Dims dims = dimsOf(op.getInput());
        return result.getResultNumber() == 0 ? dims : withoutLast(dims);
      })
      .Case<ColumnSumsOp>(
          [&](ColumnSumsOp op) { return withoutLast(dimsOf(op.getWeight())); })
      .Case<PositionIdsOp, AttentionOp, LayerNormOp, RmsNormOp, SoftmaxOp,
            GeluOp, QuickGeluOp, ReluOp, SiluOp, TanhOp, SigmoidOp, AddOp,
            SubOp, MulOp, DivOp, L2NormalizeOp, QuantizeOp, DequantizeOp>(
          [&](Operation *op) { return dimsOf(op->getOperand(0)); })
      .Default([](Operation *) { return failure(); });
}

static Dims staticDims(RankedTensorType type) {
  Builder builder(type.getContext());
  return llvm::map_to_vector(
      type.getShape(),
      [&](int64_t size) -> OpFoldResult { return builder.getIndexAttr(size); });
}

static FailureOr<Dims> reifyByInterface(OpBuilder &builder, OpResult result) {
  auto op = dyn_cast<ReifyRankedShapedTypeOpInterface>(result.getOwner());
  ReifiedRankedShapedTypeDims shapes;
  if (!op || failed(op.reifyResultShapes(builder, shapes)))
    return failure();
  return Dims(shapes[result.getResultNumber()]);
}

FailureOr<Dims> tq::reifyComputedDims(OpBuilder &builder, OpResult result,
                                      DimsOf dimsOf) {
  Operation *op = result.getOwner();
  if (isa<TQDialect>(op->getDialect()))
    return reifyTQ(result, dimsOf);
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return dimsOf(destination.getTiedOpOperand(result)->get());
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getMixedSizes();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dimsOf(cast.getSource());
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return reifySlice(slice);
  if (auto gather = dyn_cast<tensor::GatherOp>(op))
    return reifyGather(gather, dimsOf);
  return reifyByInterface(builder, result);
}

FailureOr<Dims> tq::reifyResultDims(OpBuilder &builder, OpResult result,
                                    DimsOf dimsOf) {
  auto type = cast<RankedTensorType>(result.getType());
  Dims dims = staticDims(type);
  if (type.hasStaticShape())
    return dims;
  FailureOr<Dims> reified = reifyComputedDims(builder, result, dimsOf);
  if (failed(reified))
    return failure();
  // What the type says is a constant, whatever the op computes it from.
  for (auto [i, size] : llvm::enumerate(*reified))
    if (type.isDynamicDim(i))
      dims[i] = size;
  return dims;
}

//===----------------------------------------------------------------------===//
// Kinds of ops
//===----------------------------------------------------------------------===//

bool tq::isElementwise(Operation *op) {
  return isa<GeluOp, QuickGeluOp, ReluOp, SiluOp, TanhOp, SigmoidOp, AddOp,
             SubOp, MulOp, DivOp>(op);
}

bool tq::isContraction(Operation *op) {
  return isa<LinearOp, QuantizedLinearOp, MatmulOp>(op);
}

bool tq::isPlainPositionIds(Operation *op) {
  auto positions = dyn_cast_or_null<PositionIdsOp>(op);
  return positions && !positions.getPaddingId();
}

StringRef tq::getLayerName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = getLayerName(part); !name.empty())
        return name;
  return {};
}

//===----------------------------------------------------------------------===//
// What may stand in the function
//===----------------------------------------------------------------------===//

static bool isScalarOp(Operation *op) {
  return isa<arith::ArithDialect, math::MathDialect, affine::AffineDialect>(
             op->getDialect()) &&
         op->getNumRegions() == 0 &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

static bool isSupported(Operation *op) {
  if (isa<func::ReturnOp, cf::AssertOp, arith::ConstantOp, program::GetStateOp,
          program::SetStateOp>(op) ||
      isScalarOp(op) || isView(op))
    return true;
  if (isa<TQDialect>(op->getDialect()))
    return !isa<QuantizeWeightOp, PackWeightOp>(op) ||
           isCompileTimeValue(op->getResult(0));
  if (isa<linalg::LinalgOp, linalg::SoftmaxOp>(op))
    return true;
  return isa<tensor::EmptyOp, tensor::DimOp, tensor::ExtractOp,
             tensor::ConcatOp, tensor::PadOp, tensor::GatherOp,
             tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::InsertOp,
             tensor::GenerateOp, tensor::FromElementsOp, tensor::SplatOp>(op);
}

LogicalResult tq::checkOps(func::FuncOp schedule) {
  for (Operation &op : schedule.getBody().front()) {
    for (Type type : op.getResultTypes())
      if (isa<UnrankedTensorType>(type))
        return op.emitError("expected ranked tensors, but got ") << type;
    if (!isSupported(&op))
      return op.emitError("expected an op of the tq, linalg, tensor, arith or "
                          "math dialect that can become a kernel, but got '")
             << op.getName() << "'";
  }
  return success();
}
