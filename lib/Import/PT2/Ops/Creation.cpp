//===- Creation.cpp - Tensors made of nothing -----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;

/// A row of one number, in the shape and type that the file says.
template <int64_t number>
static void buildFilled(Call &call) {
  call.set(call.b.full(call.shape(), call.resultType(), number));
}

static void buildFull(Call &call) {
  DType dtype = call.resultType();
  const Call::Value &value = call.arguments["fill_value"];
  if (value.sizes.empty()) {
    call.set(call.b.full(call.shape(), dtype, value.number));
    return;
  }
  call.set(call.b.expand(call.scalar("fill_value", dtype), call.shape()));
}

static void buildScalarTensor(Call &call) {
  call.set(call.scalar("s", call.resultType()));
}

/// start + i * step, in floats as one fma would round it.
static Tensor buildRange(Call &call, const Tensor &start, const Tensor &step) {
  DType dtype = call.resultType();
  return call.b.indexed(
      {start, step}, call.shape(), dtype,
      [&](OpBuilder &b, Location loc, ValueRange x, ValueRange at) -> Value {
        Value index = arith::IndexCastOp::create(b, loc, b.getI64Type(), at[0]);
        Value i = convertElement(b, loc, index, DType::I64, dtype);
        if (isFloat(dtype)) {
          Value product = arith::MulFOp::create(b, loc, i, x[1]);
          return arith::AddFOp::create(b, loc, product, x[0]);
        }
        Value product = arith::MulIOp::create(b, loc, i, x[1]);
        return arith::AddIOp::create(b, loc, product, x[0]);
      });
}

static void buildArange(Call &call) {
  if (!call.b.expect(call.shape().size() == 1,
                     "expected a vector as its result"))
    return;
  DType dtype = call.resultType();
  auto get = [&](StringRef name, int64_t byDefault) {
    return call.arguments.count(name) ? call.scalar(name, dtype)
                                      : call.b.constant(dtype, byDefault);
  };
  call.set(buildRange(call, get("start", 0), get("step", 1)));
}

/// 1 where a column is not left of the diagonal's (or not right of it).
template <bool isUpper>
static void buildTriangle(Call &call) {
  Tensor self = call.tensor("self");
  int64_t diagonal = call.integer("diagonal"), rank = self.getRank();
  if (!call.b.expect(rank >= 2, "expected a matrix"))
    return;
  call.set(call.b.indexed(
      {self}, self.shape, self.dtype,
      [&](OpBuilder &b, Location loc, ValueRange x, ValueRange at) -> Value {
        Value shift = arith::ConstantIndexOp::create(b, loc, diagonal);
        Value first = arith::AddIOp::create(b, loc, at[rank - 2], shift);
        auto predicate =
            isUpper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle;
        Value keeps =
            arith::CmpIOp::create(b, loc, predicate, at[rank - 1], first);
        return arith::SelectOp::create(b, loc, keeps, x[0],
                                       buildNumber(b, loc, self.dtype, 0));
      }));
}

// Arguments that say where and how a tensor is stored.
#define TQ_OPTIONS                                                             \
  "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "      \
  "bool? pin_memory=None"
#define TQ_OPTIONS_LIKE TQ_OPTIONS ", MemoryFormat? memory_format=None"

static constexpr OpRow kRows[] = {
    {"aten.zeros.default(SymInt[] size, " TQ_OPTIONS ")", buildFilled<0>},
    {"aten.ones.default(SymInt[] size, " TQ_OPTIONS ")", buildFilled<1>},
    {"aten.zeros_like.default(Tensor self, " TQ_OPTIONS_LIKE ")",
     buildFilled<0>},
    {"aten.ones_like.default(Tensor self, " TQ_OPTIONS_LIKE ")",
     buildFilled<1>},
    {"aten.new_zeros.default(Tensor self, SymInt[] size, " TQ_OPTIONS ")",
     buildFilled<0>},
    {"aten.new_ones.default(Tensor self, SymInt[] size, " TQ_OPTIONS ")",
     buildFilled<1>},
    {"aten.full.default(SymInt[] size, Scalar fill_value, " TQ_OPTIONS ")",
     buildFull},
    {"aten.full_like.default(Tensor self, Scalar fill_value, " TQ_OPTIONS_LIKE
     ")",
     buildFull},
    {"aten.new_full.default(Tensor self, SymInt[] size, Scalar "
     "fill_value, " TQ_OPTIONS ")",
     buildFull},
    {"aten.scalar_tensor.default(Scalar s, " TQ_OPTIONS ")", buildScalarTensor},
    {"aten.arange.default(Scalar end, " TQ_OPTIONS ")", buildArange},
    {"aten.arange.start(Scalar start, Scalar end, " TQ_OPTIONS ")",
     buildArange},
    {"aten.arange.start_step(Scalar start, Scalar end, Scalar "
     "step=1, " TQ_OPTIONS ")",
     buildArange},
    {"aten.triu.default(Tensor self, int diagonal=0)", buildTriangle<true>},
    {"aten.tril.default(Tensor self, int diagonal=0)", buildTriangle<false>},
};

llvm::ArrayRef<OpRow> pt2::getCreationOps() { return kRows; }
