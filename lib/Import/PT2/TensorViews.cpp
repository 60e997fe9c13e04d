//===- TensorViews.cpp - Reshapes, permutations, slices -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::ArrayRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// Groups of `counts` consecutive dimensions.
static SmallVector<ReassociationIndices> getGroups(ArrayRef<int64_t> counts) {
  SmallVector<ReassociationIndices> groups;
  int64_t next = 0;
  for (int64_t count : counts) {
    ReassociationIndices &group = groups.emplace_back();
    for (int64_t i = 0; i < count; ++i)
      group.push_back(next++);
  }
  return groups;
}

Tensor TensorBuilder::collapse(const Tensor &input, ArrayRef<SizeExpr> shape,
                               ArrayRef<int64_t> counts) {
  if (input.getRank() == int64_t(shape.size()))
    return wrap(input.value, shape, input.dtype);
  return wrap(
      tensor::CollapseShapeOp::create(ops, loc, input.value, getGroups(counts)),
      shape, input.dtype);
}

/// A dimension that becomes several is static exactly where all of these are.
Tensor TensorBuilder::split(const Tensor &input, ArrayRef<SizeExpr> shape,
                            ArrayRef<int64_t> counts) {
  if (input.getRank() == int64_t(shape.size()))
    return wrap(input.value, shape, input.dtype);
  Shape whole;
  ArrayRef<SizeExpr> rest = shape;
  SmallVector<int64_t> dims;
  for (int64_t count : counts) {
    ArrayRef<SizeExpr> parts = rest.take_front(count);
    rest = rest.drop_front(count);
    bool isStatic = llvm::all_of(
        parts, [](const SizeExpr &s) { return s.getConstant().has_value(); });
    dims.push_back(isStatic ? product(parts).getConstant().value_or(0)
                            : ShapedType::kDynamic);
  }
  auto sourceType = cast<RankedTensorType>(input.value.getType());
  Tensor source = castTo(input, sourceType.clone(dims));
  RankedTensorType type = getType(shape, input.dtype);
  if (hasFailed())
    return {};
  return wrap(tensor::ExpandShapeOp::create(ops, loc, type, source.value,
                                            getGroups(counts), getSizes(shape)),
              shape, input.dtype);
}

/// How many dimensions of `shape` each that is not 1 stands for, if those of 1
/// go with their neighbours.
static SmallVector<int64_t> countWithUnits(ArrayRef<SizeExpr> shape) {
  SmallVector<int64_t> counts;
  int64_t leading = 0;
  for (const SizeExpr &size : shape) {
    if (!size.isConstant(1))
      counts.push_back(1 + std::exchange(leading, 0));
    else if (counts.empty())
      ++leading;
    else
      ++counts.back();
  }
  return counts;
}

Tensor TensorBuilder::dropUnits(const Tensor &input) {
  Shape shape;
  llvm::copy_if(input.shape, std::back_inserter(shape),
                [](const SizeExpr &s) { return !s.isConstant(1); });
  return collapse(input, shape, countWithUnits(input.shape));
}

Tensor TensorBuilder::addUnits(const Tensor &input, ArrayRef<SizeExpr> shape) {
  return split(input, shape, countWithUnits(shape));
}

namespace {
/// What two shapes of the same elements have in common: the finest sizes, and
/// of how many of them each dimension consists.
struct CommonSizes {
  Shape sizes;
  SmallVector<int64_t> from, to;
};
} // namespace

/// Goes from the last dimension to the first; fails where no exact quotient
/// says how one size is made of the other.
static std::optional<CommonSizes> findCommonSizes(ArrayRef<SizeExpr> from,
                                                  ArrayRef<SizeExpr> to) {
  CommonSizes common;
  common.from.resize(from.size());
  common.to.resize(to.size());
  size_t i = from.size(), j = to.size();
  SizeExpr x(1), y(1);
  while (true) {
    if (x.isConstant(1)) {
      if (i == 0)
        break;
      x = from[--i];
    }
    if (y.isConstant(1)) {
      if (j == 0)
        break;
      y = to[--j];
    }
    SizeExpr part = x;
    if (x == y) {
      x = y = 1;
    } else if (x.isConstant(0) || y.isConstant(0)) {
      return std::nullopt;
    } else if (auto quotient = x.divide(y)) {
      part = y;
      x = *quotient;
      y = 1;
    } else if (auto quotient = y.divide(x)) {
      y = *quotient;
      x = 1;
    } else {
      return std::nullopt;
    }
    common.sizes.push_back(part);
    ++common.from[i];
    ++common.to[j];
  }
  if (i != 0 || j != 0 || !x.isConstant(1) || !y.isConstant(1))
    return std::nullopt;
  std::reverse(common.sizes.begin(), common.sizes.end());
  return common;
}

Tensor TensorBuilder::flatten(const Tensor &input) {
  if (input.getRank() == 0)
    return split(input, {SizeExpr(1)}, {});
  return collapse(input, {product(input.shape)}, {input.getRank()});
}

Tensor TensorBuilder::reshape(const Tensor &input, ArrayRef<SizeExpr> shape) {
  if (!check({input}))
    return {};
  if (ArrayRef<SizeExpr>(input.shape) == shape)
    return input;
  auto expectElements = [&](bool holds) {
    return expect(holds, "expected as many elements in shape " + print(shape) +
                             " as in " + print(input.shape));
  };
  SizeExpr have = product(input.shape), want = product(shape);
  if (!expectElements(canBeEqual(have, want)))
    return {};
  Shape target;
  llvm::copy_if(shape, std::back_inserter(target),
                [](const SizeExpr &s) { return !s.isConstant(1); });
  Tensor core = dropUnits(input);
  if (auto common = findCommonSizes(core.shape, target)) {
    core = split(core, common->sizes, common->from);
    if (!core)
      return {};
    return addUnits(collapse(core, target, common->to), shape);
  }
  // All in a row: the number of elements is checked when the program runs.
  if (!expectElements(have.getConstant() == want.getConstant()))
    return {};
  if (want.isConstant(0))
    return wrap(empty(shape, input.dtype), shape, input.dtype);
  Tensor flat = flatten(input);
  flat.shape = {want};
  if (shape.empty())
    return collapse(castTo(flat, getType({SizeExpr(1)}, input.dtype)), {}, {});
  flat = castTo(flat, getType(flat.shape, input.dtype));
  return split(flat, shape, {int64_t(shape.size())});
}

//===----------------------------------------------------------------------===//
// Other views and copies
//===----------------------------------------------------------------------===//

Tensor TensorBuilder::permute(const Tensor &input, ArrayRef<int64_t> order) {
  if (!check({input}))
    return {};
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  if (!expect(sorted == llvm::to_vector(llvm::seq<int64_t>(input.getRank())),
              "expected each dimension of a tensor of rank " +
                  Twine(input.getRank()) + " once"))
    return {};
  if (llvm::is_sorted(order))
    return input;
  Shape shape;
  for (int64_t dim : order)
    shape.push_back(input.shape[dim]);
  return wrap(PermuteOp::create(ops, loc, getType(shape, input.dtype),
                                input.value, order),
              shape, input.dtype);
}

Tensor TensorBuilder::transpose(const Tensor &input, int64_t a, int64_t b) {
  if (!check({input}))
    return {};
  std::optional<int64_t> first = getDim(a, input.getRank()),
                         second = getDim(b, input.getRank());
  if (!first || !second || input.getRank() == 0)
    return hasFailed() ? Tensor() : input;
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(input.getRank()));
  std::swap(order[*first], order[*second]);
  return permute(input, order);
}

AffineMap TensorBuilder::broadcastMap(const Tensor &operand,
                                      ArrayRef<SizeExpr> shape) {
  int64_t skipped = int64_t(shape.size()) - operand.getRank();
  SmallVector<AffineExpr> exprs;
  for (auto [i, size] : llvm::enumerate(operand.shape)) {
    bool repeats = size.isConstant(1) && !shape[skipped + i].isConstant(1);
    exprs.push_back(repeats ? ops.getAffineConstantExpr(0)
                            : ops.getAffineDimExpr(skipped + i));
  }
  return AffineMap::get(shape.size(), 0, exprs, ops.getContext());
}

Tensor TensorBuilder::expand(const Tensor &input, ArrayRef<SizeExpr> shape) {
  if (!check({input}))
    return {};
  if (ArrayRef<SizeExpr>(input.shape) == shape)
    return input;
  return indexed({input}, shape, input.dtype,
                 [](OpBuilder &, Location, ValueRange elements, ValueRange) {
                   return elements[0];
                 });
}

Tensor TensorBuilder::slice(const Tensor &input, int64_t dim,
                            const SizeExpr &start, const SizeExpr &count,
                            int64_t step) {
  if (!check({input}) || !expect(dim < input.getRank() && step > 0,
                                 "expected a slice of a dimension, forward"))
    return {};
  Shape shape = input.shape;
  shape[dim] = count;
  if (start.isConstant(0) && step == 1 && input.shape[dim] == count)
    return input;
  if (std::optional<int64_t> all = input.shape[dim].getConstant()) {
    int64_t first = start.getConstant().value_or(0);
    int64_t number = count.getConstant().value_or(0);
    if (!expect(first >= 0 && number >= 0 && first <= *all &&
                    (number == 0 ||
                     (first < *all && number - 1 <= (*all - 1 - first) / step)),
                "expected a slice within " + print(input.shape)))
      return {};
  }
  SmallVector<OpFoldResult> offsets(input.getRank(), ops.getIndexAttr(0)),
      strides(input.getRank(), ops.getIndexAttr(1));
  // Nothing is nowhere: an offset has to be of an element.
  if (!count.isConstant(0))
    offsets[dim] = getSize(start);
  strides[dim] = ops.getIndexAttr(step);
  auto type = getType(shape, input.dtype);
  SmallVector<OpFoldResult> extents = getSizes(shape);
  if (hasFailed())
    return {};
  return wrap(tensor::ExtractSliceOp::create(ops, loc, type, input.value,
                                             offsets, extents, strides),
              shape, input.dtype);
}

Tensor TensorBuilder::select(const Tensor &input, int64_t dim,
                             const SizeExpr &index) {
  Tensor row = slice(input, dim, index, 1);
  if (!row)
    return {};
  Shape shape = row.shape;
  shape.erase(shape.begin() + dim);
  return reshape(row, shape);
}

Tensor TensorBuilder::insertSlice(const Tensor &input, const Tensor &part,
                                  int64_t dim, const SizeExpr &start,
                                  const SizeExpr &count, int64_t step) {
  Shape shape = input.shape;
  if (!check({input, part}) ||
      !expect(dim < input.getRank(), "expected a slice"))
    return {};
  shape[dim] = count;
  Tensor source = reshape(part, shape);
  SmallVector<OpFoldResult> offsets(input.getRank(), ops.getIndexAttr(0)),
      strides(input.getRank(), ops.getIndexAttr(1));
  offsets[dim] = getSize(start);
  strides[dim] = ops.getIndexAttr(step);
  SmallVector<OpFoldResult> extents = getSizes(shape);
  if (!check({source}))
    return {};
  return wrap(tensor::InsertSliceOp::create(ops, loc, source.value, input.value,
                                            offsets, extents, strides),
              input.shape, input.dtype);
}

Tensor TensorBuilder::concat(ArrayRef<Tensor> inputs, int64_t dim) {
  if (!check(inputs) || !expect(!inputs.empty(), "expected tensors to join"))
    return {};
  SmallVector<Value> values;
  Shape shape = inputs.front().shape;
  SizeExpr sum;
  Tensor last = inputs.front();
  for (const Tensor &input : inputs) {
    bool fits = input.getRank() == int64_t(shape.size()) &&
                dim < input.getRank() && input.dtype == inputs.front().dtype;
    for (int64_t i = 0; fits && i < input.getRank(); ++i)
      fits = i == dim || canBeEqual(input.shape[i], shape[i]);
    if (!expect(fits,
                "expected tensors of equal types and, but for dimension " +
                    Twine(dim) + ", shapes, but got " + print(shape) + " and " +
                    print(input.shape)))
      return {};
    // What is empty adds nothing, and has no place in the result.
    if (input.shape[dim].isConstant(0))
      continue;
    sum = sum + input.shape[dim];
    values.push_back(input.value);
    last = input;
  }
  if (values.size() <= 1)
    return last;
  shape[dim] = sum;
  auto type = getType(shape, inputs.front().dtype);
  if (hasFailed())
    return {};
  return wrap(tensor::ConcatOp::create(ops, loc, type, dim, values), shape,
              inputs.front().dtype);
}
