//===- TensorMath.cpp - Elements, reductions and layers -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::ArrayRef;
using llvm::Twine;

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
      if (known.isConstant(1))
        known = size;
      else if (!expect(size.isConstant(1) || canBeEqual(size, known),
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
      fits = size.isConstant(1) || canBeEqual(size, shape[shape.size() - i]);
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
