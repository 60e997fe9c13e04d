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
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tq;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Batch dimensions of the indices, then what is left of the source.
static Dims reifyGather(tensor::GatherOp op, DimsOf dimsOf) {
  Dims dims = dimsOf(op.getIndices());
  dims.pop_back();
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

static Dims staticDims(RankedTensorType type) {
  Builder builder(type.getContext());
  return llvm::map_to_vector(
      type.getShape(),
      [&](int64_t size) -> OpFoldResult { return builder.getIndexAttr(size); });
}

/// The `tensor.dim` of an operand that the size is, if any.
static tensor::DimOp getOperandDim(Operation *op, OpFoldResult size) {
  auto value = dyn_cast_if_present<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  bool isOperand =
      dim && llvm::is_contained(op->getOperands(), dim.getSource());
  return isOperand && getConstantDim(dim) ? dim : tensor::DimOp();
}

/// Erases what an interface created to read sizes of the operands, where
/// nothing uses it.
static void eraseUnusedDims(Operation *op,
                            const ReifiedRankedShapedTypeDims &shapes) {
  llvm::SmallSetVector<Operation *, 4> unused;
  for (const auto &shape : shapes)
    for (OpFoldResult size : shape)
      if (tensor::DimOp dim = getOperandDim(op, size); dim && dim.use_empty())
        unused.insert(dim);
  for (Operation *dim : unused) {
    Operation *index = cast<tensor::DimOp>(dim).getIndex().getDefiningOp();
    dim->erase();
    if (index->use_empty())
      index->erase();
  }
}

/// What the op says, in terms of the sizes that are known of its operands.
static FailureOr<Dims> reifyByInterface(OpBuilder &builder, OpResult result,
                                        DimsOf dimsOf) {
  auto op = dyn_cast<ReifyRankedShapedTypeOpInterface>(result.getOwner());
  ReifiedRankedShapedTypeDims shapes;
  if (!op || failed(op.reifyResultShapes(builder, shapes)))
    return failure();
  Dims dims(shapes[result.getResultNumber()]);
  llvm::SmallDenseMap<Value, Dims> known; // asked once: it may create ops
  for (OpFoldResult &size : dims)
    if (tensor::DimOp dim = getOperandDim(op, size)) {
      auto [entry, isNew] = known.try_emplace(dim.getSource());
      if (isNew)
        entry->second = dimsOf(dim.getSource());
      size = entry->second[*getConstantDim(dim)];
    }
  eraseUnusedDims(op, shapes);
  return dims;
}

FailureOr<Dims> tq::reifyComputedDims(OpBuilder &builder, OpResult result,
                                      DimsOf dimsOf) {
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return dimsOf(destination.getTiedOpOperand(result)->get());
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return dimsOf(cast.getSource());
  if (auto gather = dyn_cast<tensor::GatherOp>(op))
    return reifyGather(gather, dimsOf);
  return reifyByInterface(builder, result, dimsOf);
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
