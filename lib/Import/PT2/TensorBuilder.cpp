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
