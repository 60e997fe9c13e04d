//===- Elementwise.cpp - Ops on each element ------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// `other` as a tensor of the type: it is one, or a scalar.
static Tensor getOther(Call &call, DType dtype, StringRef name = "other") {
  if (call.arguments[name].tensors.empty())
    return call.scalar(name, dtype);
  return call.b.cast(call.tensor(name), dtype);
}

using BinaryMethod = Tensor (TensorBuilder::*)(const Tensor &, const Tensor &);

/// self + alpha * other, in the type of the result.
template <BinaryMethod method>
static void buildSum(Call &call) {
  DType dtype = call.resultType();
  Tensor self = call.b.cast(call.tensor("self"), dtype);
  Tensor other = getOther(call, dtype);
  const Scalar &alpha = call.arguments["alpha"].number;
  if (!call.arguments["alpha"].sizes.empty() || alpha.number != 1)
    other = call.b.mul(other, call.scalar("alpha", dtype));
  call.set((call.b.*method)(self, other));
}

template <BinaryMethod method>
static void buildProduct(Call &call) {
  DType dtype = call.resultType();
  call.set((call.b.*method)(call.b.cast(call.tensor("self"), dtype),
                            getOther(call, dtype)));
}

/// scalar - self.
static void buildReverseSub(Call &call) {
  DType dtype = call.resultType();
  Tensor self = call.b.cast(call.tensor("self"), dtype);
  Tensor other = call.b.mul(self, call.scalar("alpha", dtype));
  call.set(call.b.sub(call.b.expand(getOther(call, dtype), self.shape), other));
}

static Tensor mapUnary(Call &call, const Tensor &input,
                       const ElementBody &body) {
  return call.b.elementwise({input}, input.dtype, body);
}

/// An op of the math dialect on floats.
template <typename Op>
static void buildMath(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), call.resultType());
  if (!call.b.expect(isFloat(self.dtype), "expected a result of floats"))
    return;
  call.set(mapUnary(call, self, [](OpBuilder &b, Location loc, ValueRange x) {
    return Op::create(b, loc, x[0]);
  }));
}

template <typename Op>
static void buildActivation(Call &call) {
  call.set(
      call.b.unary<Op>(call.b.cast(call.tensor("self"), call.resultType())));
}

/// Ops that look at signs, which numbers without one do not have.
static bool hasSign(Call &call, DType dtype) {
  return call.b.expect(dtype != DType::U8,
                       "expected integers with a sign, but got uint8");
}

static void buildDivMode(Call &call) {
  DType dtype = call.resultType();
  if (!hasSign(call, dtype))
    return;
  Tensor self = call.b.cast(call.tensor("self"), dtype);
  Tensor other = getOther(call, dtype);
  StringRef mode = call.text("rounding_mode");
  if (!call.has("rounding_mode")) {
    call.set(call.b.div(self, other));
    return;
  }
  if (!call.b.expect(mode == "floor" || mode == "trunc",
                     "expected the rounding mode floor or trunc"))
    return;
  bool isFloor = mode == "floor";
  call.set(call.b.elementwise(
      {self, other}, dtype,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        if (isFloat(dtype)) {
          Value quotient = arith::DivFOp::create(b, loc, x[0], x[1]);
          if (isFloor)
            return math::FloorOp::create(b, loc, quotient);
          return math::TruncOp::create(b, loc, quotient);
        }
        // A quotient of 0 is undefined: PyTorch refuses it.
        Value zero = buildNumber(b, loc, dtype, 0);
        Value one = buildNumber(b, loc, dtype, 1);
        Value isZero =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x[1], zero);
        Value divisor = arith::SelectOp::create(b, loc, isZero, one, x[1]);
        if (isFloor)
          return arith::FloorDivSIOp::create(b, loc, x[0], divisor);
        return arith::DivSIOp::create(b, loc, x[0], divisor);
      }));
}

/// Powers that are products, roots and quotients, which round as those do.
static void buildPow(Call &call) {
  DType dtype = call.resultType();
  Tensor self = call.b.cast(call.tensor("self"), dtype);
  double power = call.number("exponent");
  if (power == 1) {
    call.set(self);
    return;
  }
  if (power == 2) {
    call.set(call.b.mul(self, self));
    return;
  }
  bool isRoot = power == 0.5 || power == -0.5;
  constexpr double maxPower = 64;
  bool isWhole = std::floor(power) == power && std::abs(power) <= maxPower;
  if (!call.b.expect(isWhole || isRoot,
                     "expected an exponent that is 0.5, -0.5 or an integer of "
                     "at most 64, but got " +
                         std::to_string(power)) ||
      !call.b.expect((power >= 0 && !isRoot) || isFloat(dtype),
                     "expected floats for a root or a negative exponent"))
    return;
  call.set(mapUnary(call, self, [&](OpBuilder &b, Location loc, ValueRange x) {
    auto times = [&](Value lhs, Value rhs) -> Value {
      if (isFloat(dtype))
        return arith::MulFOp::create(b, loc, lhs, rhs);
      return arith::MulIOp::create(b, loc, lhs, rhs);
    };
    Value one = buildNumber(b, loc, dtype, 1);
    Value result = one;
    if (isRoot)
      result = math::SqrtOp::create(b, loc, x[0]);
    for (int64_t i = 0, e = int64_t(std::abs(power)); !isRoot && i < e; ++i)
      result = i == 0 ? Value(x[0]) : times(result, x[0]);
    if (power < 0)
      result = arith::DivFOp::create(b, loc, one, result);
    return result;
  }));
}

static void buildNeg(Call &call) {
  Tensor self = call.tensor("self");
  call.set(mapUnary(call, self,
                    [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                      if (isFloat(self.dtype))
                        return arith::NegFOp::create(b, loc, x[0]);
                      Value zero = buildNumber(b, loc, self.dtype, 0);
                      return arith::SubIOp::create(b, loc, zero, x[0]);
                    }));
}

static void buildAbs(Call &call) {
  Tensor self = call.tensor("self");
  if (!hasSign(call, self.dtype))
    return;
  call.set(mapUnary(call, self,
                    [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                      if (isFloat(self.dtype))
                        return math::AbsFOp::create(b, loc, x[0]);
                      return math::AbsIOp::create(b, loc, x[0]);
                    }));
}

static void buildReciprocal(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), call.resultType());
  if (!call.b.expect(isFloat(self.dtype), "expected a result of floats"))
    return;
  call.set(mapUnary(call, self, [&](OpBuilder &b, Location loc, ValueRange x) {
    return arith::DivFOp::create(b, loc, buildNumber(b, loc, DType::F32, 1),
                                 x[0]);
  }));
}

/// -1, 0 or 1; 0 of NaN, as PyTorch has it.
static void buildSign(Call &call) {
  Tensor self = call.tensor("self");
  DType dtype = self.dtype;
  if (!hasSign(call, dtype))
    return;
  call.set(mapUnary(call, self, [&](OpBuilder &b, Location loc, ValueRange x) {
    Value zero = buildNumber(b, loc, dtype, 0);
    auto isGreater = [&](Value lhs, Value rhs) -> Value {
      if (isFloat(dtype))
        return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, lhs,
                                     rhs);
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, lhs, rhs);
    };
    Value negative = arith::SelectOp::create(
        b, loc, isGreater(zero, x[0]), buildNumber(b, loc, dtype, -1), zero);
    return arith::SelectOp::create(b, loc, isGreater(x[0], zero),
                                   buildNumber(b, loc, dtype, 1), negative);
  }));
}

//===----------------------------------------------------------------------===//
// Minimum and maximum
//===----------------------------------------------------------------------===//

/// NaN stays NaN.
static Value buildExtreme(OpBuilder &b, Location loc, DType dtype, Value lhs,
                          Value rhs, bool isMax) {
  if (isFloat(dtype))
    return isMax ? arith::MaximumFOp::create(b, loc, lhs, rhs).getResult()
                 : arith::MinimumFOp::create(b, loc, lhs, rhs).getResult();
  bool isUnsigned = dtype == DType::U8 || isBool(dtype);
  if (isUnsigned)
    return isMax ? arith::MaxUIOp::create(b, loc, lhs, rhs).getResult()
                 : arith::MinUIOp::create(b, loc, lhs, rhs).getResult();
  return isMax ? arith::MaxSIOp::create(b, loc, lhs, rhs).getResult()
               : arith::MinSIOp::create(b, loc, lhs, rhs).getResult();
}

template <bool isMax>
static void buildExtremeOf(Call &call) {
  DType dtype = call.resultType();
  call.set(call.b.elementwise(
      {call.b.cast(call.tensor("self"), dtype), getOther(call, dtype)}, dtype,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return buildExtreme(b, loc, dtype, x[0], x[1], isMax);
      }));
}

static void buildClamp(Call &call) {
  DType dtype = call.resultType();
  Tensor result = call.b.cast(call.tensor("self"), dtype);
  for (bool isMax : {true, false}) {
    StringRef name = isMax ? "min" : "max";
    if (!call.arguments.count(name) || !call.has(name))
      continue;
    result = call.b.elementwise({result, call.scalar(name, dtype)}, dtype,
                                [&](OpBuilder &b, Location loc, ValueRange x) {
                                  return buildExtreme(b, loc, dtype, x[0], x[1],
                                                      isMax);
                                });
  }
  call.set(result);
}

//===----------------------------------------------------------------------===//
// Comparison and logic
//===----------------------------------------------------------------------===//

template <arith::CmpFPredicate floats, arith::CmpIPredicate integers,
          arith::CmpIPredicate unsigneds>
static void buildCompare(Call &call) {
  Tensor self = call.tensor("self");
  DType dtype = self.dtype;
  const Call::Value &other = call.arguments["other"];
  if (!other.tensors.empty())
    dtype = promote(dtype, other.tensors.front().dtype);
  else if (other.number.isFloat)
    dtype = promote(dtype, DType::F32);
  else if (isBool(dtype))
    dtype = DType::I64;
  bool isUnsigned = dtype == DType::U8 || isBool(dtype);
  call.set(call.b.elementwise(
      {call.b.cast(self, dtype), getOther(call, dtype)}, DType::Bool,
      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        if (isFloat(dtype))
          return arith::CmpFOp::create(b, loc, floats, x[0], x[1]);
        return arith::CmpIOp::create(b, loc, isUnsigned ? unsigneds : integers,
                                     x[0], x[1]);
      }));
}

using FP = arith::CmpFPredicate;
using IP = arith::CmpIPredicate;
static constexpr auto buildEq = buildCompare<FP::OEQ, IP::eq, IP::eq>;
static constexpr auto buildNe = buildCompare<FP::UNE, IP::ne, IP::ne>;
static constexpr auto buildLt = buildCompare<FP::OLT, IP::slt, IP::ult>;
static constexpr auto buildLe = buildCompare<FP::OLE, IP::sle, IP::ule>;
static constexpr auto buildGt = buildCompare<FP::OGT, IP::sgt, IP::ugt>;
static constexpr auto buildGe = buildCompare<FP::OGE, IP::sge, IP::uge>;

/// On integers bit by bit, or of what is not 0.
template <typename Op, bool isLogical>
static void buildLogic(Call &call) {
  DType dtype = isLogical ? DType::Bool : call.resultType();
  if (!call.b.expect(!isFloat(dtype), "expected integers or bools"))
    return;
  call.set(call.b.elementwise(
      {call.b.cast(call.tensor("self"), dtype), getOther(call, dtype)}, dtype,
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return Op::create(b, loc, x[0], x[1]);
      }));
}

template <bool isLogical>
static void buildNot(Call &call) {
  Tensor self = call.tensor("self");
  if (isLogical)
    self = call.b.cast(self, DType::Bool);
  if (!call.b.expect(!isFloat(self.dtype), "expected integers or bools"))
    return;
  call.set(mapUnary(call, self, [&](OpBuilder &b, Location loc, ValueRange x) {
    return arith::XOrIOp::create(b, loc, x[0],
                                 buildNumber(b, loc, self.dtype, -1));
  }));
}

static Value buildSelect(OpBuilder &b, Location loc, ValueRange x) {
  return arith::SelectOp::create(b, loc, x[0], x[1], x[2]);
}

static void buildWhere(Call &call) {
  DType dtype = call.resultType();
  call.set(
      call.b.elementwise({call.b.cast(call.tensor("condition"), DType::Bool),
                          getOther(call, dtype, "self"), getOther(call, dtype)},
                         dtype, buildSelect));
}

static void buildMaskedFill(Call &call) {
  Tensor self = call.tensor("self");
  call.set(call.b.elementwise({call.b.cast(call.tensor("mask"), DType::Bool),
                               getOther(call, self.dtype, "value"), self},
                              self.dtype, buildSelect));
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// What has the type already may be the same tensor.
static void buildTo(Call &call) {
  Tensor self = call.tensor("self");
  DType dtype = call.resultType();
  if (self && self.dtype != dtype) {
    call.set(call.b.cast(self, dtype));
    return;
  }
  auto same = [](const Tensor &base) { return base; };
  call.setView("self",
               {same, [](const Tensor &, const Tensor &part) { return part; },
                /*mayCopy=*/true});
}

static void buildGelu(Call &call) {
  StringRef form = call.text("approximate");
  if (!call.b.expect(form == "none" || form == "tanh",
                     "expected gelu in the form none or tanh"))
    return;
  Tensor self = call.tensor("self");
  if (self && call.b.expect(isFloat(self.dtype), "expected floats")) {
    Tensor result = self;
    result.value = GeluOp::create(call.b.getOps(), call.b.getLocation(),
                                  self.value, form == "tanh");
    call.set(result);
  }
}

/// In eval mode it is the same tensor.
static void buildDropout(Call &call) {
  if (call.b.expect(!call.flag("train") || call.number("p") == 0,
                    "expected a module in eval mode, but got dropout of one in "
                    "train mode"))
    call.setView("input",
                 {[](const Tensor &base) { return base; },
                  [](const Tensor &, const Tensor &part) { return part; }});
}

static constexpr OpRow kRows[] = {
    {"aten.add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)",
     buildSum<&TensorBuilder::add>},
    {"aten.add.Scalar(Tensor self, Scalar other, Scalar alpha=1)",
     buildSum<&TensorBuilder::add>},
    {"aten.sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)",
     buildSum<&TensorBuilder::sub>},
    {"aten.sub.Scalar(Tensor self, Scalar other, Scalar alpha=1)",
     buildSum<&TensorBuilder::sub>},
    {"aten.rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1)",
     buildReverseSub},
    {"aten.mul.Tensor(Tensor self, Tensor other)",
     buildProduct<&TensorBuilder::mul>},
    {"aten.mul.Scalar(Tensor self, Scalar other)",
     buildProduct<&TensorBuilder::mul>},
    {"aten.div.Tensor(Tensor self, Tensor other)",
     buildProduct<&TensorBuilder::div>},
    {"aten.div.Scalar(Tensor self, Scalar other)",
     buildProduct<&TensorBuilder::div>},
    {"aten.div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode)",
     buildDivMode},
    {"aten.div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode)",
     buildDivMode},
    {"aten.pow.Tensor_Scalar(Tensor self, Scalar exponent)", buildPow},
    {"aten.neg.default(Tensor self)", buildNeg},
    {"aten.abs.default(Tensor self)", buildAbs},
    {"aten.sign.default(Tensor self)", buildSign},
    {"aten.reciprocal.default(Tensor self)", buildReciprocal},
    {"aten.sqrt.default(Tensor self)", buildMath<math::SqrtOp>},
    {"aten.rsqrt.default(Tensor self)", buildMath<math::RsqrtOp>},
    {"aten.exp.default(Tensor self)", buildMath<math::ExpOp>},
    {"aten.log.default(Tensor self)", buildMath<math::LogOp>},
    {"aten.sin.default(Tensor self)", buildMath<math::SinOp>},
    {"aten.cos.default(Tensor self)", buildMath<math::CosOp>},
    {"aten.erf.default(Tensor self)", buildMath<math::ErfOp>},
    {"aten.floor.default(Tensor self)", buildMath<math::FloorOp>},
    {"aten.ceil.default(Tensor self)", buildMath<math::CeilOp>},
    {"aten.round.default(Tensor self)", buildMath<math::RoundEvenOp>},
    {"aten.tanh.default(Tensor self)", buildActivation<TanhOp>},
    {"aten.sigmoid.default(Tensor self)", buildActivation<SigmoidOp>},
    {"aten.relu.default(Tensor self)", buildActivation<ReluOp>},
    {"aten.silu.default(Tensor self)", buildActivation<SiluOp>},
    {"aten.gelu.default(Tensor self, *, str approximate=none)", buildGelu},
    {"aten.dropout.default(Tensor input, float p, bool train)", buildDropout},
    {"aten.minimum.default(Tensor self, Tensor other)", buildExtremeOf<false>},
    {"aten.maximum.default(Tensor self, Tensor other)", buildExtremeOf<true>},
    {"aten.min.other(Tensor self, Tensor other)", buildExtremeOf<false>},
    {"aten.max.other(Tensor self, Tensor other)", buildExtremeOf<true>},
    {"aten.clamp.default(Tensor self, Scalar? min=None, Scalar? max=None)",
     buildClamp},
    {"aten.clamp_min.default(Tensor self, Scalar min)", buildClamp},
    {"aten.clamp_max.default(Tensor self, Scalar max)", buildClamp},
    {"aten.eq.Tensor(Tensor self, Tensor other)", buildEq},
    {"aten.eq.Scalar(Tensor self, Scalar other)", buildEq},
    {"aten.ne.Tensor(Tensor self, Tensor other)", buildNe},
    {"aten.ne.Scalar(Tensor self, Scalar other)", buildNe},
    {"aten.lt.Tensor(Tensor self, Tensor other)", buildLt},
    {"aten.lt.Scalar(Tensor self, Scalar other)", buildLt},
    {"aten.le.Tensor(Tensor self, Tensor other)", buildLe},
    {"aten.le.Scalar(Tensor self, Scalar other)", buildLe},
    {"aten.gt.Tensor(Tensor self, Tensor other)", buildGt},
    {"aten.gt.Scalar(Tensor self, Scalar other)", buildGt},
    {"aten.ge.Tensor(Tensor self, Tensor other)", buildGe},
    {"aten.ge.Scalar(Tensor self, Scalar other)", buildGe},
    {"aten.__and__.Tensor(Tensor self, Tensor other)",
     buildLogic<arith::AndIOp, false>},
    {"aten.__or__.Tensor(Tensor self, Tensor other)",
     buildLogic<arith::OrIOp, false>},
    {"aten.bitwise_and.Tensor(Tensor self, Tensor other)",
     buildLogic<arith::AndIOp, false>},
    {"aten.bitwise_or.Tensor(Tensor self, Tensor other)",
     buildLogic<arith::OrIOp, false>},
    {"aten.logical_and.default(Tensor self, Tensor other)",
     buildLogic<arith::AndIOp, true>},
    {"aten.logical_or.default(Tensor self, Tensor other)",
     buildLogic<arith::OrIOp, true>},
    {"aten.bitwise_not.default(Tensor self)", buildNot<false>},
    {"aten.logical_not.default(Tensor self)", buildNot<true>},
    {"aten.where.self(Tensor condition, Tensor self, Tensor other)",
     buildWhere},
    {"aten.where.ScalarOther(Tensor condition, Tensor self, Scalar other)",
     buildWhere},
    {"aten.where.ScalarSelf(Tensor condition, Scalar self, Tensor other)",
     buildWhere},
    {"aten.where.Scalar(Tensor condition, Scalar self, Scalar other)",
     buildWhere},
    {"aten.masked_fill.Scalar(Tensor self, Tensor mask, Scalar value)",
     buildMaskedFill},
    {"aten.masked_fill.Tensor(Tensor self, Tensor mask, Tensor value)",
     buildMaskedFill},
    {"aten.to.dtype(Tensor self, ScalarType dtype, bool non_blocking=False, "
     "bool copy=False, MemoryFormat? memory_format=None)",
     buildTo},
    {"aten.to.dtype_layout(Tensor self, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None, bool "
     "non_blocking=False, bool copy=False, MemoryFormat? memory_format=None)",
     buildTo},
    {"aten.to.device(Tensor self, Device device, ScalarType dtype, bool "
     "non_blocking=False, bool copy=False, MemoryFormat? memory_format=None)",
     buildTo},
    {"aten._to_copy.default(Tensor self, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None, bool "
     "non_blocking=False, MemoryFormat? memory_format=None)",
     buildTo},
    {"aten.type_as.default(Tensor self, Tensor other)", buildTo},
};

llvm::ArrayRef<OpRow> pt2::getElementwiseOps() { return kRows; }
