//===- MathExpansion.cpp - tq's math functions as arith ops ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Quant/Polynomials.h"
#include "tq/Quant/Rounding.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace tq;

//===----------------------------------------------------------------------===//
// FloatBuilder
//===----------------------------------------------------------------------===//

static Value buildConstant(OpBuilder &builder, Location loc, Type like,
                           TypedAttr element) {
  auto shaped = dyn_cast<ShapedType>(like);
  if (!shaped)
    return arith::ConstantOp::create(builder, loc, element);
  auto type = cast<ShapedType>(shaped.clone(element.getType()));
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, Attribute(element)));
}

/// `like` with other elements.
static Type withElement(Type like, Type element) {
  auto shaped = dyn_cast<ShapedType>(like);
  return shaped ? Type(shaped.clone(element)) : element;
}

Value FloatBuilder::constant(Type like, float value) {
  return buildConstant(builder, loc, like, builder.getF32FloatAttr(value));
}

Value FloatBuilder::intConstant(Type like, int32_t value) {
  return buildConstant(builder, loc, like, builder.getI32IntegerAttr(value));
}

Value FloatBuilder::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b);
}

Value FloatBuilder::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b);
}

Value FloatBuilder::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b);
}

Value FloatBuilder::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}

Value FloatBuilder::neg(Value a) {
  return arith::NegFOp::create(builder, loc, a);
}

Value FloatBuilder::abs(Value a) {
  return math::AbsFOp::create(builder, loc, a);
}

Value FloatBuilder::sqrt(Value a) {
  return math::SqrtOp::create(builder, loc, a);
}

Value FloatBuilder::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(builder, loc, a, b, c);
}

Value FloatBuilder::ifGreater(Value greater, Value less, Value yes, Value no) {
  Value condition = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OGT, greater, less);
  return arith::SelectOp::create(builder, loc, condition, yes, no);
}

Value FloatBuilder::bits(Value a) {
  return arith::BitcastOp::create(
      builder, loc, withElement(a.getType(), builder.getI32Type()), a);
}

Value FloatBuilder::fromBits(Value a) {
  return arith::BitcastOp::create(
      builder, loc, withElement(a.getType(), builder.getF32Type()), a);
}

Value FloatBuilder::limitBelow(float bound, Value x) {
  Value limit = constant(x.getType(), bound);
  return ifGreater(limit, x, limit, x);
}

Value FloatBuilder::limitAbove(float bound, Value x) {
  Value limit = constant(x.getType(), bound);
  return ifGreater(x, limit, limit, x);
}

Value FloatBuilder::roundProduct(Value x, Value y) {
  Value sum = fma(x, y, constant(x.getType(), tq::quant::kRoundMagic));
  Value magic = intConstant(x.getType(), tq::quant::kRoundMagicBits);
  return arith::SubIOp::create(builder, loc, bits(sum), magic);
}

Value FloatBuilder::clampInt(Value x, int32_t low, int32_t high) {
  Value raised =
      arith::MaxSIOp::create(builder, loc, x, intConstant(x.getType(), low));
  return arith::MinSIOp::create(builder, loc, raised,
                                intConstant(x.getType(), high));
}

Value FloatBuilder::wideConstant(Type like, double value) {
  return buildConstant(builder, loc, like, builder.getF64FloatAttr(value));
}

Value FloatBuilder::widen(Value a) {
  return arith::ExtFOp::create(
      builder, loc, withElement(a.getType(), builder.getF64Type()), a);
}

Value FloatBuilder::narrow(Value a) {
  return arith::TruncFOp::create(
      builder, loc, withElement(a.getType(), builder.getF32Type()), a);
}

Value FloatBuilder::lowBits(Value a) {
  Value all = arith::BitcastOp::create(
      builder, loc, withElement(a.getType(), builder.getI64Type()), a);
  return arith::TruncIOp::create(
      builder, loc, withElement(a.getType(), builder.getI32Type()), all);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// c[0] + x * (c[1] + x * (c[2] + ...)), one fma a step.
static Value horner(FloatBuilder &f, ArrayRef<float> coefficients, Value x) {
  Value p = f.constant(x.getType(), coefficients.back());
  for (float c : llvm::reverse(coefficients.drop_back()))
    p = f.fma(p, x, f.constant(x.getType(), c));
  return p;
}

/// 2^n * p for p near 1, where n is the integer in the low bits of `t`.
static Value scaleByPowerOfTwo(OpBuilder &builder, Location loc, Value p,
                               Value t) {
  FloatBuilder f(builder, loc);
  Value shift = f.intConstant(t.getType(), 23);
  Value n = arith::ShLIOp::create(builder, loc, f.bits(t), shift);
  return f.fromBits(arith::AddIOp::create(builder, loc, f.bits(p), n));
}

/// p(f) * 2^n for x = n + f, n an integer, whose sum does not overflow.
static Value exp2InRange(OpBuilder &builder, Location loc, Value x,
                         ArrayRef<float> p = tq::quant::kExp2Poly) {
  FloatBuilder f(builder, loc);
  Value magic = f.constant(x.getType(), tq::quant::kRoundMagic);
  Value t = f.add(x, magic);
  Value fraction = f.sub(x, f.sub(t, magic));
  return scaleByPowerOfTwo(builder, loc, horner(f, p, fraction), t);
}

/// `result`, or `x` itself where it is NaN.
static Value keepNaN(OpBuilder &builder, Location loc, Value x, Value result) {
  Value ordered =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, x, x);
  return arith::SelectOp::create(builder, loc, ordered, result, x);
}

/// 2^x for x < 128.
static Value exp2Below(OpBuilder &builder, Location loc, Value x,
                       ArrayRef<float> p) {
  FloatBuilder f(builder, loc);
  Value low = f.constant(x.getType(), tq::quant::kExp2Min);
  return exp2InRange(builder, loc, f.ifGreater(x, low, x, low), p);
}

Value tq::buildExp2Kernel(OpBuilder &builder, Location loc, Value x) {
  return exp2Below(builder, loc, x, tq::quant::kExp2Poly);
}

Value tq::buildExp2Coarse(OpBuilder &builder, Location loc, Value x) {
  return exp2Below(builder, loc, x, tq::quant::kExp2CoarsePoly);
}

Value tq::buildWeightU8(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Value low = f.constant(x.getType(), tq::quant::kWeightMin);
  Value weight = exp2InRange(builder, loc, f.ifGreater(x, low, x, low),
                             tq::quant::kWeightPoly);
  Value magic = f.constant(x.getType(), tq::quant::kRoundMagic);
  return arith::SubIOp::create(
      builder, loc, f.bits(f.add(weight, magic)),
      f.intConstant(x.getType(), tq::quant::kRoundMagicBits));
}

Value tq::buildExp2(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Value v =
      f.limitAbove(tq::quant::kExp2Max, f.limitBelow(tq::quant::kExp2Min, x));
  return keepNaN(builder, loc, x, exp2InRange(builder, loc, v));
}

Value tq::buildExp(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  Value low = f.constant(type, tq::quant::kExpMin);
  Value high = f.constant(type, tq::quant::kExpMax);
  Value magic = f.constant(type, tq::quant::kRoundMagic);
  Value log2e = f.constant(type, tq::quant::kLog2E);
  Value v =
      f.limitAbove(tq::quant::kExpMax, f.limitBelow(tq::quant::kExpMin, x));
  Value t = f.fma(v, log2e, magic);
  Value fraction = f.fma(v, log2e, f.neg(f.sub(t, magic)));
  fraction = f.fma(v, f.constant(type, tq::quant::kLog2ELow), fraction);
  Value r = scaleByPowerOfTwo(builder, loc,
                              horner(f, tq::quant::kExp2Poly, fraction), t);
  float infinity = std::numeric_limits<float>::infinity();
  r = f.ifGreater(x, high, f.constant(type, infinity), r);
  r = f.ifGreater(low, x, f.constant(type, 0.0f), r);
  return keepNaN(builder, loc, x, r);
}

Value tq::buildErf(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Value a = f.limitAbove(tq::quant::kErfMax, f.abs(x));
  Value e =
      buildExp2(builder, loc, f.mul(a, horner(f, tq::quant::kErfPoly, a)));
  Value r = f.sub(f.constant(x.getType(), 1.0f), e);
  return math::CopySignOp::create(builder, loc, r, x);
}

Value tq::buildTanh(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  Value a = f.abs(x);
  Value z = f.mul(a, a);
  Value nearZero = f.fma(f.mul(a, z), horner(f, tq::quant::kTanhPoly, z), a);
  Value one = f.constant(type, 1.0f);
  Value denominator = f.add(one, buildExp(builder, loc, f.add(a, a)));
  Value far = f.sub(one, f.div(f.constant(type, 2.0f), denominator));
  Value small = f.constant(type, tq::quant::kTanhSmall);
  return math::CopySignOp::create(builder, loc,
                                  f.ifGreater(small, a, nearZero, far), x);
}

namespace {
struct ReducedAngle {
  Value rest, quarters;
};
} // namespace

/// |x| as a multiple of pi/2 and what is left of it.
static ReducedAngle reduceAngle(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  Value limited = f.limitAbove(tq::quant::kAngleMax, f.abs(x));
  Value a = f.widen(f.fma(x, f.constant(type, 0.0f), limited));
  Value magic = f.wideConstant(type, tq::quant::kRoundMagicF64);
  Value t = f.fma(a, f.wideConstant(type, tq::quant::kTwoOverPi), magic);
  Value n = f.neg(f.sub(t, magic));
  Value rest = f.fma(n, f.wideConstant(type, tq::quant::kHalfPi), a);
  rest = f.fma(n, f.wideConstant(type, tq::quant::kHalfPiLow), rest);
  return {f.narrow(rest), f.lowBits(t)};
}

/// `x` with its sign changed where `bits` have the sign bit.
static Value flipSign(OpBuilder &builder, Location loc, Value x, Value bits) {
  FloatBuilder f(builder, loc);
  Value mask = f.intConstant(x.getType(), INT32_MIN);
  Value sign = arith::AndIOp::create(builder, loc, bits, mask);
  return f.fromBits(arith::XOrIOp::create(builder, loc, f.bits(x), sign));
}

/// sin(rest + quarters * pi/2).
static Value sinReduced(OpBuilder &builder, Location loc, ReducedAngle angle) {
  FloatBuilder f(builder, loc);
  Value r = angle.rest;
  Type type = r.getType();
  Value z = f.mul(r, r);
  Value sine = f.fma(f.mul(r, z), horner(f, tq::quant::kSinPoly, z), r);
  Value cosine = horner(f, tq::quant::kCosPoly, z);
  Value odd = arith::AndIOp::create(builder, loc, angle.quarters,
                                    f.intConstant(type, 1));
  Value isEven = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       odd, f.intConstant(type, 0));
  Value y = arith::SelectOp::create(builder, loc, isEven, sine, cosine);
  Value half = arith::ShLIOp::create(builder, loc, angle.quarters,
                                     f.intConstant(type, 30));
  return flipSign(builder, loc, y, half);
}

Value tq::buildSin(OpBuilder &builder, Location loc, Value x) {
  Value y = sinReduced(builder, loc, reduceAngle(builder, loc, x));
  return flipSign(builder, loc, y, FloatBuilder(builder, loc).bits(x));
}

Value tq::buildCos(OpBuilder &builder, Location loc, Value x) {
  ReducedAngle angle = reduceAngle(builder, loc, x);
  Value one = FloatBuilder(builder, loc).intConstant(x.getType(), 1);
  angle.quarters = arith::AddIOp::create(builder, loc, angle.quarters, one);
  return sinReduced(builder, loc, angle);
}

Value tq::buildLog(OpBuilder &builder, Location loc, Value x) {
  using Limits = std::numeric_limits<float>;
  using tq::quant::kSqrtHalfBits;
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  Value smallest = f.constant(type, Limits::min());
  Value v = f.ifGreater(smallest, x, f.mul(x, f.constant(type, 0x1p23f)), x);
  Value sqrtHalf = f.intConstant(type, kSqrtHalfBits);
  Value base = f.ifGreater(
      smallest, x, f.intConstant(type, kSqrtHalfBits + (23 << 23)), sqrtHalf);
  Value bits = arith::SubIOp::create(builder, loc, f.bits(v), base);
  Value exponent =
      arith::ShRSIOp::create(builder, loc, bits, f.intConstant(type, 23));
  Value e = arith::SIToFPOp::create(builder, loc, type, exponent);
  Value mantissa =
      arith::AndIOp::create(builder, loc, bits, f.intConstant(type, 0x7FFFFF));
  Value m = f.fromBits(arith::AddIOp::create(builder, loc, mantissa, sqrtHalf));
  Value fraction = f.sub(m, f.constant(type, 1.0f));
  Value y = f.fma(f.mul(fraction, fraction),
                  horner(f, tq::quant::kLogPoly, fraction), fraction);
  y = f.fma(e, f.constant(type, tq::quant::kLn2), y);
  Value zero = f.constant(type, 0.0f);
  Value outside = f.ifGreater(zero, x, f.constant(type, Limits::quiet_NaN()),
                              f.constant(type, -Limits::infinity()));
  y = f.ifGreater(x, zero, y, outside);
  return f.ifGreater(f.constant(type, Limits::infinity()), x, y, x);
}

Value tq::buildRsqrt(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  return f.div(f.constant(x.getType(), 1.0f), f.sqrt(x));
}

/// 1 + e^-x.
static Value onePlusExpNeg(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  return f.add(f.constant(x.getType(), 1.0f), buildExp(builder, loc, f.neg(x)));
}

/// x / (1 + e^(c x)), where c is -1.702.
static Value buildQuickGelu(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  Value factor = f.constant(type, tq::quant::kQuickGeluFactor);
  Value e = buildExp(builder, loc, f.mul(factor, x));
  return f.div(x, f.add(f.constant(type, 1.0f), e));
}

static Value buildGelu(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Value a = f.limitAbove(tq::quant::kGeluMax, f.abs(x));
  Value e = buildExp2Kernel(builder, loc,
                            f.mul(a, horner(f, tq::quant::kGeluPoly, a)));
  Value zero = f.constant(x.getType(), 0.0f);
  Value positive = f.ifGreater(x, zero, x, zero);
  return f.fma(f.mul(f.constant(x.getType(), -0.5f), a), e, positive);
}

static Value buildGeluTanh(OpBuilder &builder, Location loc, Value x) {
  FloatBuilder f(builder, loc);
  Value inner =
      f.fma(f.mul(x, x), f.constant(x.getType(), tq::quant::kGeluTanhPoly[1]),
            f.constant(x.getType(), tq::quant::kGeluTanhPoly[0]));
  Value e = buildExp2(builder, loc, f.mul(x, inner));
  return f.div(x, f.add(f.constant(x.getType(), 1.0f), e));
}

/// max(x, 0) - a * S(a) for a = min(|x|, bound).
static Value buildGeluFromSquares(OpBuilder &builder, Location loc,
                                  ArrayRef<float> poly, ArrayRef<float> squares,
                                  float bound, Value x) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  Value limit = f.intConstant(type, tq::quant::floatBits(bound));
  Value a =
      f.fromBits(arith::MinSIOp::create(builder, loc, f.bits(f.abs(x)), limit));
  Value p = horner(f, poly, a);
  for (float s : squares)
    p = f.fma(p, p, f.constant(type, s));
  return f.fma(f.neg(a), p, f.limitBelow(0.0f, x));
}

Value tq::buildActivation(OpBuilder &builder, Location loc,
                          Activation activation, Value x) {
  FloatBuilder f(builder, loc);
  switch (activation) {
  case Activation::None:
    return x;
  case Activation::Gelu:
    return buildGelu(builder, loc, x);
  case Activation::GeluTanh:
    return buildGeluTanh(builder, loc, x);
  case Activation::Relu:
    return f.limitBelow(0.0f, x);
  case Activation::Silu:
    return f.div(x, onePlusExpNeg(builder, loc, x));
  case Activation::Tanh:
    return buildTanh(builder, loc, x);
  case Activation::Sigmoid:
    return f.div(f.constant(x.getType(), 1.0f), onePlusExpNeg(builder, loc, x));
  case Activation::QuickGelu:
    return buildQuickGelu(builder, loc, x);
  }
  llvm_unreachable("covered switch");
}

Value tq::buildCoarseActivation(OpBuilder &builder, Location loc,
                                Activation activation, Value x) {
  if (activation == Activation::Gelu)
    return buildGeluFromSquares(builder, loc, tq::quant::kGeluCoarsePoly,
                                tq::quant::kGeluCoarseSquares,
                                tq::quant::kGeluCoarseMax, x);
  if (activation == Activation::GeluTanh)
    return buildGeluFromSquares(builder, loc, tq::quant::kGeluTanhCoarsePoly,
                                tq::quant::kGeluTanhCoarseSquares,
                                tq::quant::kGeluTanhCoarseMax, x);
  return buildActivation(builder, loc, activation, x);
}

/// The bits of a sum with the magic number.
///
/// Clamps before the integer is taken out: values may lie so far outside of the
/// range that the sum with the magic number is no integer. The upper bound is
/// one of positive floats, whose bits are ordered as they are.
static Value clampMagic(OpBuilder &builder, Location loc, Value v, Value lowest,
                        Value highest) {
  FloatBuilder f(builder, loc);
  v = f.ifGreater(v, lowest, v, lowest);
  return arith::MinSIOp::create(builder, loc, f.bits(v), highest);
}

/// The low byte of the magic number's bits is 0.
static Value lowByte(OpBuilder &builder, Location loc, Value bits) {
  Type bytes = builder.getI8Type();
  if (auto vector = dyn_cast<VectorType>(bits.getType()))
    bytes = vector.clone(bytes);
  return arith::TruncIOp::create(builder, loc, bytes, bits);
}

Value tq::buildQuantize(OpBuilder &builder, Location loc, Value x,
                        Value inverse, Value zero, int64_t low, int64_t high) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  // All of these are exact, as the zero point is an integer.
  Value lowest = f.sub(f.constant(type, tq::quant::kRoundMagic + float(low)),
                       arith::SIToFPOp::create(builder, loc, type, zero));
  Value highest =
      arith::SubIOp::create(builder, loc,
                            f.intConstant(type, tq::quant::kRoundMagicBits +
                                                    static_cast<int32_t>(high)),
                            zero);
  Value v = f.add(f.mul(x, inverse), f.constant(type, tq::quant::kRoundMagic));
  Value bits = clampMagic(builder, loc, v, lowest, highest);
  return lowByte(builder, loc, arith::AddIOp::create(builder, loc, bits, zero));
}

Value tq::buildCoarseQuantize(OpBuilder &builder, Location loc, Value x,
                              Value inverse, Value zero, int64_t low,
                              int64_t high) {
  FloatBuilder f(builder, loc);
  Type type = x.getType();
  // Exact, as the zero point is an integer.
  Value offset = f.add(f.constant(type, tq::quant::kRoundMagic),
                       arith::SIToFPOp::create(builder, loc, type, zero));
  Value lowest = f.constant(type, tq::quant::kRoundMagic + float(low));
  Value highest = f.intConstant(type, tq::quant::kRoundMagicBits +
                                          static_cast<int32_t>(high));
  Value v = f.fma(x, inverse, offset);
  return lowByte(builder, loc, clampMagic(builder, loc, v, lowest, highest));
}
