//===- MathExpansion.h - tq's math functions as arith ops -------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each builder emits the operations of the function of the same name in
// tq/Quant/Math.h, in the same order, so that generated code gives the same
// bits. Values are f32 or vectors of f32; inside of sin and cos, also f64.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CONVERSION_TQTOLINALG_MATHEXPANSION_H
#define TQ_CONVERSION_TQTOLINALG_MATHEXPANSION_H

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/Builders.h"

namespace tq {

/// Arithmetic on f32 values of one type, at one place. What takes no constant
/// takes f64 as well.
class FloatBuilder {
public:
  FloatBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value constant(mlir::Type like, float value);
  /// An i32, or a vector of i32, shaped as `like`.
  mlir::Value intConstant(mlir::Type like, int32_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value neg(mlir::Value a);
  mlir::Value abs(mlir::Value a);
  mlir::Value sqrt(mlir::Value a);
  /// a * b + c with one rounding.
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  /// `greater > less ? yes : no`, false for NaN.
  mlir::Value ifGreater(mlir::Value greater, mlir::Value less, mlir::Value yes,
                        mlir::Value no);
  /// The bits as i32, and back.
  mlir::Value bits(mlir::Value a);
  mlir::Value fromBits(mlir::Value a);
  /// max(bound, x), min(bound, x); NaN in `x` stays NaN.
  mlir::Value limitBelow(float bound, mlir::Value x);
  mlir::Value limitAbove(float bound, mlir::Value x);
  /// The integer nearest to x * y, half to even, as i32; exact for magnitudes
  /// below 2^22.
  mlir::Value roundProduct(mlir::Value x, mlir::Value y);
  mlir::Value clampInt(mlir::Value x, int32_t low, int32_t high);
  /// An f64, or a vector of f64, shaped as `like`; f32 to f64 and back.
  mlir::Value wideConstant(mlir::Type like, double value);
  mlir::Value widen(mlir::Value a);
  mlir::Value narrow(mlir::Value a);
  /// The low half of an f64's bits, as i32.
  mlir::Value lowBits(mlir::Value a);

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
};

mlir::Value buildExp2Kernel(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value x);
/// The same with kExp2CoarsePoly; for vector code only.
mlir::Value buildExp2Coarse(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value x);
/// An i32 in [0, 255].
mlir::Value buildWeightU8(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value x);
mlir::Value buildExp2(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value x);
mlir::Value buildExp(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value x);
mlir::Value buildErf(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value x);
mlir::Value buildTanh(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value x);
mlir::Value buildSin(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value x);
mlir::Value buildCos(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value x);
mlir::Value buildLog(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value x);
/// 1 / sqrt(x), both correctly rounded.
mlir::Value buildRsqrt(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value x);
mlir::Value buildActivation(mlir::OpBuilder &builder, mlir::Location loc,
                            Activation activation, mlir::Value x);
/// The same for a result that is quantized to u8 at once: GELU and its tanh
/// form are coarse, the others as above.
mlir::Value buildCoarseActivation(mlir::OpBuilder &builder, mlir::Location loc,
                                  Activation activation, mlir::Value x);

/// What `tq.quantize` makes of `x`: 8 bits from `low` to `high`, as
/// quantizeClamped of tq/Quant/Quantize.h. `zero` is i32, shaped as `x`.
mlir::Value buildQuantize(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value x, mlir::Value inverse, mlir::Value zero,
                          int64_t low, int64_t high);

/// The same of a `coarse` one, as quantizeCoarse.
mlir::Value buildCoarseQuantize(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value x, mlir::Value inverse,
                                mlir::Value zero, int64_t low, int64_t high);

} // namespace tq

#endif // TQ_CONVERSION_TQTOLINALG_MATHEXPANSION_H
