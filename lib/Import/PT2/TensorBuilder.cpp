//===- TensorBuilder.cpp - Tensors with symbolic shapes -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::ArrayRef;
using llvm::Twine;

TensorBuilder::TensorBuilder(Block *block, SizeTable &sizes)
    : ops(OpBuilder::atBlockEnd(block)), sizeOps(block->getParentOp()),
      sizes(sizes), loc(ops.getUnknownLoc()) {
  firstOp = arith::ConstantIndexOp::create(ops, loc, 0);
  sizeOps.setInsertionPoint(firstOp);
}

TensorBuilder::~TensorBuilder() { firstOp->erase(); }

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

void TensorBuilder::fail(const Twine &text) {
  if (message.empty())
    message = text.str();
}

bool TensorBuilder::expect(bool holds, const Twine &text) {
  if (!holds)
    fail(text);
  return holds;
}

bool TensorBuilder::check(ArrayRef<Tensor> operands) {
  return !hasFailed() &&
         llvm::all_of(operands, [](const Tensor &t) { return bool(t); });
}

std::string TensorBuilder::print(ArrayRef<SizeExpr> shape) const {
  return "[" +
         llvm::join(
             llvm::map_range(shape,
                             [&](const SizeExpr &s) { return sizes.print(s); }),
             ", ") +
         "]";
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

void TensorBuilder::bind(const SizeExpr &symbol, Value value) {
  indices.try_emplace(symbol, value);
}

bool TensorBuilder::isBound(const SizeExpr &symbol) const {
  return indices.count(symbol) != 0;
}

bool TensorBuilder::canBeEqual(const SizeExpr &a, const SizeExpr &b) {
  return a == b || !a.getConstant() || !b.getConstant();
}

void TensorBuilder::require(arith::CmpIPredicate predicate, const SizeExpr &a,
                            const SizeExpr &b, const Twine &what) {
  SizeExpr difference = a - b;
  bool overflows = difference.hasOverflowed();
  if (hasFailed() || !expect(!overflows, "expected sizes of 64 bits"))
    return;
  if (std::optional<int64_t> constant = difference.getConstant()) {
    expect(arith::applyCmpPredicate(predicate, llvm::APInt(64, *constant, true),
                                    llvm::APInt(64, 0)),
           "expected " + what);
    return;
  }
  Value left = getIndex(a), right = getIndex(b);
  Value holds = arith::CmpIOp::create(sizeOps, loc, predicate, left, right);
  cf::AssertOp::create(sizeOps, loc, holds,
                       ("the program needs " + what).str());
}

void TensorBuilder::requireEqual(const SizeExpr &a, const SizeExpr &b,
                                 const Twine &what) {
  require(arith::CmpIPredicate::eq, a, b, what);
}

void TensorBuilder::requireAtMost(const SizeExpr &small, const SizeExpr &large,
                                  const Twine &what) {
  require(arith::CmpIPredicate::sle, small, large, what);
}

std::optional<int64_t> TensorBuilder::getDim(int64_t dim, int64_t rank) {
  int64_t limit = std::max<int64_t>(rank, 1); // a scalar has dimension 0 too
  if (!expect(dim >= -limit && dim < limit,
              "expected a dimension of a tensor of rank " + Twine(rank) +
                  ", but got " + Twine(dim)))
    return std::nullopt;
  return dim < 0 ? dim + limit : dim;
}

Value TensorBuilder::emitAtom(unsigned number) {
  const SizeTable::Atom atom = sizes.getAtom(number);
  using Kind = SizeTable::Kind;
  if (atom.kind == Kind::Symbol) {
    fail("expected sizes in terms of those of inputs, but got '" + atom.symbol +
         "', which is the size of none");
    return arith::ConstantIndexOp::create(sizeOps, loc, 1);
  }
  Value left = getIndex(atom.left), right = getIndex(atom.right);
  switch (atom.kind) {
  case Kind::FloorDiv:
    return arith::FloorDivSIOp::create(sizeOps, loc, left, right);
  case Kind::Mod: {
    // Of Python: not negative.
    Value quotient = arith::FloorDivSIOp::create(sizeOps, loc, left, right);
    Value whole = arith::MulIOp::create(sizeOps, loc, quotient, right);
    return arith::SubIOp::create(sizeOps, loc, left, whole);
  }
  case Kind::Min:
    return arith::MinSIOp::create(sizeOps, loc, left, right);
  default:
    return arith::MaxSIOp::create(sizeOps, loc, left, right);
  }
}

/// Each size is computed once, before all that needs it.
Value TensorBuilder::getIndex(const SizeExpr &size) {
  if (auto known = indices.find(size); known != indices.end())
    return known->second;
  expect(!size.hasOverflowed(), "expected sizes of 64 bits, but got more");
  Value sum;
  for (const auto &[numbers, coefficient] : size.getTerms()) {
    Value term;
    for (unsigned number : numbers) {
      SizeExpr atom = SizeExpr::atom(number);
      Value factor = size == atom ? emitAtom(number) : getIndex(atom);
      term = term ? arith::MulIOp::create(sizeOps, loc, term, factor) : factor;
    }
    if (coefficient != 1 || !term) {
      Value constant =
          arith::ConstantIndexOp::create(sizeOps, loc, coefficient);
      term =
          term ? arith::MulIOp::create(sizeOps, loc, term, constant).getResult()
               : constant;
    }
    sum = sum ? arith::AddIOp::create(sizeOps, loc, sum, term) : term;
  }
  if (!sum)
    sum = arith::ConstantIndexOp::create(sizeOps, loc, 0);
  indices[size] = sum;
  return sum;
}

OpFoldResult TensorBuilder::getSize(const SizeExpr &size) {
  if (std::optional<int64_t> constant = size.getConstant())
    return ops.getIndexAttr(*constant);
  return getIndex(size);
}

SmallVector<OpFoldResult> TensorBuilder::getSizes(ArrayRef<SizeExpr> shape) {
  return llvm::map_to_vector(shape,
                             [&](const SizeExpr &s) { return getSize(s); });
}

RankedTensorType TensorBuilder::getType(ArrayRef<SizeExpr> shape, DType dtype) {
  SmallVector<int64_t> dims;
  for (const SizeExpr &size : shape) {
    std::optional<int64_t> constant = size.getConstant();
    bool isSize = !constant || *constant >= 0;
    expect(isSize && !size.hasOverflowed(),
           "expected sizes of 0 or more and at most 64 bits, but got " +
               print(shape));
    dims.push_back(constant && isSize ? *constant : ShapedType::kDynamic);
  }
  return RankedTensorType::get(dims, getComputeType(ops, dtype));
}

Value TensorBuilder::empty(ArrayRef<SizeExpr> shape, DType dtype) {
  SmallVector<Value> dynamic;
  for (const SizeExpr &size : shape)
    if (!size.getConstant())
      dynamic.push_back(getIndex(size));
  return tensor::EmptyOp::create(ops, loc, getType(shape, dtype), dynamic);
}

/// The value with the type that its shape says: ops may know less, or more.
Tensor TensorBuilder::wrap(Value value, ArrayRef<SizeExpr> shape, DType dtype) {
  Tensor result{value, Shape(shape), dtype};
  return castTo(result, getType(shape, dtype));
}

Tensor TensorBuilder::castTo(const Tensor &input, RankedTensorType type) {
  Tensor result = input;
  if (!expect(tensor::CastOp::areCastCompatible(input.value.getType(), type),
              "expected a result of shape " + print(input.shape)))
    return {};
  if (input.value.getType() != type)
    result.value = tensor::CastOp::create(ops, loc, type, input.value);
  return result;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static TypedAttr getNumber(Builder &builder, DType dtype, Scalar value) {
  Type type = getComputeType(builder, dtype);
  if (isFloat(dtype))
    return builder.getF32FloatAttr(static_cast<float>(value.number));
  bool isSet = value.isFloat ? value.number != 0 : value.integer != 0;
  if (isBool(dtype))
    return builder.getIntegerAttr(type, isSet);
  constexpr double limit = 9.2e18;
  int64_t integer = value.integer;
  if (value.isFloat)
    integer = value.number > -limit && value.number < limit
                  ? static_cast<int64_t>(value.number)
                  : 0;
  llvm::APInt bits(64, integer, /*isSigned=*/true);
  return builder.getIntegerAttr(type, bits.trunc(type.getIntOrFloatBitWidth()));
}

Value pt2::buildNumber(OpBuilder &builder, Location loc, DType dtype,
                       Scalar value) {
  return arith::ConstantOp::create(builder, loc,
                                   getNumber(builder, dtype, value));
}

Tensor TensorBuilder::constant(DType dtype, Scalar value) {
  if (isBool(dtype) || dtype == DType::I16) // no constants of programs
    return full({}, dtype, value);
  auto type = getType({}, dtype);
  auto attr =
      DenseElementsAttr::get(type, Attribute(getNumber(ops, dtype, value)));
  return wrap(arith::ConstantOp::create(ops, loc, attr), {}, dtype);
}

Tensor TensorBuilder::fromSize(const SizeExpr &size, DType dtype) {
  if (std::optional<int64_t> constant = size.getConstant())
    return this->constant(dtype, *constant);
  Value index = getIndex(size);
  return indexed(
      {}, {}, dtype, [&](OpBuilder &b, Location at, ValueRange, ValueRange) {
        Value number = arith::IndexCastOp::create(b, at, b.getI64Type(), index);
        return convertElement(b, at, number, DType::I64, dtype);
      });
}

Tensor TensorBuilder::full(ArrayRef<SizeExpr> shape, DType dtype,
                           Scalar value) {
  if (hasFailed())
    return {};
  Value element = buildNumber(ops, loc, dtype, value);
  Value out = empty(shape, dtype);
  if (hasFailed())
    return {};
  return wrap(linalg::FillOp::create(ops, loc, element, out).getResult(0),
              shape, dtype);
}

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

static bool isUnit(const SizeExpr &size) { return size.isConstant(1); }

/// How many dimensions of `shape` each that is not 1 stands for, if those of 1
/// go with their neighbours.
static SmallVector<int64_t> countWithUnits(ArrayRef<SizeExpr> shape) {
  SmallVector<int64_t> counts;
  int64_t leading = 0;
  for (const SizeExpr &size : shape) {
    if (!isUnit(size))
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
                [](const SizeExpr &s) { return !isUnit(s); });
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
    if (isUnit(x)) {
      if (i == 0)
        break;
      x = from[--i];
    }
    if (isUnit(y)) {
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
  if (i != 0 || j != 0 || !isUnit(x) || !isUnit(y))
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
                [](const SizeExpr &s) { return !isUnit(s); });
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
    bool repeats = isUnit(size) && !isUnit(shape[skipped + i]);
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

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

std::optional<Shape> TensorBuilder::broadcast(ArrayRef<Tensor> operands) {
  if (!check(operands))
    return std::nullopt;
  int64_t rank = 0;
  for (const Tensor &operand : operands)
    rank = std::max(rank, operand.getRank());
  Shape shape(rank, SizeExpr(1));
  for (const Tensor &operand : operands)
    for (auto [i, size] : llvm::enumerate(operand.shape)) {
      SizeExpr &known = shape[rank - operand.getRank() + i];
      if (isUnit(known))
        known = size;
      else if (!expect(isUnit(size) || canBeEqual(size, known),
                       "expected shapes that broadcast, but got " +
                           print(operands.front().shape) + " and " +
                           print(operand.shape)))
        return std::nullopt;
    }
  return shape;
}

Tensor TensorBuilder::indexed(ArrayRef<Tensor> operands,
                              ArrayRef<SizeExpr> shape, DType dtype,
                              const IndexedBody &body) {
  if (!check(operands))
    return {};
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Tensor &operand : operands) {
    bool fits = operand.getRank() <= int64_t(shape.size());
    for (int64_t i = 1; fits && i <= operand.getRank(); ++i) {
      const SizeExpr &size = operand.shape[operand.getRank() - i];
      fits = isUnit(size) || canBeEqual(size, shape[shape.size() - i]);
    }
    if (!expect(fits, "expected a shape that broadcasts to " + print(shape) +
                          ", but got " + print(operand.shape)))
      return {};
    inputs.push_back(operand.value);
    maps.push_back(broadcastMap(operand, shape));
  }
  maps.push_back(ops.getMultiDimIdentityMap(shape.size()));
  Value out = empty(shape, dtype);
  if (hasFailed())
    return {};
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      ops, loc, out.getType(), inputs, out, maps, iterators,
      [&](OpBuilder &nested, Location at, ValueRange elements) {
        SmallVector<Value> places;
        for (size_t i = 0; i < shape.size(); ++i)
          places.push_back(linalg::IndexOp::create(nested, at, i));
        linalg::YieldOp::create(nested, at,
                                body(nested, at, elements.drop_back(), places));
      });
  return wrap(generic.getResult(0), shape, dtype);
}

Tensor TensorBuilder::elementwise(ArrayRef<Tensor> operands, DType dtype,
                                  const ElementBody &body) {
  std::optional<Shape> shape = broadcast(operands);
  if (!shape)
    return {};
  return indexed(operands, *shape, dtype,
                 [&](OpBuilder &builder, Location at, ValueRange elements,
                     ValueRange) { return body(builder, at, elements); });
}

Value pt2::convertElement(OpBuilder &b, Location loc, Value x, DType from,
                          DType to) {
  Type type = getComputeType(b, to);
  if (x.getType() == type && isFloat(from) == isFloat(to))
    return x;
  Value zero = buildNumber(b, loc, from, 0);
  if (isBool(to))
    return isFloat(from)
               ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x,
                                       zero)
                     .getResult()
               : arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x,
                                       zero)
                     .getResult();
  bool isUnsigned = isBool(from) || from == DType::U8;
  if (isFloat(to))
    return isUnsigned ? arith::UIToFPOp::create(b, loc, type, x).getResult()
                      : arith::SIToFPOp::create(b, loc, type, x).getResult();
  if (!isFloat(from)) {
    unsigned have = x.getType().getIntOrFloatBitWidth(),
             want = type.getIntOrFloatBitWidth();
    if (want < have)
      return arith::TruncIOp::create(b, loc, type, x);
    if (want == have)
      return x;
    return isUnsigned ? arith::ExtUIOp::create(b, loc, type, x).getResult()
                      : arith::ExtSIOp::create(b, loc, type, x).getResult();
  }
  // By way of 64 bits, as on the machines that PyTorch runs on, and never
  // beyond what they hold, where machines differ.
  auto limit = [&](arith::CmpFPredicate predicate, double bound) {
    Value value = buildNumber(b, loc, from, bound);
    Value holds = arith::CmpFOp::create(b, loc, predicate, x, value);
    x = arith::SelectOp::create(b, loc, holds, x, value);
  };
  Value isNumber =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, x);
  x = arith::SelectOp::create(b, loc, isNumber, x, zero);
  limit(arith::CmpFPredicate::OGT, -9.223372036854775808e18);
  limit(arith::CmpFPredicate::OLT, 9.223371487098961920e18);
  Value wide = arith::FPToSIOp::create(b, loc, b.getI64Type(), x);
  return convertElement(b, loc, wide, DType::I64, to);
}

Tensor TensorBuilder::cast(const Tensor &input, DType dtype) {
  if (!check({input}))
    return {};
  Tensor result = input;
  result.dtype = dtype;
  if (input.dtype == dtype || (isFloat(input.dtype) && isFloat(dtype)))
    return result;
  if (mlir::Value known = floats.lookup(input.value); known && isFloat(dtype))
    return {known, input.shape, dtype};
  return elementwise({input}, dtype,
                     [&](OpBuilder &b, Location at, ValueRange x) {
                       return convertElement(b, at, x[0], input.dtype, dtype);
                     });
}

Tensor TensorBuilder::wrapUnary(const Tensor &input,
                                llvm::function_ref<Value(Value)> create) {
  if (!check({input}) ||
      !expect(isFloat(input.dtype),
              "expected floats, but got " + getName(input.dtype)))
    return {};
  return wrap(create(input.value), input.shape, input.dtype);
}

/// An op of tq where the left side has the shape of the result, else a generic
/// one.
template <typename Op>
Tensor TensorBuilder::binary(const Tensor &lhs, const Tensor &rhs,
                             bool commutes, const ElementBody &body) {
  std::optional<Shape> shape = broadcast({lhs, rhs});
  if (!shape || !expect(lhs.dtype == rhs.dtype,
                        "expected operands of one type, but got " +
                            getName(lhs.dtype) + " and " + getName(rhs.dtype)))
    return {};
  bool isOp = isFloat(lhs.dtype) && !shape->empty();
  if (isOp && lhs.shape == *shape)
    return wrap(Op::create(ops, loc, lhs.value, rhs.value), *shape, lhs.dtype);
  if (isOp && commutes && rhs.shape == *shape)
    return wrap(Op::create(ops, loc, rhs.value, lhs.value), *shape, lhs.dtype);
  return elementwise({lhs, rhs}, lhs.dtype, body);
}

/// The op on floats or that on integers; a sum of bools is one of them, and a
/// product both.
template <typename FloatOp, typename IntegerOp>
static ElementBody getBody(DType dtype) {
  return [dtype](OpBuilder &b, Location at, ValueRange x) -> Value {
    if (isBool(dtype) && std::is_same_v<IntegerOp, arith::AddIOp>)
      return arith::OrIOp::create(b, at, x[0], x[1]);
    if (isFloat(dtype))
      return FloatOp::create(b, at, x[0], x[1]);
    return IntegerOp::create(b, at, x[0], x[1]);
  };
}

Tensor TensorBuilder::add(const Tensor &lhs, const Tensor &rhs) {
  return binary<AddOp>(lhs, rhs, true,
                       getBody<arith::AddFOp, arith::AddIOp>(lhs.dtype));
}

Tensor TensorBuilder::sub(const Tensor &lhs, const Tensor &rhs) {
  return binary<SubOp>(lhs, rhs, false,
                       getBody<arith::SubFOp, arith::SubIOp>(lhs.dtype));
}

Tensor TensorBuilder::mul(const Tensor &lhs, const Tensor &rhs) {
  return binary<MulOp>(lhs, rhs, true,
                       getBody<arith::MulFOp, arith::MulIOp>(lhs.dtype));
}

Tensor TensorBuilder::div(const Tensor &lhs, const Tensor &rhs) {
  if (!expect(isFloat(lhs.dtype),
              "expected floats to divide, but got " + getName(lhs.dtype)))
    return {};
  return binary<DivOp>(lhs, rhs, false,
                       getBody<arith::DivFOp, arith::DivSIOp>(lhs.dtype));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static bool isUnsigned(DType dtype) {
  return isBool(dtype) || dtype == DType::U8;
}

static Scalar getInitial(TensorBuilder::Reduction reduction, DType dtype) {
  using Kind = TensorBuilder::Reduction;
  bool isMax = reduction == Kind::Max;
  if (reduction == Kind::Sum || reduction == Kind::Any)
    return 0;
  if (reduction == Kind::All)
    return 1;
  if (isFloat(dtype))
    return isMax ? -std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::infinity();
  if (isUnsigned(dtype))
    return isMax ? 0 : -1; // all bits
  unsigned bits = 8 * getWeightTypeBytes(getWeightType(dtype));
  return isMax ? llvm::minIntN(bits) : llvm::maxIntN(bits);
}

static Value buildStep(OpBuilder &b, Location at,
                       TensorBuilder::Reduction reduction, DType dtype, Value x,
                       Value sum) {
  using Kind = TensorBuilder::Reduction;
  switch (reduction) {
  case Kind::Any:
    return arith::OrIOp::create(b, at, x, sum);
  case Kind::All:
    return arith::AndIOp::create(b, at, x, sum);
  case Kind::Sum:
    if (isFloat(dtype))
      return arith::AddFOp::create(b, at, x, sum);
    return arith::AddIOp::create(b, at, x, sum);
  case Kind::Max:
    if (isFloat(dtype))
      return arith::MaximumFOp::create(b, at, x, sum);
    if (isUnsigned(dtype))
      return arith::MaxUIOp::create(b, at, x, sum);
    return arith::MaxSIOp::create(b, at, x, sum);
  case Kind::Min:
    if (isFloat(dtype))
      return arith::MinimumFOp::create(b, at, x, sum);
    if (isUnsigned(dtype))
      return arith::MinUIOp::create(b, at, x, sum);
    return arith::MinSIOp::create(b, at, x, sum);
  }
  llvm_unreachable("covered switch");
}

/// Moves the dimensions to the end and makes one of them, along which rows are
/// reduced.
Tensor TensorBuilder::reduce(const Tensor &input, ArrayRef<int64_t> dims,
                             bool keepsDims, Reduction reduction) {
  if (!check({input}))
    return {};
  int64_t rank = input.getRank();
  llvm::SmallBitVector reduced(rank, dims.empty());
  for (int64_t dim : dims) {
    std::optional<int64_t> place = getDim(dim, rank);
    if (!place)
      return {};
    if (rank != 0)
      reduced.set(*place);
  }
  SmallVector<int64_t> order;
  Shape kept, kept1, last;
  for (int64_t i = 0; i < rank; ++i) {
    if (!reduced.test(i)) {
      order.push_back(i);
      kept.push_back(input.shape[i]);
    }
    kept1.push_back(reduced.test(i) ? SizeExpr(1) : input.shape[i]);
  }
  for (int64_t i = 0; i < rank; ++i)
    if (reduced.test(i)) {
      order.push_back(i);
      last.push_back(input.shape[i]);
    }
  Shape rows = kept;
  rows.push_back(product(last));
  Tensor source = reshape(permute(input, order), rows);
  Tensor init = full(kept, input.dtype, getInitial(reduction, input.dtype));
  if (!check({source, init}))
    return {};
  SmallVector<utils::IteratorType> iterators(rows.size(),
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  AffineMap all = ops.getMultiDimIdentityMap(rows.size());
  auto generic = linalg::GenericOp::create(
      ops, loc, init.value.getType(), source.value, init.value,
      ArrayRef<AffineMap>{all, all.dropResult(rows.size() - 1)}, iterators,
      [&](OpBuilder &nested, Location at, ValueRange x) {
        linalg::YieldOp::create(
            nested, at,
            buildStep(nested, at, reduction, input.dtype, x[0], x[1]));
      });
  Tensor result = wrap(generic.getResult(0), kept, input.dtype);
  return keepsDims ? reshape(result, kept1) : result;
}

Tensor TensorBuilder::mean(const Tensor &input, ArrayRef<int64_t> dims,
                           bool keepsDims) {
  Tensor sum = reduce(input, dims, keepsDims, Reduction::Sum);
  if (!check({sum}))
    return {};
  SizeExpr count(1);
  for (int64_t i = 0; i < input.getRank(); ++i)
    if (dims.empty() || llvm::is_contained(dims, i) ||
        llvm::is_contained(dims, i - input.getRank()))
      count = count * input.shape[i];
  if (std::optional<int64_t> constant = count.getConstant())
    return div(sum, this->constant(sum.dtype, double(*constant)));
  Value number = arith::SIToFPOp::create(
      ops, loc, ops.getF32Type(),
      arith::IndexCastOp::create(ops, loc, ops.getI64Type(), getIndex(count)));
  return elementwise({sum}, sum.dtype,
                     [&](OpBuilder &b, Location at, ValueRange x) {
                       return arith::DivFOp::create(b, at, x[0], number);
                     });
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Tensor TensorBuilder::linear(const Tensor &input, const Tensor &weight,
                             const Tensor &bias) {
  if (!check({input, weight}) || hasFailed())
    return {};
  bool fits = input.getRank() >= 1 && weight.getRank() == 2 &&
              isFloat(input.dtype) && isFloat(weight.dtype) &&
              canBeEqual(input.shape.back(), weight.shape[1]);
  if (bias)
    fits = fits && bias.getRank() == 1 && isFloat(bias.dtype) &&
           canBeEqual(bias.shape[0], weight.shape[0]);
  if (!expect(fits, "expected floats of [..., K], a weight [N, K] and a bias "
                    "[N], but got " +
                        print(input.shape) + ", " + print(weight.shape) +
                        (bias ? ", " + print(bias.shape) : "")))
    return {};
  Shape shape = input.shape;
  shape.back() = weight.shape[0];
  return wrap(LinearOp::create(ops, loc, input.value, weight.value,
                               bias ? bias.value : Value()),
              shape, input.dtype);
}

Tensor TensorBuilder::matmul(const Tensor &lhs, const Tensor &rhs) {
  if (!check({lhs, rhs}))
    return {};
  int64_t rank = std::max(lhs.getRank(), rhs.getRank());
  bool fits = lhs.getRank() >= 2 && rhs.getRank() >= 2 && isFloat(lhs.dtype) &&
              isFloat(rhs.dtype) &&
              canBeEqual(lhs.shape.back(), rhs.shape[rhs.getRank() - 2]);
  if (!expect(fits, "expected floats of [..., M, K] and [..., K, N], but got " +
                        print(lhs.shape) + " and " + print(rhs.shape)))
    return {};
  // Rows by one matrix are a layer, whose weight has its outputs first.
  if (rhs.getRank() == 2)
    return linear(lhs, transpose(rhs, 0, 1), {});
  auto batchOf = [](const Tensor &tensor) {
    Tensor batch = tensor;
    batch.shape.truncate(tensor.getRank() - 2);
    return batch;
  };
  std::optional<Shape> batch = broadcast({batchOf(lhs), batchOf(rhs)});
  if (!batch)
    return {};
  auto whole = [&](const Tensor &tensor) {
    Shape shape = *batch;
    shape.append(tensor.shape.end() - 2, tensor.shape.end());
    return expand(tensor, shape);
  };
  Tensor left = whole(lhs), right = whole(rhs);
  if (!check({left, right}))
    return {};
  Shape shape = left.shape;
  shape[rank - 1] = right.shape[rank - 1];
  return wrap(MatmulOp::create(ops, loc, left.value, right.value,
                               /*transpose_rhs=*/false),
              shape, lhs.dtype);
}

Tensor TensorBuilder::softmax(const Tensor &input, int64_t dim) {
  if (!check({input}))
    return {};
  std::optional<int64_t> place = getDim(dim, input.getRank());
  if (!place || !expect(input.getRank() > 0, "expected a tensor of rank 1 or "
                                             "more"))
    return {};
  Tensor rows = transpose(input, *place, -1);
  return transpose(unary<SoftmaxOp>(rows), *place, -1);
}

Tensor TensorBuilder::layerNorm(const Tensor &input, const Tensor &gamma,
                                const Tensor &beta, double epsilon) {
  if (!check({input}))
    return {};
  bool fits = input.getRank() >= 1 && input.shape.back().getConstant() &&
              isFloat(input.dtype) && epsilon >= 0;
  for (const Tensor &affine : {gamma, beta})
    if (affine)
      fits = fits && affine.getRank() == 1 && isFloat(affine.dtype) &&
             affine.shape[0] == input.shape.back();
  if (!expect(fits, "expected rows of a fixed size, and a weight and bias of "
                    "it, but got " +
                        print(input.shape)))
    return {};
  Tensor scale = gamma;
  if (!scale) {
    auto type = getType({input.shape.back()}, input.dtype);
    scale = wrap(
        arith::ConstantOp::create(ops, loc, DenseElementsAttr::get(type, 1.0f)),
        {input.shape.back()}, input.dtype);
  }
  return wrap(LayerNormOp::create(ops, loc, input.value, scale.value,
                                  beta ? beta.value : Value(),
                                  ops.getF32FloatAttr(float(epsilon))),
              input.shape, input.dtype);
}
