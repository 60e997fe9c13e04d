//===- DotProduct.h - Dot products of words per ISA -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_DOTPRODUCT_H
#define TQ_LIB_CODEGEN_CPU_DOTPRODUCT_H

#include "tq/Codegen/CPU/Isa.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// A group of weights for 16 outputs, prepared for many dot products.
struct DotWeights {
  llvm::SmallVector<mlir::Value, 2> parts;
  /// vector<16xi32> to add to each sum, or null.
  mlir::Value correction = {};
};

/// A group of inputs, prepared for many dot products.
struct DotInputs {
  llvm::SmallVector<mlir::Value, 2> parts;
};

/// `weights`: vector<64xi8>, s8, four of output 0, four of output 1, ...; the
/// same with two of bf16 in place of four; or vector<16xf32>, one an output.
DotWeights prepareWeights(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                          mlir::Value weights);

/// `inputs`: i32 that holds four u8 or two bf16 in memory order, for all
/// outputs, or vector<16xi32> with as many for each output; or f32.
DotInputs prepareInputs(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                        mlir::Value inputs);

/// sums[j] + sum_i inputs[i] * weights[j][i]: vector<16xi32>, exact, or
/// vector<16xf32>, rounded as the ISA does.
mlir::Value emitDot(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                    mlir::Value sums, const DotInputs &inputs,
                    const DotWeights &weights);

/// vector<16xi32> of two bf16: vectors of f32, rounded to nearest even. NaN
/// stays NaN.
mlir::Value packBf16(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                     mlir::Value low, mlir::Value high);

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_DOTPRODUCT_H
