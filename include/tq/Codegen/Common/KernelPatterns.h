//===- KernelPatterns.h - What kernels on tensors are -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kinds of kernels that generators write, for any target. A match says all
// that they need to know, and that nothing in the kernel can stop them.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_COMMON_KERNELPATTERNS_H
#define TQ_CODEGEN_COMMON_KERNELPATTERNS_H

#include "tq/Codegen/Common/LaneOps.h"
#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {

/// A contraction of rows with a weight, and elementwise ops around it:
///
///     acc[rows..., n] = init + sum_k x[rows..., k] * w[n, k]
///
/// of u8 and s8 in s32, or of f32 by fma.
struct ContractionPattern {
  mlir::func::FuncOp kernel;
  mlir::linalg::GenericOp op;
  /// Elementwise ops whose results leave the kernel, in order.
  llvm::SmallVector<mlir::linalg::GenericOp> epilogue;
  unsigned rowRank = 0; ///< leading dimensions that are rows, at least one
  bool isInteger = false;
  int64_t outputs = 0, inputs = 0; ///< N and K
  /// What is multiplied: [rows..., K], and a weight [N, K] that nothing else
  /// reads.
  mlir::BlockArgument input, weight;
};

/// Ops over (rows..., lane): elementwise ones, reductions along lanes, ops over
/// rows alone.
struct RowsPattern {
  /// A reduction, whose partial results any order of `combine` may give, but
  /// for sums of f32.
  struct Reduction {
    bool isFloatSum = false;
    mlir::TypedAttr initial; ///< what the op starts with
    mlir::TypedAttr neutral; ///< what partial results start with
  };
  /// A dimension of an argument.
  struct Size {
    unsigned argument = ~0u, dim = 0;
    bool isKnown() const { return argument != ~0u; }
  };

  mlir::func::FuncOp kernel;
  llvm::SmallVector<mlir::linalg::GenericOp> ops;
  unsigned rowRank = 0;
  llvm::DenseMap<mlir::Operation *, Reduction> reductions;
  llvm::SmallVector<Size> rowSizes;
  int64_t laneSize = mlir::ShapedType::kDynamic;
  Size dynamicLaneSize; ///< where `laneSize` is dynamic
};

/// One op of attention, on arguments or slices of them.
struct AttentionPattern {
  /// Columns of an argument [batch, token, column].
  struct Operand {
    mlir::BlockArgument argument;
    int64_t firstColumn = 0;
    mlir::BlockArgument prefix = {}; ///< how many tokens; null: all
  };

  AttentionOpInterface op;
  Operand query, key, value;
  mlir::BlockArgument mask = {}; ///< null: none
  mlir::BlockArgument result;
  /// Of `tq.static_attention`; the last two may be null.
  mlir::BlockArgument scoreScales = {}, valueScales = {}, inverseScales = {},
                      zeroPoints = {};
};

// Each fails, without a word, on a kernel that is not of its kind. Kernels are
// those of `program.kernel`: functions in destination style.

mlir::FailureOr<ContractionPattern> matchContraction(mlir::func::FuncOp kernel);
mlir::FailureOr<RowsPattern> matchRows(mlir::func::FuncOp kernel);
mlir::FailureOr<AttentionPattern> matchAttention(mlir::func::FuncOp kernel);

} // namespace tq

#endif // TQ_CODEGEN_COMMON_KERNELPATTERNS_H
