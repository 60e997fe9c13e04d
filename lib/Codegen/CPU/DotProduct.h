//===- DotProduct.h - u8 x s8 dot products per ISA -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_DOTPRODUCT_H
#define TQ_LIB_CODEGEN_CPU_DOTPRODUCT_H

#include "tq/Codegen/CPU/Target.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// A group of four weights for 16 outputs, prepared for many dot products.
struct DotWeights {
  llvm::SmallVector<mlir::Value, 2> parts;
  /// vector<16xi32> to add to each sum, or null.
  mlir::Value correction = {};
};

/// Four inputs, prepared for many dot products.
struct DotInputs {
  llvm::SmallVector<mlir::Value, 2> parts;
};

/// `weights`: vector<64xi8>, s8, four of output 0, four of output 1, ...
DotWeights prepareWeights(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                          mlir::Value weights);

/// `inputs`: i32 that holds four u8 in memory order, for all outputs, or
/// vector<16xi32> with four for each output.
DotInputs prepareInputs(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                        mlir::Value inputs);

/// sums[j] + sum_i inputs[i] * weights[4 j + i], exact, vector<16xi32>.
mlir::Value emitDot(mlir::ImplicitLocOpBuilder &builder, DotKind kind,
                    mlir::Value sums, const DotInputs &inputs,
                    const DotWeights &weights);

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_DOTPRODUCT_H
