//===- AxisTrace.cpp - Where the axes of a tensor come from ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AxisTrace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "tq/Dialect/TQ/IR/TQ.h"

using namespace mlir;
using namespace tq;

using Axes = SmallVector<Axis>;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

OpOperand *tq::getBroadcastSource(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() != 0)
    return nullptr;
  Block &body = *op.getBody();
  if (body.getTerminator()->getOperand(0) != body.getArgument(0) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return nullptr;
  OpOperand *source = op.getDpsInputOperand(0);
  int64_t last = -1;
  for (AffineExpr expr : op.getMatchingIndexingMap(source).getResults()) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr);
        constant && constant.getValue() == 0)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || int64_t(dim.getPosition()) <= last)
      return nullptr;
    last = dim.getPosition();
  }
  return source;
}

namespace {
/// A dimension of a source.
struct Size {
  int64_t size;
  OpFoldResult known;
};
} // namespace

/// Distributes the axes of a dimension over several that it is made of. Of one
/// product, all factors but one have to be known to be the same.
static std::optional<SmallVector<Axes>> distribute(const Axes &axes,
                                                   ArrayRef<Size> sizes) {
  SmallVector<Axes> parts(sizes.size());
  SmallVector<size_t> places; // of sizes that are not 1
  for (auto [i, size] : llvm::enumerate(sizes))
    if (size.size != 1)
      places.push_back(i);
  if (places.size() == 1) {
    parts[places.front()] = axes;
    return parts;
  }
  if (axes.size() == 1 && axes.front().dim && !axes.front().isRepeated) {
    // Four bits a split: dimensions are few, and so are splits.
    uint64_t order = axes.front().order << 4;
    for (size_t place : places)
      parts[place].push_back({axes.front().dim, sizes[place].size,
                              sizes[place].known, 0, order++});
    return parts;
  }
  if (axes.size() != places.size())
    return std::nullopt;
  unsigned open = 0;
  for (auto [axis, place] : llvm::zip_equal(axes, places)) {
    const Size &size = sizes[place];
    if (ShapedType::isDynamic(axis.size) != ShapedType::isDynamic(size.size))
      return std::nullopt;
    if (!ShapedType::isDynamic(size.size) && axis.size != size.size)
      return std::nullopt;
    if (ShapedType::isDynamic(size.size))
      open += !axis.known || axis.known != size.known;
    parts[place].push_back(axis);
  }
  return open <= 1 ? std::optional(parts) : std::nullopt;
}

namespace {
class Tracer {
public:
  Tracer(Value value, bool onlyViews) : onlyViews(onlyViews) {
    trace.root = value;
    for (auto [i, size] : llvm::enumerate(shapeOf(value))) {
      Axes &axes = trace.dims.emplace_back();
      if (size != 1)
        axes.push_back({unsigned(i), size, getDimSize(value, i)});
    }
  }

  AxisTrace run() {
    while (Operation *op = trace.root.getDefiningOp())
      if (!step(op))
        break;
    return std::move(trace);
  }

private:
  using Dims = SmallVector<Axes>;

  bool step(Operation *op);
  bool move(Value source, Dims dims) {
    trace.root = source;
    trace.dims = std::move(dims);
    return true;
  }
  bool stepExpand(tensor::ExpandShapeOp op);
  bool stepCollapse(tensor::CollapseShapeOp op);
  bool stepPermute(PermuteOp op);
  bool stepSlice(tensor::ExtractSliceOp op);
  bool stepBroadcast(linalg::GenericOp op);

  bool onlyViews;
  AxisTrace trace;
};
} // namespace

/// A dimension of the source is those of its group, one after the other.
bool Tracer::stepExpand(tensor::ExpandShapeOp op) {
  Dims dims(op.getSrcType().getRank());
  for (auto [axes, group] : llvm::zip_equal(dims, op.getReassociationIndices()))
    for (int64_t dim : group)
      llvm::append_range(axes, trace.dims[dim]);
  return move(op.getSrc(), std::move(dims));
}

bool Tracer::stepCollapse(tensor::CollapseShapeOp op) {
  Dims dims(op.getSrcType().getRank());
  for (auto [i, group] : llvm::enumerate(op.getReassociationIndices())) {
    SmallVector<Size> sizes;
    for (int64_t dim : group)
      sizes.push_back(
          {op.getSrcType().getDimSize(dim), getDimSize(op.getSrc(), dim)});
    auto parts = distribute(trace.dims[i], sizes);
    if (!parts)
      return false;
    for (auto [dim, axes] : llvm::zip_equal(group, *parts))
      dims[dim] = axes;
  }
  return move(op.getSrc(), std::move(dims));
}

bool Tracer::stepPermute(PermuteOp op) {
  Dims dims(op.getDims().size());
  for (auto [to, from] : llvm::enumerate(op.getDims()))
    dims[from] = trace.dims[to];
  return move(op.getInput(), std::move(dims));
}

/// One row of a dimension whose size is known, and all of the others.
bool Tracer::stepSlice(tensor::ExtractSliceOp op) {
  if (op.getType().getRank() != op.getSourceType().getRank())
    return false;
  Dims dims = trace.dims;
  for (int64_t dim = 0; dim < op.getType().getRank(); ++dim) {
    int64_t size = op.getSourceType().getDimSize(dim);
    if (isConstantIntValue(op.getMixedOffsets()[dim], 0) &&
        op.getType().getDimSize(dim) == size && !ShapedType::isDynamic(size))
      continue;
    std::optional<int64_t> offset =
        getConstantIntValue(op.getMixedOffsets()[dim]);
    if (offset && op.getType().getDimSize(dim) == 1 &&
        !ShapedType::isDynamic(size) && trace.dims[dim].empty()) {
      dims[dim] = {Axis{std::nullopt, size, {}, *offset}};
      continue;
    }
    // All of a dynamic dimension: from 0, as many as there are.
    auto count = dyn_cast<Value>(op.getMixedSizes()[dim]);
    auto dimOp = count ? count.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    bool isWhole = offset == 0 && ShapedType::isDynamic(size) &&
                   ((dimOp && dimOp.getSource() == op.getSource() &&
                     dimOp.getConstantIndex() == dim) ||
                    getDimSize(op.getSource(), dim) == op.getMixedSizes()[dim]);
    if (!isWhole)
      return false;
  }
  return move(op.getSource(), std::move(dims));
}

bool Tracer::stepBroadcast(linalg::GenericOp op) {
  OpOperand *source = getBroadcastSource(op);
  if (!source)
    return false;
  Dims dims;
  llvm::SmallBitVector isRead(trace.dims.size());
  for (AffineExpr expr : op.getMatchingIndexingMap(source).getResults()) {
    Axes &axes = dims.emplace_back();
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      axes = trace.dims[dim.getPosition()];
      isRead.set(dim.getPosition());
    }
  }
  for (auto [i, axes] : llvm::enumerate(trace.dims))
    if (!isRead.test(i))
      for (Axis axis : axes) {
        axis.isRepeated = true;
        trace.repeated.push_back(axis);
      }
  return move(source->get(), std::move(dims));
}

bool Tracer::step(Operation *op) {
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    auto source = dyn_cast<RankedTensorType>(cast.getSource().getType());
    return source && move(cast.getSource(), trace.dims);
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return stepExpand(expand);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return stepCollapse(collapse);
  if (auto permute = dyn_cast<PermuteOp>(op))
    return stepPermute(permute);
  if (onlyViews)
    return false;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return stepSlice(slice);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return stepBroadcast(generic);
  return false;
}

AxisTrace tq::traceAxes(Value value) {
  return Tracer(value, /*onlyViews=*/false).run();
}

AxisTrace tq::traceViews(Value value) {
  return Tracer(value, /*onlyViews=*/true).run();
}

/// What the op that made the tensor took for a dynamic dimension.
static OpFoldResult findDimSize(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Operation *op = tensor.getDefiningOp();
  if (!op) {
    for (Operation *user : tensor.getUsers())
      if (auto dimOp = dyn_cast<tensor::DimOp>(user);
          dimOp && dimOp.getConstantIndex() == dim)
        return dimOp.getResult();
    return {};
  }
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dim];
  if (auto permute = dyn_cast_or_null<PermuteOp>(op))
    return getDimSize(permute.getInput(), permute.getDims()[dim]);
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[dim];
  if (auto style = dyn_cast_or_null<DestinationStyleOpInterface>(op))
    return getDimSize(style.getTiedOpOperand(cast<OpResult>(tensor))->get(),
                      dim);
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op))
    if (slice.getType().getRank() == slice.getSourceType().getRank())
      return slice.getMixedSizes()[dim];
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    // Of a group whose other dimensions are 1.
    std::optional<int64_t> only;
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t part : group)
      if (collapse.getSrcType().getDimSize(part) != 1) {
        if (only)
          return {};
        only = part;
      }
    return only ? getDimSize(collapse.getSrc(), *only) : OpFoldResult();
  }
  // A product has the rows of its left side, and the columns of its right one.
  if (auto product = dyn_cast_or_null<MatmulOp>(op)) {
    bool isColumns = dim + 1 == type.getRank();
    return getDimSize(isColumns ? product.getRhs() : product.getLhs(),
                      isColumns && product.getTransposeRhs() ? dim - 1 : dim);
  }
  // Ops whose result has the rows of their first operand.
  if (isa_and_nonnull<LinearOp, RowwiseOpInterface, AttentionOp,
                      RotaryEmbeddingOp>(op) &&
      dim + 1 < type.getRank())
    return getDimSize(op->getOperand(0), dim);
  return {};
}

OpFoldResult tq::getDimSize(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return IntegerAttr::get(IndexType::get(type.getContext()),
                            type.getDimSize(dim));
  OpFoldResult size = findDimSize(tensor, dim);
  // The size of another tensor may be known as something simpler.
  auto value = dyn_cast_if_present<Value>(size);
  auto other = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  if (!other || !other.getConstantIndex() ||
      isa<BlockArgument>(other.getSource()))
    return size;
  OpFoldResult simpler =
      getDimSize(other.getSource(), *other.getConstantIndex());
  return simpler ? simpler : size;
}
